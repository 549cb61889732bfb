"""Makes full-size checkpoints with random weights, and what diffusers renders with them in float32.

    python inference/testdata/make_fullsize.py FOLDER [--families sd1 sdxl] [--no-renders]

Needs torch, diffusers, transformers and pillow; 13 GB of disk for sd1, 14 GB for sdxl, and 8 GB or 18 GB of free memory.
For each family it writes FOLDER/NAME, a diffusers folder; FOLDER/NAME.safetensors, the same as a single file in fp16;
NAME-controlnet.safetensors, a ControlNet in fp16 with LDM's names (sd1); NAME.png, a render; and NAME.json, its request.
Weights are rounded to what fp16 holds, so that every file has the same ones. What is there already is kept.

`make test-full` and `make bench` run it.
"""

import argparse
import gc
import json
import logging
import pathlib
import time

import numpy as np
import torch
from diffusers import (AutoencoderKL, ControlNetModel, DPMSolverMultistepScheduler, StableDiffusionControlNetPipeline,
                       StableDiffusionPipeline, StableDiffusionXLPipeline, UNet2DConditionModel)
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

import ldm_names
from clip_vocab import tokenizer

PROMPT = "a tall red ceramic vase with a narrow neck, studio lighting"
NEGATIVE = "blurry, low quality"
SCHEDULER = {"_class_name": "DDIMScheduler", "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
             "clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1, "prediction_type": "epsilon",
             "timestep_spacing": "leading", "num_train_timesteps": 1000}
# Full-size networks, as the configs of the published checkpoints describe them.
CROSS = "CrossAttnDownBlock2D"
SD1_UNET = dict(block_out_channels=(320, 640, 1280, 1280), attention_head_dim=8, cross_attention_dim=768,
                down_block_types=(CROSS, CROSS, CROSS, "DownBlock2D"))
SD2_UNET = dict(SD1_UNET, attention_head_dim=(5, 10, 20, 20), cross_attention_dim=1024, use_linear_projection=True)
SDXL_UNET = dict(block_out_channels=(320, 640, 1280), attention_head_dim=(5, 10, 20), cross_attention_dim=2048, use_linear_projection=True,
                 down_block_types=("DownBlock2D", CROSS, CROSS), transformer_layers_per_block=(1, 2, 10),
                 addition_embed_type="text_time", addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816)
UP = {CROSS: "CrossAttnUpBlock2D", "DownBlock2D": "UpBlock2D"}
CLIP_L = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, hidden_act="quick_gelu", projection_dim=768)
CLIP_H = dict(hidden_size=1024, intermediate_size=4096, num_hidden_layers=23, num_attention_heads=16, hidden_act="gelu", projection_dim=1024)
CLIP_G = dict(hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_attention_heads=20, hidden_act="gelu", projection_dim=1280)


def unet(config):
    return UNet2DConditionModel(**config, up_block_types=tuple(UP[t] for t in reversed(config["down_block_types"])), sample_size=64)


def text(config, cls=CLIPTextModel):
    return cls(CLIPTextConfig(vocab_size=49408, bos_token_id=49406, eos_token_id=49407, **config))


def vae(scaling):
    return AutoencoderKL(block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4, scaling_factor=scaling,
                         down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, sample_size=512)


FAMILIES = {
    "sd1": (100, {"text_encoder": lambda: text(CLIP_L), "unet": lambda: unet(SD1_UNET), "vae": lambda: vae(0.18215),
                  "controlnet": lambda: ControlNetModel(**SD1_UNET)}),
    "sd2": (200, {"text_encoder": lambda: text(CLIP_H), "unet": lambda: unet(SD2_UNET), "vae": lambda: vae(0.18215)}),
    "sdxl": (300, {"text_encoder": lambda: text(CLIP_L), "text_encoder_2": lambda: text(CLIP_G, CLIPTextModelWithProjection),
                   "unet": lambda: unet(SDXL_UNET), "vae": lambda: vae(0.13025)}),
}


def randomise(net, seed):
    """Weights of which every one matters, also those that start at zero, and that keep activations near 1."""
    gen = torch.Generator().manual_seed(seed)
    for name, p in sorted(net.named_parameters()):
        noise = torch.randn(p.shape, generator=gen)
        if p.ndim == 1:
            noise = noise * 0.1 + (1.0 if "norm" in name and name.endswith("weight") else 0.0)
        else:
            noise *= p[0].numel() ** -0.5
        p.data = noise.half().to(p.dtype)
    return net.eval().requires_grad_(False)


def make(folder, family):
    """Draws the weights and writes the diffusers folder and the single files."""
    at = folder / family
    if (folder / f"{family}.safetensors").exists():
        return
    seed, parts = FAMILIES[family]
    # SDXL's folder is in fp16, to fit on small disks; load() widens it.
    half = family == "sdxl"
    nets = {}
    for i, (part, build) in enumerate(parts.items()):
        with torch.device("meta"):
            net = build().half() if half else build()
        net = net.to_empty(device="cpu")
        rebuild_buffers(net)
        nets[part] = randomise(net, seed + i)
        nets[part].save_pretrained(at / part)
        print(family, part, f"{sum(p.numel() for p in net.parameters()) / 1e6:.0f} million parameters", flush=True)
    (at / "scheduler").mkdir(exist_ok=True)
    (at / "scheduler/scheduler_config.json").write_text(json.dumps(SCHEDULER))
    for name in ("tokenizer", "tokenizer_2")[:2 if family == "sdxl" else 1]:
        tokenizers(family)[name].save_pretrained(at / name)
    index = {"_class_name": "StableDiffusionXLPipeline" if family == "sdxl" else "StableDiffusionPipeline"}
    index |= {part: ["transformers" if "text" in part else "diffusers", type(net).__name__] for part, net in nets.items() if part != "controlnet"}
    index |= {name: ["transformers", "CLIPTokenizer"] for name in tokenizers(family)} | {"scheduler": ["diffusers", "DDIMScheduler"]}
    (at / "model_index.json").write_text(json.dumps(index, indent=1))
    if "controlnet" in nets:
        control = drawing(512).resize((REQUESTS[family]["width"], REQUESTS[family]["height"]), Image.NEAREST)
        control.save(folder / f"{family}-control.png")
        single(folder / f"{family}-controlnet.safetensors", ldm_names.controlnet(nets["controlnet"]), nets)
    single(folder / f"{family}.safetensors", ldm_names.pipeline(family, nets), nets)


def rebuild_buffers(net):
    """Fills what a network keeps beside its parameters, which to_empty leaves undefined."""
    for name, buffer in net.named_buffers():
        assert name.endswith("position_ids"), name
        buffer.copy_(torch.arange(buffer.shape[-1]).expand(buffer.shape))


def single(path, entries, nets):
    weights = {part: dict(net.named_parameters()) for part, net in nets.items()}
    out = {}
    for name, refs, shape, transposed in entries:
        rows = [weights[p][n].half() for p, n in refs]
        t = torch.cat(rows) if len(rows) > 1 else rows[0]
        out[name] = (t.T.contiguous() if transposed else t).reshape(shape)
    save_file(out, path.with_suffix(".part"))
    path.with_suffix(".part").rename(path)


def tokenizers(family):
    first = tokenizer()
    if family == "sd2":
        first.pad_token = "!"
    if family != "sdxl":
        return {"tokenizer": first}
    second = tokenizer()
    second.pad_token = "!"
    return {"tokenizer": first, "tokenizer_2": second}


CLASSES = {"text_encoder": CLIPTextModel, "text_encoder_2": CLIPTextModelWithProjection, "unet": UNet2DConditionModel,
           "vae": AutoencoderKL, "controlnet": ControlNetModel}


def load(folder, family, part, dtype=torch.float32):
    return CLASSES[part].from_pretrained(folder / family / part, torch_dtype=dtype).to(dtype).eval()


def drawing(size):
    """A control image: rings, white on black."""
    y, x = np.mgrid[0:size, 0:size] / size - 0.5
    rings = (np.abs((x * x + y * y) * 16 % 1 - 0.5) < 0.12) * 255
    return Image.fromarray(np.repeat(rings.astype(np.uint8)[..., None], 3, 2))


REQUESTS = {
    "sd1": dict(width=384, height=320, steps=4, guidance=5.0, seed=11),
    "sd2": dict(width=384, height=320, steps=4, guidance=5.0, seed=12),
    "sdxl": dict(width=320, height=384, steps=3, guidance=5.0, seed=13),
}


def render(folder, family):
    """What diffusers makes of the request, in float32. Networks are loaded one after the other, to fit into memory."""
    request = dict(REQUESTS[family], prompt=PROMPT, negative=NEGATIVE, sampler="dpmpp_2m", karras=True)
    target = folder / f"{family}.png"
    if target.exists():
        return
    call = dict(num_inference_steps=request["steps"], guidance_scale=request["guidance"], width=request["width"], height=request["height"],
                generator=torch.Generator("cpu").manual_seed(request["seed"]), output_type="latent")
    scheduler = DPMSolverMultistepScheduler.from_config(SCHEDULER, use_karras_sigmas=True)
    common = dict(tokenizer=tokenizers(family)["tokenizer"], scheduler=scheduler, vae=load(folder, family, "vae"))
    plain = dict(safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    if family == "sdxl":
        encoder = StableDiffusionXLPipeline(text_encoder=load(folder, family, "text_encoder"), text_encoder_2=load(folder, family, "text_encoder_2"),
                                            tokenizer_2=tokenizers(family)["tokenizer_2"], unet=None, add_watermarker=False, **common)
        names = ("prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds")
        embeds = dict(zip(names, encoder.encode_prompt(PROMPT, negative_prompt=NEGATIVE, device="cpu")))
        del encoder
        gc.collect()
        pipe = StableDiffusionXLPipeline(text_encoder=None, text_encoder_2=None, tokenizer_2=None, unet=load(folder, family, "unet"),
                                         add_watermarker=False, force_zeros_for_empty_prompt=False, **common)
        call.update(embeds)
    else:
        parts = dict(common, text_encoder=load(folder, family, "text_encoder"), unet=load(folder, family, "unet"), **plain)
        call.update(prompt=PROMPT, negative_prompt=NEGATIVE)
        if family == "sd1":
            call["image"] = Image.open(folder / f"{family}-control.png")
            pipe = StableDiffusionControlNetPipeline(controlnet=load(folder, family, "controlnet"), **parts)
        else:
            pipe = StableDiffusionPipeline(**parts)
    pipe.set_progress_bar_config(disable=True)
    began = time.monotonic()
    latents = pipe(**call).images
    pixels = pipe.image_processor.postprocess(pipe.vae.decode(latents / pipe.vae.config.scaling_factor).sample)[0]
    deviation = np.asarray(pixels).astype(float).std()
    print(f"{family}: rendered in {time.monotonic() - began:.0f} s; latents within ±{latents.abs().max():.2f}, the image's standard deviation is {deviation:.1f}")
    assert deviation > 10, "an image that says nothing"
    (folder / f"{family}.json").write_text(json.dumps(request))
    pixels.save(target)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=["sd1", "sdxl"])
    parser.add_argument("--no-renders", action="store_true", help="write the checkpoints only")
    args = parser.parse_args()
    torch.set_grad_enabled(False)
    logging.disable(logging.WARNING)
    args.folder.mkdir(parents=True, exist_ok=True)
    for family in args.families:
        make(args.folder, family)
        gc.collect()
        if not args.no_renders:
            render(args.folder, family)
            gc.collect()


if __name__ == "__main__":
    main()
