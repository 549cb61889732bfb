"""Buildings: houses, apartment blocks, offices, towers, and facades seen from near the front."""
import numpy as np

from . import palette
from .facade import Storeys
from .solids import box, wedge
from .thing import NUMBERS, start


def building_parts(rng, t):
    """Surfaces of windows (a dark pane, and one that is lit at night), door and trim."""
    glass = np.array([0.42, 0.55, 0.66]) * rng.uniform(0.75, 1.1)
    panes = t.surface(glass, "pane"), t.surface(glass, "window")
    word = str(rng.choice(["brown", "red", "green", "blue", "black", "white"]))
    door = t.paint(rng, word)
    if rng.rand() < 0.4:
        t.accent(word, "door", door)
    trim = t.surface((0.88, 0.88, 0.87)) if rng.rand() < 0.75 else t.surface((0.3, 0.3, 0.31))
    return panes, door, trim


def roof_paint(rng, t):
    word = str(rng.choice(["red", "grey", "brown", "black", "green"]))
    tint = {"red": (0.58, 0.23, 0.16), "grey": (0.34, 0.35, 0.38), "brown": (0.36, 0.25, 0.18), "black": (0.13, 0.13, 0.15), "green": (0.22, 0.37, 0.30)}[word]
    part = t.surface(np.array(tint) * rng.uniform(0.9, 1.12))
    t.accent(word, "roof", part)
    return part


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
    panes, door, trim = building_parts(rng, t)
    roof = roof_paint(rng, t)
    columns = int(np.clip(round(2 * w / u(0.3, 0.42)), 2, 6))
    art = Storeys(rng, (w, h / 2, d), floors, columns, max(2, round(2 * d / 0.4)), panes, door, trim)
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


def block(rng):
    t = start(rng, "building", palette.WALL_MATERIALS)
    u = rng.uniform
    floors = rng.randint(3, 6)
    h, w, d = 0.32 * floors + 0.2, u(0.55, 0.95), u(0.4, 0.6)
    panes, door, trim = building_parts(rng, t)
    roof = roof_paint(rng, t)
    columns = int(np.clip(round(2 * w / u(0.3, 0.42)), 3, 6))
    ground = "shop" if rng.rand() < 0.3 else "door"
    t.add(box((0, h / 2, 0), (w, h / 2, d), 0, art=Storeys(rng, (w, h / 2, d), floors, columns, 3, panes, door, trim, ground)))
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
    if ground != "door":
        t.details.append("shop on the ground floor" if ground == "shop" else "arcade")
    t.details.append(f"{NUMBERS[floors]} floors")
    return t


def office(rng):
    """Ribbon windows or a curtain wall under a flat roof, sometimes with a setback or a canopy."""
    t = start(rng, "office building", palette.OFFICE_MATERIALS)
    u = rng.uniform
    floors = rng.randint(3, 8)
    h, w, d = 0.28 * floors + 0.15, u(0.6, 1.0), u(0.4, 0.6)
    panes, door, trim = building_parts(rng, t)
    roof = t.surface((0.36, 0.36, 0.38))
    curtain = t.material == "glass"
    if curtain:
        t.surfaces[0] = (t.surfaces[0][0], "pane")
        panes = 0, t.surface(t.surfaces[0][0], "window")
    columns, side = rng.randint(4, 8), rng.randint(3, 5)
    style = "curtain" if curtain else "ribbon"
    setback = rng.rand() < 0.4
    low = 0.28 * (floors - 1 - rng.randint(2)) + 0.15 if setback else h
    low_floors = floors - round((h - low) / 0.28)
    t.add(box((0, low / 2, 0), (w, low / 2, d), 0, art=Storeys(rng, (w, low / 2, d), low_floors, columns, side, panes, door, trim, style=style)))
    t.add(box((0, low + 0.02, 0), (w + 0.02, 0.03, d + 0.02), roof))
    if setback:
        x, high = u(-0.2, 0.2) * w, (h - low) / 2
        t.add(box((x, low + high, 0), (w * 0.65, high, d * 0.75), 0,
                  art=Storeys(rng, (w * 0.65, high, d * 0.75), floors - low_floors, max(2, columns - 2), side, panes, 0, trim, style=style, entrance=False)))
        t.add(box((x, h + 0.02, 0), (w * 0.65 + 0.02, 0.03, d * 0.75 + 0.02), roof))
        t.details.append("setback")
    if rng.rand() < 0.4:
        t.add(box((0, 0.3, d + 0.14), (w * 0.3, 0.025, 0.15), trim))
        t.details.append("canopy")
    t.details.append("curtain wall" if curtain else "ribbon windows")
    t.details.append(f"{NUMBERS[floors]} floors")
    return t


def tower(rng):
    t = start(rng, "tower", (["concrete", "brick", "glass", "plaster", "stone"], [0.25, 0.2, 0.3, 0.15, 0.1]))
    u = rng.uniform
    floors = rng.randint(7, 11)
    h, w, d = 0.25 * floors + 0.2, u(0.34, 0.5), u(0.34, 0.5)
    panes, door, trim = building_parts(rng, t)
    roof = t.surface((0.36, 0.36, 0.38))
    if t.material == "glass":  # curtain wall: the panes take the colour, the grid is light
        t.surfaces[0] = (t.surfaces[0][0], "pane")
    columns = rng.randint(2, 5)
    full = t.material == "glass"
    if full:
        panes = 0, t.surface(t.surfaces[0][0], "window")
    art = Storeys(rng, (w, h / 2, d), floors, columns, columns, panes, door, trim, style="curtain" if full else "grid")
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
    panes, door, trim = building_parts(rng, t)
    ground = str(rng.choice(["shop", "arcade", "door"], p=[0.35, 0.25, 0.4]))
    t.add(box((0, h / 2, -d), (w, h / 2, d), 0, art=Storeys(rng, (w, h / 2, d), floors, columns, 1, panes, door, trim, ground)))
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
    if ground != "door":
        t.details.append("shop on the ground floor" if ground == "shop" else "arcade")
    t.details.append(f"{NUMBERS[floors]} floors")
    return t
