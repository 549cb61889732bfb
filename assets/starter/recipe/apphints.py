"""Stage `apphints`: control images that the app itself makes, for training on what users will give the ControlNets.

For the pictures of the first training shards: one of canny, lineart and scribble of the render (WORK/data/NAME.app.npy, uint8
(n, 256, 256)), and depth as the app reads it from the clean line drawing (NAME.appdepth.npy; zeros where it reads nothing).
A finished shard is skipped. Needs the built app (`make build` in the project's root).
"""
import argparse
import multiprocessing
import os
import subprocess
import tempfile

import numpy as np
from PIL import Image

from common import Shards, work
from scene.render import INNER, OUTLINE, SIZE

KINDS, ODDS = ("canny", "lineart", "scribble"), (0.6, 0.25, 0.15)


def control(app, kind, picture, folder):
    """What `maquette control KIND` makes of a uint8 picture, uint8 (256, 256); zeros where it refuses the picture."""
    source, target = os.path.join(folder, "in.png"), os.path.join(folder, "out.png")
    Image.fromarray(picture).save(source)
    done = subprocess.run([app, "control", kind, source, "-o", target], capture_output=True, text=True)
    if done.returncode:
        return np.zeros((SIZE, SIZE), np.uint8)
    return np.array(Image.open(target).convert("L"))


def save(path, rows):
    with open(path + ".part", "wb") as f:
        np.save(f, np.stack(rows))
    os.replace(path + ".part", path)


def shard(job):
    app, index, name = job
    lines, depth = work("data", f"{name}.app.npy"), work("data", f"{name}.appdepth.npy")
    if os.path.exists(lines) and os.path.exists(depth):
        return name
    arrays, rng = Shards("train").arrays[index], np.random.RandomState(index)
    with tempfile.TemporaryDirectory() as folder:
        seen = [control(app, rng.choice(KINDS, p=ODDS), np.array(picture), folder) for picture in arrays["rgb"]]
        # black on white, as people draw
        drawn = [np.where(bits & (OUTLINE | INNER), 0, 255).astype(np.uint8) for bits in arrays["lines"]]
        read = [control(app, "depth", drawing, folder) for drawing in drawn]
    save(lines, seen)
    save(depth, read)
    return name


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--app", required=True, help="the maquette binary")
    parser.add_argument("--shards", type=int, default=6)
    parser.add_argument("--processes", type=int, default=2)
    a = parser.parse_args()
    jobs = [(a.app, k, name) for k, name in enumerate(Shards("train").names[: a.shards])]
    with multiprocessing.get_context("spawn").Pool(a.processes) as pool:
        for name in pool.imap_unordered(shard, jobs):
            print("app hints", name, flush=True)


if __name__ == "__main__":
    main()
