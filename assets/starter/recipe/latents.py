"""Stage `latents`: encode every training picture once, at full and at half size.

WORK/data/NAME.latents.npy (n, 4, 32, 32) and NAME.half.npy (n, 4, 16, 16), float16, per shard.
"""
import argparse
import multiprocessing
import os

import numpy as np
import torch

import model
import vae
from common import Shards, threads, work


def shard(job):
    name, index = job
    paths = [work("data", f"{name}.{kind}.npy") for kind in ("latents", "half")]
    if all(os.path.exists(p) and os.path.getmtime(p) > os.path.getmtime(work("vae.pt")) for p in paths):
        return name
    threads(1)
    encoder = model.channels_last(vae.averaged().encoder).to(torch.bfloat16)
    pictures, rows = Shards("train").arrays[index]["rgb"], ([], [])
    with torch.no_grad():
        for i in range(0, len(pictures), 25):
            x = torch.from_numpy(np.array(pictures[i : i + 25])).permute(0, 3, 1, 2).float().div(127.5).sub(1)
            for out, picture in zip(rows, (x, torch.nn.functional.avg_pool2d(x, 2))):
                z = encoder(picture.to(torch.bfloat16).contiguous(memory_format=torch.channels_last))
                out.append(z.float().numpy().astype(np.float16))
    for path, out in zip(paths, rows):
        with open(path + ".part", "wb") as f:
            np.save(f, np.concatenate(out))
        os.replace(path + ".part", path)
    return name


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=2)
    a = parser.parse_args()
    jobs = [(name, k) for k, name in enumerate(Shards("train").names)]
    with multiprocessing.get_context("spawn").Pool(a.processes) as pool:
        for name in pool.imap_unordered(shard, jobs):
            print(name, flush=True)


if __name__ == "__main__":
    main()
