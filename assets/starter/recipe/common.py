"""Paths, seeds and small helpers shared by the stages."""
import json
import os
import time

import numpy as np

TEST_SEED = 900001
SEED = 7
PLANES = ("rgb", "depth", "lines", "normal", "accent")  # the last two of held-out pictures only


def work(*parts):
    """A path under WORK (default ~/.cache/maquette-starter); its folder is made."""
    root = os.environ.get("WORK") or os.path.expanduser("~/.cache/maquette-starter")
    path = os.path.join(root, *parts)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def save_json(path, value):
    with open(path + ".part", "w") as f:
        json.dump(value, f)
    os.replace(path + ".part", path)


def save_torch(path, value):
    import torch

    torch.save(value, path + ".part")
    os.replace(path + ".part", path)


def threads(count=None):
    """Give torch `count` threads (default: the two cores it may use) and seed it."""
    import torch

    torch.set_num_threads(count or int(os.environ.get("OMP_NUM_THREADS", "2")))
    torch.manual_seed(SEED)
    return torch


class Shards:
    """All finished shards of a split as one list: records, and rows of their PLANES from memory-mapped files."""

    def __init__(self, split):
        folder = os.path.dirname(work("data", "x"))
        self.names = sorted(n[:-5] for n in os.listdir(folder) if n.startswith(split + "-") and n.endswith(".json"))
        self.records, self.where, self.arrays = [], [], []
        for s, name in enumerate(self.names):
            with open(os.path.join(folder, name + ".json")) as f:
                rows = json.load(f)
            self.records += rows
            self.where += [(s, i) for i in range(len(rows))]
            self.arrays.append({k: np.load(path, mmap_mode="r") for k in PLANES if os.path.exists(path := os.path.join(folder, f"{name}.{k}.npy"))})

    def __len__(self):
        return len(self.records)

    def row(self, key, i):
        s, k = self.where[i]
        return self.arrays[s][key][k]


class Clock:
    """Seconds worked over all runs of a stage: `start` is what earlier runs used."""

    def __init__(self, start=0.0):
        self.begin = time.time() - start

    def __call__(self):
        return time.time() - self.begin
