"""Writes testdata/modes.json and mode-NAME.png: what diffusers renders in each mode with the small sd1 model of make_family_fixtures.py.

    python inference/testdata/make_mode_fixtures.py

Needs torch, diffusers, transformers and pillow. Inpainting with a UNet of four channels, soft masks, control modes, a
second pass at a higher resolution, and a VAE in tiles.
"""

import json
import logging

import numpy as np
import torch
from diffusers import (DDIMScheduler, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler, EulerDiscreteScheduler,
                       StableDiffusionControlNetImg2ImgPipeline, StableDiffusionControlNetPipeline, StableDiffusionImg2ImgPipeline,
                       StableDiffusionInpaintPipeline, StableDiffusionPipeline)
from PIL import Image

from clip_vocab import tokenizer
from make_family_fixtures import HERE, NEGATIVE, PROMPT, family, randomise

SCHEDULERS = {"ddim": DDIMScheduler, "euler": EulerDiscreteScheduler, "euler_a": EulerAncestralDiscreteScheduler,
              "dpmpp_2m": DPMSolverMultistepScheduler}


def lines(w, h):
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    v = (np.abs((x - w / 3) ** 2 + (y - h / 2) ** 2 - (h / 4) ** 2) < h * 1.5) * 255
    return Image.fromarray(np.repeat(v.astype(np.uint8)[..., None], 3, 2))


def ramp(w, h):
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    return Image.fromarray((np.stack([x / w, y / h, (x + y) / (w + h)], -1) * 255).round().astype(np.uint8))


def hard(w, h):
    """White from x = 40 on, the edge of a cell."""
    return Image.fromarray((np.mgrid[0:h, 0:w][1] >= 40).astype(np.uint8) * 255)


def soft(w, h):
    """A ramp from black to white in steps of one cell."""
    x = np.mgrid[0:h, 0:w][1] // 8
    return Image.fromarray((x * 255 // (w // 8 - 1)).astype(np.uint8))


def models():
    nets, scheduler, seed = family("sd1")
    for i, net in enumerate(nets.values()):
        randomise(net, seed + i)
        net.eval()
    return nets, scheduler


def make(kind, nets, scheduler, sampler, controls=()):
    parts = dict(vae=nets["vae"], text_encoder=nets["text_encoder"], tokenizer=tokenizer(), unet=nets["unet"],
                 scheduler=SCHEDULERS[sampler].from_config(scheduler), safety_checker=None, feature_extractor=None,
                 requires_safety_checker=False)
    if controls:
        parts["controlnet"] = nets["controlnet"]
    pipe = kind(**parts)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def soft_weights(nets):
    """The ControlNet with the soft weights of its guess mode, which a pipeline that isn't told of it takes for both prompts."""
    net = nets["controlnet"]
    forward = net.forward
    net.forward = lambda *a, **k: forward(*a, **{**k, "guess_mode": True})
    return lambda: setattr(net, "forward", forward)


def differential(pipe, mask, seed, init, steps, strength):
    """A callback that holds each cell at the noised start until the part of the steps is left that its grey stands for."""
    g = torch.Generator().manual_seed(seed)
    x = pipe.image_processor.preprocess(init)
    clean = pipe.vae.encode(x).latent_dist.sample(g) * pipe.vae.config.scaling_factor
    noise = torch.randn(clean.shape, generator=g)
    grey = torch.from_numpy(np.asarray(mask)[::8, ::8].copy()).float() / 255
    count = min(int(steps * strength), steps)

    def step(pipe, i, t, kwargs):
        held, left = clean, 1 - (i + 1) / count
        if i + 1 < count:
            after = pipe.scheduler.timesteps[len(pipe.scheduler.timesteps) - count + i + 1]
            held = pipe.scheduler.add_noise(clean, noise, after[None])
        return {"latents": torch.where(grey[None, None] <= left, held, kwargs["latents"])}

    return step


def tile(vae, side):
    vae.enable_tiling()
    vae.tile_latent_min_size, vae.tile_sample_min_size, vae.tile_overlap_factor = side, 8 * side, 0.25


def encoded(vae):
    """The latents' means of ramp(96, 448) in tiles, over the rows in which the first tile fades into the second."""
    tile(vae, 32)
    x = torch.from_numpy(np.asarray(ramp(96, 448)).copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    mean = vae.encode(x).latent_dist.mean[0, :, 20:36] * vae.config.scaling_factor
    vae.disable_tiling()
    return [round(v, 6) for v in mean.flatten().tolist()]


BASE = {"width": 96, "height": 64, "steps": 6, "guidance": 4.0, "seed": 5, "sampler": "ddim"}
CASES = [
    {"name": "inpaint", "mask": "hard", "strength": 1.0},
    {"name": "inpaint-part", "mask": "hard", "strength": 0.7, "sampler": "euler"},
    {"name": "inpaint-2m", "mask": "hard", "strength": 0.7, "sampler": "dpmpp_2m"},
    {"name": "inpaint-ancestral", "mask": "hard", "strength": 1.0, "sampler": "euler_a"},
    {"name": "soft", "mask": "soft", "strength": 0.9, "steps": 8},
    {"name": "control-first", "mode": "control", "weight": 0.9},
    {"name": "prompt-first", "mode": "prompt", "weight": 0.9},
    {"name": "second", "second": {"width": 144, "height": 96, "strength": 0.5, "steps": 6}},
    {"name": "second-control", "second": {"width": 144, "height": 96, "strength": 0.6, "steps": 5}, "mode": "", "weight": 1.0, "sampler": "euler"},
    {"name": "tiles-across", "width": 448, "height": 96, "tile": 32, "steps": 2, "guidance": 1.0},
    {"name": "tiles-down", "width": 96, "height": 448, "tile": 32, "steps": 2, "guidance": 1.0},
]


def render(c, nets, scheduler):
    w, h, seed = c["width"], c["height"], c["seed"]
    call = dict(prompt=PROMPT, negative_prompt=NEGATIVE, num_inference_steps=c["steps"], guidance_scale=c["guidance"])
    new = lambda: torch.Generator().manual_seed(seed)
    if c.get("mask") == "hard":
        pipe = make(StableDiffusionInpaintPipeline, nets, scheduler, c["sampler"])
        return pipe(**call, image=ramp(w, h), mask_image=hard(w, h), width=w, height=h, strength=c["strength"], generator=new()).images[0]
    if c.get("mask") == "soft":
        pipe = make(StableDiffusionImg2ImgPipeline, nets, scheduler, c["sampler"])
        step = differential(pipe, soft(w, h), seed, ramp(w, h), c["steps"], c["strength"])
        return pipe(**call, image=ramp(w, h), strength=c["strength"], generator=new(), callback_on_step_end=step).images[0]
    if "tile" in c:
        tile(nets["vae"], c["tile"])
        try:
            return make(StableDiffusionPipeline, nets, scheduler, c["sampler"])(**call, width=w, height=h, generator=new()).images[0]
        finally:
            nets["vae"].disable_tiling()
    if "mode" not in c:
        image = make(StableDiffusionPipeline, nets, scheduler, c["sampler"])(**call, width=w, height=h, generator=new()).images[0]
    else:
        restore = soft_weights(nets) if c["mode"] == "prompt" else lambda: None
        pipe = make(StableDiffusionControlNetPipeline, nets, scheduler, c["sampler"], True)
        image = pipe(**call, image=lines(w, h), guess_mode=c["mode"] == "control", controlnet_conditioning_scale=c["weight"], generator=new()).images[0]
        restore()
    if "second" in c:
        s = c["second"]
        size = s["width"], s["height"]
        call.update(image=image.resize(size, Image.LANCZOS), strength=s["strength"], num_inference_steps=s["steps"], generator=new())
        if "mode" in c:
            pipe = make(StableDiffusionControlNetImg2ImgPipeline, nets, scheduler, c["sampler"], True)
            return pipe(**call, control_image=lines(*size), width=size[0], height=size[1], controlnet_conditioning_scale=c["weight"]).images[0]
        return make(StableDiffusionImg2ImgPipeline, nets, scheduler, c["sampler"])(**call).images[0]
    return image


def main():
    torch.set_grad_enabled(False)
    logging.disable(logging.WARNING)
    nets, scheduler = models()
    cases = [{**BASE, **c} for c in CASES]
    for c in cases:
        image = render(c, nets, scheduler)
        if "tile" in c:
            # The stretch in which one tile fades into the next, and some of both. diffusers has another, narrow tile
            # at the end of a side, where Maquette lets the last tile end at the border.
            x, y = (0, 128) if c["height"] > c["width"] else (128, 0)
            c["crop"] = [x, y, x + (96 if x == 0 else 160), y + (96 if y == 0 else 160)]
            image = image.crop(c["crop"])
        print(c["name"], "std", np.asarray(image).astype(float).std())
        image.save(HERE / f"mode-{c['name']}.png")
    (HERE / "modes.json").write_text(json.dumps({"cases": cases, "encoded": encoded(nets["vae"])}) + "\n")


if __name__ == "__main__":
    main()
