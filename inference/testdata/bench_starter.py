"""Times whole images of the bundled checkpoint, from the command to the PNG, beside diffusers; prints a table.

    python3 inference/testdata/bench_starter.py --maquette build/maquette [--torch PYTHON] [--rounds 2]

Every program renders a bundled sketch with one ControlNet, 256×256 pixels, DPM++ 2M, guidance 2, two threads, and is
started anew for each image. They take turns; the table has medians. diffusers gets the same folder, and for four views
four images at once, which read nothing of each other. Needs Python alone; the interpreter behind --torch needs requirements.txt.
"""

import argparse
import os
import pathlib
import statistics
import tarfile
import tempfile

from bench_peers import PROMPT, row, run

ASSETS = pathlib.Path(__file__).resolve().parents[2] / "assets"
SKETCH, SIZE, GUIDANCE = ASSETS / "samples/vase.png", 256, "2"
TASKS = {"25 steps": (25, 1), "4 steps": (4, 1), "4 views, 25 steps": (25, 4)}
VIEWS = "front,three-quarter-left,side-left,top"


def maquette(binary, precision, steps, count, env):
    command = [binary, "render", SKETCH, "-p", PROMPT, "--size", f"{SIZE}x{SIZE}", "--steps", str(steps), "--guidance", GUIDANCE, "--sampler", "dpmpp_2m",
               "--seed", "1", "--precision", precision]
    if count > 1:
        command += ["--views", VIEWS]
    with tempfile.TemporaryDirectory() as project:
        return run([*command, "--project", project], env=env)


def torch(python, folder, dtype, steps, count):
    command = [python, pathlib.Path(__file__).with_name("bench_torch.py"), folder, folder / "controlnet-lines", "--control", SKETCH, "--size", str(SIZE),
               "--steps", str(steps), "--guidance", GUIDANCE, "--dtype", dtype, "--prompt", PROMPT, "--threads", "2", "--count", str(count), "--schedule", "normal"]
    with tempfile.TemporaryDirectory() as out:
        return run([*command, "--out", f"{out}/image.png"], env=dict(os.environ, OMP_NUM_THREADS="2", HF_HUB_OFFLINE="1"))


def unpack(to):
    """The bundled checkpoint as the folder that users can take elsewhere."""
    with tarfile.open(ASSETS / "starter/starter.tar.gz") as archive:
        archive.extractall(to, filter="data")
    return next(pathlib.Path(to).rglob("model_index.json")).parent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maquette", required=True)
    parser.add_argument("--torch", help="a Python with inference/testdata/requirements.txt")
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = unpack(scratch)
        env = dict(os.environ, MAQUETTE_CONFIG=f"{scratch}/settings.json")
        env.pop("DISPLAY", None)
        programs = {f"Maquette {p}": (lambda steps, count, p=p: maquette(args.maquette, p, steps, count, env)) for p in ("fp32", "fast")}
        if args.torch:
            programs["diffusers fp32"] = lambda steps, count: torch(args.torch, folder, "fp32", steps, count)
        programs["Maquette fp32"](1, 1)  # unpacks the checkpoint into the cache folder, once for each user
        programs["Maquette fast"](1, 1)  # and makes its int8 weights
        results = {}
        for _ in range(args.rounds):
            for task, (steps, count) in TASKS.items():
                for name, program in programs.items():
                    results.setdefault((name, task), []).append(program(steps, count))
    print(f"\nStarter, one control, {SIZE}², from the command to the PNG, 2 threads: seconds (processor seconds); medians of {args.rounds} rounds\n")
    row("program", *TASKS, "peak MB")
    row(*["---"] * (len(TASKS) + 2))

    def middle(name, task, key):
        return statistics.median(r[key] for r in results[name, task])

    for name in programs:
        peak = max(r["peak"] for task in TASKS for r in results[name, task])
        row(name, *(f"{middle(name, task, 'wall'):.1f} ({middle(name, task, 'cpu'):.1f})" for task in TASKS), f"{peak / 1e6:.0f}")
    if not args.torch:
        print("\nNot measured: diffusers: make a Python environment with inference/testdata/requirements.txt and pass it, make bench REFERENCE_PYTHON=…")


main()
