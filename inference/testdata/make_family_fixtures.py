"""Writes testdata/families.json.gz, families.safetensors and family-NAME.png: small random models of each family.

    python inference/testdata/make_family_fixtures.py

Needs torch, diffusers, transformers and pillow. Weights are not stored: package inference/internal/models draws them
from the same seeds with the same generator as torch. families.json.gz has configs, parameters in the order in which
they are drawn, and how single files name them; that naming is checked here against diffusers' own conversion.
families.safetensors has inputs of each network and what diffusers computes, the PNGs are whole renders.
"""

import gzip
import json
import logging
import pathlib

import numpy as np
import torch
from diffusers import (AutoencoderKL, ControlNetModel, DDIMScheduler, StableDiffusionControlNetPipeline, StableDiffusionInpaintPipeline,
                       StableDiffusionPipeline, StableDiffusionXLControlNetPipeline, StableDiffusionXLPipeline, UNet2DConditionModel)
from diffusers.loaders import single_file_utils as convert
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

import ldm_names
from clip_vocab import tokenizer

HERE = pathlib.Path(__file__).resolve().parent
PROMPT, NEGATIVE = "a tall glass vase, studio lighting", "blurry, low quality"


def randomise(module, seed):
    gen = torch.Generator().manual_seed(seed)
    params = []
    for name, p in sorted(module.named_parameters()):
        noise = torch.randn(p.shape, generator=gen)
        if p.ndim == 1:
            p.data = noise * 0.1 + (1.0 if "norm" in name and name.endswith("weight") else 0.0)
        else:
            p.data = noise * (p[0].numel() ** -0.5)
        params.append([name, list(p.shape)])
    module.eval().requires_grad_(False)
    return params


def text(hidden, act, projection, layers=2):
    c = CLIPTextConfig(vocab_size=49408, hidden_size=hidden, intermediate_size=2 * hidden, num_hidden_layers=layers,
                       num_attention_heads=hidden // 64, hidden_act=act, bos_token_id=49406, eos_token_id=49407, projection_dim=hidden)
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(c)


def vae(factor):
    return AutoencoderKL(block_out_channels=(32, 32, 64, 64), layers_per_block=1, norm_num_groups=32, latent_channels=4, scaling_factor=factor,
                         down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4)


def family(name):
    """The networks of a family, its scheduler's config, and the offset of its seeds."""
    common = dict(layers_per_block=1, norm_num_groups=32)
    v = "epsilon"
    if name.startswith("sd1"):
        shape = dict(common, block_out_channels=(32, 64), attention_head_dim=8, cross_attention_dim=64,
                     down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"))
        up, nets, seed = ("UpBlock2D", "CrossAttnUpBlock2D"), {"text_encoder": text(64, "quick_gelu", False)}, 100
    elif name == "sd2":
        shape = dict(common, block_out_channels=(64, 128), attention_head_dim=(1, 2), cross_attention_dim=128, use_linear_projection=True,
                     down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"))
        up, nets, seed, v = ("UpBlock2D", "CrossAttnUpBlock2D"), {"text_encoder": text(128, "gelu", False)}, 200, "v_prediction"
    else:
        shape = dict(common, block_out_channels=(64, 128), attention_head_dim=(1, 2), cross_attention_dim=192, use_linear_projection=True,
                     down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), transformer_layers_per_block=(1, 2),
                     addition_embed_type="text_time", addition_time_embed_dim=256, projection_class_embeddings_input_dim=128 + 6 * 256)
        up, seed = ("CrossAttnUpBlock2D", "UpBlock2D"), 300
        nets = {"text_encoder": text(64, "quick_gelu", False), "text_encoder_2": text(128, "gelu", True)}
    inpaint = name.endswith("inpaint")
    nets["unet"] = UNet2DConditionModel(**shape, up_block_types=up, in_channels=9 if inpaint else 4, sample_size=64)
    nets["vae"] = vae(0.13025 if name == "sdxl" else 0.18215)
    if not inpaint:
        nets["controlnet"] = ControlNetModel(**shape, conditioning_embedding_out_channels=(8, 8, 16, 16))
    scheduler = {"_class_name": "DDIMScheduler", "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
                 "clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1, "prediction_type": v, "timestep_spacing": "leading"}
    return nets, scheduler, seed + (50 if inpaint else 0)


def equal(got, net, what, leave=()):
    """Checks diffusers' conversion of the single file against the network, but for parameters that begin with leave."""
    want = {ldm_names.prefixed(k) if "text" in what else k: v for k, v in net.named_parameters()}
    got = {ldm_names.prefixed(k) if "text" in what else k: v for k, v in got.items()}
    for k, v in want.items():
        if k.startswith(tuple(leave)):
            continue
        assert k in got and torch.equal(got[k].reshape(v.shape), v), f"{what}: {k}"


def check(name, entries, nets):
    f = ldm_names.write(entries, nets)
    equal(convert.convert_ldm_unet_checkpoint(dict(f), dict(nets["unet"].config)), nets["unet"], "unet")
    equal(convert.convert_ldm_vae_checkpoint(dict(f), dict(nets["vae"].config)), nets["vae"], "vae")
    if name == "sd2":
        got = convert.convert_open_clip_checkpoint(nets["text_encoder"], dict(f), "cond_stage_model.model.")
        equal(got, nets["text_encoder"], "text_encoder")
        return
    equal(convert.convert_ldm_clip_checkpoint(dict(f)), nets["text_encoder"], "text_encoder")
    if name == "sdxl":
        got = convert.convert_open_clip_checkpoint(nets["text_encoder_2"], dict(f), "conditioner.embedders.1.model.")
        equal(got, nets["text_encoder_2"], "text_encoder_2")


def cases(name, nets, g):
    out = {}
    ids = torch.randint(0, 49000, (2, 77), generator=g)
    ids[:, 0], ids[0, 20:], ids[1, 9:] = 49406, 49407, 49407
    out["ids"] = ids
    for part in ("text_encoder", "text_encoder_2"):
        if part in nets:
            o = nets[part](ids, output_hidden_states=True)
            out[part + ".last"], out[part + ".raw"] = o.last_hidden_state[:, :24], o.hidden_states[-2][:, :24]
            if hasattr(o, "text_embeds"):
                out[part + ".pooled"] = o.text_embeds
    c = nets["unet"].config
    sample, t = torch.randn(2, c.in_channels, 8, 12, generator=g), torch.tensor([741.0])
    context = torch.randn(2, 77, c.cross_attention_dim, generator=g)
    out.update(sample=sample, timestep=t, context=context)
    added = {}
    if name == "sdxl":
        added = {"text_embeds": torch.randn(2, 128, generator=g), "time_ids": torch.tensor([[1024.0, 768, 0, 16, 1024, 768]] * 2)}
        out.update(added)
    out["unet"] = nets["unet"](sample, t, context, added_cond_kwargs=added).sample
    if "controlnet" in nets:
        image = torch.rand(1, 3, 64, 96, generator=g)
        d, m = nets["controlnet"](sample, t, context, image.repeat(2, 1, 1, 1), 0.7, added_cond_kwargs=added, return_dict=False)
        out.update({"image": image, "control.down_0": d[0], "control.mid": m})
        out["unet.controlled"] = nets["unet"](sample, t, context, added_cond_kwargs=added, down_block_additional_residuals=list(d),
                                              mid_block_additional_residual=m).sample
    latents = torch.randn(1, 4, 4, 6, generator=g)
    out.update({"latents": latents, "decoded": nets["vae"].decode(latents).sample})
    return {f"{name}.{k}": v.contiguous() for k, v in out.items()}


def images():
    y, x = np.mgrid[0:64, 0:96].astype(np.float32)
    lines = ((np.abs((x - 32) ** 2 + (y - 32) ** 2 - 256) < 96) * 255).astype(np.uint8)
    ramp = (np.stack([x / 96, y / 64, (x + y) / 160], -1) * 255).round().astype(np.uint8)
    mask = ((x > 40) * 255).astype(np.uint8)
    return Image.fromarray(np.repeat(lines[..., None], 3, 2)), Image.fromarray(ramp), Image.fromarray(mask)


def render(name, nets, scheduler):
    lines, ramp, mask = images()
    first, second = tokenizer(), tokenizer()
    if name == "sd2":
        first.pad_token = "!"
    second.pad_token = "!"
    parts = dict(vae=nets["vae"], text_encoder=nets["text_encoder"], tokenizer=first, unet=nets["unet"], scheduler=DDIMScheduler.from_config(scheduler))
    call = dict(prompt=PROMPT, negative_prompt=NEGATIVE, num_inference_steps=6, guidance_scale=4.0, width=96, height=64,
                generator=torch.Generator("cpu").manual_seed(5))
    if name == "sdxl":
        parts.update(text_encoder_2=nets["text_encoder_2"], tokenizer_2=second, add_watermarker=False)
    else:
        parts.update(safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    if name.endswith("inpaint"):
        pipe, call = StableDiffusionInpaintPipeline(**parts), dict(call, image=ramp, mask_image=mask, strength=1.0)
        yield "", pipe, call
        yield "-part", pipe, dict(call, strength=0.7, generator=torch.Generator("cpu").manual_seed(5))
        return
    control = dict(parts, controlnet=nets["controlnet"])
    plain, with_control = ((StableDiffusionXLPipeline, StableDiffusionXLControlNetPipeline) if name == "sdxl"
                           else (StableDiffusionPipeline, StableDiffusionControlNetPipeline))
    yield "", plain(**parts), call
    yield "-control", with_control(**control), dict(call, image=lines, generator=torch.Generator("cpu").manual_seed(5))


def main():
    torch.set_grad_enabled(False)
    logging.disable(logging.WARNING)
    described, tensors = {}, {}
    for name in ("sd1", "sd2", "sdxl", "sd1-inpaint"):
        nets, scheduler, seed = family(name)
        components = {}
        for i, (part, net) in enumerate(nets.items()):
            params = randomise(net, seed + i)
            config = dict(net.config.to_dict() if "text" in part else json.loads(net.to_json_string()), architectures=[type(net).__name__])
            components[part] = {"config": config, "seed": seed + i, "params": params}
        entries = ldm_names.pipeline(name, nets)
        check(name, entries, nets)
        described[name] = {"components": components, "scheduler": scheduler, "single": entries}
        if "controlnet" in nets:
            control = ldm_names.controlnet(nets["controlnet"])
            got = convert.convert_controlnet_checkpoint(ldm_names.write(control, nets), dict(nets["controlnet"].config))
            equal(got, nets["controlnet"], "controlnet", ["add_embedding."])  # which it forgets to convert
            described[name]["control"] = control
        tensors.update(cases(name, nets, torch.Generator().manual_seed(seed)))
        for suffix, pipe, call in render(name, nets, scheduler):
            pipe.set_progress_bar_config(disable=True)
            image = pipe(**call).images[0]
            print(name + suffix, "std", np.asarray(image).astype(float).std())
            image.save(HERE / f"family-{name}{suffix}.png")
    save_file(tensors, HERE / "families.safetensors")
    with open(HERE / "families.json.gz", "wb") as out, gzip.GzipFile("", "wb", 9, out, 0) as z:
        z.write(json.dumps(described, separators=(",", ":")).encode())
    for path in sorted(HERE.glob("famil*")):
        print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main()
