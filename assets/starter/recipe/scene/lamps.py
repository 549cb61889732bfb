"""Lamps and electronics."""
import numpy as np

from . import palette
from .facade import Discs
from .solids import Lathe, Tube, box, cylinder, rotation
from .thing import other, spline, start


def shade(rng, t, radius, top, low, high, x=0.0):
    """A lampshade from height `low` to `high`, lit from inside."""
    if rng.rand() < 0.7:
        lit = t.surface(np.array([0.97, 0.90, 0.74]) * rng.uniform(0.93, 1.02), "lit")
    else:
        word = other(rng, ("white", "red", "green", "blue", "yellow", "black"), t.colour)
        lit = t.paint(rng, word, "matte")
        t.accent(word, "shade", lit)
    t.add(Lathe([(radius - 0.03, low), (radius, low), (top, high), (top - 0.03, high), (radius - 0.03, low)], lit, base=(x, 0, 0)))


def table_lamp(rng):
    t = start(rng, "table lamp", palette.OBJECT_MATERIALS)
    u = rng.uniform
    h, foot, r = u(1.4, 1.9), u(0.2, 0.34), u(0.4, 0.6)
    cut = 0.58 * h
    if rng.rand() < 0.5:
        profile = [(0, 0), (foot, 0), (foot, 0.05 * h), (0.045, 0.07 * h), (0.045, cut + 0.15), (0, cut + 0.15)]
    else:
        profile = [(0, 0)] + list(map(tuple, spline([(0, foot * 0.6), (0.05 * h, foot * 0.75), (0.2 * h, foot * 1.1), (0.42 * h, 0.07), (cut, 0.045)], 16))) + [(0.045, cut + 0.15), (0, cut + 0.15)]
    t.add(Lathe(profile, 0))
    shade(rng, t, r, r * u(0.45, 0.9), cut, h)
    return t


def floor_lamp(rng):
    t = start(rng, "floor lamp", palette.OBJECT_MATERIALS)
    u = rng.uniform
    h, r = u(2.0, 2.5), u(0.3, 0.45)
    t.add(cylinder(u(0.28, 0.36), 0.05, 0), cylinder(0.03, h * 0.85, 0))
    shade(rng, t, r, r * u(0.5, 0.95), h * u(0.74, 0.8), h)
    return t


def desk_lamp(rng):
    t = start(rng, "desk lamp", (["matte", "glossy", "metal"], [0.35, 0.35, 0.3]))
    u = rng.uniform
    knee = np.array([-u(0.2, 0.4), u(0.7, 0.9), 0])
    head = np.array([u(0.3, 0.5), u(1.25, 1.5), 0])
    t.add(cylinder(u(0.28, 0.36), 0.07, 0), Tube([(0, 0.05, 0), knee, head], 0.035, 0))
    tilt = u(0.3, 0.8)
    lit = t.surface((0.98, 0.92, 0.75), "lit")
    r = u(0.24, 0.32)
    t.add(Lathe([(0, 0.02), (r, -0.34), (r - 0.03, -0.34), (0.06, -0.05), (0, -0.05)], 0, base=head, turn=rotation(roll=tilt), inner=2, inner_part=lit))
    return t


def speaker(rng):
    t = start(rng, "speaker", palette.FURNITURE_MATERIALS)
    u = rng.uniform
    h, w, d = u(1.1, 1.8), u(0.35, 0.5), u(0.3, 0.45)
    ring, cone = t.surface((0.5, 0.5, 0.52), "metal"), t.surface((0.12, 0.12, 0.13))
    big = w * u(0.6, 0.78)
    small = big * u(0.4, 0.6)
    top = min(-h * 0.17 + big + small + 0.12, h / 2 - small - 0.06)
    art = Discs(4, [(0, -h * 0.17, big), (0, top, small)], ring, cone)
    t.add(box((0, h / 2, 0), (w, h / 2, d), 0, art=art))
    return t


def camera(rng):
    t = start(rng, "camera", (["matte", "glossy", "metal"], [0.4, 0.3, 0.3]))
    u = rng.uniform
    w, h, d = u(0.65, 0.85), u(0.4, 0.52), u(0.2, 0.28)
    dark, glass = t.surface((0.1, 0.1, 0.11), "glossy"), t.surface((0.25, 0.3, 0.4), "pane")
    r, reach = h * u(0.62, 0.8), u(0.25, 0.5)
    x = u(-0.1, 0.1)
    t.add(box((0, h, 0), (w, h, d), 0))
    t.add(Lathe([(0, 0), (r, 0), (r, reach * 0.6), (r * 0.9, reach * 0.62), (r * 0.9, reach), (r * 0.7, reach), (r * 0.65, reach - 0.05), (0, reach - 0.08)], dark,
                base=(x, h, d), turn=rotation(pitch=np.pi / 2), inner=6, inner_part=glass))
    if rng.rand() < 0.6:
        t.add(box((x, 2 * h + 0.09, 0), (w * 0.25, 0.09, d * 0.8), 0))
    t.add(cylinder(0.08, 0.07, dark, (w * 0.7, 2 * h, 0)), cylinder(0.11, 0.05, dark, (-w * 0.65, 2 * h, 0)))
    return t


def radio(rng):
    t = start(rng, "radio", palette.FURNITURE_MATERIALS)
    u = rng.uniform
    w, h, d = u(0.8, 1.05), u(0.38, 0.5), u(0.22, 0.32)
    grille, dark = t.surface((0.3, 0.28, 0.26), "fabric"), t.surface((0.14, 0.14, 0.15))
    art = Discs(4, [(-w * 0.48, 0, h * u(0.6, 0.8))], grille, dark, middle=False)
    t.add(box((0, h, 0), (w, h, d), 0, art=art))
    dial = t.surface((0.92, 0.88, 0.76))
    t.add(box((w * 0.45, h * 1.35, d), (w * 0.38, h * 0.3, 0.015), dial))
    for k in (0.25, 0.65):
        t.add(cylinder(h * 0.2, 0.08, dark, (w * k, h * 0.55, d), rotation(pitch=np.pi / 2)))
    if rng.rand() < 0.6:
        t.add(Tube([(-w * 0.7, 2 * h, 0), (-w * 0.7, 2 * h + 0.2, 0), (w * 0.7, 2 * h + 0.2, 0), (w * 0.7, 2 * h, 0)], 0.035, dark))
        t.details.append("carrying handle")
    return t
