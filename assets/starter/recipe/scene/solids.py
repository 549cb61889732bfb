"""Solids that a ray can hit: convex bodies, turned (lathe) bodies and tubes.

Units are metres of a toy world in which an object is about 1 to 2 high; y is up, z points at the front camera.
Every solid has `corners` (m, 3), the points whose screen bounds bound the solid, and
`cast(origin (3,), rays (n, 3)) -> t (n,), normal (n, 3), part (n,), face (n,)` with t = inf for a miss.
`part` indexes the object's list of surfaces, `face` numbers smooth patches: a line is drawn where it changes.
"""
import numpy as np

F = np.float32
INF = F(np.inf)


def rotation(yaw=0.0, pitch=0.0, roll=0.0):
    """Rotation matrix (3, 3), radians: roll about z, then pitch about x, then yaw about y."""
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return about_y @ about_x @ about_z


class Convex:
    """Intersection of half spaces n·x <= d, given by `normals` (k, 3) and `offsets` (k,) in world space."""

    def __init__(self, normals, offsets, corners, part, art=None, inside=None):
        self.normals, self.offsets = np.asarray(normals, F), np.asarray(offsets, F)
        self.corners, self.part, self.art = np.asarray(corners), part, art
        self.to_local = inside  # world -> local frame of a box, for its art

    def cast(self, origin, rays):
        slope = rays @ self.normals.T
        gap = self.offsets - self.normals @ origin
        near = np.full(len(rays), -INF, F)
        far = np.full(len(rays), INF, F)
        face = np.zeros(len(rays), np.int16)
        for k in range(len(gap)):
            s = slope[:, k]
            t = gap[k] / np.where(np.abs(s) < 1e-6, F(1e-6), s)
            entering = s < 0
            closer = entering & (t > near)
            near[closer] = t[closer]
            face[closer] = k
            np.minimum(far, t, out=far, where=~entering)
        hit = (near < far) & (near > 0)
        t = np.where(hit, near, INF)
        part = np.full(len(rays), self.part, np.int16)
        normal = self.normals[face]
        if self.art is not None and hit.any():
            i = np.nonzero(hit)[0]
            local = self.to_local(origin + rays[i] * t[i, None])
            part[i] = self.art(local, face[i], part[i])
        return t, normal, part, face


def box(centre, half, part, turn=None, art=None):
    """Box with half sizes `half`; faces are numbered +x -x +y -y +z -z in its own frame."""
    turn = np.eye(3) if turn is None else turn
    centre, half = np.asarray(centre, float), np.asarray(half, float)
    normals = np.concatenate([[turn[:, a], -turn[:, a]] for a in range(3)])
    offsets = normals @ centre + np.repeat(half, 2)
    signs = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)])
    local = lambda p: (p - centre.astype(F)) @ turn.astype(F)
    return Convex(normals, offsets, (signs * half) @ turn.T + centre, part, art, local)


def wedge(centre, half_x, half_z, height, part, ridge="x", ridge_half=None, art=None):
    """Roof on a rectangle: gable (`ridge_half` None) or hip (half length of the ridge), ridge along x or z."""
    centre = np.asarray(centre, float)
    a, b = (half_x, half_z) if ridge == "x" else (half_z, half_x)  # a along the ridge
    r = a if ridge_half is None else ridge_half
    normals = [[0, b, height], [0, b, -height], [height, a - r, 0], [-height, a - r, 0], [0, -1, 0]]
    points = np.array([[a, 0, b], [a, 0, -b], [-a, 0, b], [-a, 0, -b], [r, height, 0], [-r, height, 0]], float)
    normals = np.array(normals, float)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    offsets = np.array([n @ points[4] if n[0] >= 0 else n @ points[5] for n in normals])
    offsets[4] = 0
    if ridge == "z":
        swap = np.array([[0, 0, 1.0], [0, 1, 0], [-1, 0, 0]])
        normals, points = normals @ swap.T, points @ swap.T
    local = lambda p: p - centre.astype(F)
    return Convex(normals, offsets + normals @ centre, points + centre, part, art, local)


class Lathe:
    """Profile turned about an axis (the local y axis, placed by `turn` and `base`).

    profile: list of (radius, height), from the axis outwards and up, for open vessels down the inside again.
    bands: (low, high, part) repaints heights on the outside; `inner` is the first profile index of the inside.
    """

    def __init__(self, profile, part, base=(0, 0, 0), turn=None, bands=(), crease=38.0, inner=None, inner_part=None):
        self.base = np.asarray(base, F)
        self.turn = (np.eye(3) if turn is None else turn).astype(F)
        self.part, self.bands = part, bands
        p = np.asarray(profile, float)
        keep = np.concatenate([[True], np.abs(np.diff(p, axis=0)).sum(1) > 1e-5])
        p = p[keep]
        self.profile = p.astype(F)
        step = np.diff(p, axis=0)
        n = np.stack([step[:, 1], -step[:, 0]], 1)  # outward (radial, up) for a counter-clockwise profile
        n /= np.linalg.norm(n, axis=1, keepdims=True) + 1e-9
        self.first, self.last = n.copy(), n.copy()
        self.face = np.zeros(len(n), np.int16)
        limit = np.cos(np.deg2rad(crease))
        for k in range(1, len(n)):
            smooth = n[k - 1] @ n[k] > limit
            self.face[k] = self.face[k - 1] + (not smooth)
            if smooth:
                mid = n[k - 1] + n[k]
                self.last[k - 1] = self.first[k] = mid / np.linalg.norm(mid)
        self.inner = len(n) if inner is None else inner
        self.inner_part = part if inner_part is None else inner_part
        r, low, high = p[:, 0].max(), p[:, 1].min(), p[:, 1].max()
        ring = [(r * c, y, r * s) for c, s in ((1, 1), (1, -1), (-1, 1), (-1, -1)) for y in (low, high)]
        self.corners = np.array(ring) @ self.turn.T + self.base

    def cast(self, origin, rays):
        o = (origin - self.base) @ self.turn
        d = rays @ self.turn
        best = np.full(len(d), INF, F)
        seg = np.zeros(len(d), np.int16)
        flat = d[:, 0] ** 2 + d[:, 2] ** 2
        cross = o[0] * d[:, 0] + o[2] * d[:, 2]
        rim = o[0] ** 2 + o[2] ** 2
        dy = np.where(np.abs(d[:, 1]) < 1e-6, F(1e-6), d[:, 1])
        for k in range(len(self.profile) - 1):
            (r0, y0), (r1, y1) = self.profile[k], self.profile[k + 1]
            if abs(y1 - y0) < 1e-5:
                t = (y0 - o[1]) / dy
                q = flat * t * t + 2 * cross * t + rim
                good = (q <= max(r0, r1) ** 2) & (q >= min(r0, r1) ** 2) & (t > 0) & (t < best)
                best[good] = t[good]
                seg[good] = k
                continue
            slope = (r1 - r0) / (y1 - y0)
            e = r0 + slope * (o[1] - y0)
            a = flat - slope * slope * d[:, 1] ** 2
            b = cross - slope * e * d[:, 1]
            c = rim - e * e
            a = np.where(np.abs(a) < 1e-7, F(1e-7), a)
            disc = b * b - a * c
            i = np.nonzero(disc > 0)[0]
            root = np.sqrt(disc[i])
            low, high = min(y0, y1), max(y0, y1)
            for sign in (-1, 1):
                t = (-b[i] + sign * root) / a[i]
                y = o[1] + t * d[i, 1]
                good = (y >= low) & (y <= high) & (t > 0) & (t < best[i]) & (e + slope * t * d[i, 1] >= 0)
                best[i[good]] = t[good]
                seg[i[good]] = k
        hit = np.isfinite(best)
        p = o + d * np.where(hit, best, 0)[:, None]
        y0, y1 = self.profile[seg, 1], self.profile[seg + 1, 1]
        radius = np.hypot(p[:, 0], p[:, 2]) + F(1e-6)
        along = np.where(np.abs(y1 - y0) > 1e-5, (p[:, 1] - y0) / np.where(np.abs(y1 - y0) > 1e-5, y1 - y0, 1), 0.5)
        n2 = self.first[seg] * (1 - along[:, None]) + self.last[seg] * along[:, None]
        normal = np.stack([n2[:, 0] * p[:, 0] / radius, n2[:, 1], n2[:, 0] * p[:, 2] / radius], 1)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
        away = (normal * d).sum(1) > 0  # thin shells seen from behind
        normal[away] *= -1
        part = np.full(len(d), self.part, np.int16)
        for low, high, p_ in self.bands:
            part[(p[:, 1] >= low) & (p[:, 1] < high)] = p_
        part[seg >= self.inner] = self.inner_part
        return best, (normal @ self.turn.T).astype(F), part, self.face[seg]


def cylinder(radius, height, part, base=(0, 0, 0), turn=None, top=None, **kw):
    """Closed cylinder or cone stump standing on `base`."""
    top = radius if top is None else top
    return Lathe([(0, 0), (radius, 0), (top, height), (0, height)], part, base, turn, **kw)


class Tube:
    """Round tube through `points` (m, 3) with `radius` (scalar or per segment): a chain of capsules."""

    def __init__(self, points, radius, part):
        self.points = np.asarray(points, F)
        self.radius = np.broadcast_to(np.asarray(radius, F), (len(points) - 1,))
        self.part = part
        r = self.radius.max()
        lo, hi = self.points.min(0) - r, self.points.max(0) + r
        self.corners = np.array([[x, y, z] for x in (lo[0], hi[0]) for y in (lo[1], hi[1]) for z in (lo[2], hi[2])])

    def cast(self, origin, rays):
        best = np.full(len(rays), INF, F)
        normal = np.zeros_like(rays)
        for k, r in enumerate(self.radius):
            a, b = self.points[k], self.points[k + 1]
            axis = b - a
            oa = origin - a
            aa, ao = axis @ axis, axis @ oa
            ad, do = rays @ axis, rays @ oa
            qa = aa - ad * ad
            qb = aa * do - ao * ad
            qc = aa * (oa @ oa) - ao * ao - r * r * aa
            disc = qb * qb - qa * qc
            ok = disc > 0
            t = np.where(ok, (-qb - np.sqrt(np.maximum(disc, 0))) / np.maximum(qa, 1e-9), INF)
            y = ao + np.where(ok, t, 0) * ad
            body = ok & (y > 0) & (y < aa) & (t > 0)
            for i, tt in self._ends(origin, rays, a, b, r, ok & ~body, y > aa * F(0.5)):
                t[i] = tt
            t[~ok] = INF
            closer = (t < best) & (t > 0)
            best[closer] = t[closer]
            p = origin + rays[closer] * t[closer, None]
            h = np.clip((p - a) @ axis / aa, 0, 1)[:, None]
            normal[closer] = (p - a - h * axis) / r
        face = np.zeros(len(rays), np.int16)
        return best, normal.astype(F), np.full(len(rays), self.part, np.int16), face

    @staticmethod
    def _ends(origin, rays, a, b, r, todo, upper):
        for centre, mask in ((a, todo & ~upper), (b, todo & upper)):
            i = np.nonzero(mask)[0]
            oc = origin - centre
            half = rays[i] @ oc
            disc = half * half - (oc @ oc - r * r)
            yield i, np.where(disc > 0, -half - np.sqrt(np.maximum(disc, 0)), INF)


def arc(centre, radius_x, radius_y, start, stop, count=10, plane="xy"):
    """Points (count, 3) on an ellipse arc (degrees) in the given plane through `centre`."""
    a = np.deg2rad(np.linspace(start, stop, count))
    u, v = np.cos(a) * radius_x, np.sin(a) * radius_y
    flat = np.zeros(count)
    return np.asarray(centre) + np.stack({"xy": (u, v, flat), "zy": (flat, v, u), "xz": (u, flat, v)}[plane], 1)
