"""Control hints as the app makes them, from the exact line classes and depth of a scene; float32 (3, 256, 256) in [0, 1].

White lines on black. A hint may be: 1-px edges of the render (Canny), a clean line drawing 1 to 3 px wide, a wobbly one
with gaps and missing inner lines, the double contour that Canny finds around drawn strokes, or a soft anti-aliased drawing.
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


def lines(bits, rng):
    """One random line hint (H, W) float32 from line classes (H, W)."""
    style = rng.rand()
    if style < 0.22:
        line = (bits & CANNY) > 0
    elif style < 0.40:
        line = widen(drawing(bits, rng), rng.randint(1, 4))
    elif style < 0.66:
        line = widen(warp(drawing(bits, rng), SLIGHT, rng), rng.randint(1, 4))
    elif style < 0.86:
        line = warp(drawing(bits, rng, 0.2, 0.85), STRONG, rng) & GAPS[rng.randint(len(GAPS))]
        line = widen(line, rng.randint(1, 4))
    else:
        line = double(warp(drawing(bits, rng, 0.1), SLIGHT, rng))
    image = line.astype(np.float32)
    if rng.rand() < 0.2:
        image = np.minimum(ndimage.uniform_filter(image, 3) * 2.2, 1)
    return image


def test_lines(bits, rng):
    """The held-out drawing: outlines and inner lines, slightly bent, 1 px."""
    return warp((bits & (OUTLINE | INNER)) > 0, SLIGHT, rng)


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
