"""Stage `single`: the exported folder as single .safetensors files in the layout of the first Stable Diffusion releases.

STARTER.safetensors holds UNet, text encoder and autoencoder; CONTROL.safetensors each ControlNet. The layout says nothing of
heads, norm groups or the schedule, which here are not SD's; the files' metadata hold each part's config.json under `config.`
and its name, and `modelspec.prediction_type`. The autoencoder keeps its diffusers names below `first_stage_model.`.
"""
import argparse
import json
import os

from safetensors.torch import load_file, save_file

import model
from common import work

RESNET = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0", "conv2": "out_layers.3",
          "conv_shortcut": "skip_connection"}
TOP = {"time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2", "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0",
       "conv_out": "out.2", "mid_block.resnets.0": "middle_block.0", "mid_block.attentions.0": "middle_block.1", "mid_block.resnets.1": "middle_block.2",
       "controlnet_mid_block": "middle_block_out.0"}
WEIGHTS = "diffusion_pytorch_model.safetensors"


def places(config):
    """Module prefix in diffusers -> in the original layout, which counts the blocks of each half through."""
    out, at, levels = dict(TOP), 1, len(config["block_out_channels"])
    for level, kind in enumerate(config["down_block_types"]):
        for layer in range(config["layers_per_block"]):
            out[f"down_blocks.{level}.resnets.{layer}"] = f"input_blocks.{at}.0"
            out[f"down_blocks.{level}.attentions.{layer}"] = f"input_blocks.{at}.1"
            at += 1
        if level + 1 < levels:
            out[f"down_blocks.{level}.downsamplers.0.conv"] = f"input_blocks.{at}.0.op"
            at += 1
    out |= {f"controlnet_down_blocks.{n}": f"zero_convs.{n}.0" for n in range(at)}
    at = 0
    for level, kind in enumerate(config.get("up_block_types", ())):
        for layer in range(config["layers_per_block"] + 1):
            out[f"up_blocks.{level}.resnets.{layer}"] = f"output_blocks.{at}.0"
            out[f"up_blocks.{level}.attentions.{layer}"] = f"output_blocks.{at}.1"
            at += 1
        if level + 1 < levels:
            out[f"up_blocks.{level}.upsamplers.0.conv"] = f"output_blocks.{at - 1}.{2 if kind.startswith('CrossAttn') else 1}.conv"
    hint = "controlnet_cond_embedding."
    blocks = 2 * (len(config.get("conditioning_embedding_out_channels") or [0]) - 1)
    out |= {hint + "conv_in": "input_hint_block.0", hint + "conv_out": f"input_hint_block.{2 * blocks + 2}"}
    return out | {f"{hint}blocks.{n}": f"input_hint_block.{2 * n + 2}" for n in range(blocks)}


def renamed(state, config):
    """A UNet's or ControlNet's tensors under their original names."""
    table, out = places(config), {}
    for name, value in state.items():
        prefix = max((p for p in table if name.startswith(p + ".")), key=len)
        rest = name[len(prefix) + 1 :]
        head, _, tail = rest.partition(".")
        if ".resnets." in prefix and head in RESNET:
            rest = f"{RESNET[head]}.{tail}"
        out[f"{table[prefix]}.{rest}"] = value
    assert len(out) == len(state), "two tensors share a name"
    return out


def read(folder, part, file=WEIGHTS):
    with open(os.path.join(folder, part, "config.json")) as f:
        return load_file(os.path.join(folder, part, file)), json.load(f)


def below(prefix, tensors):
    return {prefix + k: v.contiguous() for k, v in tensors.items()}


def write(folder, checkpoint):
    """One checkpoint, and a file per ControlNet beside it; returns the paths."""
    os.makedirs(os.path.dirname(os.path.abspath(checkpoint)), exist_ok=True)
    unet, unet_config = read(folder, "unet")
    text, text_config = read(folder, "text_encoder", "model.safetensors")
    vae, vae_config = read(folder, "vae")
    with open(os.path.join(folder, "scheduler", "scheduler_config.json")) as f:
        schedule = json.load(f)
    tensors = below("model.diffusion_model.", renamed(unet, unet_config)) | below("cond_stage_model.transformer.", text) | below("first_stage_model.", vae)
    configs = {"unet": unet_config, "text_encoder": text_config, "vae": vae_config, "scheduler": schedule}
    notes = {"format": "pt", "modelspec.title": "Maquette starter", "modelspec.license": "MIT", "modelspec.prediction_type": "v"}
    save_file(tensors, checkpoint, notes | {f"config.{k}": json.dumps(v, sort_keys=True) for k, v in configs.items()})
    paths = [checkpoint]
    for name in model.CONTROLS:
        state, config = read(folder, "controlnet-" + name)
        paths.append(checkpoint.replace(".safetensors", f"-{name}.safetensors"))
        save_file(below("control_model.", renamed(state, config)), paths[-1], {"format": "pt", "config.controlnet": json.dumps(config, sort_keys=True)})
    return paths


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default=work("starter", "x")[:-2])
    parser.add_argument("--file", default=work("maquette-starter.safetensors"))
    a = parser.parse_args()
    for path in write(a.folder, a.file):
        print(path, os.path.getsize(path) / 1e6, "MB")


if __name__ == "__main__":
    main()
