"""Times Maquette beside diffusers and stable-diffusion.cpp, and prints a table of ratios.

    python3 inference/testdata/bench_peers.py FOLDER --maquette build/maquette [--torch PYTHON] [--sdcpp sd-cli] [--rounds 2]

FOLDER has the full-size random checkpoint that make_fullsize.py writes, family sd1. All programs render the same: one
ControlNet, 512×512 pixels, DPM++ 2M Karras, guidance 7.5, two threads. They take turns, so that what else the machine
does touches all of them, and the table has medians. A peer that isn't there is left out, and the table says how to get it.
Needs Python alone; the interpreter behind --torch needs requirements.txt.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
PROMPT = "a tall red ceramic vase with a narrow neck, studio lighting"
GUIDANCE = "7.5"


def run(command, on_line=None, env=None):
    """Runs a command; gives its output, seconds, processor seconds and peak resident bytes."""
    began = time.monotonic()
    p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    errors = []
    reader = threading.Thread(target=lambda: errors.append(p.stderr.read()))
    reader.start()
    lines = []
    for line in p.stdout:
        lines.append(line)
        if on_line:
            on_line(line, time.monotonic() - began)
    reader.join()
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit code {p.returncode}\n{''.join(lines)[-2000:]}{errors[0][-2000:]}")
    return {"out": "".join(lines), "wall": time.monotonic() - began, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss * 1024}


def parameters(path):
    """The number of elements of a safetensors file, by tensor name."""
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
    out = {}
    for name, t in header.items():
        if name != "__metadata__":
            out[name] = 1
            for d in t["shape"]:
                out[name] *= d
    return out


class Maquette:
    def __init__(self, binary, model, control, size, steps, precision, sketch, env):
        self.command = [binary, "render", sketch, "-p", PROMPT, "-m", model, "-c", f"canny:1:0-1,net={control}", "--size", f"{size}x{size}",
                        "--steps", str(steps), "--guidance", GUIDANCE, "--sampler", "dpmpp_2m", "--schedule", "karras", "--seed", "1",
                        "--precision", precision, "--json"]
        self.env = env

    def __call__(self):
        steps, at = {}, {}

        def line(text, now):
            e = json.loads(text)
            if e["event"] == "progress":
                at.setdefault(e["stage"], now)
                steps.setdefault(e["step"], now)
            elif e["event"] == "concept":
                at["concept"] = now

        with tempfile.TemporaryDirectory() as project:
            r = run(self.command + ["--project", project], line, self.env)
        times = [steps[k] - steps[k - 1] for k in sorted(steps) if k > 1]
        first = steps[1] - at["denoise"]
        return r | {"steps": [first, *times], "decode": at["concept"] - at["decode"], "ready": at["denoise"], "first": steps[1]}


class Torch:
    def __init__(self, python, model, control, picture, size, steps, dtype):
        self.command = [python, HERE / "bench_torch.py", model, control, "--control", picture, "--size", str(size), "--steps", str(steps),
                        "--guidance", GUIDANCE, "--dtype", dtype, "--prompt", PROMPT, "--threads", "2"]

    def __call__(self):
        with tempfile.TemporaryDirectory() as out:
            r = run(self.command + ["--out", f"{out}/image.png"], env=dict(os.environ, OMP_NUM_THREADS="2", HF_HUB_OFFLINE="1"))
        return r | json.loads(r["out"].splitlines()[-1])


class StableDiffusionCpp:
    def __init__(self, binary, model, control, picture, size, steps):
        self.command = [binary, "-m", model, "--control-net", control, "--control-image", picture, "--control-strength", "1", "-p", PROMPT,
                        "-W", str(size), "-H", str(size), "--steps", str(steps), "--cfg-scale", GUIDANCE, "--sampling-method", "dpm++2m",
                        "--scheduler", "karras", "-s", "1", "-t", "2", "-v"]
        self.count = steps

    def __call__(self):
        with tempfile.TemporaryDirectory() as out:
            r = run(self.command + ["-o", f"{out}/image.png"])
        sampling = re.search(r"sampling completed, taking ([\d.]+)s", r["out"])
        decode = re.search(r"decode_first_stage completed, taking ([\d.]+)s", r["out"])
        if not sampling or not decode:
            raise RuntimeError("stable-diffusion.cpp's output has no times:\n" + r["out"][-2000:])
        return r | {"steps": [float(sampling[1]) / self.count] * 2, "decode": float(decode[1])}


def warm(paths):
    """Reads files, so that they are in the page cache."""
    for path in paths:
        with open(path, "rb") as f:
            while f.read(1 << 24):
                pass


def row(*cells):
    print("| " + " | ".join(f"{c:.2f}" if isinstance(c, float) else str(c) for c in cells) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--maquette", required=True)
    parser.add_argument("--torch", help="a Python with inference/testdata/requirements.txt")
    parser.add_argument("--sdcpp", help="stable-diffusion.cpp's sd-cli")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--sdcpp-rounds", type=int, default=1)
    parser.add_argument("--sdcpp-steps", type=int, default=2)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--only", help="only programs with this word in their names")
    args = parser.parse_args()
    single, net = args.folder / "sd1.safetensors", args.folder / "sd1-controlnet.safetensors"
    folder, picture = args.folder / "sd1", args.folder / "sd1-control.png"
    for path in (single, net, picture):
        if not path.exists():
            sys.exit(f"{path} is missing; inference/testdata/make_fullsize.py {args.folder} writes it")
    settings = tempfile.TemporaryDirectory()
    env = dict(os.environ, MAQUETTE_CONFIG=f"{settings.name}/settings.json")
    env.pop("DISPLAY", None)
    contenders = {f"Maquette {p}": Maquette(args.maquette, single, net, args.size, args.steps, p, picture, env) for p in ("fp32", "fast")}
    missing = []
    if args.torch:
        for dtype in ("fp32", "bf16"):
            contenders[f"diffusers {dtype}"] = Torch(args.torch, folder, folder / "controlnet", picture, args.size, args.steps, dtype)
    else:
        missing.append("diffusers: make a Python environment with inference/testdata/requirements.txt and pass it, make bench REFERENCE_PYTHON=…")
    if args.sdcpp:
        contenders["stable-diffusion.cpp F16"] = StableDiffusionCpp(args.sdcpp, single, net, picture, args.size, args.sdcpp_steps)
    else:
        missing.append("stable-diffusion.cpp: build sd-cli with CMake, Release, from the source package stable-diffusion-cpp-python of PyPI "
                       "(vendor/stable-diffusion.cpp) and pass it, make bench SDCPP=…")
    contenders = {name: c for name, c in contenders.items() if not args.only or args.only in name}
    results = {}
    try:
        measure(contenders, results, missing, args, [single, net], folder)
    except KeyboardInterrupt:
        missing.append("what was interrupted")
    report(results, missing, folder, args)


def measure(contenders, results, missing, args, files, folder):
    """Lets the programs take turns."""
    for n in range(max(args.rounds, args.sdcpp_rounds)):
        for name, contender in contenders.items():
            if n >= (args.sdcpp_rounds if isinstance(contender, StableDiffusionCpp) else args.rounds):
                continue
            warm(folder.rglob("*.safetensors") if name.startswith("diffusers") else files)
            try:
                r = contender()
            except (RuntimeError, OSError, KeyError) as problem:
                missing.append(f"{name}: {problem}")
                continue
            results.setdefault(name, []).append(r)
            print(f"{name}, round {n + 1}: steps {', '.join(f'{s:.2f}' for s in r['steps'])} s, decode {r['decode']:.2f} s, whole {r['wall']:.1f} s, "
                  f"processor {r['cpu']:.1f} s, load {os.getloadavg()[0]:.1f}", flush=True)


def report(results, missing, folder, args):
    weights = sum(sum(parameters(folder / part / name).values()) for part, name in
                  (("unet", "diffusion_pytorch_model.safetensors"), ("controlnet", "diffusion_pytorch_model.safetensors"), ("text_encoder", "model.safetensors")))
    weights += sum(n for name, n in parameters(folder / "vae/diffusion_pytorch_model.safetensors").items() if not name.startswith(("encoder.", "quant_conv")))
    weights *= 4
    middle = {}
    for name, rounds in results.items():
        middle[name] = {"step": statistics.median(s for r in rounds for s in r["steps"][1:]), "peak": max(r["peak"] for r in rounds)}
        for key in ("decode", "wall", "cpu", "ready", "first"):
            if key in rounds[0]:
                middle[name][key] = statistics.median(r[key] for r in rounds)
    print(f"\nSD 1.5 + one ControlNet, {args.size}², DPM++ 2M Karras, guidance {GUIDANCE}, 2 threads, random weights; medians of {args.rounds} rounds\n")
    row("program", "s/step", "decode s", f"whole image s ({args.steps} steps)", "processor s", "peak GB", "peak / fp32 weights")
    row(*["---"] * 7)
    for name, m in middle.items():
        steps = "" if not name.startswith("stable") or args.sdcpp_steps == args.steps else f" ({args.sdcpp_steps} steps)"
        row(name, m["step"], m["decode"], f"{m['wall']:.1f}{steps}", f"{m['cpu']:.0f}", m["peak"] / 1e9, m["peak"] / weights)
    print()
    row("ratio", "value", "wanted")
    row(*["---"] * 3)

    def ratio(what, key, ours, theirs, wanted):
        if ours in middle and theirs in middle:
            row(what, middle[ours][key] / middle[theirs][key], f"≤ {wanted}")

    for key, what in (("step", "time per step"), ("decode", "VAE decode")):
        ratio(f"fp32 {what} / diffusers fp32", key, "Maquette fp32", "diffusers fp32", 0.85)
        ratio(f"fp32 {what} / stable-diffusion.cpp", key, "Maquette fp32", "stable-diffusion.cpp F16", 0.2)
        ratio(f"fast {what} / diffusers bf16", key, "Maquette fast", "diffusers bf16", 0.7)
    for name, wanted in (("Maquette fp32", 1.3), ("Maquette fast", 0.5)):
        if name in middle:
            row(f"{name[9:]} peak memory / fp32 weights ({weights / 1e9:.2f} GB)", middle[name]["peak"] / weights, f"≤ {wanted}")
    if "Maquette fp32" in middle:
        row("s from the command to the beginning of the first step, fp16 file in the page cache", middle["Maquette fp32"]["ready"], "≤ 5")
        row("s to the end of the first step", middle["Maquette fp32"]["first"], "")
    for line in missing:
        print(f"\nNot measured: {line}")


if __name__ == "__main__":
    main()
