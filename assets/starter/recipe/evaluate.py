"""Stage `eval`: the exported folder on held-out objects; prints a table and draws sheets.

Every row is one way of sampling (no control, a sketch, few steps, joined views ...). Its pictures and figures are kept in
WORK/eval of the folder's name, so that a stopped evaluation goes on; `--fresh` starts again. Columns: edge precision,
recall and F1 against the true drawing, distance of the object's colour, the share of right second colours (accents.py), and the share of pictures in which the
judge (judge.py) sees what the caption says; KID over the judge's features against true renders of other objects.
"""
import argparse
import json
import os
import shutil
import time

import numpy as np
from PIL import Image

import accents
import agreement
import hints
import judge
import metrics
from common import Shards, save_json, threads, work
from data import GROUP, ORDER
from pipeline import Runner

HEADS = ("kind", "colour", "material", "view")
# how the views of a group are sampled -> settings of pipeline.Runner
WAYS = {"alone": {}, "alone with one noise": {"shared_noise": True}, "joined": {"views": GROUP}, "joined with one noise": {"views": GROUP, "shared_noise": True}}


class Cases:
    """Held-out pictures `index` of a split, with their fixed drawings (1 px, slightly bent) and sketches by hand."""

    def __init__(self, split, index):
        data = Shards(split)
        rng = np.random.RandomState(42)
        self.split = split
        self.records = [data.records[i] for i in index]
        self.rgb = np.stack([data.row("rgb", i) for i in index])
        self.depth = np.stack([data.row("depth", i) for i in index])
        self.accent = np.stack([data.row("accent", i) for i in index])
        self.line = [hints.test_lines(data.row("lines", i), rng) for i in index]
        self.sketch = [hints.test_sketch(data.row("lines", i), rng, data.row("depth", i)) for i in index]
        self.captions = [r["caption"] for r in self.records]

    def __len__(self):
        return len(self.records)

    def hints(self, kind):
        """Per case a float32 hint (256, 256), or None."""
        if kind == "none":
            return [None] * len(self)
        if kind == "sketch":
            return self.sketch
        return [l.astype(np.float32) for l in self.line] if kind == "lines" else [d.astype(np.float32) / 255 for d in self.depth]

    def edges(self, pictures):
        return np.array([metrics.edge_scores(p, l) for p, l in zip(pictures, self.line)])

    def colours(self, pictures):
        return np.array([metrics.colour_distance(p, q, d > 0) for p, q, d in zip(pictures, self.rgb, self.depth)])


def test_cases(count):
    """Object o seen from named view o mod 7."""
    objects = min(count, len(Shards("test")) // len(ORDER))
    return Cases("test", [o * len(ORDER) + o % len(ORDER) for o in range(objects)])


class Table:
    """Named rows of figures, kept on disk with their pictures."""

    def __init__(self, folder, fresh):
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
        self.folder, self.rows = folder, {}
        os.makedirs(folder, exist_ok=True)
        if os.path.exists(self.path("table.json")):
            with open(self.path("table.json")) as f:
                self.rows = json.load(f)

    def path(self, name):
        return os.path.join(self.folder, name)

    def pictures(self, name, make, count):
        """The row's pictures (count, 256, 256, 3), made now or by an earlier run."""
        path = self.path(name.replace(" ", "-").replace(",", "") + ".npy")
        if os.path.exists(path) and len(got := np.load(path)) == count:
            return got
        begin = time.time()
        got = make()
        np.save(path, got)
        print(f"{name}: {(time.time() - begin) / count:.2f} s a picture", flush=True)
        return got

    def put(self, name, **figures):
        self.rows[name] = {k: round(float(v), 4) for k, v in figures.items()}
        save_json(self.path("table.json"), self.rows)
        print(f"{name:42s}", json.dumps(self.rows[name]), flush=True)


def kernel_distance(a, b):
    """Unbiased KID (Binkowski et al., arXiv 1801.01401) of feature rows a, b, in one block."""
    k = lambda x, y: (x @ y.T / x.shape[1] + 1) ** 3
    same = lambda x: (k(x, x).sum() - np.trace(k(x, x))) / (len(x) * (len(x) - 1))
    return same(a) + same(b) - 2 * k(a, b).mean()


class Marker:
    """Scores pictures against cases, with the judge where it has been trained."""

    def __init__(self):
        self.net = judge.load() if os.path.exists(work("judge.pt")) else None
        self.known = Cases("test", range(len(Shards("test"))))

    def distance(self, pictures):
        """KID against the true renders of other held-out objects, those of the groups. It means little below some hundred pictures."""
        data = Shards("group")
        truth = judge.ask(self.net, [data.row("rgb", i) for i in range(len(data))])[1]
        return kernel_distance(judge.ask(self.net, pictures)[1].astype(np.float64), truth.astype(np.float64))

    def answers(self, pictures, records, heads):
        """Head -> share of the pictures in which the judge sees what the record says."""
        if self.net is None:
            return {}
        got, _ = judge.ask(self.net, pictures)
        return {head: judge.share_right(got[head], records, head) for head in heads}

    def __call__(self, pictures, cases, heads=HEADS):
        edges, colour = cases.edges(pictures).mean(0), cases.colours(pictures)
        out = {"precision": edges[0], "recall": edges[1], "F1": edges[2], "dE": colour.mean(), "dE_median": np.median(colour)}
        out["second_colour"] = accents.share_right(pictures, cases, self.known.rgb, self.known)
        out |= self.answers(pictures, cases.records, heads)
        if self.net is not None and cases.split == "test" and len(cases) > 1:
            out["KID"] = self.distance(pictures)
        return out


def sampled(table, mark, runner, cases, name, control, heads=HEADS, **setting):
    kind = "depth" if control == "depth" else "lines"
    got = table.pictures(name, lambda: runner(cases.captions, cases.hints(control), kind, **setting), len(cases))
    table.put(name, **mark(got, cases, heads))
    return got


def basic(table, mark, runner, a, setting):
    """Single pictures from lines, depth, a sketch and nothing."""
    cases = test_cases(a.count)
    table.put("truth", **mark(cases.rgb, cases))
    table.put("autoencoder only", **mark(table.pictures("autoencoder only", lambda: runner.through_vae(cases.rgb), len(cases)), cases))
    columns = [[as_rgb(l) for l in cases.line], cases.rgb]
    columns.append(sampled(table, mark, runner, cases, "lines", "lines", **setting))
    columns.append(sampled(table, mark, runner, cases, "depth", "depth", **setting))
    columns.append([as_rgb(s) for s in cases.sketch])
    columns.append(sampled(table, mark, runner, cases, "sketch by hand", "sketch", **setting))
    columns.append(sampled(table, mark, runner, cases, "no control", "none", **setting))
    sampled(table, mark, runner, cases, "lines, 4 steps", "lines", **{**setting, "steps": 4})
    n = len(cases)
    far = [metrics.colour_distance(cases.rgb[i], cases.rgb[(i + 7) % n], cases.depth[i] > 0, cases.depth[(i + 7) % n] > 0) for i in range(n)]
    table.put("another object, at random", dE=np.mean(far))
    chosen = by_class(cases, 24)
    cells = [[column[i] for column in columns] for i in chosen]
    save_sheet(table.path("sheet.jpg"), [cells[k] + (cells[k + 1] if k + 1 < len(cells) else []) for k in range(0, len(cells), 2)], 112)
    for i in chosen:
        print("  ", cases.captions[i])


def scan(table, mark, runner, a, setting):
    """Guidance and steps on the first cases."""
    cases = test_cases(a.scan)
    for guidance in (1.0, 1.5, 2.0, 3.0, 4.0):
        sampled(table, mark, runner, cases, f"{len(cases)} cases, guidance {guidance}", "lines", **{**setting, "guidance": guidance})
    for steps in (4, 8, 25):
        sampled(table, mark, runner, cases, f"{len(cases)} cases, {steps} steps", "lines", **{**setting, "steps": steps})


def groups(table, mark, runner, a, setting):
    """Four views of one object: joined or each alone, every view drawn or only the first."""
    cases = Cases("group", range(GROUP * min(a.groups, len(Shards("group")) // GROUP)))
    count = len(cases) // GROUP
    drawn = cases.hints("lines")
    hinted = {"all views drawn": drawn, "first view drawn": [h if i % GROUP == 0 else None for i, h in enumerate(drawn)]}
    sampled_by = {"4 views, truth": cases.rgb}
    for what, hint in hinted.items():
        for way in a.ways:
            name = f"4 views, {what}, {way}"
            sampled_by[name] = table.pictures(name, lambda: runner(cases.captions, hint, **WAYS[way], **setting), len(cases))
    for name, pictures in sampled_by.items():
        table.put(name, **group_figures(mark, cases, pictures))
    save_sheet(table.path("views.jpg"), [[p[GROUP * k + v] for k in range(min(count, 4)) for v in range(GROUP)] for p in sampled_by.values()], 96)


def group_figures(mark, cases, pictures):
    """Fidelity of all views, their agreement, and what the judge says of the views after the first."""
    spans = [slice(k, k + GROUP) for k in range(0, len(cases), GROUP)]
    agree = [agreement.scores(pictures[s], cases.records[s], cases.depth[s]) for s in spans]
    others = [i for i in range(len(cases)) if i % GROUP]
    to_first = [metrics.colour_distance(pictures[i], pictures[i - i % GROUP], cases.depth[i] > 0, cases.depth[i - i % GROUP] > 0) for i in others]
    answers = mark.answers(pictures[others], [cases.records[i] for i in others], HEADS)
    return {"F1": cases.edges(pictures)[:, 2].mean(), "dE": cases.colours(pictures).mean(), "views_dE": np.mean([x["colour"] for x in agree]),
            "warped_SSIM": np.nanmean([x["ssim"] for x in agree]), "others_to_first_dE": np.mean(to_first), **{"others_" + k: v for k, v in answers.items()}}


def lights(table, mark, runner, a, setting):
    """Buildings by light, season and time of day."""
    cases = Cases("light", range(min(a.lights, len(Shards("light")))))
    heads = (*HEADS, "light")
    table.put("buildings by light, truth", **mark(cases.rgb, cases, heads))
    got = sampled(table, mark, runner, cases, "buildings by light, lines", "lines", heads, **setting)
    save_sheet(table.path("lights.jpg"), [list(cases.rgb[k : k + 6]) + list(got[k : k + 6]) for k in range(0, len(cases), 6)], 112)


def precision(table, mark, runner, a, setting):
    """The same weights unrounded (`export --fp32-folder`) against the shipped float16."""
    if not a.fp32_folder:
        return
    cases, torch = test_cases(a.scan), runner.torch
    exact = Runner(a.fp32_folder, torch, torch.float32, a.sampler)
    rounded = table.pictures(f"{len(cases)} cases, fp16 weights", lambda: runner(cases.captions, cases.hints("lines"), **setting), len(cases))
    full = table.pictures(f"{len(cases)} cases, fp32 weights", lambda: exact(cases.captions, cases.hints("lines"), **setting), len(cases))
    gap = np.abs(rounded.astype(int) - full.astype(int))
    table.put("fp16 against fp32 weights", mean_difference=gap.mean(), largest=gap.max(), F1_fp16=cases.edges(rounded)[:, 2].mean(), F1_fp32=cases.edges(full)[:, 2].mean())


PARTS = {"basic": basic, "groups": groups, "lights": lights, "scan": scan, "precision": precision}


def as_rgb(plane):
    """A drawing (H, W), bool or 0..1, as black on white."""
    return np.repeat((255 - 255 * np.clip(plane.astype(np.float32), 0, 1)).astype(np.uint8)[..., None], 3, -1)


def save_sheet(path, rows, size):
    """rows: lists of (256, 256, 3); every picture is scaled to `size` pixels; short rows are filled with white."""
    longest = max(map(len, rows))
    white = np.full((256, 256, 3), 255, np.uint8)
    picture = Image.fromarray(np.concatenate([np.concatenate(list(r) + [white] * (longest - len(r)), 1) for r in rows]))
    picture.resize((size * longest, size * len(rows)), Image.LANCZOS).save(path, quality=90)


def by_class(cases, count):
    """First case of every class, then second ones, up to `count`."""
    seen, order = {}, []
    for i, facts in enumerate(cases.records):
        seen[facts["kind"]] = seen.get(facts["kind"], 0) + 1
        order.append((seen[facts["kind"]], i))
    return [i for _, i in sorted(order)[:count]]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default=work("starter", "x")[:-2])
    parser.add_argument("--fp32-folder", help="the same weights unrounded, to compare with")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--count", type=int, default=96, help="held-out objects")
    parser.add_argument("--groups", type=int, default=24, help="held-out groups of 4 views")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS), help="how groups are sampled")
    parser.add_argument("--lights", type=int, default=48)
    parser.add_argument("--scan", type=int, default=24)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--sampler", default="dpmpp_2m", choices=["dpmpp_2m", "ddim"])
    parser.add_argument("--bf16", action="store_true", help="compute in bfloat16")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier run has kept")
    a = parser.parse_args()
    torch = threads()
    runner = Runner(a.folder, torch, torch.bfloat16 if a.bf16 else torch.float32, a.sampler)
    table, mark = Table(work("eval", os.path.basename(os.path.normpath(a.folder)), "x")[:-2], a.fresh), Marker()
    for part in a.parts:
        PARTS[part](table, mark, runner, a, dict(guidance=a.guidance, steps=a.steps))


if __name__ == "__main__":
    main()
