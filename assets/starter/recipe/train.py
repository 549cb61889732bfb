"""Stage `train`: text encoder, UNet and both ControlNets jointly, v-prediction, from cached latents.

Half of the batches hold single pictures in fixed shares: lines only, lines and depth, depth only, no control. The other
half hold groups of four views of one object, whose self-attention is joined; mostly one view alone has a control. Text is
dropped for some rows, or for whole groups. Batches of pictures at half size are four times as many pictures, which teaches
words and colours sooner; at first most batches are such. Raising `--minutes` and running again goes on from WORK/train.pt.
"""
import argparse
import os
import queue
import threading

import numpy as np
import torch

import hints
import model
import team
from common import SEED, Shards, work
from data import GROUP
from scene.captions import full, varied
from tokenizer import Compact

KINDS = {False: "latents", True: "half"}  # half-size? -> file of the stage `latents`
APP_HINTS = 0.5  # share of a picture's hints that are the app's own, where the stage `apphints` made them
SMALL = 4  # rows of a half-size batch for one of a full-size batch
EMPTY_TEXT = 0.1  # share of rows, or of groups, without text: what guidance starts from


def caption(facts, rng, view_odds=0.8):
    return full(facts) if rng.rand() < 0.3 else varied(facts, rng, view_odds)


def steered_views(rng):
    """Which views of a group have lines, and which have depth: mostly one view alone, as after one sketch."""
    draw = rng.rand()
    if draw < 0.5:
        views = [rng.randint(GROUP)]
    elif draw < 0.72:
        views = list(range(GROUP))
    elif draw < 0.9:
        views = [v for v in range(GROUP) if rng.rand() < 0.5]
    else:
        views = []
    lines, depth = [], []
    for v in views:
        kind = rng.rand()
        if kind < 0.8:
            lines.append(v)
        if kind > 0.68:
            depth.append(v)
    return lines, depth


class Batch:
    """Latents (B, 4, h, w), tokens (B, 77), and for lines and depth the steered rows and their hints (n, H, W)."""

    def __init__(self, latents, tokens, lines, depth, views):
        self.latents, self.tokens, self.lines, self.depth, self.views = latents, tokens, lines, depth, views


def cached(name, kind):
    """What `latents` or `apphints` made of a shard, or None where it has not come to it yet."""
    path = work("data", f"{name}.{kind}.npy")
    return np.load(path, mmap_mode="r") if os.path.exists(path) else None


class Feed:
    """Endless training batches, each epoch in a new order; `layout(step)` -> (half-size?, in groups?), the same for every worker."""

    def __init__(self, tokens, shares, seed, step, layout):
        self.data = Shards("train")
        self.latents = {small: [None] * len(self.data.names) for small in KINDS}
        self.app = {kind: [None] * len(self.data.names) for kind in ("app", "appdepth")}
        self.tokens, self.shares, self.rng, self.step, self.layout = tokens, shares, np.random.RandomState(seed), step, layout
        self.order = {}
        self.queue = queue.Queue(2)
        threading.Thread(target=self._fill, daemon=True).start()

    def _fill(self):
        while True:
            small, grouped = self.layout(self.step)
            self.queue.put(self.groups(small) if grouped else self.singles(small))
            self.step += 1

    def take(self, count, size, small):
        """The next `count` numbers of pictures, or of groups of `size` pictures, among those with latents of this size by now."""
        order = self.order.get((size, small), [])
        if len(order) < count:
            self.latents[small] = self.renewed(self.latents[small], KINDS[small])
            self.app = {kind: self.renewed(known, kind) for kind, known in self.app.items()}
            ready = [i for i in range(len(self.data) // size) if self.latents[small][self.data.where[i * size][0]] is not None]
            order = self.order[size, small] = list(self.rng.permutation(ready))
        return [order.pop() for _ in range(count)]

    def renewed(self, known, kind):
        return [old if old is not None else cached(name, kind) for old, name in zip(known, self.data.names)]

    def by_app(self, kind, pick):
        """The app's own hint (256, 256) float32 of a picture, now and then, where there is one that shows anything."""
        shard, row = self.data.where[pick]
        if self.app[kind][shard] is None or self.rng.rand() > APP_HINTS:
            return None
        image = self.app[kind][shard][row]
        return image.astype(np.float32) / 255 if image.any() else None

    def line_hint(self, pick):
        image = self.by_app("app", pick)
        return hints.lines(self.data.row("lines", pick), self.rng, self.data.row("depth", pick)) if image is None else image

    def depth_hint(self, pick):
        image = self.by_app("appdepth", pick)
        return hints.depth(self.data.row("depth", pick), self.rng) if image is None else image

    def singles(self, small):
        lines_only, both, depth_only, none = (n * (SMALL if small else 1) for n in self.shares)
        batch = lines_only + both + depth_only + none
        picks = self.take(batch, 1, small)
        texts = ["" if self.rng.rand() < EMPTY_TEXT else caption(self.data.records[p], self.rng) for p in picks]
        return self.pack(picks, texts, range(lines_only + both), range(lines_only, batch - none), small, 1)

    def groups(self, small):
        count = sum(self.shares) * (SMALL if small else 1) // GROUP
        picks, texts, lines, depth = [], [], [], []
        for k, group in enumerate(self.take(count, GROUP, small)):
            order = [GROUP * group + v for v in self.rng.permutation(GROUP)]
            wording, silent = self.rng.randint(2**31), self.rng.rand() < EMPTY_TEXT
            # one seed for all views: the same wording apart from the view
            texts += ["" if silent else caption(self.data.records[p], np.random.RandomState(wording), 0.97) for p in order]
            picks += order
            by_lines, by_depth = steered_views(self.rng)
            lines += [GROUP * k + v for v in by_lines]
            depth += [GROUP * k + v for v in by_depth]
        return self.pack(picks, texts, lines, depth, small, GROUP)

    def pack(self, picks, texts, lines, depth, small, views):
        z = np.stack([self.latents[small][s][i] for s, i in (self.data.where[p] for p in picks)]).astype(np.float32)
        rows = np.array(self.tokens(texts))
        rows[(rows > 1) & (self.rng.rand(*rows.shape) < 0.01)] = self.tokens.unknown
        line, deep = [self.line_hint(picks[k]) for k in lines], [self.depth_hint(picks[k]) for k in depth]
        return Batch(z, rows, (list(lines), hints.stack(line, small)), (list(depth), hints.stack(deep, small, np.mean)), views)

    def __call__(self):
        return self.queue.get()


def as_hint(rows, grey):
    """Rows and (n, H, W) -> (n,) int64 and bfloat16 (n, 3, H, W), channels last."""
    pictures = torch.from_numpy(grey).to(torch.bfloat16)[:, None].expand(-1, 3, -1, -1)
    return torch.tensor(rows, dtype=torch.long), pictures.contiguous(memory_format=torch.channels_last)


def split(shares, worker, workers):
    """This worker's part of the batch's shares, as even as whole rows allow, leftovers in turn."""
    out, turn = [], 0
    for share in shares:
        mine = share // workers
        for _ in range(share % workers):
            mine += turn % workers == worker
            turn += 1
        out.append(mine)
    return out


def random_steps(batch, views):
    """Timesteps (batch,), spread evenly over the range, the same within a group; more of the noisy ones, in which colour and
    shape are decided."""
    count = batch // views
    t = (((torch.randperm(count) + torch.rand(count)) / count) ** 0.7 * 1000).long().clamp(0, 999)
    return t.repeat_interleave(views)


def random_noise(z, views):
    """Noise like z; half of the groups have one noise for all views."""
    e = torch.randn_like(z)
    if views > 1:
        groups = e.view(-1, views, *z.shape[1:])
        shared = torch.rand(len(groups)) < 0.5
        groups[shared] = groups[shared][:, :1]
    return e


class Task:
    """What `team.train` trains."""

    columns = "lines,depth,none,small lines,small depth,small none,group drawn,group free,small group drawn,small group free"

    def __init__(self, shares, early, late, early_steps, freeze_control=False):
        self.shares, self.early, self.late, self.early_steps, self.freeze_control = shares, early, late, early_steps, freeze_control

    def layout(self, step):
        draws = np.random.RandomState(step).rand(2)
        return draws[0] < (self.early if step < self.early_steps else self.late), draws[1] < 0.5

    def build(self):
        self.tokens = Compact()
        torch.manual_seed(SEED)
        nets = model.Starter(self.tokens.size)
        with torch.no_grad():
            nets.text.get_input_embeddings().weight[self.tokens.unknown] = 0
        if self.freeze_control:
            state = torch.load(work("train.pt"), map_location="cpu", weights_only=True, mmap=True)["ema"]
            nets.control.load_state_dict({k.removeprefix("control."): v for k, v in state.items() if k.startswith("control.")})
            nets.freeze_control()
        return nets

    def start(self, net, worker, workers, step):
        self.net = net
        self.feed = Feed(self.tokens, split(self.shares, worker, workers), SEED + step * workers + worker, step, self.layout)
        self.signal, self.noise = model.alphas()

    def loss(self, step, share):
        b = self.feed()
        z = torch.from_numpy(b.latents)
        t, e = random_steps(len(z), b.views), random_noise(z, b.views)
        a_t, s_t = self.signal[t].view(-1, 1, 1, 1), self.noise[t].view(-1, 1, 1, 1)
        noisy = (a_t * z + s_t * e).to(torch.bfloat16).contiguous(memory_format=torch.channels_last)
        v = self.net(noisy, t, torch.from_numpy(b.tokens), {"lines": as_hint(*b.lines), "depth": as_hint(*b.depth)}, b.views)
        gap = ((v.float() - (a_t * e - s_t * z)) ** 2).mean((1, 2, 3))
        return gap.mean(), self.report(gap.detach(), b)

    def report(self, gap, b):
        """The batch's mean loss in the columns of its kind, nan in the others."""
        lines, depth = set(b.lines[0]), set(b.depth[0])
        kinds = (lines - depth, depth - lines, set(range(len(gap))) - lines - depth) if b.views == 1 else (lines | depth, set(range(len(gap))) - lines - depth)
        means = [gap[list(k)].mean().item() if k else float("nan") for k in kinds]
        at = (0 if b.views == 1 else 6) + (len(kinds) if b.latents.shape[-1] < model.LATENT else 0)
        out = [float("nan")] * 10
        out[at : at + len(kinds)] = means
        return out

    def mask(self, grads):
        grads["text.embeddings.token_embedding.weight"][self.tokens.unknown] = 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--shares", type=int, nargs=4, default=[9, 1, 3, 3], help="rows with lines, both, depth, no control")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--early-steps", type=int, default=1500, help="steps before full-size batches prevail")
    parser.add_argument("--early", type=float, default=0.9, help="share of half-size batches in the early steps")
    parser.add_argument("--late", type=float, default=0.2, help="share of half-size batches afterwards")
    parser.add_argument("--flat", type=float, default=0.4, help="share of the time before the rate falls")
    parser.add_argument("--keep", type=float, default=0.998, help="memory of the averaged weights, per step")
    parser.add_argument("--freeze-control", action="store_true", help="leave the ControlNets as they are")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--report", type=int, default=10, help="steps whose mean losses are one row of train.csv")
    a = parser.parse_args()
    task = Task(a.shares, a.early, a.late, a.early_steps, a.freeze_control)
    team.train(task, team.Plan("train.pt", a.minutes, a.rate, flat_share=a.flat, keep=a.keep, workers=a.workers, report=a.report))


if __name__ == "__main__":
    main()
