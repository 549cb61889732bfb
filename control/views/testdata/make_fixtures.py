"""Make heldout.zip and mugs.zip: objects of the starter's generator with exact cameras.

    python3 make_fixtures.py [heldout.zip]
    python3 make_fixtures.py mugs.zip mug 5

The second command makes so many objects of one kind, and no others.

Each object has one picture NN.png, 1 bit, 512 pixels wide: the line drawings of its views below each other, white on black;
NN-depth.png, 16 bits, 64 x 64: depth along the front camera's view direction at every eighth pixel (x = 8 i + 4), as a share
of twice the camera's distance, 0 off the object; and an entry in index.json: class, cameras (degrees, world units) and extent.
The class follows from the solids: "revolved" when all are turned about one upright axis, "box" when upright boxes alone make
it and the largest fills nine tenths of all, else "other". The front camera has the elevation of the recipe's front view.
"""
import io
import json
import pathlib
import sys
import zipfile

import numpy as np
from PIL import Image

RECIPE = pathlib.Path(__file__).resolve().parents[3] / "assets/starter/recipe"
sys.path.insert(0, str(RECIPE))
from common import TEST_SEED  # noqa: E402
from scene import render  # noqa: E402
from scene.objects import KINDS, make  # noqa: E402
from scene.solids import Convex, Lathe  # noqa: E402
from scene.views import VIEWS as CAMERAS  # noqa: E402

SIZE = 512
VIEWS = ["front", "three-quarter left", "side right", "back", "top"]


def trace(thing, camera):
    """As render.trace, at SIZE."""
    rays = camera.rays(SIZE)
    t = np.full((SIZE, SIZE), np.inf, np.float32)
    normal = np.zeros((SIZE, SIZE, 3), np.float32)
    part = np.full((SIZE, SIZE), -1, np.int16)
    patch = np.full((SIZE, SIZE), -1, np.int32)
    for k, solid in enumerate(thing.solids):
        y0, y1, x0, x1 = camera.window(solid.corners, SIZE)
        if y1 <= y0 or x1 <= x0:
            continue
        tt, nn, pp, ff = solid.cast(camera.origin, rays[y0:y1, x0:x1].reshape(-1, 3))
        closer = tt.reshape(y1 - y0, x1 - x0) < t[y0:y1, x0:x1]
        for whole, new in ((t, tt), (normal, nn), (part, pp), (patch, k * 64 + ff)):
            whole[y0:y1, x0:x1][closer] = new[closer.ravel()]
    return rays, t, normal, part, patch


def shape_class(thing):
    turned = [s for s in thing.solids if isinstance(s, Lathe)]
    if len(turned) == len(thing.solids):
        upright = all(abs(s.turn[1, 1] - 1) < 1e-5 for s in turned)
        if upright and max(np.hypot(*(s.base - turned[0].base)[[0, 2]]) for s in turned) < 1e-5:
            return "revolved"
    boxes = [s for s in thing.solids if isinstance(s, Convex) and len(s.offsets) == 6]
    if len(boxes) == len(thing.solids) and all(np.isclose(np.abs(s.normals).max(1), 1).all() for s in boxes):
        volume = lambda p: np.prod(p.max(0) - p.min(0))
        if max(volume(s.corners) for s in boxes) > 0.9 * volume(np.concatenate([s.corners for s in boxes])):
            return "box"
    return "other"


def png(array, bits):
    out = io.BytesIO()
    image = Image.fromarray(array)
    (image.convert("1", dither=0) if bits == 1 else image).save(out, "PNG", optimize=True)
    return out.getvalue()


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else str(pathlib.Path(__file__).parent / "heldout.zip")
    only, count = (sys.argv[2], int(sys.argv[3])) if len(sys.argv) > 3 else (None, 0)
    index = []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        def put(name, data):
            archive.writestr(zipfile.ZipInfo(name), data)

        for k, kind in enumerate(KINDS):
            if only not in (None, kind):
                continue
            rng = np.random.RandomState(TEST_SEED + k + (len(KINDS) if only else 0))
            wanted = dict.fromkeys(("revolved", "box", "other"), count) if only else {"revolved": 4, "box": 4, "other": 1}
            for _ in range(max(12, count)):
                thing = make(rng, kind)
                which = shape_class(thing)
                if wanted[which] == 0:
                    continue
                wanted[which] -= 1
                number = len(index)
                low, high = thing.bounds()
                entry = {"kind": kind, "class": which, "depth": float(high[2] - low[2]), "views": []}
                sheets = []
                minor = [s.art.trim for s in thing.solids if hasattr(getattr(s, "art", None), "trim")]
                for view in VIEWS:
                    azimuth, elevation = CAMERAS[view]
                    camera = render.Camera(thing, azimuth, elevation, 0.82, (0, 0))
                    rays, t, normal, part, patch = trace(thing, camera)
                    seen = part >= 0
                    point = camera.origin + rays * np.where(seen, t, 0)[..., None]
                    lines = render.line_classes(point, normal, part, patch, minor)
                    sheets.append((lines > 0).astype(np.uint8) * 255)
                    entry["views"].append({"name": view, "azimuth": azimuth, "elevation": elevation,
                                           "field": float(np.rad2deg(render.FIELD)), "span": float(2 * camera.distance * camera.tan),
                                           "target": [float(v) for v in camera.origin + camera.forward * camera.distance]})
                    if view == "front":
                        z = np.where(seen, t * (rays @ camera.forward.astype(np.float32)), 0)[4::8, 4::8]
                        put(f"{number:02d}-depth.png", png((z / (2 * camera.distance) * 65535 + 0.5).astype(np.uint16), 16))
                put(f"{number:02d}.png", png(np.concatenate(sheets), 1))
                index.append(entry)
        put("index.json", json.dumps(index, indent=1))
    print(len(index), "objects", {c: sum(e["class"] == c for e in index) for c in ("revolved", "box", "other")})


if __name__ == "__main__":
    main()
