"""What every object is built from: the Thing, its paint, and smooth profiles.

An object is made of solids and of surfaces (albedo (3,), material); a solid's `part` indexes the surfaces. `kind`,
`colour`, `material` and `details` keep what a caption may say, `accents` where the second colours among the details are.
"""
from dataclasses import dataclass, field

import numpy as np

from . import palette

NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


@dataclass
class Thing:
    kind: str
    colour: str
    material: str
    solids: list = field(default_factory=list)
    surfaces: list = field(default_factory=list)  # (albedo, material)
    details: list = field(default_factory=list)
    accents: list = field(default_factory=list)  # (colour word, what has it, surface) of the second colours that `details` names
    frontal: bool = False  # a facade: seen from near the front only

    def surface(self, albedo, material="matte"):
        self.surfaces.append((np.asarray(albedo, float), material))
        return len(self.surfaces) - 1

    def paint(self, rng, word, material="matte"):
        return self.surface(palette.shade_of(rng, word), material)

    def accent(self, word, what, surface):
        """Say that `what` (roof, label ...) has a second colour, and on which surface it is."""
        self.details.append(f"{word} {what}")
        self.accents.append((word, what, surface))

    def add(self, *solids):
        self.solids.extend(solids)

    def bounds(self):
        p = np.concatenate([s.corners for s in self.solids])
        return p.min(0), p.max(0)


def start(rng, kind, materials):
    material = palette.choose(rng, materials)
    colour = palette.colour_for(rng, material)
    thing = Thing(kind, colour, material)
    thing.paint(rng, colour, material)
    return thing


def other(rng, words, but):
    return str(rng.choice([w for w in words if w != but]))


def spline(knots, count=18):
    """Smooth profile (count, 2) of (radius, height) through knots given as (height, radius)."""
    from scipy.interpolate import PchipInterpolator

    k = np.array(knots, float)
    y = np.linspace(k[0, 0], k[-1, 0], count)
    return np.stack([PchipInterpolator(k[:, 0], k[:, 1])(y), y], 1)
