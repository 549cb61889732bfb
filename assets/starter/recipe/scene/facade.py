"""Paint on the faces of a box: windows and doors, speaker cones, book spines.

Each art is called with `local` (n, 3) points in the box's frame, `face` (n,) face numbers (+x -x +y -y +z -z) and
`part` (n,) surface indices, and returns the repainted surface indices.
"""
import numpy as np


class Storeys:
    """Rows of windows with frames on the four walls, and a door, a shop front or an arcade on the ground floor of +z.

    style: "grid" of single windows, "ribbon" of continuous ones, or a "curtain" wall. `panes` holds the surfaces of dark
    windows and of those that are lit at night.
    """

    def __init__(self, rng, half, floors, columns, side_columns, panes, door, trim, ground="door", style="grid", entrance=True):
        self.half, self.floors, self.columns, self.side = half, floors, columns, side_columns
        self.panes, self.door, self.trim, self.ground, self.style = panes, door, trim, ground, style
        self.width, self.height = {"grid": (rng.uniform(0.42, 0.7), rng.uniform(0.45, 0.68)), "ribbon": (0.94, rng.uniform(0.42, 0.6)),
                                   "curtain": (0.86, 0.84)}[style]
        self.frame = 0.0 if style == "curtain" else 0.13
        self.bar = rng.rand() < 0.35 and style == "grid"
        self.entrance = entrance and ground == "door"
        self.door_at = 0.0 if rng.rand() < 0.6 else -half[0] + 2 * half[0] * (rng.randint(columns) + 0.5) / columns
        self.door_half = min(rng.uniform(0.09, 0.14), half[0] / columns * 0.8)
        self.door_high = min(0.34, 1.5 * half[1] / floors)
        self.phase = rng.randint(5)

    def __call__(self, local, face, part):
        hx, hy, hz = self.half
        wall = (face != 2) & (face != 3)
        front_or_back = face >= 4
        across = np.where(front_or_back, (local[:, 0] + hx) / (2 * hx) * self.columns, (local[:, 2] + hz) / (2 * hz) * self.side)
        level = (local[:, 1] + hy) / (2 * hy) * self.floors
        column, storey = np.floor(across).astype(int), np.floor(level).astype(int)
        du = np.abs(across - column - 0.5) * 2
        dv = np.abs(level - storey - 0.5) * 2
        high = np.full(len(local), self.height)
        wide = np.full(len(local), self.width)
        front = face == 4
        low = front & (level < 1)
        if self.ground == "shop":
            wide[low], high[low] = 0.86, 0.78
        window = wall & (du < wide) & (dv < high)
        frame = wall & (du < wide + self.frame) & (dv < high + self.frame) & ~window
        if self.ground == "arcade":
            window[low] = ((du < 0.7) & (level < 0.5) | ((du / 0.7) ** 2 + ((level - 0.5) / 0.34) ** 2 < 1))[low]
            frame[low] = ((du / 0.86) ** 2 + ((level - 0.5) / 0.43) ** 2 < 1)[low] & ~window[low] & (level > 0.5)[low]
        if self.bar:
            frame |= window & (du < 0.05) & ~(low & (self.ground != "door"))
            window &= ~frame
        if self.style == "curtain":
            frame = wall & ~window
        near = front & (np.abs(local[:, 0] - self.door_at) < self.door_half + 0.05) & (level < 1) & self.entrance
        bright = (column * 3 + storey * 7 + face + self.phase + column * storey) % 5 < 3
        part[window & ~near] = np.where(bright, self.panes[1], self.panes[0])[window & ~near]
        part[frame & ~near] = self.trim
        if self.entrance:
            part[front & (np.abs(local[:, 0] - self.door_at) < self.door_half) & (local[:, 1] + hy < self.door_high)] = self.door
        return part


class Discs:
    """Round cones or grilles on one face: (x, y, radius) in the face's plane."""

    def __init__(self, face, discs, ring, cone, middle=True):
        self.face, self.discs, self.ring, self.cone, self.middle = face, discs, ring, cone, middle

    def __call__(self, local, face, part):
        on = face == self.face
        for x, y, r in self.discs:
            q = np.hypot(local[:, 0] - x, local[:, 1] - y)
            part[on & (q < r)] = self.ring
            part[on & (q < r * 0.88)] = self.cone
            if self.middle:
                part[on & (q < r * 0.32)] = self.ring
        return part


class Shelves:
    """Book spines of one width in cycling colours."""

    def __init__(self, parts, width):
        self.parts, self.width = np.asarray(parts), width

    def __call__(self, local, face, part):
        spine = np.floor(local[:, 0] / self.width).astype(int)
        return self.parts[(spine * 7 % 11) % len(self.parts)].astype(part.dtype)
