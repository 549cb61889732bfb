"""Writes testdata/pipelines.tar.gz: two small random pipelines, and what diffusers renders with them.

    python inference/testdata/make_pipeline_fixtures.py

Needs torch, diffusers, transformers and pillow. `narrow` has Stable Diffusion 1.5's layout (epsilon, AutoencoderKL, its
PNDM scheduler config, float32); `wide` has the starter's (v-prediction, AutoencoderTiny, float16). Each has two
ControlNets. Embeddings of tokens that no prompt uses are zero, so that the archive stays small. cases.json lists the
renders, NAME.png and NAME-1.png their images.
"""

import io
import json
import logging
import pathlib
import tarfile
import tempfile

import numpy as np
import torch
from diffusers import (AutoencoderKL, AutoencoderTiny, ControlNetModel, DDIMScheduler, DPMSolverMultistepScheduler,
                       EulerAncestralDiscreteScheduler, EulerDiscreteScheduler, MultiControlNetModel,
                       StableDiffusionControlNetImg2ImgPipeline, StableDiffusionControlNetPipeline,
                       StableDiffusionImg2ImgPipeline, StableDiffusionPipeline, UNet2DConditionModel)
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

from clip_vocab import tokenizer

OUT = pathlib.Path(__file__).resolve().parent / "pipelines.tar.gz"
SCHEDULERS = {"ddim": DDIMScheduler, "euler": EulerDiscreteScheduler, "euler_a": EulerAncestralDiscreteScheduler,
              "dpmpp_2m": DPMSolverMultistepScheduler}
PROMPT = "a tall glass vase with a narrow neck, studio lighting, 木制"
NEGATIVE = "blurry, low quality; it's cropped"
LONG = " ".join(["walnut", "chair,"] * 50)

PNDM = {"_class_name": "PNDMScheduler", "_diffusers_version": "0.6.0", "beta_end": 0.012,
        "beta_schedule": "scaled_linear", "beta_start": 0.00085, "num_train_timesteps": 1000,
        "set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1, "trained_betas": None,
        "clip_sample": False}
DDIM_V = {"_class_name": "DDIMScheduler", "_diffusers_version": "0.30.0", "beta_end": 0.012,
          "beta_schedule": "scaled_linear", "beta_start": 0.00085, "clip_sample": False, "num_train_timesteps": 1000,
          "prediction_type": "v_prediction", "rescale_betas_zero_snr": False, "set_alpha_to_one": False,
          "steps_offset": 1, "timestep_spacing": "leading"}


def randomise(module, seed, gain=1.0):
    """Fresh weights of which every one matters: also those that diffusers begins at zero or one."""
    gen = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in sorted(module.named_parameters()):
            noise = torch.randn(p.shape, generator=gen)
            if p.ndim == 1:
                is_norm = "norm" in name and name.endswith("weight")
                p.copy_(noise * 0.1 + (1.0 if is_norm else 0.0))
            else:
                fan_in = p[0].numel()
                p.copy_(noise * gain / fan_in**0.5)


def text_encoder(hidden, layers, used, seed):
    model = CLIPTextModel(CLIPTextConfig(vocab_size=49408, hidden_size=hidden, intermediate_size=hidden * 4,
                                         num_hidden_layers=layers, num_attention_heads=2, max_position_embeddings=77,
                                         hidden_act="quick_gelu", bos_token_id=49406, eos_token_id=49407))
    randomise(model, seed)
    weight = dict(model.named_parameters())[next(n for n, _ in model.named_parameters() if "token_embedding" in n)]
    keep = torch.zeros(49408, 1)
    keep[sorted(used)] = 1
    with torch.no_grad():
        weight.mul_(keep * hidden**0.5)
    return model


def narrow(used):
    unet = dict(block_out_channels=(16, 24), layers_per_block=2, cross_attention_dim=16, attention_head_dim=2,
                norm_num_groups=8)
    models = {
        "unet": UNet2DConditionModel(sample_size=8, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
                                     up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), **unet),
        "vae": AutoencoderKL(block_out_channels=(8, 8, 16, 16), layers_per_block=1, norm_num_groups=4,
                             latent_channels=4, down_block_types=("DownEncoderBlock2D",) * 4,
                             up_block_types=("UpDecoderBlock2D",) * 4, scaling_factor=0.18215),
        "text_encoder": text_encoder(16, 2, used, 11),
    }
    for i, name in enumerate(("controlnet-a", "controlnet-b")):
        models[name] = ControlNetModel(down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
                                       conditioning_embedding_out_channels=(4, 4, 8, 8), **unet)
        randomise(models[name], 20 + i, 0.8)
    randomise(models["unet"], 1)
    randomise(models["vae"], 2)
    return models, PNDM, torch.float32


def wide(used):
    unet = dict(block_out_channels=(24, 32, 48), layers_per_block=1, cross_attention_dim=24, attention_head_dim=4,
                norm_num_groups=8)
    down = ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D")
    models = {
        "unet": UNet2DConditionModel(sample_size=8, down_block_types=down,
                                     up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), **unet),
        "vae": AutoencoderTiny(encoder_block_out_channels=(12,) * 4, decoder_block_out_channels=(12,) * 4,
                               num_encoder_blocks=(0, 1, 1, 1), num_decoder_blocks=(1, 1, 1, 1), latent_channels=4,
                               scaling_factor=1.0),
        "text_encoder": text_encoder(24, 1, used, 12),
    }
    for i, name in enumerate(("controlnet-a", "controlnet-b")):
        models[name] = ControlNetModel(down_block_types=down, conditioning_embedding_out_channels=(4, 8, 8, 12), **unet)
        randomise(models[name], 30 + i, 0.8)
    randomise(models["unet"], 3)
    randomise(models["vae"], 4)
    return models, DDIM_V, torch.float16


def save(folder, models, scheduler, dtype):
    """Writes the pipeline as a diffusers folder, and rounds the models to what was written."""
    for name, model in models.items():
        sub = folder / name
        sub.mkdir(parents=True)
        model.to(dtype).to(torch.float32)
        tensors = {k: v.to(dtype).contiguous() for k, v in model.state_dict().items() if "position_ids" not in k}
        if name == "text_encoder":
            tensors = {k if k.startswith("text_model.") else "text_model." + k: v for k, v in tensors.items()}
            save_file(tensors, sub / "model.safetensors", metadata={"format": "pt"})
            model.config.architectures = ["CLIPTextModel"]
            model.config.save_pretrained(sub)
        else:
            save_file(tensors, sub / "diffusion_pytorch_model.safetensors", metadata={"format": "pt"})
            model.save_config(sub)
    (folder / "scheduler").mkdir()
    (folder / "scheduler/scheduler_config.json").write_text(json.dumps(scheduler, indent=1))
    index = {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.30.0",
             "scheduler": ["diffusers", scheduler["_class_name"]], "text_encoder": ["transformers", "CLIPTextModel"],
             "tokenizer": ["transformers", "CLIPTokenizer"], "unet": ["diffusers", "UNet2DConditionModel"],
             "vae": ["diffusers", type(models["vae"]).__name__]}
    (folder / "model_index.json").write_text(json.dumps(index, indent=1))


def sketch(kind, width, height):
    """A control image: white lines, or a soft ramp with colour, so that every channel and axis matters."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    if kind == "lines":
        v = ((np.abs((x - width / 3) ** 2 + (y - height / 2) ** 2 - (height / 4) ** 2) < height * 1.5)
             | (np.abs(x - 2 * y / 3 - 10) < 1.2))
        return Image.fromarray(np.repeat((v * 255).astype(np.uint8)[..., None], 3, 2))
    rgb = np.stack([x / width, y / height, (x + y) / (width + height)], -1)
    return Image.fromarray((rgb * 255).round().astype(np.uint8))


def case(name, model, sampler, karras, **kw):
    base = {"name": name, "model": model, "sampler": sampler, "karras": karras, "steps": 20, "guidance": 7.5,
            "prompt": PROMPT, "negative": NEGATIVE, "seed": 42, "count": 1, "width": 96, "height": 64, "controls": []}
    base.update(kw)
    return base


def control(net, image, weight=1.0, start=0.0, end=1.0):
    return {"net": net, "image": image, "weight": weight, "start": start, "end": end}


ONE = [control("controlnet-a", "lines")]
TWO = [control("controlnet-a", "lines", 0.8, 0.0, 0.75), control("controlnet-b", "ramp", 1.3, 0.2, 1.0)]
CASES = [
    case("narrow-dpm-karras", "narrow", "dpmpp_2m", True, controls=ONE),
    case("narrow-ddim", "narrow", "ddim", False, controls=ONE, count=2),
    case("narrow-euler", "narrow", "euler", False, controls=TWO),
    case("narrow-euler-a", "narrow", "euler_a", False, controls=TWO, seed=7, count=2),
    case("narrow-plain", "narrow", "dpmpp_2m", False, prompt=LONG, negative=""),
    case("narrow-img2img", "narrow", "euler", True, controls=ONE, strength=0.6, count=2),
    case("narrow-img2img-plain", "narrow", "ddim", False, strength=0.35),
    case("narrow-odd-size", "narrow", "euler", True, controls=ONE, width=88, height=72),
    case("wide-dpm-karras", "wide", "dpmpp_2m", True, controls=TWO, guidance=2.0),
    case("wide-ddim", "wide", "ddim", False, controls=ONE),
    case("wide-euler-karras", "wide", "euler", True, controls=TWO, seed=-3),
    case("wide-no-guidance", "wide", "dpmpp_2m", True, controls=TWO, guidance=1.0, count=2),
    case("wide-img2img", "wide", "dpmpp_2m", True, controls=TWO, strength=0.7),
    case("wide-odd-size", "wide", "ddim", False, controls=TWO, width=88, height=72),
]


def render(models, scheduler, c, controls=True):
    tok = tokenizer()
    sch = SCHEDULERS[c["sampler"]].from_config(scheduler, **({"use_karras_sigmas": True} if c["karras"] else {}))
    parts = dict(vae=models["vae"], text_encoder=models["text_encoder"], tokenizer=tok, unet=models["unet"],
                 scheduler=sch, safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    generators = [torch.Generator("cpu").manual_seed(c["seed"] + i) for i in range(c["count"])]
    call = dict(prompt=c["prompt"], negative_prompt=c["negative"], num_inference_steps=c["steps"],
                guidance_scale=c["guidance"], num_images_per_prompt=c["count"],
                generator=generators if c["count"] > 1 else generators[0])
    nets = c["controls"] if controls else []
    images = [sketch(n["image"], c["width"], c["height"]) for n in nets]
    if nets:
        parts["controlnet"] = MultiControlNetModel([models[n["net"]] for n in nets])
        call.update(controlnet_conditioning_scale=[n["weight"] for n in nets],
                    control_guidance_start=[n["start"] for n in nets], control_guidance_end=[n["end"] for n in nets])
    if "strength" in c:
        call.update(image=sketch("ramp", c["width"], c["height"]).transpose(Image.FLIP_LEFT_RIGHT),
                    strength=c["strength"])
        if nets:
            pipe = StableDiffusionControlNetImg2ImgPipeline(**parts)
            call.update(control_image=images, width=c["width"], height=c["height"])
        else:
            pipe = StableDiffusionImg2ImgPipeline(**parts)
    else:
        call.update(width=c["width"], height=c["height"])
        if nets:
            pipe = StableDiffusionControlNetPipeline(**parts)
            call.update(image=images)
        else:
            pipe = StableDiffusionPipeline(**parts)
    pipe.set_progress_bar_config(disable=True)
    return pipe(**call).images


def main():
    torch.set_grad_enabled(False)
    logging.disable(logging.WARNING)
    tok = tokenizer()
    used = {49406, 49407}
    for text in (PROMPT, NEGATIVE, LONG, ""):
        used |= set(tok(text, add_special_tokens=False)["input_ids"])
    with tempfile.TemporaryDirectory() as tmp:
        root = pathlib.Path(tmp)
        built = {}
        for build in (narrow, wide):
            models, scheduler, dtype = build(used)
            for m in models.values():
                m.eval()
            save(root / build.__name__, models, scheduler, dtype)
            built[build.__name__] = (models, scheduler)
        for c in CASES:
            models, scheduler = built[c["model"]]
            images = render(models, scheduler, c)
            first = np.asarray(images[0]).astype(int)
            line = f"{c['name']}: std {first.std():.1f}"
            if c["controls"]:
                free = np.asarray(render(models, scheduler, c, False)[0]).astype(int)
                line += f", control moves it by {np.abs(free - first).mean():.1f}"
                assert np.abs(free - first).mean() > 2, line
            assert first.std() > 15, line
            print(line)
            for i, image in enumerate(images):
                image.save(root / (c["name"] + (f"-{i}" if i else "") + ".png"))
            for n in c["controls"]:
                sketch(n["image"], c["width"], c["height"]).save(root / f"{n['image']}-{c['width']}x{c['height']}.png")
            if "strength" in c:
                init = sketch("ramp", c["width"], c["height"]).transpose(Image.FLIP_LEFT_RIGHT)
                init.save(root / f"init-{c['width']}x{c['height']}.png")
        (root / "cases.json").write_text(json.dumps(CASES, indent=1))
        with tarfile.open(OUT, "w:gz", compresslevel=9) as tar:
            for path in sorted(root.rglob("*")):
                if path.is_file():
                    data = path.read_bytes()
                    info = tarfile.TarInfo(str(path.relative_to(root)))
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
    print(OUT.stat().st_size, "bytes")


main()
