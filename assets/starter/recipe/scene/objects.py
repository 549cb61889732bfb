"""The things that can be drawn: each function in MAKERS builds one random object of a class.

An object is made of solids and of surfaces (albedo (3,), material); a solid's `part` indexes the surfaces. `facts`
keeps what a caption may say: class, colour, material and a list of details.
"""
from dataclasses import dataclass, field

import numpy as np

from . import palette
from .facade import Storeys, Discs, Shelves
from .solids import Lathe, Tube, arc, box, cylinder, rotation, wedge


@dataclass
class Thing:
    kind: str
    colour: str
    material: str
    solids: list = field(default_factory=list)
    surfaces: list = field(default_factory=list)  # (albedo, material)
    details: list = field(default_factory=list)
    frontal: bool = False  # a facade: seen from near the front only

    def surface(self, albedo, material="matte"):
        self.surfaces.append((np.asarray(albedo, float), material))
        return len(self.surfaces) - 1

    def paint(self, rng, word, material="matte"):
        return self.surface(palette.shade_of(rng, word), material)

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
        thing.details.append(f"{word} inside")
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
        bands = [(low, low + u(0.08, 0.2) * h, t.paint(rng, word, t.material))]
        t.details.append(f"{word} stripe")
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
    bands = [(0.9 * h, 9, t.paint(rng, cap))]
    if rng.rand() < 0.35:
        t.details.append(f"{cap} cap")
    if rng.rand() < 0.6:
        word = other(rng, ("white", "yellow", "beige", "black"), t.colour)
        bands.append((0.14 * h, (shoulder - 0.12) * h, t.paint(rng, word)))
        t.details.append(f"{word} label")
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


def shade(rng, t, radius, top, low, high, x=0.0):
    """A lampshade from height `low` to `high`, lit from inside."""
    if rng.rand() < 0.7:
        lit = t.surface(np.array([0.97, 0.90, 0.74]) * rng.uniform(0.93, 1.02), "lit")
    else:
        word = other(rng, ("white", "red", "green", "blue", "yellow", "black"), t.colour)
        lit = t.paint(rng, word, "matte")
        t.details.append(f"{word} shade")
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
    t = start(rng, "speaker", FURN)
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


def legs(t, w, d, height, thick, part, round_=False):
    for sx in (-1, 1):
        for sz in (-1, 1):
            x, z = sx * (w - thick), sz * (d - thick)
            t.add(cylinder(thick, height, part, (x, 0, z)) if round_ else box((x, height / 2, z), (thick, height / 2, thick), part))


def leg_paint(rng, t):
    word = other(rng, ("brown", "black", "grey", "white"), t.colour)
    if rng.rand() < 0.5:
        return 0
    t.details.append(f"{word} legs")
    return t.paint(rng, word)


def chair(rng):
    t = start(rng, "chair", palette.FURNITURE_MATERIALS)
    u = rng.uniform
    w, d, seat, back = u(0.38, 0.48), u(0.38, 0.46), u(0.62, 0.8), u(0.6, 0.9)
    leg = leg_paint(rng, t)
    legs(t, w, d, seat, u(0.035, 0.055), leg)
    t.add(box((0, seat, 0), (w, 0.05, d), 0))
    style = rng.randint(3)
    if style == 0:
        t.add(box((0, seat + back / 2, -d + 0.04), (w, back / 2, 0.04), 0))
    else:
        for sx in (-1, 1):
            t.add(box((sx * (w - 0.05), seat + back / 2, -d + 0.04), (0.05, back / 2, 0.04), leg))
        for k in range(3):
            if style == 1:
                t.add(box((0, seat + back * (0.3 + 0.31 * k), -d + 0.04), (w - 0.05, back * 0.09, 0.03), 0))
            else:
                t.add(box(((k - 1) * w * 0.45, seat + back * 0.45, -d + 0.04), (0.05, back * 0.42, 0.025), 0))
        if style == 2:
            t.add(box((0, seat + back * 0.93, -d + 0.04), (w, back * 0.08, 0.045), 0))
    return t


def stool(rng):
    t = start(rng, "stool", palette.FURNITURE_MATERIALS)
    u = rng.uniform
    h, r = u(0.8, 1.4), u(0.32, 0.45)
    leg = leg_paint(rng, t)
    t.add(cylinder(r, 0.09, 0, (0, h, 0)))
    n, spread = rng.choice([3, 4]), u(1.0, 1.35)
    turn = u(0, 2 * np.pi)
    for k in range(n):
        a = turn + 2 * np.pi * k / n
        foot = np.array([np.cos(a), 0, np.sin(a)]) * r * spread
        t.add(Tube([foot + [0, 0.04, 0], foot * (0.65 / spread) + [0, h, 0]], 0.042, leg))
    if rng.rand() < 0.5:
        t.add(Tube(arc((0, h * 0.35, 0), r * (0.65 + (spread - 0.65) * 0.65), r * (0.65 + (spread - 0.65) * 0.65), 0, 360, 15, "xz"), 0.025, leg))
    return t


def table(rng):
    t = start(rng, "table", palette.FURNITURE_MATERIALS)
    u = rng.uniform
    w, d, h = u(0.7, 1.15), u(0.45, 0.65), u(0.55, 0.85)
    leg = leg_paint(rng, t)
    if rng.rand() < 0.3:
        r = u(0.6, 0.8)
        t.add(cylinder(r, 0.07, 0, (0, h, 0)), cylinder(0.07, h, leg), cylinder(r * 0.5, 0.06, leg))
        t.details.append("round top")
        return t
    t.add(box((0, h, 0), (w, 0.045, d), 0))
    legs(t, w * 0.96, d * 0.94, h, u(0.04, 0.065), leg, rng.rand() < 0.3)
    if rng.rand() < 0.4:
        t.add(box((0, h - 0.12, 0), (w * 0.9, 0.08, d * 0.88), leg))
    return t


def sofa(rng, kind="sofa"):
    t = start(rng, kind, palette.SOFT_MATERIALS)
    u = rng.uniform
    seats = rng.choice([2, 3]) if kind == "sofa" else 1
    w = 0.38 * seats + u(0.12, 0.2)
    d, seat, back, arm = u(0.42, 0.5), u(0.34, 0.42), u(0.4, 0.55), u(0.09, 0.14)
    leg = t.paint(rng, other(rng, ("brown", "black"), t.colour))
    legs(t, w, d, 0.1, 0.04, leg)
    t.add(box((0, 0.1 + (seat - 0.1) / 2, 0), (w, (seat - 0.1) / 2, d), 0))
    t.add(box((0, (seat + back) / 2 + 0.05, -d + 0.1), (w, (seat + back) / 2 - 0.05, 0.1), 0))
    for s in (-1, 1):
        t.add(box((s * (w - arm), 0.1 + (seat + 0.1) / 2, 0.02), (arm, (seat + 0.1) / 2, d), 0))
    pad = (w - 2 * arm) / seats
    cushion = 0
    if rng.rand() < 0.3:
        word = other(rng, ("white", "yellow", "red", "beige", "grey"), t.colour)
        cushion = t.paint(rng, word, "fabric")
        t.details.append(f"{word} cushions")
    for k in range(seats):
        x = -w + 2 * arm + pad * (2 * k + 1)
        t.add(box((x, seat + 0.05, 0.06), (pad * 0.96, 0.055, d - 0.1), 0))
        t.add(box((x, seat + back * 0.55, -d + 0.26), (pad * 0.92, back * 0.38, 0.06), cushion, rotation(pitch=-0.15)))
    return t


def armchair(rng):
    return sofa(rng, "armchair")


def bookcase(rng):
    t = start(rng, "bookcase", palette.FURNITURE_MATERIALS)
    u = rng.uniform
    w, h, d = u(0.4, 0.7), u(1.3, 1.9), u(0.16, 0.24)
    rows, columns = rng.randint(3, 6), rng.randint(1, 3)
    t.add(box((0, h / 2, -d + 0.02), (w, h / 2, 0.02), 0))
    for k in range(columns + 1):
        t.add(box((-w + 2 * w * k / columns, h / 2, 0), (0.03, h / 2, d), 0))
    for k in range(rows + 1):
        t.add(box((0, 0.03 + (h - 0.06) * k / rows, 0), (w, 0.03, d), 0))
    if rng.rand() < 0.6:
        books = [t.paint(rng, c) for c in rng.choice(list(palette.COLOURS), 4, replace=False)]
        for r in range(rows):
            for c in range(columns):
                if rng.rand() < 0.25:
                    continue
                cell = w / columns
                fill = u(0.5, 0.92)
                height = (h / rows - 0.08) * u(0.6, 0.85)
                x = -w + 2 * cell * c + 0.04 + cell * fill
                y = 0.06 + (h - 0.06) * r / rows
                t.add(box((x, y + height / 2, 0), (cell * fill - 0.03, height / 2, d * 0.8), books[0], art=Shelves(books, 0.07)))
        t.details.append("books")
    return t


def cupboard(rng):
    t = start(rng, "cupboard", palette.FURNITURE_MATERIALS)
    u = rng.uniform
    w, h, d = u(0.5, 0.95), u(0.5, 0.9), u(0.25, 0.35)
    leg = leg_paint(rng, t)
    foot = u(0.08, 0.2)
    legs(t, w, d, foot, 0.045, leg)
    t.add(box((0, foot + h / 2, 0), (w, h / 2, d), 0))
    columns, rows = rng.randint(2, 4), rng.randint(1, 4)
    front = 0
    if rng.rand() < 0.4:
        word = other(rng, ("white", "beige", "grey", "blue", "green"), t.colour)
        front = t.paint(rng, word, t.material)
        t.details.append(f"{word} doors" if rows == 1 else f"{word} drawers")
    knob = t.surface((0.2, 0.19, 0.18), "metal")
    for c in range(columns):
        for r in range(rows):
            x, y = -w + 2 * w * (c + 0.5) / columns, foot + h * (r + 0.5) / rows
            t.add(box((x, y, d), (w / columns - 0.025, h / rows / 2 - 0.025, 0.02), front))
            if rows == 1:
                kx = x + (w / columns - 0.09) * (1 if c % 2 == 0 else -1)
            else:
                kx = x
            t.add(box((kx, y, d + 0.04), (0.03, 0.03, 0.025), knob))
    return t


def building_parts(rng, t):
    pane = t.surface(np.array([0.42, 0.55, 0.66]) * rng.uniform(0.75, 1.1), "pane")
    word = str(rng.choice(["brown", "red", "green", "blue", "black", "white"]))
    door = t.paint(rng, word)
    if rng.rand() < 0.4:
        t.details.append(f"{word} door")
    trim = t.surface((0.88, 0.88, 0.87)) if rng.rand() < 0.75 else t.surface((0.3, 0.3, 0.31))
    return pane, door, trim


def roof_paint(rng, t):
    word = str(rng.choice(["red", "grey", "brown", "black", "green"]))
    t.details.append(f"{word} roof")
    tint = {"red": (0.58, 0.23, 0.16), "grey": (0.34, 0.35, 0.38), "brown": (0.36, 0.25, 0.18), "black": (0.13, 0.13, 0.15), "green": (0.22, 0.37, 0.30)}[word]
    return t.surface(np.array(tint) * rng.uniform(0.9, 1.12))


def gable_roof(rng, t, w, d, y, part):
    rise, over = rng.uniform(0.3, 0.55), 0.07
    ridge = str(rng.choice(["x", "z"])) if w < 1.3 * d else "x"
    hip = rng.rand() < 0.3
    half = (w if ridge == "x" else d) * rng.uniform(0.3, 0.6) if hip else None
    t.add(wedge((0, y, 0), w + over, d + over, rise, part, ridge, half))
    if not hip:
        t.details.append("gable roof")
    return rise


def house(rng):
    t = start(rng, "house", palette.WALL_MATERIALS)
    u = rng.uniform
    floors = rng.randint(1, 3)
    h, w, d = 0.45 * floors + 0.15, u(0.55, 0.9), u(0.45, 0.62)
    pane, door, trim = building_parts(rng, t)
    roof = roof_paint(rng, t)
    columns = int(np.clip(round(2 * w / u(0.3, 0.42)), 2, 6))
    art = Storeys(rng, (w, h / 2, d), floors, columns, max(2, round(2 * d / 0.4)), pane, door, trim)
    t.add(box((0, h / 2, 0), (w, h / 2, d), 0, art=art))
    rise = gable_roof(rng, t, w, d, h, roof)
    if rng.rand() < 0.45:
        t.add(box((w * 0.5, h + rise * 0.65, -d * 0.25), (0.075, rise * 0.55, 0.075), 0))
        t.details.append("chimney")
    if rng.rand() < 0.25:
        t.add(box((0, 0.36, d + 0.12), (w * 0.35, 0.025, 0.14), trim))
        for s in (-1, 1):
            t.add(box((s * w * 0.3, 0.18, d + 0.22), (0.025, 0.18, 0.025), trim))
        t.details.append("porch")
    t.details.append("one floor" if floors == 1 else "two floors")
    return t


NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def block(rng):
    t = start(rng, "building", palette.WALL_MATERIALS)
    u = rng.uniform
    floors = rng.randint(3, 6)
    h, w, d = 0.32 * floors + 0.2, u(0.55, 0.95), u(0.4, 0.6)
    pane, door, trim = building_parts(rng, t)
    roof = roof_paint(rng, t)
    columns = int(np.clip(round(2 * w / u(0.3, 0.42)), 3, 6))
    shop = rng.rand() < 0.3
    t.add(box((0, h / 2, 0), (w, h / 2, d), 0, art=Storeys(rng, (w, h / 2, d), floors, columns, 3, pane, door, trim, shop)))
    if rng.rand() < 0.3:
        gable_roof(rng, t, w, d, h, roof)
    else:
        t.add(box((0, h + 0.025, 0), (w + 0.04, 0.03, d + 0.04), roof))
        if rng.rand() < 0.4:
            t.add(box((u(-0.3, 0.3) * w, h + 0.13, 0), (w * 0.3, 0.09, d * 0.4), 0))
    if rng.rand() < 0.45:
        for f in range(1, floors):
            for k in range(columns):
                if columns > 3 and k % 2:
                    continue
                x = -w + 2 * w * (k + 0.5) / columns
                t.add(box((x, f * h / floors + 0.06, d + 0.07), (w / columns * 0.8, 0.055, 0.07), trim))
        t.details.append("balconies")
    if shop:
        t.details.append("shop on the ground floor")
    t.details.append(f"{NUMBERS[floors]} floors")
    return t


def tower(rng):
    t = start(rng, "tower", (["concrete", "brick", "glass", "plaster", "stone"], [0.25, 0.2, 0.3, 0.15, 0.1]))
    u = rng.uniform
    floors = rng.randint(7, 11)
    h, w, d = 0.25 * floors + 0.2, u(0.34, 0.5), u(0.34, 0.5)
    pane, door, trim = building_parts(rng, t)
    roof = t.surface((0.36, 0.36, 0.38))
    if t.material == "glass":  # curtain wall: the panes take the colour, the grid is light
        t.surfaces[0] = (t.surfaces[0][0], "pane")
    columns = rng.randint(2, 5)
    full = t.material == "glass"
    art = Storeys(rng, (w, h / 2, d), floors, columns, columns, 0 if full else pane, door, trim, curtain=full)
    t.add(box((0, h / 2, 0), (w, h / 2, d), 0, art=art))
    t.add(box((0, h + 0.02, 0), (w + 0.02, 0.03, d + 0.02), roof))
    if rng.rand() < 0.6:
        t.add(box((0, h + 0.13, 0), (w * 0.5, 0.1, d * 0.5), roof))
    t.details.append(f"{NUMBERS[floors]} floors")
    return t


def facade(rng):
    """A house front that fills the picture, with a window grid, cornice, balconies or shops."""
    t = start(rng, "facade", palette.WALL_MATERIALS)
    t.frontal = True
    u = rng.uniform
    floors, columns = rng.randint(2, 6), rng.randint(3, 7)
    h, w, d = 0.4 * floors, 0.2 * columns * u(0.9, 1.15), 0.3
    pane, door, trim = building_parts(rng, t)
    shop = rng.rand() < 0.4
    t.add(box((0, h / 2, -d), (w, h / 2, d), 0, art=Storeys(rng, (w, h / 2, d), floors, columns, 1, pane, door, trim, shop)))
    if rng.rand() < 0.6:
        t.add(box((0, h + 0.03, -d), (w + 0.05, 0.05, d + 0.06), trim))
        t.details.append("cornice")
    else:
        gable_roof(rng, t, w, d, h, roof_paint(rng, t))
        t.solids[-1].offsets = t.solids[-1].offsets + t.solids[-1].normals @ np.array([0, 0, -d], np.float32)
        t.solids[-1].corners = t.solids[-1].corners + [0, 0, -d]
    if rng.rand() < 0.45:
        for f in range(1, floors):
            for k in range(columns):
                x = -w + 2 * w * (k + 0.5) / columns
                t.add(box((x, f * h / floors + 0.06, 0.06), (w / columns * 0.75, 0.05, 0.06), trim))
        t.details.append("balconies")
    if shop:
        t.details.append("shop on the ground floor")
    t.details.append(f"{NUMBERS[floors]} floors")
    return t


FURN = palette.FURNITURE_MATERIALS
MAKERS = {
    "vase": (vase, 8), "bottle": (bottle, 7), "mug": (mug, 7), "bowl": (bowl, 6), "teapot": (teapot, 6), "jug": (jug, 4),
    "table lamp": (table_lamp, 7), "floor lamp": (floor_lamp, 3), "desk lamp": (desk_lamp, 4), "speaker": (speaker, 5),
    "camera": (camera, 4), "radio": (radio, 4), "chair": (chair, 7), "stool": (stool, 4), "table": (table, 6),
    "sofa": (sofa, 5), "armchair": (armchair, 4), "bookcase": (bookcase, 4), "cupboard": (cupboard, 5),
    "house": (house, 9), "building": (block, 8), "tower": (tower, 6), "facade": (facade, 8),
}
KINDS = list(MAKERS)


def make(rng, kind=None):
    """One random object; `rng` is a numpy RandomState."""
    if kind is None:
        odds = np.array([MAKERS[k][1] for k in KINDS], float)
        kind = KINDS[rng.choice(len(KINDS), p=odds / odds.sum())]
    return MAKERS[kind][0](rng)
