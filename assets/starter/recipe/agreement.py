"""Do several pictures show one object? Colour distance between views, and similarity after warping by the true geometry."""
import itertools

import numpy as np
from scipy import ndimage

import metrics

NEAR = 0.02  # of the object's depth range: two views see the same point


def distances(facts, depth):
    """Ray lengths (H, W) from a depth picture (render.render's uint8), inf off the object."""
    near, far = facts["reach"]
    t = near + (1 - depth.astype(np.float64) / 255) / 0.8 * (far - near)
    return np.where(depth > 0, t, np.inf)


def rays(camera, size):
    p = ((np.arange(size) + 0.5) / size * 2 - 1) * camera["tan"]
    forward, right, up = (np.array(camera[k]) for k in ("forward", "right", "up"))
    d = forward + p[None, :, None] * right - p[:, None, None] * up
    return d / np.linalg.norm(d, axis=-1, keepdims=True)


def warp(picture, facts, depth, to_facts, to_depth):
    """`picture` as the other camera sees it, and where (H, W) both see the point; facts are the data stage's records."""
    size = len(depth)
    t = distances(to_facts, to_depth)
    seen = np.isfinite(t)
    point = np.array(to_facts["camera"]["origin"]) + rays(to_facts["camera"], size) * np.where(seen, t, 1)[..., None]
    camera = facts["camera"]
    rel = point - np.array(camera["origin"])
    z = rel @ np.array(camera["forward"])
    x = (rel @ np.array(camera["right"]) / z / camera["tan"] + 1) / 2 * size - 0.5
    y = (1 - rel @ np.array(camera["up"]) / z / camera["tan"]) / 2 * size - 0.5
    there = ndimage.map_coordinates(np.where(depth > 0, distances(facts, depth), 1e6), [y, x], order=0, mode="constant", cval=1e6)
    near, far = facts["reach"]
    both = seen & (np.abs(np.linalg.norm(rel, axis=-1) - there) < NEAR * (far - near) + 0.01)
    out = np.stack([ndimage.map_coordinates(picture[..., c].astype(np.float32), [y, x], order=1, mode="nearest") for c in range(3)], -1)
    return out, both


def masked_ssim(a, b, mask):
    """Mean structural similarity (7x7 windows, grey) of a and b (H, W, 3) in 0..255 where whole windows lie in mask; nan if none."""
    inside = ndimage.uniform_filter(mask.astype(np.float32), 7) > 0.999
    if inside.sum() < 50:
        return float("nan")
    a, b = a.mean(-1) / 255, b.astype(np.float32).mean(-1) / 255
    blur = lambda v: ndimage.uniform_filter(v, 7)
    ma, mb = blur(a), blur(b)
    va, vb, vab = blur(a * a) - ma * ma, blur(b * b) - mb * mb, blur(a * b) - ma * mb
    s = ((2 * ma * mb + 1e-4) * (2 * vab + 9e-4)) / ((ma * ma + mb * mb + 1e-4) * (va + vb + 9e-4))
    return float(s[inside].mean())


def scores(pictures, facts, depths):
    """Of one object's views: mean distance of the object's colour and mean warped similarity over all pairs."""
    colour, similar = [], []
    for i, j in itertools.combinations(range(len(pictures)), 2):
        colour.append(metrics.colour_distance(pictures[i], pictures[j], depths[i] > 0, depths[j] > 0))
        for a, b in ((i, j), (j, i)):
            moved, both = warp(pictures[a], facts[a], depths[a], facts[b], depths[b])
            similar.append(masked_ssim(moved, pictures[b], both))
    return {"colour": float(np.mean(colour)), "ssim": float(np.nanmean(similar)) if np.isfinite(similar).any() else float("nan")}
