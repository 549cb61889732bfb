"""Stage `latents`: encode every training picture once; WORK/data/NAME.latents.npy (n, 4, 32, 32) float16 per shard."""
import os

import numpy as np

import model
from common import Shards, threads, work


def main():
    torch = threads()
    vae = model.channels_last(model.make_vae())
    vae.load_state_dict(torch.load(work("vae.pt"), map_location="cpu", weights_only=True)["ema"])
    data = Shards("train")
    for name, arrays in zip(data.names, data.arrays):
        path = work("data", name + ".latents.npy")
        if os.path.exists(path) and os.path.getmtime(path) > os.path.getmtime(work("vae.pt")):
            continue
        rows = []
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            for i in range(0, len(arrays["rgb"]), 25):
                x = torch.from_numpy(np.array(arrays["rgb"][i : i + 25])).permute(0, 3, 1, 2).float().div(127.5).sub(1)
                rows.append(vae.encoder(x.contiguous(memory_format=torch.channels_last)).float().numpy().astype(np.float16))
        with open(path + ".part", "wb") as f:
            np.save(f, np.concatenate(rows))
        os.replace(path + ".part", path)
        print(name, flush=True)


if __name__ == "__main__":
    main()
