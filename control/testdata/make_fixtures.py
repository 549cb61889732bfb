#!/usr/bin/env python3
"""Makes the reference images of the control package's tests with OpenCV's own
Python module and numpy, following the published annotators of ControlNet.

    pip install opencv-python-headless numpy pillow
    python control/testdata/make_fixtures.py
"""
import pathlib

import cv2
import numpy as np
from PIL import Image

OUT = pathlib.Path(__file__).parent
W, H = 192, 160


def save(name, img):
    cv2.imwrite(str(OUT / f"{name}.png"), img if img.ndim == 2 else img[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])


def drawing():
    """Dark anti-aliased strokes of several weights on white paper."""
    img = np.full((H, W), 255, np.uint8)
    cv2.ellipse(img, (60, 80), (42, 60), 15, 0, 360, 0, 3, cv2.LINE_AA)
    cv2.rectangle(img, (110, 24), (178, 140), 20, 2, cv2.LINE_AA)
    cv2.line(img, (110, 90), (178, 84), 60, 1, cv2.LINE_AA)
    cv2.line(img, (144, 24), (140, 140), 0, 1, cv2.LINE_AA)
    cv2.circle(img, (60, 80), 14, 90, 5, cv2.LINE_AA)
    cv2.line(img, (14, 152), (104, 150), 225, 3, cv2.LINE_AA)
    return img


def photo():
    """A shaded ball before a gradient, with grain: nothing in it is paper."""
    y, x = np.mgrid[0:H, 0:W].astype(np.float64)
    img = np.stack([90 + 60 * x / W, 120 + 50 * y / H, 150 - 40 * x / W], -1)
    dx, dy = (x - 90) / 55, (y - 84) / 55
    r2 = dx * dx + dy * dy
    nz = np.sqrt(np.clip(1 - r2, 0, 1))
    light = np.clip(-0.5 * dx - 0.6 * dy + 0.62 * nz, 0.06, 1)
    ball = light[..., None] * np.array([240, 120, 60]) + 10
    img = np.where((r2 < 1)[..., None], ball, img)
    img += np.random.default_rng(7).normal(0, 2.0, img.shape)
    return np.clip(np.rint(img), 0, 255).astype(np.uint8)


def lineart(img, sigma=6.0, threshold=8):
    x = img.astype(np.float32)
    if x.ndim == 2:
        x = x[..., None]
    g = np.stack([cv2.GaussianBlur(np.ascontiguousarray(x[..., c]), (0, 0), sigma) for c in range(x.shape[-1])], -1)
    lines = np.min(g - x, axis=2).clip(0, 255)
    lines = lines / max(16.0, float(np.median(lines[lines > threshold]))) * 127
    return lines.clip(0, 255).astype(np.uint8)


def thin(edges, threshold, sigma):
    x = cv2.GaussianBlur(edges, (0, 0), sigma)
    kernels = [[[0, 0, 0], [1, 1, 1], [0, 0, 0]], [[0, 1, 0], [0, 1, 0], [0, 1, 0]],
               [[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 0, 1], [0, 1, 0], [1, 0, 0]]]
    ridge = np.zeros_like(x)
    for k in kernels:
        np.putmask(ridge, cv2.dilate(x, np.array(k, np.uint8)) == x, x)
    z = np.where(ridge > threshold, 255, 0).astype(np.uint8)
    z = cv2.GaussianBlur(z, (0, 0), sigma)
    return np.where(z > 4, 255, 0).astype(np.uint8)


def normals(height, strength):
    dx = cv2.Sobel(height, cv2.CV_64F, 1, 0, ksize=3) / 8 * strength
    dy = cv2.Sobel(height, cv2.CV_64F, 0, 1, ksize=3) / 8 * strength
    n = np.stack([dx, dy, np.ones_like(dx)], -1)  # red left, green up, blue to the viewer
    n /= np.linalg.norm(n, axis=-1, keepdims=True)
    return np.rint((n + 1) / 2 * 255).astype(np.uint8)


def formats():
    """One small picture in the encodings that Go can't write itself: red top
    left, green top right, blue bottom left, gray bottom right."""
    img = np.full((24, 32, 3), 128, np.uint8)
    img[:12, :16], img[:12, 16:], img[12:, :16] = (220, 30, 30), (30, 200, 30), (30, 30, 220)
    pic = Image.fromarray(img)
    pic.save(OUT / "lossy.webp", quality=95)
    pic.save(OUT / "lossless.webp", lossless=True)
    alpha = np.dstack([img, np.linspace(0, 255, 32, dtype=np.uint8)[None].repeat(24, 0)])
    Image.fromarray(alpha).save(OUT / "alpha.webp", quality=95)
    exif = Image.Exif()
    exif[0x0112] = 6
    pic.save(OUT / "turned.webp", quality=95, exif=exif)
    pic.save(OUT / "progressive.jpg", quality=95, progressive=True, subsampling=2)
    pic.convert("CMYK").save(OUT / "cmyk.jpg", quality=95)
    pic.save(OUT / "bad_icc.jpg", quality=95, icc_profile=b"this is no colour profile" * 40)
    pic.save(OUT / "bad_icc.png", icc_profile=b"this is no colour profile" * 40)
    pic.save(OUT / "deflate.tif", compression="tiff_adobe_deflate")


def main():
    formats()
    d, p = drawing(), photo()
    save("drawing", d)
    save("photo", p)
    save("canny_drawing", cv2.Canny(d, 100, 200))
    save("canny_drawing_40_90", cv2.Canny(d, 40, 90))
    save("canny_photo", cv2.Canny(p, 100, 200))
    save("scribble_drawing", np.where(d < 127, 255, 0).astype(np.uint8))
    save("lineart_drawing", lineart(d))
    save("lineart_photo", lineart(p))
    edges = cv2.GaussianBlur(255 - d, (0, 0), 1.5)
    save("edges", edges)
    save("edges_thin", thin(edges, 60, 2.0))
    y, x = np.mgrid[0:64, 0:80].astype(np.float64)
    height = np.rint(3000 + 900 * np.sin(x / 9) + 700 * np.cos(y / 7 + x / 30)).astype(np.uint16)
    save("height", height)
    save("height_normals", normals(height.astype(np.float64) / 256, 1.5))


if __name__ == "__main__":
    main()
