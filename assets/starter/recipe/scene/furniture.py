"""Furniture."""
import numpy as np

from . import palette
from .facade import Shelves
from .solids import Tube, arc, box, cylinder, rotation
from .thing import other, start


def legs(t, w, d, height, thick, part, round_=False):
    for sx in (-1, 1):
        for sz in (-1, 1):
            x, z = sx * (w - thick), sz * (d - thick)
            t.add(cylinder(thick, height, part, (x, 0, z)) if round_ else box((x, height / 2, z), (thick, height / 2, thick), part))


def leg_paint(rng, t):
    word = other(rng, ("brown", "black", "grey", "white"), t.colour)
    if rng.rand() < 0.5:
        return 0
    part = t.paint(rng, word)
    t.accent(word, "legs", part)
    return part


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
        t.accent(word, "cushions", cushion)
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
        t.accent(word, "doors" if rows == 1 else "drawers", front)
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
