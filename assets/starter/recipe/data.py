"""Stage `data`: render the training and the held-out scenes into shards.

WORK/data/{train,test}-NNNN.{rgb,depth,lines}.npy hold uint8 (n, 256, 256[, 3]); .json holds one record of facts each.
A shard's seed is its number, so the stage can be stopped and run again; finished shards are skipped.
"""
import argparse
import json
import multiprocessing
import os

import numpy as np

from common import TEST_SEED, save_json, work
from scene.captions import full
from scene.objects import KINDS, make
from scene.render import SIZE, VIEWS, backdrop, render

ORDER = list(VIEWS)


def record(thing, view, ground, number):
    return {"kind": thing.kind, "colour": thing.colour, "material": thing.material, "details": thing.details, "view": view,
            "ground": ground, "object": number}


def scenes(rng, count, test):
    """Yield (thing, view, ground, object number): two views of each training object, all seven of a held-out one."""
    number = made = 0
    while made < count:
        thing = make(rng, KINDS[number % len(KINDS)] if test else None)
        if thing.frontal:
            views = ["front"] * (len(ORDER) if test else 2)
        else:
            views = ORDER if test else rng.choice(ORDER, 2, replace=False, p=[0.2, 0.16, 0.16, 0.12, 0.12, 0.09, 0.15])
        ground = backdrop(rng)
        for view in views:
            if made < count:
                yield thing, str(view), ground, number
                made += 1
        number += 1


def shard(job):
    name, seed, count, test = job
    path = work("data", name)
    if os.path.exists(path + ".json"):
        return name
    rng = np.random.RandomState(seed)
    arrays = {"rgb": np.zeros((count, SIZE, SIZE, 3), np.uint8), "depth": np.zeros((count, SIZE, SIZE), np.uint8),
              "lines": np.zeros((count, SIZE, SIZE), np.uint8)}
    records = []
    for i, (thing, view, ground, number) in enumerate(scenes(rng, count, test)):
        arrays["rgb"][i], arrays["depth"][i], arrays["lines"][i] = render(thing, view, rng, ground)
        records.append(record(thing, view, ground[0], number))
        records[-1]["caption"] = full(records[-1], view, ground[0])
    for key, value in arrays.items():
        np.save(f"{path}.{key}.npy", value)
    save_json(path + ".json", records)
    return name


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=int, default=40)
    parser.add_argument("--size", type=int, default=500, help="samples per training shard")
    parser.add_argument("--test-objects", type=int, default=92)
    parser.add_argument("--processes", type=int, default=2)
    a = parser.parse_args()
    jobs = [("test-0000", TEST_SEED, a.test_objects * len(ORDER), True)]
    jobs += [(f"train-{k:04d}", 1000 + k, a.size, False) for k in range(a.shards)]
    with multiprocessing.get_context("spawn").Pool(a.processes) as pool:
        for name in pool.imap_unordered(shard, jobs):
            print("shard", name, flush=True)


if __name__ == "__main__":
    main()
