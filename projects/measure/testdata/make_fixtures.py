"""Writes reference.json: what scikit-image, scipy and numpy make of random input.

Needs numpy, scipy and scikit-image:

    python3 projects/measure/testdata/make_fixtures.py
"""
import json
import pathlib

import numpy as np
import scipy.linalg
from skimage import color
from skimage.metrics import structural_similarity

rng = np.random.default_rng(7)


def rounded(a, digits=9):
    return np.round(np.asarray(a, dtype=np.float64), digits).tolist()


def ssim():
    a = rng.integers(0, 256, (20, 24)).astype(np.float64)
    a = np.repeat(np.repeat(a[::4, ::4], 4, 0), 4, 1)  # some structure
    b = np.clip(a + rng.normal(0, 20, a.shape), 0, 255).round()
    _, full = structural_similarity(a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, full=True)
    return {"width": 24, "height": 20, "a": a.ravel().tolist(), "b": b.ravel().tolist(), "map": rounded(full.ravel())}


def colours():
    rgb = rng.integers(0, 256, (40, 2, 3))
    rgb[0] = [[0, 0, 0], [255, 255, 255]]
    rgb[1] = [[90, 90, 90], [120, 120, 120]]
    rgb[2] = [[10, 10, 250], [20, 0, 240]]
    lab = color.rgb2lab(rgb.astype(np.uint8))
    # Pairs that test the formula's corners: small differences, hues around 0° and 275°.
    extra = np.array([[[50, 2.6772, -79.7751], [50, 0, -82.7485]], [[50, -1, 2], [50, 0, 0]], [[50, 2.49, -0.001], [50, -2.49, 0.0009]],
                      [[50, 2.5, 0], [73, 25, -18]], [[2.0776, 0.0795, -1.135], [0.9033, -0.0636, -0.5514]]])
    pairs = np.concatenate([lab, extra])
    return {"rgb": rgb.tolist(), "lab": rounded(lab), "pairs": rounded(pairs), "distance": rounded(color.deltaE_ciede2000(pairs[:, 0], pairs[:, 1]))}


def fid(x, y):
    sx, sy = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = scipy.linalg.sqrtm(sx @ sy)
    d = x.mean(0) - y.mean(0)
    direct = d @ d + np.trace(sx) + np.trace(sy) - 2 * np.trace(root).real
    values = np.linalg.eigvals(sx @ sy).real  # also exact without full rank
    return direct, d @ d + np.trace(sx) + np.trace(sy) - 2 * np.sqrt(np.clip(values, 0, None)).sum()


def kid(x, y):
    n, m, d = len(x), len(y), x.shape[1]
    k = lambda p, q: (p @ q.T / d + 1) ** 3
    xx, yy, xy = k(x, x), k(y, y), k(x, y)
    return ((xx.sum() - np.trace(xx)) / (n * (n - 1)) + (yy.sum() - np.trace(yy)) / (m * (m - 1)) - 2 * xy.mean())


def distributions():
    out = []
    for n, m, d in [(60, 50, 8), (9, 7, 12)]:
        mix = rng.normal(size=(d, d))
        x = (rng.normal(size=(n, d)) @ mix + .3).astype(np.float32)
        y = rng.normal(size=(m, d)).astype(np.float32)
        direct, by_eigenvalues = fid(x.astype(np.float64), y.astype(np.float64))
        full = min(n, m) > d
        if full:
            assert abs(direct - by_eigenvalues) < 1e-6
        out.append({"x": x.astype(float).tolist(), "y": y.astype(float).tolist(),
                    "fid": direct if full else by_eigenvalues, "kid": kid(x.astype(np.float64), y.astype(np.float64))})
    return out


def inception():
    logits = (3 * rng.normal(size=(25, 10))).astype(np.float32)
    p = np.exp(logits.astype(np.float64))
    p /= p.sum(1, keepdims=True)
    score = np.exp((p * (np.log(p) - np.log(p.mean(0, keepdims=True)))).sum(1).mean())
    return {"logits": logits.astype(float).tolist(), "score": score}


def quantiles():
    v = np.sort(rng.normal(size=23))
    return {"values": v.tolist(), "q": [[q, np.quantile(v, q)] for q in (0, .025, .5, .975, 1)]}


path = pathlib.Path(__file__).with_name("reference.json")
path.write_text(json.dumps({"ssim": ssim(), "colours": colours(), "distributions": distributions(),
                            "inception": inception(), "quantiles": quantiles()}) + "\n")
print(path, path.stat().st_size)
