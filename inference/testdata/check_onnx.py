"""Checks that onnx.checker accepts the models of an export, with their external data and inferred shapes.

    python inference/testdata/check_onnx.py FOLDER

Needs onnx. Prints a line for each model; fails on the first that isn't accepted.
"""

import json
import pathlib
import sys

import onnx

folder = pathlib.Path(sys.argv[1])
for network in json.loads((folder / "export.json").read_text())["networks"]:
    path = folder / network["model"]
    onnx.checker.check_model(str(path), full_check=True)
    model = onnx.load(str(path), load_external_data=False)
    domains = sorted({n.domain or "ai.onnx" for n in model.graph.node})
    print(f"{network['name']}: {len(model.graph.node)} nodes of {', '.join(domains)}, opset {model.opset_import[0].version}")
    assert domains == ["ai.onnx"], "an ordinary export has standard operators alone"
