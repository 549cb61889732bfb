"""How closely a picture follows its drawing and its colour.

Edge F1: Canny edges of the picture against the control drawing, a pixel counts as found within 2 px. Object colour: the
mean colour inside the true object's mask, compared as CIE76 distance in Lab.
"""
import numpy as np
from scipy import ndimage

from scene.render import canny

REACH = 2


def edge_scores(image, line):
    """(precision, recall, F1) of the edges of image (H, W, 3) uint8 against line (H, W) bool."""
    edges = canny(image.astype(np.float32).mean(-1) / 255)
    to_edge = ndimage.distance_transform_edt(~edges) if edges.any() else np.full(line.shape, 99.0)
    to_line = ndimage.distance_transform_edt(~line)
    precision = (to_line[edges] <= REACH).mean() if edges.any() else 0.0
    recall = (to_edge[line] <= REACH).mean()
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-6)


def to_lab(colour):
    """sRGB 0..255 (..., 3) -> CIE Lab (D65)."""
    c = np.asarray(colour, float) / 255
    c = np.where(c > 0.04045, ((c + 0.055) / 1.055) ** 2.4, c / 12.92)
    m = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x = c @ m.T / np.array([0.9505, 1, 1.089])
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


def colour_distance(a, b, mask, other_mask=None):
    """CIE76 distance of the mean colours of a and b (H, W, 3) inside a mask (H, W)."""
    return float(np.linalg.norm(to_lab(a[mask].mean(0)) - to_lab(b[mask if other_mask is None else other_mask].mean(0))))
