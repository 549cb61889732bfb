"""Light, season and time of day, and what stands behind an object.

Colours are linear factors on the shading (1 = the neutral studio light) or picture colours in [0, 1].
"""
from dataclasses import dataclass

import numpy as np

GROUNDS = {
    "white": (0.96, 0.96, 0.96), "light grey": (0.82, 0.82, 0.83), "grey": (0.62, 0.62, 0.63), "beige": (0.90, 0.85, 0.76),
    "light blue": (0.76, 0.85, 0.93), "light green": (0.80, 0.89, 0.79), "light pink": (0.94, 0.84, 0.86), "dark grey": (0.33, 0.33, 0.35),
}
GROUND_ODDS = np.array([0.22, 0.24, 0.12, 0.12, 0.12, 0.07, 0.07, 0.04])


@dataclass(frozen=True)
class Light:
    """`sun` scales direct light, `air` the light from all around; `zenith`, `horizon` and `floor` colour sky and ground."""

    sun: tuple = (1, 1, 1)
    air: tuple = (1, 1, 1)
    zenith: tuple = ()
    horizon: tuple = ()
    floor: tuple = ()
    height: float = 0.75  # of the sun: the upward part of the direction to it
    lamps: bool = False  # windows are lit
    snow: bool = False
    shadow: float = 0.4


STUDIO = Light()
LIGHTS = {
    "sunny noon": Light((1.25, 1.2, 1.05), (0.8, 0.86, 0.98), (0.30, 0.53, 0.88), (0.78, 0.88, 0.96), (0.62, 0.64, 0.55), height=1.2, shadow=0.6),
    "evening light": Light((1.35, 0.88, 0.5), (0.72, 0.62, 0.72), (0.42, 0.38, 0.60), (0.99, 0.66, 0.38), (0.48, 0.38, 0.36), height=0.35, shadow=0.5),
    "night with lit windows": Light((0.14, 0.17, 0.26), (0.26, 0.30, 0.46), (0.03, 0.04, 0.10), (0.11, 0.14, 0.27), (0.09, 0.10, 0.15), lamps=True, shadow=0.3),
    "overcast": Light((0.32, 0.32, 0.33), (1.12, 1.14, 1.18), (0.66, 0.68, 0.71), (0.83, 0.84, 0.85), (0.55, 0.55, 0.54), shadow=0.12),
    "winter with snow": Light((0.7, 0.7, 0.72), (1.02, 1.06, 1.14), (0.62, 0.72, 0.84), (0.88, 0.91, 0.94), (0.93, 0.94, 0.96), height=0.5, snow=True, shadow=0.25),
    "autumn": Light((1.15, 0.98, 0.74), (0.88, 0.84, 0.78), (0.62, 0.72, 0.82), (0.94, 0.88, 0.76), (0.66, 0.46, 0.22), height=0.55, shadow=0.45),
}


@dataclass
class Scene:
    """The light word ("" for the studio), the ground word, and the backdrop's colours at the top and at the bottom."""

    light: str
    ground: str
    top: np.ndarray
    bottom: np.ndarray

    @property
    def lamp(self):
        return LIGHTS[self.light] if self.light else STUDIO


def studio(rng):
    """A plain backdrop, or a gradient downwards."""
    word = str(rng.choice(list(GROUNDS), p=GROUND_ODDS))
    base = np.array(GROUNDS[word]) + rng.uniform(-0.03, 0.03) + rng.uniform(-0.015, 0.015, 3)
    if rng.rand() < 0.35:
        return Scene("", word, base, base)
    return Scene("", word, base + rng.uniform(0, 0.06), base - rng.uniform(0.02, 0.14))


def outdoors(rng, word=None):
    """A sky over a floor, in one of the LIGHTS."""
    word = word or str(rng.choice(list(LIGHTS)))
    near = lambda c: np.array(c) * rng.uniform(0.94, 1.06) + rng.uniform(-0.012, 0.012, 3)
    return Scene(word, "sky", near(LIGHTS[word].zenith), near(LIGHTS[word].horizon))


def paint(scene, rays, size):
    """The backdrop (size, size, 3) behind unit `rays` (size, size, 3)."""
    g = np.linspace(0, 1, size)[:, None, None]
    if not scene.light:
        return np.broadcast_to((1 - g) * scene.top + g * scene.bottom, (size, size, 3)).astype(np.float32).copy()
    up = rays[..., 1:2]
    sky = scene.bottom + (scene.top - scene.bottom) * np.clip(up / 0.3, 0, 1)
    floor = np.array(scene.lamp.floor) + (scene.bottom - scene.lamp.floor) * np.exp(np.clip(up, -1, 0) * 14)
    return np.where(up > 0, sky, floor).astype(np.float32)
