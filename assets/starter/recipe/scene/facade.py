"""Paint on the faces of a box: windows and doors, speaker cones, book spines.

Each art is called with `local` (n, 3) points in the box's frame, `face` (n,) face numbers (+x -x +y -y +z -z) and
`part` (n,) surface indices, and returns the repainted surface indices.
"""
import numpy as np


class Storeys:
    """Rows of windows with frames on the four walls, a door or a shop front on +z."""

    def __init__(self, rng, half, floors, columns, side_columns, pane, door, trim, shop=False, curtain=False):
        self.half, self.floors, self.columns, self.side = half, floors, columns, side_columns
        self.pane, self.door, self.trim, self.shop, self.curtain = pane, door, trim, shop, curtain
        self.width, self.height = (0.86, 0.84) if curtain else (rng.uniform(0.42, 0.7), rng.uniform(0.45, 0.68))
        self.frame = 0.13 if not curtain else 0.0
        self.bar = rng.rand() < 0.35 and not curtain
        self.door_at = 0.0 if rng.rand() < 0.6 else -half[0] + 2 * half[0] * (rng.randint(columns) + 0.5) / columns
        self.door_half = min(rng.uniform(0.09, 0.14), half[0] / columns * 0.8)
        self.door_high = min(0.34, 1.5 * half[1] / floors)

    def __call__(self, local, face, part):
        hx, hy, hz = self.half
        wall = (face != 2) & (face != 3)
        front_or_back = face >= 4
        across = np.where(front_or_back, (local[:, 0] + hx) / (2 * hx) * self.columns, (local[:, 2] + hz) / (2 * hz) * self.side)
        level = (local[:, 1] + hy) / (2 * hy) * self.floors
        du = np.abs(across - np.floor(across) - 0.5) * 2
        dv = np.abs(level - np.floor(level) - 0.5) * 2
        high = np.full(len(local), self.height)
        wide = np.full(len(local), self.width)
        front = face == 4
        if self.shop:
            ground = front & (level < 1)
            wide[ground], high[ground] = 0.86, 0.78
        window = wall & (du < wide) & (dv < high)
        frame = wall & (du < wide + self.frame) & (dv < high + self.frame) & ~window
        if self.bar:
            frame |= window & (du < 0.05)
            window &= du >= 0.05
        if self.curtain:
            frame = wall & ~window
        near = front & (np.abs(local[:, 0] - self.door_at) < self.door_half + 0.05) & (level < 1) & (not self.shop)
        part[window & ~near] = self.pane
        part[frame & ~near] = self.trim
        if not self.shop:
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
