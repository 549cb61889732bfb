"""Stage `train`: text encoder, UNet and both ControlNets jointly, v-prediction, from cached latents.

Every batch holds fixed shares: lines only, lines and depth, depth only, no control; text is dropped for some rows. The
first part of the time goes to pictures at half size, four times as many in a batch, which teaches words and colours
sooner; later most batches are full-size. Raising `--minutes` and running again goes on from WORK/train.pt (team.py).
"""
import argparse
import queue
import threading

import numpy as np
import torch

import hints
import model
import team
from common import SEED, Shards, work
from scene.captions import full, varied
from tokenizer import Compact

SMALL = 4  # rows of a half-size batch for one of a full-size batch


class Feed:
    """Endless training batches: latents, compact tokens, line hints, depth hints; each epoch in a new order.

    `small(step)` says whether a step's batch is of half-size pictures, the same for every worker.
    """

    def __init__(self, tokens, shares, seed, step, small):
        self.data = Shards("train")
        self.latents = {kind: [np.load(work("data", f"{n}.{kind}.npy"), mmap_mode="r") for n in self.data.names] for kind in ("latents", "half")}
        self.tokens, self.shares, self.rng, self.step, self.small = tokens, shares, np.random.RandomState(seed), step, small
        self.order = []
        self.queue = queue.Queue(2)
        threading.Thread(target=self._fill, daemon=True).start()

    def _fill(self):
        while True:
            self.queue.put(self.make(self.small(self.step)))
            self.step += 1

    def make(self, small):
        lines_only, both, depth_only, none = (n * (SMALL if small else 1) for n in self.shares)
        batch = lines_only + both + depth_only + none
        if len(self.order) < batch:
            self.order = list(self.rng.permutation(len(self.data)))
        picks = [self.order.pop() for _ in range(batch)]
        cached = self.latents["half" if small else "latents"]
        z = np.stack([cached[s][i] for s, i in (self.data.where[p] for p in picks)]).astype(np.float32)
        texts = []
        for p in picks:
            facts = self.data.records[p]
            draw = self.rng.rand()
            if draw < 0.1:
                texts.append("")
            elif draw < 0.4:
                texts.append(full(facts, facts["view"], facts["ground"]))
            else:
                texts.append(varied(facts, facts["view"], facts["ground"], self.rng))
        rows = np.array(self.tokens(texts))
        inside = rows > 1
        rows[inside & (self.rng.rand(*rows.shape) < 0.01)] = self.tokens.unknown
        line = [hints.lines(self.data.row("lines", p), self.rng) for p in picks[: lines_only + both]]
        depth = [hints.depth(self.data.row("depth", p), self.rng) for p in picks[lines_only : batch - none]]
        return z, rows, hints.stack(line, small), hints.stack(depth, small, np.mean), (lines_only, both, depth_only, none)

    def __call__(self):
        return self.queue.get()


def colour_hint(grey):
    """(n, H, W) -> bfloat16 (n, 3, H, W), channels last."""
    return torch.from_numpy(grey).to(torch.bfloat16)[:, None].expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


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


class Task:
    """What `team.train` trains."""

    columns = "lines,depth,none,small lines,small depth,small none"

    def __init__(self, shares, early, late, early_steps):
        self.shares, self.early, self.late, self.early_steps = shares, early, late, early_steps

    def small(self, step):
        share = self.early if step < self.early_steps else self.late
        return np.random.RandomState(step).rand() < share

    def build(self):
        self.tokens = Compact()
        torch.manual_seed(SEED)
        nets = model.Starter(self.tokens.size)
        with torch.no_grad():
            nets.text.get_input_embeddings().weight[self.tokens.unknown] = 0
        return nets

    def start(self, net, worker, workers, step):
        self.net = net
        self.feed = Feed(self.tokens, split(self.shares, worker, workers), SEED + step * workers + worker, step, self.small)
        self.signal, self.noise = model.alphas()

    def loss(self, step, share):
        z, rows, line, depth, (lines_only, both, depth_only, none) = self.feed()
        batch = len(z)
        z = torch.from_numpy(z).contiguous(memory_format=torch.channels_last)
        # more of the noisy steps, in which colour and shape are decided
        t = (((torch.randperm(batch) + torch.rand(batch)) / batch) ** 0.7 * 1000).long().clamp(0, 999)
        a_t, s_t = self.signal[t].view(-1, 1, 1, 1), self.noise[t].view(-1, 1, 1, 1)
        e = torch.randn_like(z)
        noisy = (a_t * z + s_t * e).to(torch.bfloat16)
        v = self.net(noisy, t, torch.from_numpy(rows), colour_hint(line), colour_hint(depth), slice(0, lines_only + both), slice(lines_only, batch - none))
        gap = ((v.float() - (a_t * e - s_t * z)) ** 2).mean((1, 2, 3))
        parts = [gap[:lines_only].mean().item(), gap[lines_only + both : batch - none].mean().item(), gap[batch - none :].mean().item()]
        blank = [float("nan")] * 3
        return gap.mean(), blank + parts if z.shape[-1] < model.LATENT else parts + blank

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
    a = parser.parse_args()
    team.train(Task(a.shares, a.early, a.late, a.early_steps), team.Plan("train.pt", a.minutes, a.rate, flat_share=0.4, keep=0.998))


if __name__ == "__main__":
    main()
