"""Writes testdata/runs.json and runs.safetensors: latents at the end of whole renders with each sampler, and with what else changes them.

    python inference/testdata/make_run_fixtures.py

Needs torch, scipy, diffusers and transformers. The networks are those of make_family_fixtures.py, the schedulers
diffusers' as sampling/make_fixtures.py sets them up, with its own DPM++ 3M SDE. The loop over the steps is that of
diffusers' pipelines, which can't be given the schedules that they don't have.
"""

import json
import logging
import pathlib
import sys

import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import rescale_noise_cfg
from diffusers.schedulers import scheduling_euler_ancestral_discrete
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "sampling"))

import make_family_fixtures as families  # noqa: E402
import make_fixtures as sampling  # noqa: E402
from clip_vocab import tokenizer  # noqa: E402

HEIGHT, WIDTH, SEED, STEPS, GUIDANCE = 64, 96, 5, 8, 4.0
SHAPE = (1, 4, HEIGHT // 8, WIDTH // 8)
sampling.SHAPE = SHAPE
ZERO = {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}

CASES = (
    [("sd1", s, "normal", {}) for s in (*sampling.VP, *sampling.VE, *sampling.FIXED)]
    + [("sd1", s, schedule, {}) for s in ("euler", "dpmpp_2m") for schedule in ("karras", "sgm_uniform", "trailing", "align_your_steps")]
    + [("sd1", "euler_a", "normal", {"noise": "philox"}),
       ("sdxl", "dpmpp_2m", "align_your_steps", {}), ("sdxl-deep", "euler", "normal", {"clip_skip": 3}),
       ("sd2", "dpmpp_2m", "normal", {}), ("sd2", "euler", "normal", {"rescale": 0.7}),
       ("sd2", "ddim", "normal", {"rescale": 0.7, "config": ZERO}), ("sd2", "dpmpp_2m", "normal", {"rescale": 0.7, "config": ZERO})]
)


class Philox:
    """torch.randn on CUDA, for each call with a generator of that seed."""

    def __init__(self, seed):
        self.seed, self.calls = seed, 0

    def __call__(self, shape=SHAPE, **_):
        values = sampling.philox_randn(self.seed, self.calls, torch.Size(shape).numel())
        self.calls += 1
        return torch.from_numpy(values).reshape(shape)


class Networks:
    """A family's networks, and what they read beside the latents: the negative prompt's first."""

    def __init__(self, name):
        self.name = name
        self.nets, self.config, seed = families.family(name.removesuffix("-deep"))
        if name == "sdxl-deep":  # with text encoders that a layer can be left out of
            self.nets.update(text_encoder=families.text(64, "quick_gelu", False, 3), text_encoder_2=families.text(128, "gelu", True, 3))
        for i, net in enumerate(self.nets.values()):
            families.randomise(net, seed + i)
        first, second = tokenizer(), tokenizer()
        second.pad_token = "!"
        parts = dict(vae=self.nets["vae"], text_encoder=self.nets["text_encoder"], tokenizer=first, unet=self.nets["unet"],
                     scheduler=families.DDIMScheduler.from_config(self.config))
        if name.startswith("sdxl"):
            self.pipe = StableDiffusionXLPipeline(**parts, text_encoder_2=self.nets["text_encoder_2"], tokenizer_2=second, add_watermarker=False)
            return
        if name == "sd2":
            first.pad_token = "!"
        self.pipe = StableDiffusionPipeline(**parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False)

    def read(self, clip_skip):
        """The prompts as the UNet wants them. diffusers counts the layers that are left out, and in XL from the last but one."""
        skip = {"clip_skip": clip_skip - (2 if self.name.startswith("sdxl") else 1)} if clip_skip else {}
        # Each on its own: diffusers' guidance reads negative prompts with all layers.
        negative, prompt = (self.pipe.encode_prompt(prompt=text, device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=False, **skip)
                            for text in (families.NEGATIVE, families.PROMPT))
        added = {}
        if self.name.startswith("sdxl"):
            added = {"text_embeds": torch.cat([negative[2], prompt[2]]), "time_ids": torch.tensor([[HEIGHT, WIDTH, 0, 0, HEIGHT, WIDTH]] * 2, dtype=torch.float32)}
        return torch.cat([negative[0], prompt[0]]), added


def run(networks, name, schedule, noise="torch", clip_skip=0, rescale=0.0, config=None):
    config = {k: v for k, v in {**networks.config, **(config or {})}.items() if not k.startswith("_")}
    if name not in sampling.FIXED:
        config = {k: v for k, v in config.items() if k not in ("clip_sample", "set_alpha_to_one")}
    sch = sampling.scheduler(name, config, schedule, STEPS, networks.name.startswith("sdxl"))
    if hasattr(sch, "set_begin_index"):
        sch.set_begin_index(0)
    gen = torch.Generator("cpu").manual_seed(SEED)
    if noise == "philox":
        scheduling_euler_ancestral_discrete.randn_tensor = draw = Philox(SEED)
        x = draw()
    else:
        x = torch.randn(SHAPE, generator=gen)
    x = x * sch.init_noise_sigma
    if name == "dpmpp_sde":
        sch.noise_sampler = sampling.Path(gen)
    three = sampling.ThreeM(sch, config["prediction_type"])
    context, added = networks.read(clip_skip)
    for i, t in enumerate(sch.timesteps):
        seen = sch.scale_model_input(x, t)
        without, text = networks.nets["unet"](torch.cat([seen] * 2), t, context, added_cond_kwargs=added).sample.chunk(2)
        out = without + GUIDANCE * (text - without)
        if rescale:
            out = rescale_noise_cfg(out, text, rescale)
        if name == "dpmpp_3m_sde":
            x = three.step(out, i, x, gen)
            sch._step_index = i + 1
        else:
            extra = {"generator": gen} if name in ("euler_a", "dpmpp_2m_sde", "lcm", "tcd") else {}
            x = sch.step(out, t, x, return_dict=False, **extra)[0]
    assert torch.isfinite(x).all()
    return x


def main():
    torch.set_grad_enabled(False)
    logging.disable(logging.WARNING)
    networks = {name: Networks(name) for name in ("sd1", "sd2", "sdxl", "sdxl-deep")}
    described, latents = [], {}
    for family, name, schedule, more in CASES:
        case = {"family": family, "sampler": name, "schedule": schedule, **more}
        title = " ".join([family, name, schedule, *(k if isinstance(v, dict) else f"{k}={v}" for k, v in more.items())])
        latents[title] = run(networks[family], name, schedule, **more).contiguous()
        described.append({"name": title, **case})
        print(title, "std", float(latents[title].std()), flush=True)
    save_file(latents, HERE / "runs.safetensors")
    common = {"width": WIDTH, "height": HEIGHT, "seed": SEED, "steps": STEPS, "guidance": GUIDANCE, "prompt": families.PROMPT, "negative": families.NEGATIVE}
    (HERE / "runs.json").write_text(json.dumps({**common, "cases": described}, indent=1) + "\n")


if __name__ == "__main__":
    main()
