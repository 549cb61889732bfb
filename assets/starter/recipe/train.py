"""Stage `train`: text encoder, UNet and both ControlNets jointly, v-prediction, from cached latents.

Every batch holds fixed shares: lines only, lines and depth, depth only, no control; text is dropped for some rows.
Learning rate: warm-up, flat, then cosine down over the last part of the budget (`--minutes` over all runs; raising it
and running again goes on from WORK/train.pt). Each worker is a process with one thread and half of the batch (flat.py);
its batches are prepared in a second thread.
"""
import argparse
import math
import multiprocessing
import os
import queue
import threading

import numpy as np

import flat
import hints
import model
from common import SEED, Clock, Shards, save_torch, threads, work
from scene.captions import full, varied
from tokenizer import Compact


class Feed:
    """Endless training batches: latents, compact tokens, line hints, depth hints; each epoch in a new order."""

    def __init__(self, tokens, shares, seed):
        self.data = Shards("train")
        self.latents = [np.load(work("data", n + ".latents.npy"), mmap_mode="r") for n in self.data.names]
        self.tokens, self.shares, self.rng = tokens, shares, np.random.RandomState(seed)
        self.order = []
        self.queue = queue.Queue(3)
        threading.Thread(target=self._fill, daemon=True).start()

    def _fill(self):
        while True:
            self.queue.put(self.make())

    def make(self):
        lines_only, both, depth_only, none = self.shares
        batch = sum(self.shares)
        if len(self.order) < batch:
            self.order = list(self.rng.permutation(len(self.data)))
        picks = [self.order.pop() for _ in range(batch)]
        z = np.stack([self.latents[s][i] for s, i in (self.data.where[p] for p in picks)]).astype(np.float32)
        texts = []
        for p in picks:
            facts = self.data.records[p]
            draw = self.rng.rand()
            if draw < 0.12:
                texts.append("")
            elif draw < 0.35:
                texts.append(full(facts, facts["view"], facts["ground"]))
            else:
                texts.append(varied(facts, facts["view"], facts["ground"], self.rng))
        rows = np.array(self.tokens(texts))
        inside = rows > 1
        rows[inside & (self.rng.rand(*rows.shape) < 0.01)] = self.tokens.unknown
        line = [hints.lines(self.data.row("lines", p), self.rng) for p in picks[: lines_only + both]]
        depth = [hints.depth(self.data.row("depth", p), self.rng) for p in picks[lines_only : batch - none]]
        return z, rows, np.array(line, np.float32), np.array(depth, np.float32)

    def __call__(self):
        return self.queue.get()


def rate_at(share, step, peak, floor=0.02):
    """Learning rate at a share 0..1 of the time budget."""
    down = max(0.0, (share - 0.4) / 0.6)
    return peak * min(1, (step + 1) / 200) * max(floor, 0.5 + 0.5 * math.cos(math.pi * min(1, down)))


def colour_hint(torch, grey):
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


def work_on(worker, a, store, barrier, step, used):
    """One worker's loop: forward and backward on its rows, then the joint update."""
    torch = threads(1)
    tokens = Compact()
    nets = model.channels_last(model.Starter(tokens.size))
    layout = flat.Layout(nets)
    nets = nets.to(torch.bfloat16)
    live = list(nets.parameters())
    for p, view in zip(live, layout.views(store.live)):
        p.data = view
    grads = layout.views(store.grads[worker])
    table = grads[layout.names.index("text.embeddings.token_embedding.weight")]
    torch.manual_seed(SEED + step * a.workers + worker)
    shares = split(a.shares, worker, a.workers)
    feed = Feed(tokens, shares, SEED + step * a.workers + worker)
    lines_only, both, depth_only, none = shares
    batch, all_rows = sum(shares), sum(a.shares)
    lines_rows, depth_rows = slice(0, lines_only + both), slice(lines_only, batch - none)
    signal, noise_scale = model.alphas()
    clock, total, last_save, losses, first = Clock(used), a.minutes * 60, used, [], (step, used)
    if worker == 0:
        print(f"{layout.size / 1e6:.2f}M weights, {len(feed.data)} samples, rows {shares}, from step {step}", flush=True)
    while not store.stop[0]:
        z, rows, line, depth = feed()
        z = torch.from_numpy(z).contiguous(memory_format=torch.channels_last)
        # more of the noisy steps, in which colour and shape are decided
        t = (((torch.randperm(batch) + torch.rand(batch)) / batch) ** 0.7 * 1000).long().clamp(0, 999)
        a_t, s_t = signal[t].view(-1, 1, 1, 1), noise_scale[t].view(-1, 1, 1, 1)
        e = torch.randn_like(z)
        noisy = (a_t * z + s_t * e).to(torch.bfloat16)
        v = nets(noisy, t, torch.from_numpy(rows), colour_hint(torch, line), colour_hint(torch, depth), lines_rows, depth_rows)
        gap = ((v.float() - (a_t * e - s_t * z)) ** 2).mean((1, 2, 3))
        gap.mean().backward()
        with torch.no_grad():
            torch._foreach_copy_(grads, [p.grad for p in live])
            table[tokens.unknown] = 0
            for p in live:
                p.grad = None
            store.losses[worker] = torch.stack([gap[:lines_only].mean(), gap[lines_only + both : batch - none].mean(), gap[batch - none :].mean()])
            barrier.wait()
            step += 1
            rate = rate_at(clock() / total, step, a.rate)
            store.update(worker, step, rate, min(0.998, step / (step + 20)), barrier.wait)
            losses.append(store.losses.nanmean(0).tolist())
            if worker == 0 and clock() > total:
                store.stop[0] = 1
            barrier.wait()
        if worker:
            continue
        if step % 50 == 0:
            m = np.mean(losses, 0)
            speed = (step - first[0]) * all_rows / (clock() - first[1])
            text = f"{step},{clock():.0f},{m[0]:.4f},{m[1]:.4f},{m[2]:.4f},{rate:.1e},{speed:.1f}"
            print("step,seconds,lines,depth,none,rate,samples/s " + text, flush=True)
            with open(work("train.csv"), "a") as f:
                f.write(text + "\n")
            losses = []
        if clock() - last_save > a.save_minutes * 60 or store.stop[0]:
            last_save = clock()
            state = {"nets": layout.named(store.master), "first": layout.named(store.first), "second": layout.named(store.second)}
            save_torch(work("train.pt"), {**state, "ema": layout.named(store.average), "step": step, "seconds": clock(), "batch": all_rows})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=70)
    parser.add_argument("--shares", type=int, nargs=4, default=[9, 1, 3, 3], help="rows with lines, both, depth, no control")
    parser.add_argument("--rate", type=float, default=9e-4)
    parser.add_argument("--save-minutes", type=float, default=4)
    parser.add_argument("--workers", type=int, default=2)
    a = parser.parse_args()
    torch = threads()
    tokens = Compact()
    nets = model.Starter(tokens.size)
    with torch.no_grad():
        nets.text.get_input_embeddings().weight[tokens.unknown] = 0
    layout = flat.Layout(nets)
    store = flat.Store(layout.size, a.workers)
    step, used = 0, 0.0
    with torch.no_grad():
        if os.path.exists(work("train.pt")):
            state = torch.load(work("train.pt"), map_location="cpu", weights_only=True)
            for part, key in ((store.master, "nets"), (store.first, "first"), (store.second, "second"), (store.average, "ema")):
                layout.fill(part, state[key])
            step, used = state["step"], state["seconds"]
        else:
            layout.fill(store.master, dict(nets.named_parameters()))
            store.average.copy_(store.master)
        store.live.copy_(store.master)
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(a.workers)
    others = [context.Process(target=work_on, args=(k, a, store, barrier, step, used), daemon=True) for k in range(1, a.workers)]
    for p in others:
        p.start()
    work_on(0, a, store, barrier, step, used)
    for p in others:
        p.join()


if __name__ == "__main__":
    main()
