"""Stage `latents`: encode every training picture once, at full and at half size.

WORK/data/NAME.half.npy (n, 4, 16, 16) and NAME.latents.npy (n, 4, 32, 32), float16, per shard. All halves come first: they take
a fifth of the time, and training can begin on them (`--only half`).
"""
import argparse
import multiprocessing
import os

import numpy as np
import torch

import model
import vae
from common import Shards, threads, work


KINDS = {"half": 2, "latents": 1}  # file -> the picture is shrunk by


def shard(job):
    name, index, kind = job
    path = work("data", f"{name}.{kind}.npy")
    if os.path.exists(path) and os.path.getmtime(path) > vae.encoder_time():
        return name
    threads(1)
    encoder = model.channels_last(vae.averaged().encoder).to(torch.bfloat16)
    pictures, out = Shards("train").arrays[index]["rgb"], []
    with torch.no_grad():
        for i in range(0, len(pictures), 25):
            x = torch.from_numpy(np.array(pictures[i : i + 25])).permute(0, 3, 1, 2).float().div(127.5).sub(1)
            x = torch.nn.functional.avg_pool2d(x, KINDS[kind]) if KINDS[kind] > 1 else x
            out.append(encoder(x.to(torch.bfloat16).contiguous(memory_format=torch.channels_last)).float().numpy().astype(np.float16))
    with open(path + ".part", "wb") as f:
        np.save(f, np.concatenate(out))
    os.replace(path + ".part", path)
    return f"{name} {kind}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", choices=list(KINDS))
    a = parser.parse_args()
    jobs = [(name, k, kind) for kind in ([a.only] if a.only else KINDS) for k, name in enumerate(Shards("train").names)]
    with multiprocessing.get_context("spawn").Pool(a.processes) as pool:
        for name in pool.imap_unordered(shard, jobs):
            print(name, flush=True)


if __name__ == "__main__":
    main()
