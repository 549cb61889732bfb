"""Stage `restore`: make WORK/vae.pt and WORK/train.pt from the shipped archive, so that training can go on elsewhere.

The archive holds the averaged weights in float16; the optimiser starts with empty moments, and the time used is zero.
"""
import argparse
import os
import tarfile

import torch
from safetensors.torch import load_file

import flat
import model
import vae
from common import SEED, save_torch, work
from tokenizer import Compact

WEIGHTS = "diffusion_pytorch_model.safetensors"


def folder_of(archive):
    folder = work("restored", "x")[:-2]
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder


def starter_state(folder, tokens):
    """The state dict of model.Starter from an exported folder."""
    text = load_file(os.path.join(folder, "text_encoder", "model.safetensors"))
    state = {"text." + k.removeprefix("text_model."): v.float() for k, v in text.items()}
    key = "text.embeddings.token_embedding.weight"
    table = state[key][torch.tensor(tokens.ids)]
    torch.manual_seed(SEED)
    new = (table == 0).all(1)  # words that the archive's captions had not
    table[new] = 0.1 * torch.randn(int(new.sum()), table.shape[1])
    state[key] = torch.cat([table, torch.zeros(1, table.shape[1])])
    parts = {"unet.": "unet", **{f"control.{name}.": "controlnet-" + name for name in model.CONTROLS}}
    for prefix, part in parts.items():
        state.update({prefix + k: v.float() for k, v in load_file(os.path.join(folder, part, WEIGHTS)).items()})
    return state


def save(path, net):
    """A state as team.py writes it, with the network's weights as masters and as average."""
    layout = flat.Layout(net)
    weights = {k: v.detach() for k, v in net.named_parameters()}
    zeros = {k: torch.zeros(s) for k, s in zip(layout.names, layout.shapes)}
    save_torch(path, {"nets": weights, "first": zeros, "second": zeros, "ema": weights, "step": 0, "seconds": 0.0})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archive", required=True)
    a = parser.parse_args()
    for name in (*vae.FILES.values(), "train.pt"):
        if os.path.exists(work(name)):
            raise SystemExit(f"{work(name)} exists: move it away first")
    folder = folder_of(a.archive)
    autoencoder = model.make_vae()
    autoencoder.load_state_dict(load_file(os.path.join(folder, "vae", WEIGHTS)))
    save(work(vae.FILES["all"]), autoencoder.float())
    tokens = Compact()
    nets = model.Starter(tokens.size)
    nets.load_state_dict(starter_state(folder, tokens))
    save(work("train.pt"), nets)


if __name__ == "__main__":
    main()
