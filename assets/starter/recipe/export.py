"""Stage `export`: write the trained nets as a diffusers folder (fp16) and pack it into one reproducible archive.

The text encoder's tensors carry the standard `text_model.` prefix; rows of tokens that no caption uses are zero.
`--random` exports untrained weights in the same layout, for work on the reader.
"""
import argparse
import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile

import torch
from safetensors.torch import save_file

import model
import tokenizer
import vae
from common import save_json, threads, work

SCHEDULER = {
    "_class_name": "DDIMScheduler", "_diffusers_version": "0.30.0", "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000, "prediction_type": "v_prediction", "clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1,
    "timestep_spacing": "trailing", "rescale_betas_zero_snr": True,
}
INDEX = {
    "_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.30.0", "requires_safety_checker": False,
    "feature_extractor": [None, None], "image_encoder": [None, None], "safety_checker": [None, None], "scheduler": ["diffusers", "DDIMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"], "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderTiny"],
}
NOTE = {
    "name": "Maquette starter", "license": "MIT",
    "recommended": {"guidance": 2, "steps": 20, "sampler": "dpmpp_2m", "width": 256, "height": 256},
    "controls": {"lines": "controlnet-lines", "depth": "controlnet-depth"},
}


def write_json(path, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        json.dump(value, f, indent=2, sort_keys=True)
        f.write("\n")


def tensors(state, dtype, prefix=""):
    return {prefix + k: v.detach().to(dtype if v.is_floating_point() else v.dtype).contiguous().clone() for k, v in state.items()}


def name_of(net):
    return type(net).__name__


def write_net(folder, net, name, dtype):
    """A diffusers module: config.json and weights."""
    os.makedirs(folder, exist_ok=True)
    config = {k: v for k, v in net.config.items() if not k.startswith("_")}
    if name_of(net) == "AutoencoderTiny":
        config.pop("block_out_channels", None)  # derived, not an argument
    write_json(os.path.join(folder, "config.json"), {"_class_name": name_of(net), "_diffusers_version": "0.30.0", **config})
    save_file(tensors(net.state_dict(), dtype), os.path.join(folder, name), {"format": "pt"})


def write_text(folder, net, ids, dtype):
    """The text encoder with the compact token rows scattered into the full CLIP table."""
    os.makedirs(folder, exist_ok=True)
    config = model.text_config().to_dict()
    drop = ("transformers_version", "_name_or_path", "dtype", "torch_dtype")
    config = {k: v for k, v in config.items() if k not in drop and v is not None}
    write_json(os.path.join(folder, "config.json"), {**config, "architectures": ["CLIPTextModel"], "model_type": "clip_text_model"})
    state = {(k if k.startswith("text_model.") else "text_model." + k): v for k, v in net.state_dict().items() if not k.endswith("position_ids")}
    key = "text_model.embeddings.token_embedding.weight"
    table = torch.zeros(model.VOCABULARY, model.CONTEXT)
    table[torch.tensor(ids)] = state[key][: len(ids)].float()
    state[key] = table
    save_file(tensors(state, dtype), os.path.join(folder, "model.safetensors"), {"format": "pt"})


def write_folder(folder, nets, autoencoder, ids, dtype=torch.float16):
    shutil.rmtree(folder, ignore_errors=True)
    weights = "diffusion_pytorch_model.safetensors"
    write_text(os.path.join(folder, "text_encoder"), nets.text, ids, dtype)
    write_net(os.path.join(folder, "unet"), nets.unet, weights, dtype)
    write_net(os.path.join(folder, "vae"), autoencoder, weights, dtype)
    for name in model.CONTROLS:
        write_net(os.path.join(folder, "controlnet-" + name), nets.control[name], weights, dtype)
    tokenizer.build(os.path.join(folder, "tokenizer"))
    write_json(os.path.join(folder, "scheduler", "scheduler_config.json"), SCHEDULER)
    write_json(os.path.join(folder, "model_index.json"), INDEX)
    write_json(os.path.join(folder, "maquette.json"), NOTE)


def pack(folder, archive):
    """Deterministic tar.gz: sorted names, zero times and owners; returns its SHA-256 as hex."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for base, folders, files in os.walk(folder):
            folders.sort()
            for name in sorted(files):
                path = os.path.join(base, name)
                info = tarfile.TarInfo(os.path.relpath(path, folder).replace(os.sep, "/"))
                info.size, info.mode = os.path.getsize(path), 0o644
                with open(path, "rb") as f:
                    tar.addfile(info, f)
    with open(archive + ".part", "wb") as f, gzip.GzipFile("", "wb", 9, f, 0) as z:
        z.write(raw.getvalue())
    os.replace(archive + ".part", archive)
    with open(archive, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def trained(tokens):
    """The averaged weights of the last training checkpoint and the autoencoder."""
    nets = model.Starter(tokens.size)
    nets.load_state_dict(torch.load(work("train.pt"), map_location="cpu", weights_only=True)["ema"])
    return nets, vae.averaged()


def untrained(tokens):
    """Random weights with every zero-started layer filled, so that parity tests see all of them."""
    nets, autoencoder = model.Starter(tokens.size), model.make_vae()
    for p in nets.parameters():
        if p.abs().max() == 0:
            torch.nn.init.normal_(p, std=0.02)
    return nets, autoencoder


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--random", action="store_true")
    parser.add_argument("--folder", default=work("starter", "x")[:-2])
    parser.add_argument("--fp32-folder", help="also write the same weights unrounded")
    parser.add_argument("--archive", help="path of the .tar.gz; the .sha256 is written beside it")
    a = parser.parse_args()
    threads()
    tokens = tokenizer.Compact()
    nets, autoencoder = untrained(tokens) if a.random else trained(tokens)
    write_folder(a.folder, nets, autoencoder, tokens.ids)
    if a.fp32_folder:
        write_folder(a.fp32_folder, nets, autoencoder, tokens.ids, torch.float32)
    if a.archive:
        digest = pack(a.folder, a.archive)
        with open(a.archive.replace(".tar.gz", ".sha256"), "w") as f:
            f.write(digest + "\n")
        print(a.archive, os.path.getsize(a.archive) / 1e6, "MB", digest)


if __name__ == "__main__":
    main()
