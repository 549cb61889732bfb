"""Ray caster: one object, one camera -> a Frame of SIZE x SIZE: picture, depth, normals, mask, line classes."""
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from . import light
from .palette import INDEX

SIZE = 256
OUTLINE, INNER, FINE, CANNY = 1, 2, 4, 8
F = np.float32
FIELD = np.deg2rad(26.0)


class Camera:
    """Pinhole camera aimed so that the object fills `fill` of the picture."""

    def __init__(self, thing, azimuth, elevation, fill, shift):
        a, e = np.deg2rad(azimuth), np.deg2rad(elevation)
        forward = -np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
        right = np.cross(forward, [0, 1, 0])
        right /= np.linalg.norm(right)
        up = np.cross(right, forward)
        corners = np.concatenate([s.corners for s in thing.solids])
        target = (corners.min(0) + corners.max(0)) / 2
        self.tan = np.tan(FIELD / 2)
        distance = 6.0
        for _ in range(4):
            rel = corners - (target - forward * distance)
            z = rel @ forward
            x, y = rel @ right / z / self.tan, rel @ up / z / self.tan
            centre = (x.min() + x.max()) / 2 * right + (y.min() + y.max()) / 2 * up
            target = target + centre * distance * self.tan
            distance *= max(x.max() - x.min(), y.max() - y.min()) / (2 * fill)
        target = target - (shift[0] * right + shift[1] * up) * distance * self.tan
        self.origin = (target - forward * distance).astype(F)
        self.forward, self.right, self.up, self.distance = forward, right, up, distance

    def rays(self, size=SIZE):
        """Unit rays (size, size, 3)."""
        p = ((np.arange(size) + 0.5) / size * 2 - 1).astype(F) * F(self.tan)
        d = self.forward + p[None, :, None] * self.right - p[:, None, None] * self.up
        return (d / np.linalg.norm(d, axis=-1, keepdims=True)).astype(F)

    def window(self, corners, size=SIZE):
        rel = corners - self.origin
        z = np.maximum(rel @ self.forward, 0.05)
        x = (rel @ self.right / z / self.tan + 1) / 2 * size
        y = (1 - rel @ self.up / z / self.tan) / 2 * size
        clip = lambda v: int(np.clip(v, 0, size))
        return clip(y.min() - 2), clip(y.max() + 3), clip(x.min() - 2), clip(x.max() + 3)


def trace(thing, camera):
    """Nearest hit per pixel: t (H, W), normal (H, W, 3), part (H, W) or -1, patch (H, W) unique per smooth patch."""
    rays = camera.rays()
    t = np.full((SIZE, SIZE), np.inf, F)
    normal = np.zeros((SIZE, SIZE, 3), F)
    part = np.full((SIZE, SIZE), -1, np.int16)
    patch = np.full((SIZE, SIZE), -1, np.int32)
    for k, solid in enumerate(thing.solids):
        y0, y1, x0, x1 = camera.window(solid.corners)
        if y1 <= y0 or x1 <= x0:
            continue
        shape = (y1 - y0, x1 - x0)
        tt, nn, pp, ff = solid.cast(camera.origin, rays[y0:y1, x0:x1].reshape(-1, 3))
        closer = tt.reshape(shape) < t[y0:y1, x0:x1]
        flat = closer.ravel()
        t[y0:y1, x0:x1][closer] = tt[flat]
        normal[y0:y1, x0:x1][closer] = nn[flat]
        part[y0:y1, x0:x1][closer] = pp[flat]
        patch[y0:y1, x0:x1][closer] = k * 64 + ff[flat]
    return rays, t, normal, part, patch


def shadow(thing, camera, sun, size=64):
    """Soft shadow on the ground y = 0, (SIZE, SIZE) in 0..1."""
    rays = camera.rays(size).reshape(-1, 3)
    down = rays[:, 1] < -0.02
    reach = np.where(down, -camera.origin[1] / np.minimum(rays[:, 1], -0.02), 0)
    ok = np.nonzero(down & (reach < camera.distance * 2.5))[0]
    dark = np.zeros(size * size, F)
    if len(ok):
        ground = camera.origin + rays[ok] * reach[ok, None]
        back = (ground + sun * 50).astype(F)  # cast from far along the sun's rays, in one direction: shift instead of origin
        covered = np.zeros(len(ok), bool)
        for solid in thing.solids:
            covered |= parallel(solid, back, -sun)
        dark[ok] = covered
    dark = ndimage.gaussian_filter(dark.reshape(size, size), 1.1)
    return ndimage.zoom(dark, SIZE // size, order=1)


def parallel(solid, starts, direction):
    """Does the parallel ray from each start (n, 3) hit the solid's box of corners? Coarse on purpose: the shadow is soft."""
    lo, hi = solid.corners.min(0), solid.corners.max(0)
    mid, half = (lo + hi) / 2, (hi - lo) / 2 * 0.9
    inv = 1 / np.where(np.abs(direction) < 1e-4, 1e-4, direction)
    a = (mid - half - starts) * inv
    b = (mid + half - starts) * inv
    return np.minimum(a, b).max(1) < np.maximum(a, b).min(1)


def texture(albedo, material, p, n):
    """Albedo (n, 3) with wood grain, brick courses, stone blocks, tiles, weave; p (n, 3) world points."""
    a = albedo.copy()
    side = np.abs(n[:, 2]) > 0.5
    across = np.where(side, p[:, 0], p[:, 2])
    w = material == INDEX["wooden"]
    if w.any():
        q = p[w]
        rings = q[:, 1] * 9 + q[:, 0] * 2 + np.sin(q[:, 0] * 9 + q[:, 2] * 5)
        a[w] *= (1 - 0.3 * (0.5 + 0.5 * np.sin(rings * 2.4 + 2 * np.sin(rings * 0.7))))[:, None]
    for name, high, wide, gap, mortar in (("brick", 0.07, 0.15, 0.17, 0.5), ("stone", 0.16, 0.26, 0.1, 0.72)):
        w = (material == INDEX[name]) & (np.abs(n[:, 1]) < 0.7)
        if w.any():
            row = np.floor(p[w, 1] / high)
            col = across[w] / wide + 0.5 * (row % 2)
            joint = ((p[w, 1] / high) % 1 < gap) | ((col % 1) < gap * high / wide)
            tint = 1 + np.sin(np.floor(col) * 12.9 + row * 78.2) * 0.08
            a[w] = np.where(joint[:, None], a[w] * mortar + (0.9 - 0.9 * mortar) * 0.75, a[w] * tint[:, None])
    w = (material == INDEX["tile"]) & (np.abs(n[:, 1]) < 0.7)
    if w.any():
        joint = ((p[w, 1] / 0.13) % 1 < 0.1) | ((across[w] / 0.13) % 1 < 0.1)
        a[w] = np.where(joint[:, None], 0.35 * a[w] + 0.55, a[w])
    w = material == INDEX["concrete"]
    if w.any():
        a[w] = a[w] * 0.88 + 0.05 + 0.015 * np.sin(p[w, 1] * 31 + np.sin(across[w] * 23) * 2)[:, None]
    w = material == INDEX["fabric"]
    if w.any():
        weave = np.sin(p[w, 0] * 55) * np.sin(p[w, 1] * 55 + p[w, 2] * 55)
        a[w] *= (0.93 + 0.07 * weave)[:, None]
    return a


def shade(albedo, material, p, n, view, sun, behind, lamp):
    """Colour (n, 3) of points p seen along -view; `sun` (3,) points to the sun, `behind` (n, 3) is the backdrop, for glass."""
    is_ = lambda name: material == INDEX[name]
    a = texture(albedo, material, p, n)
    direct, around = np.array(lamp.sun, F), np.array(lamp.air, F)
    both = (direct + around) / 2
    dull = np.ones(len(p), bool)
    if lamp.snow:
        white = np.clip((n[:, 1] - 0.35) / 0.25, 0, 1)
        dull = white < 0.5
        a = a + (np.array([0.94, 0.95, 0.97], F) - a) * white[:, None]
    diffuse = np.clip((n @ sun) * 0.75 + 0.25, 0, 1)
    ambient = 0.42 + 0.16 * n[:, 1]
    contact = np.clip(0.74 + p[:, 1], 0.74, 1)
    c = a * (ambient[:, None] * around + 0.66 * diffuse[:, None] * direct) * contact[:, None]
    half = sun + view
    half = half / np.linalg.norm(half, axis=1, keepdims=True)
    spec = np.clip((n * half).sum(1), 0, 1)
    facing = np.clip((n * view).sum(1), 0, 1)
    bounce = 2 * facing[:, None] * n - view
    sky = 0.5 + 0.5 * np.tanh((bounce[:, 1] - 0.1) * 3.5)
    rim = (1 - facing) ** 3
    w = is_("glossy") | (is_("tile") & dull)
    c[w] += (0.75 * spec[w] ** 60 + 0.22 * rim[w] * sky[w] + 0.05 * sky[w])[:, None] * both
    w = is_("metal") & dull
    c[w] = (a[w] * (0.28 + 0.82 * sky[w] * (0.72 + 0.28 * np.sin(bounce[w, 1] * 9)))[:, None] + (0.6 * spec[w] ** 40 + 0.18 * rim[w])[:, None]) * both
    w = is_("glass")
    body = np.clip(0.42 + 0.5 * (1 - facing[w]), 0, 0.92)[:, None]
    c[w] = behind[w] * (1 - body) * (0.5 + 0.5 * a[w]) + body * a[w] * (0.55 + 0.5 * sky[w])[:, None] * both + (0.8 * spec[w] ** 90)[:, None]
    w = is_("pane") | (is_("window") & (not lamp.lamps))
    c[w] = (a[w] * (0.6 + 0.5 * sky[w] + 0.1 * np.sin(p[w, 1] * 5 + p[w, 0] * 3))[:, None] + 0.05) * both
    w = is_("window") & lamp.lamps
    c[w] = np.array([1.0, 0.82, 0.45], F) * (0.86 + 0.14 * np.sin(p[w, 1] * 9 + p[w, 0] * 7))[:, None]
    w = is_("lit")
    c[w] = a[w] * (0.88 + 0.14 * facing[w])[:, None]
    return c


def step_map(a, differs):
    """Mark the pixels on the far side of a difference between neighbours, along both axes."""
    e = np.zeros(a.shape[:2], bool)
    e[1:] |= differs(a[1:], a[:-1])
    e[:, 1:] |= differs(a[:, 1:], a[:, :-1])
    return e


def line_classes(point, normal, part, patch, minor):
    """Bit field of line classes (H, W) from the exact geometry; point (H, W, 3) is 0 off the object."""
    seen = part >= 0
    outline = step_map(seen, np.not_equal)
    both = np.concatenate([point, normal], -1)

    def apart(a, b):  # neighbours on surfaces that are not one plane: distance along either normal
        gap = a[..., :3] - b[..., :3]
        return np.minimum(np.abs((gap * a[..., 3:]).sum(-1)), np.abs((gap * b[..., 3:]).sum(-1))) > 0.06

    outline |= step_map(both, apart) & seen
    merged = np.where(np.isin(part, minor), 0, part) if minor else part
    turn = step_map(normal, lambda a, b: (a * b).sum(-1) < 0.8)
    inner = (step_map(merged, np.not_equal) | step_map(patch, np.not_equal) | (turn & seen)) & ~outline
    fine = step_map(part, np.not_equal) & ~outline & ~inner
    return (outline * OUTLINE + inner * INNER + fine * FINE).astype(np.uint8)


def canny(grey, low=0.06, high=0.14, sigma=1.2):
    """1-px edges (H, W) bool of a grey picture in 0..1: Gaussian, Sobel, thinning along the gradient, hysteresis."""
    g = ndimage.gaussian_filter(grey, sigma)
    gx, gy = ndimage.sobel(g, 1) / 4, ndimage.sobel(g, 0) / 4
    mag = np.hypot(gx, gy)
    angle = np.rint(np.arctan2(gy, gx) / (np.pi / 4)).astype(int) % 4
    peak = np.zeros(g.shape, bool)
    for k, (dy, dx) in enumerate([(0, 1), (1, 1), (1, 0), (1, -1)]):
        peak |= (angle == k) & (mag >= np.roll(mag, (dy, dx), (0, 1))) & (mag >= np.roll(mag, (-dy, -dx), (0, 1)))
    peak[[0, -1]] = 0
    peak[:, [0, -1]] = 0
    weak = peak & (mag > low)
    label, _ = ndimage.label(weak, np.ones((3, 3)))
    keep = np.unique(label[weak & (mag > high)])
    return np.isin(label, keep[keep > 0])


def towards_sun(camera, height):
    flat = np.array([1, 0, 1]) * camera.forward
    sun = -0.5 * camera.right + [0, height, 0] - 0.55 * flat / np.linalg.norm(flat)
    return (sun / np.linalg.norm(sun)).astype(F)


@dataclass
class Frame:
    """One object from one camera.

    rgb uint8 (H, W, 3); depth uint8 (H, W), 0 = background, 255 = nearest point; normal uint8 (H, W, 3), the unit normal in
    camera axes (right, up, towards the camera) as (n + 1) / 2 * 255, 128 off the object; lines uint8 (H, W) bit field: OUTLINE
    silhouettes and depth steps, INNER creases and borders of parts, FINE window frames; part int16 (H, W), the surface that is
    seen, -1 off the object; reach (near, far), the ray lengths that depth 255 and 51 stand for.
    """

    rgb: np.ndarray
    depth: np.ndarray
    normal: np.ndarray
    lines: np.ndarray
    part: np.ndarray
    reach: tuple

    @property
    def mask(self):
        """Where the object is, bool (H, W)."""
        return self.part >= 0


def in_camera(normal, seen, camera):
    """World normals (H, W, 3) in the camera's axes, as Frame.normal holds them."""
    axes = np.stack([camera.right, camera.up, -np.asarray(camera.forward)], -1)
    out = np.full(normal.shape, 128, np.uint8)
    out[seen] = ((normal[seen] @ axes + 1) / 2 * 255 + 0.5).clip(0, 255).astype(np.uint8)
    return out


def render(thing, camera, scene):
    """The Frame of one object."""
    rays, t, normal, part, patch = trace(thing, camera)
    lamp = scene.lamp
    sun = towards_sun(camera, lamp.height)
    image = light.paint(scene, rays, SIZE)
    image *= (1 - lamp.shadow * shadow(thing, camera, sun))[..., None]
    seen = part >= 0
    point = camera.origin + rays * np.where(seen, t, 0)[..., None]
    albedo = np.array([s[0] for s in thing.surfaces], F)[part[seen]]
    material = np.array([INDEX[s[1]] for s in thing.surfaces])[part[seen]]
    image[seen] = shade(albedo, material, point[seen], normal[seen], -rays[seen], sun, image[seen], lamp)
    image = np.clip(image, 0, 1)
    minor = [s.art.trim for s in thing.solids if hasattr(getattr(s, "art", None), "trim")]
    lines = line_classes(point, normal, part, patch, minor)
    blurred = ndimage.uniform_filter(image, (3, 3, 1))
    near = ndimage.binary_dilation(lines > 0)[..., None]
    image = np.where(near, 0.45 * image + 0.55 * blurred, image)  # soften the stairs of one ray per pixel
    lines |= (canny(image.mean(-1)) * CANNY).astype(np.uint8)
    depth, reach = np.zeros((SIZE, SIZE), F), (0.0, 1.0)
    if seen.any():
        reach = float(t[seen].min()), float(max(t[seen].max(), t[seen].min() + 1e-3))
        depth[seen] = 1 - 0.8 * (t[seen] - reach[0]) / (reach[1] - reach[0])
    return Frame((image * 255 + 0.5).astype(np.uint8), (depth * 255 + 0.5).astype(np.uint8), in_camera(normal, seen, camera), lines, part, reach)
