"""Vessels and tableware."""
import numpy as np

from . import palette
from .solids import Lathe, Tube, arc
from .thing import other, spline, start


def shell(outside, wall, floor):
    """Open vessel: the outside profile, the rim, and the inside down to `floor`; returns (profile, first inside index)."""
    inside = [(max(r - wall, 0.01), y) for r, y in outside[::-1] if y > floor + 0.02]
    profile = [(0, outside[0][1])] + [tuple(p) for p in outside] + inside + [(inside[-1][0], floor), (0, floor)]
    return profile, len(outside) + 1


def vessel(rng, thing, outside, wall, floor, **kw):
    profile, inner = shell(outside, wall, floor)
    inner_part = 0
    if rng.rand() < 0.15 and thing.material in ("matte", "glossy"):
        word = other(rng, ("white", "beige", "black"), thing.colour)
        inner_part = thing.paint(rng, word, thing.material)
        thing.accent(word, "inside", inner_part)
    thing.add(Lathe(profile, 0, inner=inner, inner_part=inner_part, **kw))


def vase(rng):
    t = start(rng, "vase", palette.OBJECT_MATERIALS)
    u = rng.uniform
    h, b = u(1.2, 1.9), u(0.25, 0.45)
    shapes = [
        [(0, 0.75), (0.35, 1.5), (0.75, 0.65), (0.9, 0.6), (1, 0.95)],
        [(0, 0.6), (0.25, 1.1), (0.55, 1.5), (0.8, 0.9), (1, 0.75)],
        [(0, 1.1), (0.15, 1.45), (0.3, 1.3), (0.7, 0.5), (1, 0.6)],
        [(0, 0.8), (0.5, 0.9), (0.8, 1.05), (1, 1.3)],
    ]
    knots = [(y * h, r * b * u(0.9, 1.12)) for y, r in shapes[rng.randint(len(shapes))]]
    bands = []
    if rng.rand() < 0.35:
        word = other(rng, ("white", "black", "blue", "yellow", "red"), t.colour)
        low = u(0.3, 0.6) * h
        stripe = t.paint(rng, word, t.material)
        bands = [(low, low + u(0.08, 0.2) * h, stripe)]
        t.accent(word, "stripe", stripe)
    vessel(rng, t, spline(knots, 20), 0.045, 0.12 * h, bands=bands)
    return t


def bottle(rng):
    t = start(rng, "bottle", palette.OBJECT_MATERIALS)
    u = rng.uniform
    h, b = u(1.5, 2.0), u(0.26, 0.42)
    neck, shoulder = b * u(0.3, 0.45), u(0.5, 0.68)
    top = shoulder + u(0.08, 0.2)
    profile = [(0, 0), (b * 0.93, 0), (b, 0.03 * h)] + list(map(tuple, spline([(0.031 * h, b), (shoulder * h, b), (top * h, neck), (0.9 * h, neck * 0.95)], 14)))
    profile += [(neck * 1.25, 0.9 * h), (neck * 1.25, h), (0, h)]
    cap = other(rng, ("black", "white", "red", "brown"), t.colour)
    top_part = t.paint(rng, cap)
    bands = [(0.9 * h, 9, top_part)]
    if rng.rand() < 0.35:
        t.accent(cap, "cap", top_part)
    if rng.rand() < 0.6:
        word = other(rng, ("white", "yellow", "beige", "black"), t.colour)
        label = t.paint(rng, word)
        bands.append((0.14 * h, (shoulder - 0.12) * h, label))
        t.accent(word, "label", label)
    t.add(Lathe(profile, 0, bands=bands))
    return t


def mug(rng):
    t = start(rng, "mug", palette.OBJECT_MATERIALS)
    u = rng.uniform
    h, b = u(0.8, 1.1), u(0.36, 0.5)
    top = b * u(0.85, 1.15)
    vessel(rng, t, np.array([(b * 0.92, 0), (b, 0.06 * h), ((b + top) / 2, 0.5 * h), (top, h)]), 0.05, 0.1)
    r = max(b, top)
    t.add(Tube(arc((r * 0.95, h * 0.5, 0), h * u(0.24, 0.32), h * u(0.26, 0.34), -88, 88, 11), 0.055, 0))
    return t


def bowl(rng):
    t = start(rng, "bowl", palette.OBJECT_MATERIALS)
    u = rng.uniform
    h, r = u(0.45, 0.75), u(0.7, 0.95)
    outside = [(r * 0.42, 0), (r * 0.4, 0.1 * h)] + list(map(tuple, spline([(0.1 * h, r * 0.42), (0.5 * h, r * u(0.78, 0.9)), (h, r)], 10)))
    vessel(rng, t, np.array(outside), 0.05, 0.14)
    return t


def pot_with_spout(rng, kind):
    t = start(rng, kind, palette.OBJECT_MATERIALS)
    u = rng.uniform
    return t, u


def teapot(rng):
    t, u = pot_with_spout(rng, "teapot")
    h, r = u(0.75, 1.0), u(0.5, 0.65)
    body = spline([(0, r * 0.7), (0.45 * h, r), (0.85 * h, r * 0.7), (h, r * 0.42)], 14)
    lid = t.paint(rng, other(rng, ("white", "black", "beige"), t.colour), t.material) if rng.rand() < 0.3 else 0
    if lid:
        t.details.append("contrasting lid")
    t.add(Lathe([(0, 0)] + list(map(tuple, body)) + [(0, h)], 0))
    t.add(Lathe([(r * 0.46, h), (r * 0.4, h + 0.05), (r * 0.12, h + 0.12), (r * 0.07, h + 0.15), (r * 0.14, h + 0.2), (r * 0.1, h + 0.25), (0, h + 0.26)], lid))
    s = h * u(0.28, 0.4)
    t.add(Tube([(-r * 0.8, s, 0), (-r * 1.2, s + 0.14, 0), (-r * 1.42, h * 0.75, 0), (-r * 1.62, h * 0.98, 0)], [0.12, 0.09, 0.06], 0))
    t.add(Tube(arc((r * 0.85, h * 0.52, 0), h * 0.42, h * 0.34, -85, 88, 11), 0.055, 0))
    return t


def jug(rng):
    t, u = pot_with_spout(rng, "jug")
    h, b = u(1.1, 1.5), u(0.34, 0.46)
    outside = spline([(0, b * 0.8), (0.3 * h, b), (0.75 * h, b * u(0.6, 0.8)), (h, b * u(0.8, 1.0))], 16)
    vessel(rng, t, outside, 0.045, 0.1)
    r = outside[-1][0]
    t.add(Tube([(-r * 0.75, h - 0.1, 0), (-r * 1.25, h - 0.02, 0)], 0.09, 0))
    t.add(Tube(arc((b * 0.72, h * 0.6, 0), b * u(0.7, 0.95), h * 0.3, -80, 88, 11), 0.05, 0))
    return t
