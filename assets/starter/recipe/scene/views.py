"""View words: named views, and exact azimuth and elevation every 15 degrees. See MODEL_CARD.md for the wording.

Degrees; azimuth 0 is the front, 90 the object's right side (camera at +x), 180 the back, 270 the left side.
"""
import numpy as np

STEP = 15
TOP_FROM = 50  # elevation from which a view is called a top view
VIEWS = {
    "front": (0, 12), "three-quarter left": (320, 20), "three-quarter right": (40, 20), "side left": (270, 12),
    "side right": (90, 12), "back": (180, 14), "top": (25, 62),
}
SECTORS = ("front", "three-quarter right", "side right", "back three-quarter right", "back", "back three-quarter left", "side left", "three-quarter left")
ELEVATIONS, ELEVATION_ODDS = (0, 15, 30, 45, 60, 75), (0.2, 0.36, 0.22, 0.11, 0.07, 0.04)
FRONTAL = (330, 345, 0, 0, 15, 30)  # azimuths of a facade's exact views


def name_of(azimuth, elevation):
    """The name of the view nearest to a camera."""
    return "top" if elevation >= TOP_FROM else SECTORS[round(azimuth / 45) % 8]


def nearest(azimuth, elevation):
    """Azimuth 0..345 and elevation 0..75 on the grid of STEP degrees."""
    return round(azimuth / STEP) * STEP % 360, int(np.clip(round(elevation / STEP) * STEP, 0, ELEVATIONS[-1]))


def exact(azimuth, elevation):
    a, e = nearest(azimuth, elevation)
    return f"azimuth {a} degrees, elevation {e} degrees"


def named_camera(rng, name, frontal=False):
    """(azimuth, elevation) near a named view."""
    azimuth, elevation = VIEWS[name]
    spread = 5 if frontal else 7
    azimuth = (azimuth + rng.uniform(-spread, spread)) % 360
    return azimuth, rng.uniform(1, 6) if frontal else elevation + rng.uniform(-5, 5)


def exact_camera(rng, frontal=False):
    """(azimuth, elevation) within 3 degrees of a point of the grid."""
    azimuth = rng.choice(FRONTAL) if frontal else STEP * rng.randint(24)
    elevation = rng.choice((0, 0, 15)) if frontal else rng.choice(ELEVATIONS, p=ELEVATION_ODDS)
    return (azimuth + rng.uniform(-3, 3)) % 360, max(elevation + rng.uniform(-3, 3), 0.5)
