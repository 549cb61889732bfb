"""Colour words, material words and how much of each the generator uses."""
import numpy as np

COLOURS = {
    "red": (0.78, 0.12, 0.11), "orange": (0.92, 0.47, 0.10), "yellow": (0.93, 0.79, 0.20), "green": (0.18, 0.57, 0.22),
    "teal": (0.10, 0.57, 0.57), "blue": (0.14, 0.31, 0.80), "purple": (0.48, 0.20, 0.66), "pink": (0.93, 0.53, 0.66),
    "brown": (0.45, 0.27, 0.15), "beige": (0.84, 0.74, 0.58), "white": (0.93, 0.92, 0.90), "grey": (0.50, 0.51, 0.53),
    "black": (0.10, 0.10, 0.11),
}
MATERIALS = ["matte", "glossy", "metal", "glass", "wooden", "brick", "concrete", "stone", "plaster", "tile", "fabric", "pane", "window", "lit"]
INDEX = {name: k for k, name in enumerate(MATERIALS)}
OBJECT_MATERIALS = (["matte", "glossy", "metal", "glass", "wooden"], [0.27, 0.27, 0.18, 0.12, 0.16])
FURNITURE_MATERIALS = (["wooden", "matte", "glossy", "metal"], [0.45, 0.25, 0.15, 0.15])
SOFT_MATERIALS = (["fabric", "matte", "glossy"], [0.6, 0.25, 0.15])
WALL_MATERIALS = (["brick", "wooden", "concrete", "plaster", "stone", "tile"], [0.26, 0.17, 0.18, 0.2, 0.12, 0.07])
OFFICE_MATERIALS = (["concrete", "glass", "brick", "stone", "tile", "metal"], [0.25, 0.3, 0.15, 0.12, 0.1, 0.08])
WOODS = ("brown", "beige", "orange", "white", "black", "grey", "red", "yellow")


def shade_of(rng, word):
    """One albedo (3,) in [0, 1] that a person would call `word`."""
    return np.clip(np.array(COLOURS[word]) + rng.uniform(-0.035, 0.035, 3) + rng.uniform(-0.03, 0.03), 0.03, 0.97)


def choose(rng, table):
    words, odds = table
    return str(rng.choice(words, p=odds))


def colour_for(rng, material):
    words = WOODS if material == "wooden" else tuple(COLOURS)
    return str(rng.choice(words))
