"""Writes the front line drawings of held-out objects, with their captions, for the views that are rendered together.

    python sketches.py OUT [--objects 50]

OUT/NN.png is the generator's own drawing, black on white, OUT/sketches.json lists file and prompt. Facades are left out:
they have one side. The Go test TestViewsTogether of projects/evaluate renders them.
"""
import argparse
import json
import pathlib

import numpy as np
from PIL import Image

import hints
from common import Shards


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--objects", type=int, default=50)
    a = parser.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    data, listed = Shards("test"), []
    for i, facts in enumerate(data.records):
        if facts["view"] != "front" or facts["kind"] == "facade" or len(listed) == a.objects:
            continue
        lines = (np.array(data.row("lines", i)) & (hints.OUTLINE | hints.INNER)) > 0
        name = f"{len(listed):02d}.png"
        Image.fromarray(np.where(lines, 0, 255).astype(np.uint8)).save(a.out / name)
        listed.append({"file": name, "prompt": facts["caption"], "kind": facts["kind"]})
    (a.out / "sketches.json").write_text(json.dumps(listed, indent=1))


if __name__ == "__main__":
    main()
