"""Stage `train`: text encoder, UNet and both ControlNets jointly, v-prediction, from cached latents.

Every batch holds fixed shares: lines only, lines and depth, depth only, no control; text is dropped for some rows.
Learning rate: warm-up, flat, then cosine down over the last part of the budget (`--minutes` over all runs; raising it
and running again goes on from WORK/train.pt). Batches are prepared in a second thread.
"""
import argparse
import math
import os
import queue
import threading

import numpy as np

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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=70)
    parser.add_argument("--shares", type=int, nargs=4, default=[9, 1, 3, 3], help="rows with lines, both, depth, no control")
    parser.add_argument("--rate", type=float, default=9e-4)
    parser.add_argument("--save-minutes", type=float, default=4)
    a = parser.parse_args()
    torch = threads()
    tokens = Compact()
    nets = model.channels_last(model.Starter(tokens.size))
    with torch.no_grad():
        nets.text.get_input_embeddings().weight[tokens.unknown] = 0
    # the nets compute in bfloat16; `master` keeps the weights that are optimised, in float32
    master = {k: p.detach().clone() for k, p in nets.named_parameters()}
    nets = nets.to(torch.bfloat16)
    live = list(nets.parameters())
    params = list(master.values())
    opt = torch.optim.AdamW(params, lr=a.rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    ema = {k: p.clone() for k, p in master.items()}
    step, used, path = 0, 0.0, work("train.pt")
    if os.path.exists(path):
        state = torch.load(path, map_location="cpu", weights_only=True)
        for key, value in state["nets"].items():
            master[key].copy_(value)
        opt.load_state_dict(state["opt"])
        ema, step, used = state["ema"], state["step"], state["seconds"]
        with torch.no_grad():
            torch._foreach_copy_(live, params)
    table = master["text.embeddings.token_embedding.weight"]
    torch.manual_seed(SEED + step)
    feed = Feed(tokens, a.shares, SEED + step)
    clock, total, last_save, losses = Clock(used), a.minutes * 60, used, []
    signal, noise_scale = model.alphas()
    lines_only, both, depth_only, none = a.shares
    batch = sum(a.shares)
    lines_rows, depth_rows = slice(0, lines_only + both), slice(lines_only, batch - none)
    count = lambda net: sum(p.numel() for p in net.parameters()) / 1e6
    print(f"text {count(nets.text):.2f}M unet {count(nets.unet):.2f}M control {count(nets.control):.2f}M, {len(feed.data)} samples, from step {step}", flush=True)

    def save():
        save_torch(path, {"nets": master, "opt": opt.state_dict(), "ema": ema, "step": step, "seconds": clock(), "batch": batch})

    first = (step, used)
    while clock() < total:
        z, rows, line, depth = feed()
        z = torch.from_numpy(z).contiguous(memory_format=torch.channels_last)
        t = ((torch.randperm(batch) + torch.rand(batch)) / batch * 1000).long().clamp(0, 999)
        a_t, s_t = signal[t].view(-1, 1, 1, 1), noise_scale[t].view(-1, 1, 1, 1)
        e = torch.randn_like(z)
        noisy = (a_t * z + s_t * e).to(torch.bfloat16)
        v = nets(noisy, t, torch.from_numpy(rows), colour_hint(torch, line), colour_hint(torch, depth), lines_rows, depth_rows)
        gap = ((v.float() - (a_t * e - s_t * z)) ** 2).mean((1, 2, 3))
        gap.mean().backward()
        for kept, p in zip(params, live):
            kept.grad, p.grad = p.grad.float(), None
        table.grad[tokens.unknown] = 0
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        for group in opt.param_groups:
            group["lr"] = rate_at(clock() / total, step, a.rate)
        opt.step()
        step += 1
        keep = min(0.998, step / (step + 20))
        with torch.no_grad():
            torch._foreach_copy_(live, params)
            torch._foreach_mul_(list(ema.values()), keep)
            torch._foreach_add_(list(ema.values()), params, alpha=1 - keep)
        losses.append([gap[:lines_only].mean().item(), gap[lines_only + both : batch - none].mean().item(), gap[batch - none :].mean().item()])
        if step % 50 == 0:
            m = np.mean(losses, 0)
            speed = (step - first[0]) * batch / (clock() - first[1])
            text = f"{step},{clock():.0f},{m[0]:.4f},{m[1]:.4f},{m[2]:.4f},{opt.param_groups[0]['lr']:.1e},{speed:.1f}"
            print("step,seconds,lines,depth,none,rate,samples/s " + text, flush=True)
            with open(work("train.csv"), "a") as f:
                f.write(text + "\n")
            losses = []
        if clock() - last_save > a.save_minutes * 60:
            last_save = clock()
            save()
    save()


if __name__ == "__main__":
    main()
