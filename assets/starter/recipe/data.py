"""Stage `data`: render the training and the held-out scenes into shards.

WORK/data/{train,test,group,light}-NNNN.{rgb,depth,lines}.npy hold uint8 (n, 256, 256[, 3]); .json holds one record of facts each.
The held-out ones have also .normal.npy and .accent.npy (bool: where the first second colour of the caption is seen).
A shard's seed is its number, so the stage can be stopped and run again; finished shards are skipped.
"""
import argparse
import json
import multiprocessing
import os

import numpy as np

from common import TEST_SEED, save_json, work
from scene import light, views
from scene.captions import full
from scene.objects import BUILDINGS, KINDS, make
from scene.render import SIZE, Camera, render

GROUP = 4  # views of one training object, in a row
ORDER = list(views.VIEWS)


def facts_of(thing, azimuth, elevation, on_grid, scene, number):
    return {"kind": thing.kind, "colour": thing.colour, "material": thing.material, "details": thing.details, "view": views.name_of(azimuth, elevation),
            "azimuth": float(azimuth), "elevation": float(elevation), "exact": bool(on_grid), "light": scene.light, "ground": scene.ground, "object": number}


def training_cameras(rng, frontal):
    """GROUP cameras (azimuth, elevation, on the grid) of one object, no two on one spot."""
    out, spots = [], set()
    while len(out) < GROUP:
        on_grid = rng.rand() < 0.5
        if on_grid:
            camera = views.exact_camera(rng, frontal)
        else:
            name = "front" if frontal else str(rng.choice(ORDER, p=[0.2, 0.16, 0.16, 0.12, 0.12, 0.12, 0.12]))
            camera = views.named_camera(rng, name, frontal)
        spot = views.nearest(*camera)
        if spot not in spots or (frontal and len(spots) > 1 and rng.rand() < 0.3):
            spots.add(spot)
            out.append((*camera, on_grid))
    return out


def training(rng, count):
    """Yield (thing, camera, scene, number, fill): GROUP views of each object."""
    for number in range(count // GROUP):
        thing = make(rng)
        outdoors = thing.kind in BUILDINGS and rng.rand() < 0.5
        scene = light.outdoors(rng) if outdoors else light.studio(rng)
        fill = rng.uniform(0.72, 0.92)
        for camera in training_cameras(rng, thing.frontal):
            yield thing, camera, scene, number, np.clip(fill + rng.uniform(-0.04, 0.04), 0.7, 0.93)


def held_out(rng, count):
    """The seven named views of each object, the classes in turn."""
    for number in range(count // len(ORDER)):
        thing, scene = make(rng, KINDS[number % len(KINDS)]), light.studio(rng)
        for name in ORDER:
            camera = views.named_camera(rng, "front" if thing.frontal else name, thing.frontal)
            yield thing, (*camera, False), scene, number, rng.uniform(0.72, 0.92)


def held_out_groups(rng, count):
    """GROUP views of each object on the grid: one near the front, the others each a quarter turn on; no facades."""
    kinds = [k for k in KINDS if k != "facade"]
    for number in range(count // GROUP):
        thing, scene, start, fill = make(rng, kinds[number % len(kinds)]), light.studio(rng), int(rng.choice((330, 345, 0, 15, 30))), rng.uniform(0.74, 0.9)
        for azimuth, elevation in ((start, 15), (start + 45, 15), (start + 90, 15), (start + 180, 30)):
            yield thing, (azimuth % 360, elevation, True), scene, number, fill


def held_out_light(rng, count):
    """Buildings in every light, from a three-quarter view or, facades, from the front."""
    for number in range(count):
        thing = make(rng, BUILDINGS[number % len(BUILDINGS)])
        camera = views.named_camera(rng, "front" if thing.frontal else str(rng.choice(ORDER[1:3])), thing.frontal)
        yield thing, (*camera, False), light.outdoors(rng, list(light.LIGHTS)[number % len(light.LIGHTS)]), number, rng.uniform(0.72, 0.92)


SPLITS = {"train": training, "test": held_out, "group": held_out_groups, "light": held_out_light}


def shard(job):
    name, seed, count = job
    path = work("data", name)
    if os.path.exists(path + ".json"):
        return name
    rng = np.random.RandomState(seed)
    arrays = {"rgb": np.zeros((count, SIZE, SIZE, 3), np.uint8), "depth": np.zeros((count, SIZE, SIZE), np.uint8),
              "lines": np.zeros((count, SIZE, SIZE), np.uint8)}
    if not name.startswith("train"):
        arrays |= {"normal": np.zeros((count, SIZE, SIZE, 3), np.uint8), "accent": np.zeros((count, SIZE, SIZE), bool)}
    records = []
    for i, (thing, (azimuth, elevation, on_grid), scene, number, fill) in enumerate(SPLITS[name.split("-")[0]](rng, count)):
        room = 0.95 - fill
        camera = Camera(thing, azimuth, elevation, fill, rng.uniform(-room, room, 2) * 0.7)
        frame = render(thing, camera, scene)
        for key in arrays.keys() - {"accent"}:
            arrays[key][i] = getattr(frame, key)
        word, _, surface = thing.accents[0] if thing.accents else ("", "", None)
        if word and "accent" in arrays:
            arrays["accent"][i] = frame.part == surface
        facts = facts_of(thing, azimuth, elevation, on_grid, scene, number)
        place = {k: np.asarray(getattr(camera, k)).tolist() for k in ("origin", "forward", "right", "up", "tan")}
        records.append({**facts, "caption": full(facts), "accent": word, "camera": place, "reach": frame.reach})
    for key, value in arrays.items():
        np.save(f"{path}.{key}.npy", value)
    save_json(path + ".json", records)
    return name


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=int, default=40)
    parser.add_argument("--size", type=int, default=600, help="pictures per training shard, a multiple of 4")
    parser.add_argument("--test-objects", type=int, default=96)
    parser.add_argument("--processes", type=int, default=2)
    a = parser.parse_args()
    n = a.test_objects
    jobs = [("test-0000", TEST_SEED, n * len(ORDER)), ("group-0000", TEST_SEED + 1, max(1, n // 2) * GROUP), ("light-0000", TEST_SEED + 2, max(1, n // 2))]
    jobs += [(f"train-{k:04d}", 5000 + k, a.size // GROUP * GROUP) for k in range(a.shards)]
    with multiprocessing.get_context("spawn").Pool(a.processes) as pool:
        for name in pool.imap_unordered(shard, jobs):
            print("shard", name, flush=True)


if __name__ == "__main__":
    main()
