"""The things that can be drawn, in four groups; MAKERS has for each class the function that builds a random one, and its odds."""
import numpy as np

from .buildings import block, facade, house, office, tower
from .furniture import armchair, bookcase, chair, cupboard, sofa, stool, table
from .lamps import camera, desk_lamp, floor_lamp, radio, speaker, table_lamp
from .vessels import bottle, bowl, jug, mug, teapot, vase

GROUPS = {
    "vessels and tableware": {"vase": (vase, 8), "bottle": (bottle, 7), "mug": (mug, 7), "bowl": (bowl, 6), "teapot": (teapot, 6), "jug": (jug, 4)},
    "lamps and electronics": {"table lamp": (table_lamp, 7), "floor lamp": (floor_lamp, 4), "desk lamp": (desk_lamp, 4), "speaker": (speaker, 6),
                              "camera": (camera, 5), "radio": (radio, 5)},
    "furniture": {"chair": (chair, 7), "stool": (stool, 4), "table": (table, 6), "sofa": (sofa, 5), "armchair": (armchair, 4),
                  "bookcase": (bookcase, 4), "cupboard": (cupboard, 5)},
    "buildings": {"house": (house, 9), "building": (block, 8), "office building": (office, 6), "tower": (tower, 7), "facade": (facade, 9)},
}
MAKERS = {kind: maker for group in GROUPS.values() for kind, maker in group.items()}
KINDS = list(MAKERS)
BUILDINGS = tuple(GROUPS["buildings"])
ROUND = ("vase", "bottle", "bowl", "table lamp", "floor lamp", "stool")  # nobody can tell their front from their back


def make(rng, kind=None):
    """One random object; `rng` is a numpy RandomState."""
    if kind is None:
        odds = np.array([MAKERS[k][1] for k in KINDS], float)
        kind = KINDS[rng.choice(len(KINDS), p=odds / odds.sum())]
    return MAKERS[kind][0](rng)
