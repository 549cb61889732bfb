"""Control hints as the app makes them, from the exact line classes and depth of a scene; float32 (3, 256, 256) in [0, 1].

White lines on black. A hint may be: 1-px edges of the render (Canny), a clean line drawing 1 to 3 px wide, a wobbly one
with gaps and missing inner lines, the double contour that Canny finds around drawn strokes, a soft anti-aliased drawing,
or a sketch as people make it by hand: searched for with two or three strokes, loose, over-shot at corners, of varying
width, grey as pencil is, with hatching on a part of the object.
"""
import numpy as np
from scipy import ndimage

from scene.render import CANNY, FINE, INNER, OUTLINE, SIZE

_rng = np.random.RandomState(1234)
_rows, _columns = np.mgrid[0:SIZE, 0:SIZE]


def _field(sigma):
    f = ndimage.gaussian_filter(_rng.randn(SIZE, SIZE), sigma)
    return f / f.std()


def _bend(amount, sigma):
    """Index maps (rows, columns) of a smooth random displacement of `amount` pixels deviation."""
    y = np.clip(np.rint(_rows + amount * _field(sigma)), 0, SIZE - 1)
    x = np.clip(np.rint(_columns + amount * _field(sigma)), 0, SIZE - 1)
    return y.astype(np.int32) * SIZE + x.astype(np.int32)


SLIGHT = [_bend(0.7, 10) for _ in range(24)]
STRONG = [_bend(1.5, 12) for _ in range(24)]
LOOSE = [_bend(2.2, 30) for _ in range(24)]  # proportions that are a little off, ellipses that tilt
PRESSURE = [np.clip(1 + 0.35 * _field(14), 0.35, 1).astype(np.float32) for _ in range(12)]
BROAD = [_field(16) for _ in range(12)]
GAPS = [_field(4) < 1.45 for _ in range(24)]  # about 7 % of the sheet is missing, in blots


def widen(line, width):
    """Dilate a bool drawing (H, W) to 2 or 3 px."""
    if width >= 2:
        line = line | np.roll(line, 1, 0) | np.roll(line, 1, 1)
    if width >= 3:
        line = line | np.roll(line, -1, 0) | np.roll(line, -1, 1)
    return line


def double(line):
    """What an edge detector makes of drawn strokes: a contour on both sides."""
    thick = widen(line, 3)
    return ndimage.binary_dilation(thick, np.ones((3, 3))) & ~thick


def drawing(bits, rng, fine=0.4, inner=0.93):
    keep = OUTLINE | (INNER if rng.rand() < inner else 0) | (FINE if rng.rand() < fine else 0)
    return (bits & keep) > 0


def warp(line, maps, rng):
    return line.ravel()[maps[rng.randint(len(maps))]].reshape(SIZE, SIZE)


def overshoot(line, reach):
    """Straight level and upright strokes of at least 13 px go on for `reach` px at both ends."""
    out = line
    for axis in (0, 1):
        long = ndimage.minimum_filter1d(line.view(np.uint8), 13, axis)
        out = out | (ndimage.maximum_filter1d(long, 13 + 2 * reach, axis) > 0)
    return out


def hatching(mask, rng):
    """Parallel strokes (H, W) bool on a blot of the object's mask."""
    angle, gap = rng.uniform(0, np.pi), rng.uniform(5, 9)
    across = (_rows * np.cos(angle) + _columns * np.sin(angle) + 2 * BROAD[rng.randint(len(BROAD))]) / gap
    blot = BROAD[rng.randint(len(BROAD))] > rng.uniform(0.3, 1.0)
    return (across % 1 < 1 / gap) & blot & mask


def sketch(bits, rng, mask):
    """A sketch by hand (H, W) float32; `mask` (H, W) is the object's silhouette."""
    line = drawing(bits, rng, 0.2, 0.9)
    if rng.rand() < 0.35:
        line = overshoot(line, rng.randint(2, 7))
    line = warp(line, LOOSE, rng)
    strokes = warp(line, SLIGHT, rng)
    for _ in range(rng.randint(3)):
        strokes = strokes | warp(line, STRONG, rng) & GAPS[rng.randint(len(GAPS))]
    if rng.rand() < 0.4:
        field = BROAD[rng.randint(len(BROAD))]
        strokes = strokes | widen(strokes, 2) & (field > -0.3) | widen(strokes, 3) & (field > 0.8)
    else:
        strokes = widen(strokes, rng.randint(1, 4))
    image = strokes.astype(np.float32)
    if mask is not None and rng.rand() < 0.25:
        image = np.maximum(image, rng.uniform(0.4, 1) * hatching(mask, rng))
    if rng.rand() < 0.4:
        image = image * PRESSURE[rng.randint(len(PRESSURE))] * rng.uniform(0.6, 1)
    return image


def lines(bits, rng, depth_row=None):
    """One random line hint (H, W) float32 from line classes (H, W); with uint8 depth (H, W), also hatched ones."""
    style = rng.rand()
    if style < 0.18:
        line = (bits & CANNY) > 0
    elif style < 0.32:
        line = widen(drawing(bits, rng), rng.randint(1, 4))
    elif style < 0.52:
        line = widen(warp(drawing(bits, rng), SLIGHT, rng), rng.randint(1, 4))
    elif style < 0.66:
        line = warp(drawing(bits, rng, 0.2, 0.85), STRONG, rng) & GAPS[rng.randint(len(GAPS))]
        line = widen(line, rng.randint(1, 4))
    elif style < 0.76:
        line = double(warp(drawing(bits, rng, 0.1), SLIGHT, rng))
    else:
        line = sketch(bits, rng, None if depth_row is None else depth_row > 0)
    image = line.astype(np.float32)
    if rng.rand() < 0.2:
        image = np.minimum(ndimage.uniform_filter(image, 3) * 2.2, 1)
    return image


def test_lines(bits, rng):
    """The held-out drawing: outlines and inner lines, slightly bent, 1 px."""
    return warp((bits & (OUTLINE | INNER)) > 0, SLIGHT, rng)


def test_sketch(bits, rng, depth_row):
    """The held-out sketch by hand: always loose, twice searched, of varying width, with gaps and hatching."""
    base = warp(overshoot((bits & (OUTLINE | INNER)) > 0, 4), LOOSE, rng)
    strokes = (warp(base, SLIGHT, rng) | warp(base, STRONG, rng)) & GAPS[rng.randint(len(GAPS))]
    strokes = strokes | widen(strokes, 2) & (BROAD[rng.randint(len(BROAD))] > 0)
    return np.maximum(strokes.astype(np.float32), 0.7 * hatching(depth_row > 0, rng)) * PRESSURE[rng.randint(len(PRESSURE))]


def depth(values, rng):
    """Depth hint (H, W) float32 from uint8 depth, now and then softened or rescaled like an estimate."""
    image = values.astype(np.float32) / 255
    if rng.rand() < 0.4:
        image = ndimage.uniform_filter(image, rng.randint(2, 6))
    if rng.rand() < 0.4:
        image = image ** rng.uniform(0.75, 1.3)
    return image


def stack(images, small, pool=np.max):
    """Hints (n, H, W) float32; `small` halves the size, with `pool` over 2x2 pixels (lines keep every stroke by the maximum)."""
    out = np.array(images, np.float32).reshape(-1, SIZE, SIZE)
    return pool(out.reshape(-1, SIZE // 2, 2, SIZE // 2, 2), axis=(2, 4)) if small else out
