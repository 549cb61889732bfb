"""One render with diffusers, measured: what bench_peers.py compares Maquette with. Prints a line of JSON.

    python inference/testdata/bench_torch.py MODEL CONTROLNET --size 512 --steps 3 --dtype fp32 --out FILE.png

MODEL and CONTROLNET are diffusers folders. Needs torch, diffusers, transformers and pillow.
"""

import argparse
import json
import logging
import pathlib
import time

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, ControlNetModel, DPMSolverMultistepScheduler, StableDiffusionControlNetPipeline, UNet2DConditionModel
from PIL import Image
from transformers import CLIPTextModel

from clip_vocab import tokenizer

parser = argparse.ArgumentParser()
parser.add_argument("model", type=pathlib.Path)
parser.add_argument("controlnet", type=pathlib.Path)
parser.add_argument("--control", type=pathlib.Path, required=True)
parser.add_argument("--size", type=int, required=True)
parser.add_argument("--steps", type=int, required=True)
parser.add_argument("--guidance", type=float, required=True)
parser.add_argument("--dtype", choices=("fp32", "bf16"), required=True)
parser.add_argument("--prompt", required=True)
parser.add_argument("--out", type=pathlib.Path, required=True)
parser.add_argument("--schedule", choices=["normal", "karras"], default="karras")  # diffusers has no Karras steps where the last sigma is infinite
parser.add_argument("--threads", type=int, required=True)
parser.add_argument("--count", type=int, default=1, help="images at once")
args = parser.parse_args()

logging.disable(logging.WARNING)
torch.set_grad_enabled(False)
torch.set_num_threads(args.threads)
dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[args.dtype]
tiny = "AutoencoderTiny" in (args.model / "vae/config.json").read_text()
load = lambda cls, path: cls.from_pretrained(path, torch_dtype=dtype).eval()
pipe = StableDiffusionControlNetPipeline(
    unet=load(UNet2DConditionModel, args.model / "unet"), controlnet=load(ControlNetModel, args.controlnet),
    text_encoder=load(CLIPTextModel, args.model / "text_encoder"), vae=load(AutoencoderTiny if tiny else AutoencoderKL, args.model / "vae"),
    tokenizer=tokenizer(), safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    scheduler=DPMSolverMultistepScheduler.from_pretrained(args.model / "scheduler", use_karras_sigmas=args.schedule == "karras"))
pipe.set_progress_bar_config(disable=True)
ends = []


def step(pipe, i, t, values):
    ends.append(time.monotonic())
    return values


loaded = time.monotonic()
latents = pipe(args.prompt, image=Image.open(args.control).convert("RGB").resize((args.size, args.size)), num_inference_steps=args.steps,
               guidance_scale=args.guidance, width=args.size, height=args.size, generator=torch.Generator("cpu").manual_seed(1),
               num_images_per_prompt=args.count, output_type="latent", callback_on_step_end=step).images
began = time.monotonic()
pixels = pipe.vae.decode(latents / pipe.vae.config.scaling_factor).sample
decode = time.monotonic() - began
for i, image in enumerate(pipe.image_processor.postprocess(pixels.float())):
    image.save(args.out.with_stem(f"{args.out.stem}-{i}") if i else args.out)
print(json.dumps({"steps": [b - a for a, b in zip([loaded] + ends, ends)], "decode": decode}))
