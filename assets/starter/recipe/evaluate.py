"""Stage `eval`: the exported folder, run by diffusers' StableDiffusionControlNetPipeline on held-out objects.

Prints a table (edge F1 within 2 px, object colour distance), a scan of guidance and of steps, and draws sheets.
"""
import argparse
import json
import os
import time

import numpy as np
from PIL import Image

import hints
import metrics
from common import Shards, save_json, threads, work

os.environ.setdefault("HF_HUB_OFFLINE", "1")


class Runner:
    """The pipeline from an exported folder, computing in float32 or bfloat16."""

    def __init__(self, folder, torch, dtype, sampler):
        from diffusers import ControlNetModel, DDIMScheduler, DPMSolverMultistepScheduler, StableDiffusionControlNetPipeline

        self.torch = torch
        self.control = {k: ControlNetModel.from_pretrained(os.path.join(folder, "controlnet-" + k)).to(dtype) for k in ("lines", "depth")}
        self.pipe = StableDiffusionControlNetPipeline.from_pretrained(folder, controlnet=self.control["lines"], safety_checker=None).to(dtype)
        self.pipe.set_progress_bar_config(disable=True)
        config = self.pipe.scheduler.config
        if sampler == "dpmpp_2m":
            self.pipe.scheduler = DPMSolverMultistepScheduler.from_config(config)
        else:
            self.pipe.scheduler = DDIMScheduler.from_config(config)

    def __call__(self, captions, images, kind="lines", guidance=2.0, steps=20, seed=0, strength=1.0, group=8, same_noise=False):
        """Pictures uint8 (n, 256, 256, 3); images are hints (256, 256) in 0..1, or None for no control."""
        self.pipe.controlnet = self.control[kind]
        out = []
        for k in range(0, len(captions), group):
            text = captions[k : k + group]
            if images is None:
                hint, scale = np.zeros((len(text), 256, 256, 3), np.float32), 0.0
            else:
                hint, scale = np.repeat(np.stack(images[k : k + group])[..., None], 3, -1).astype(np.float32), strength
            seeds = [seed if same_noise else seed * 100003 + k + j for j in range(len(text))]
            generators = [self.torch.Generator().manual_seed(s) for s in seeds]
            hint = self.torch.from_numpy(hint).permute(0, 3, 1, 2)
            got = self.pipe(list(text), image=hint, num_inference_steps=steps, guidance_scale=guidance, generator=generators,
                            controlnet_conditioning_scale=scale, output_type="np", height=256, width=256).images
            out.append((np.asarray(got) * 255 + 0.5).astype(np.uint8))
        return np.concatenate(out)


class Cases:
    """Held-out pictures with their fixed test drawings: case o is object o seen from view o mod 7."""

    def __init__(self, count):
        data = Shards("test")
        views = 7
        self.data = data
        self.index = [o * views + o % views for o in range(len(data) // views)][:count]
        rng = np.random.RandomState(42)
        self.line = [hints.test_lines(data.row("lines", i), rng) for i in self.index]
        self.rgb = [np.array(data.row("rgb", i)) for i in self.index]
        self.depth = [np.array(data.row("depth", i)) for i in self.index]
        self.captions = [data.records[i]["caption"] for i in self.index]
        self.kinds = [data.records[i]["kind"] for i in self.index]

    def hints(self, kind):
        return [l.astype(np.float32) for l in self.line] if kind == "lines" else [d.astype(np.float32) / 255 for d in self.depth]

    def score(self, pictures):
        edges = np.array([metrics.edge_scores(p, l) for p, l in zip(pictures, self.line)])
        colour = np.array([metrics.colour_distance(p, q, d > 0) for p, q, d in zip(pictures, self.rgb, self.depth)])
        p, r, f = edges.mean(0)
        return {"precision": round(float(p), 3), "recall": round(float(r), 3), "f1": round(float(f), 3), "dE": round(float(colour.mean()), 1),
                "dE_median": round(float(np.median(colour)), 1)}

    def part(self, indices):
        other = object.__new__(Cases)
        for key in ("line", "rgb", "depth", "captions", "kinds", "index"):
            setattr(other, key, [getattr(self, key)[i] for i in indices])
        other.data = self.data
        return other


def through_vae(runner, cases):
    torch, vae = runner.torch, runner.pipe.vae
    out = []
    for rgb in cases.rgb:
        x = torch.from_numpy(rgb).permute(2, 0, 1)[None].float().div(127.5).sub(1).to(vae.dtype)
        with torch.no_grad():
            y = vae.decode(vae.encode(x).latents).sample.float().clamp(-1, 1)
        out.append(((y[0].permute(1, 2, 0).numpy() + 1) * 127.5 + 0.5).astype(np.uint8))
    return out


def as_rgb(plane):
    return np.repeat((255 - 255 * plane.astype(np.uint8))[..., None], 3, -1) if plane.dtype == bool else np.repeat(plane[..., None], 3, -1)


def save_sheet(path, rows, size):
    """rows: lists of (256, 256, 3); every picture is scaled to `size` pixels."""
    picture = Image.fromarray(np.concatenate([np.concatenate(r, 1) for r in rows]))
    picture.resize((size * len(rows[0]), size * len(rows)), Image.LANCZOS).save(path, quality=90)


def pick_kinds(cases, count):
    """First case of every class, then second ones, up to `count`."""
    seen, order = {}, []
    for i, kind in enumerate(cases.kinds):
        seen[kind] = seen.get(kind, 0) + 1
        order.append((seen[kind], i))
    return [i for _, i in sorted(order)[:count]]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default=work("starter", "x")[:-2])
    parser.add_argument("--count", type=int, default=80)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--sampler", default="dpmpp_2m", choices=["dpmpp_2m", "ddim"])
    parser.add_argument("--scan", type=int, default=24, help="cases for the scan of guidance and steps; 0 skips it")
    parser.add_argument("--bf16", action="store_true", help="compute in bfloat16 (faster on CPUs with AMX)")
    parser.add_argument("--sheet", default=work("sheets", "sheet.jpg"))
    a = parser.parse_args()
    torch = threads()
    runner = Runner(a.folder, torch, torch.bfloat16 if a.bf16 else torch.float32, a.sampler)
    cases = Cases(a.count)
    table = {}

    def put(name, pictures, subset=cases):
        table[name] = subset.score(pictures)
        print(f"{name:24s}", json.dumps(table[name]), flush=True)
        return pictures

    setting = dict(guidance=a.guidance, steps=a.steps)
    put("truth", cases.rgb)
    put("autoencoder only", through_vae(runner, cases))
    begin = time.time()
    by_lines = put("lines", runner(cases.captions, cases.hints("lines"), **setting))
    print(f"{(time.time() - begin) / len(cases.line):.2f} s a picture", flush=True)
    by_depth = put("depth", runner(cases.captions, cases.hints("depth"), "depth", **setting))
    free = put("no control", runner(cases.captions, None, **setting))
    n = len(cases.rgb)
    far = [metrics.colour_distance(cases.rgb[i], cases.rgb[(i + 7) % n], cases.depth[i] > 0, cases.depth[(i + 7) % n] > 0) for i in range(n)]
    table["random other object"] = {"dE": round(float(np.mean(far)), 1)}
    print("random other object", table["random other object"], flush=True)
    if a.scan:
        some = cases.part(range(min(a.scan, n)))
        for g in (1.0, 1.5, 2.0, 3.0, 4.0):
            put(f"lines, guidance {g}", runner(some.captions, some.hints("lines"), guidance=g, steps=a.steps), some)
        for s in (4, 8, 25):
            put(f"lines, {s} steps", runner(some.captions, some.hints("lines"), guidance=a.guidance, steps=s), some)
    save_json(os.path.splitext(a.sheet)[0] + ".json", table)
    chosen = pick_kinds(cases, 24)
    cells = [[as_rgb(cases.line[i]), cases.rgb[i], by_lines[i], by_depth[i], free[i]] for i in chosen]
    half = (len(cells) + 1) // 2
    if len(cells) % 2:
        cells.append([np.full_like(c, 255) for c in cells[0]])
    save_sheet(a.sheet, [cells[k] + cells[half + k] for k in range(half)], 104)
    for i in chosen:
        print(cases.captions[i])


if __name__ == "__main__":
    main()
