"""Stage `judge`: a small classifier trained on true renders, which `eval` asks what a picture shows.

Heads for class, colour word, material, named view and light; pictures are shrunk to 96². The view of round things is
neither taught nor counted. Its features (the last layer before the heads) also serve the kernel distance. WORK/judge.pt; time-budgeted in processor minutes, resumable.
"""
import argparse
import os
import time

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from common import SEED, Shards, save_torch, threads, work
from scene.captions import VIEW
from scene.light import LIGHTS
from scene.objects import KINDS, ROUND
from scene.palette import COLOURS, MATERIALS

SIZE = 96
UNSEEN = -100  # what cross_entropy ignores
HEADS = {"kind": KINDS, "colour": list(COLOURS), "material": MATERIALS, "view": list(VIEW), "light": ["", *LIGHTS]}


def labels(facts):
    """Head -> index of what a record says, UNSEEN where no picture can show it."""
    return {head: words.index(facts[head]) if visible(head, facts) else UNSEEN for head, words in HEADS.items()}


def visible(head, facts):
    return head != "view" or facts["kind"] not in ROUND


def share_right(answers, records, head):
    """Share of the answers of a head that are what the record says, of the records whose pictures can show it."""
    return float(np.mean([a == r[head] for a, r in zip(answers, records) if visible(head, r)]))


class Judge(nn.Module):
    """Pictures (B, 3, 96, 96) in [-1, 1] -> features (B, 256); `heads` gives each question's scores."""

    def __init__(self):
        super().__init__()
        widths = (3, 24, 48, 96, 128, 160)
        layers = []
        for a, b in zip(widths, widths[1:]):
            layers += [nn.Conv2d(a, b, 3, 2, 1), nn.BatchNorm2d(b), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.Conv2d(160, 160, 3, 1, 1), nn.BatchNorm2d(160), nn.ReLU())
        self.join = nn.Linear(320, 256)
        self.heads = nn.ModuleDict({head: nn.Linear(256, len(words)) for head, words in HEADS.items()})

    def features(self, x):
        y = self.body(x)
        return F.relu(self.join(torch.cat([y.mean((2, 3)), y.amax((2, 3))], 1)))

    def forward(self, x):
        f = self.features(x)
        return {head: layer(f) for head, layer in self.heads.items()}


def shrunk(picture):
    """uint8 (256, 256, 3) -> uint8 (96, 96, 3)."""
    return np.asarray(Image.fromarray(np.asarray(picture)).resize((SIZE, SIZE), Image.BOX))


def as_input(small):
    """uint8 (B, 96, 96, 3) -> (B, 3, 96, 96) in [-1, 1]."""
    return torch.from_numpy(small).permute(0, 3, 1, 2).float().div(127.5).sub(1).contiguous(memory_format=torch.channels_last)


def altered(x, rng):
    """Shifted by up to 5 px, and half of the time softened, as what an autoencoder returns is."""
    dy, dx = rng.randint(-5, 6, 2)
    x = F.pad(x, (5, 5, 5, 5), mode="replicate")[..., 5 + dy : 5 + dy + SIZE, 5 + dx : 5 + dx + SIZE]
    if rng.rand() < 0.5:
        x = 0.6 * x + 0.4 * F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    return x + 0.02 * torch.randn_like(x)


def load():
    net = Judge()
    net.load_state_dict(torch.load(work("judge.pt"), map_location="cpu", weights_only=True)["net"])
    return net.eval()


def ask(net, pictures):
    """(answers: head -> (n,) words, features (n, 256)) for uint8 pictures (n, 256, 256, 3)."""
    answers, features = {head: [] for head in HEADS}, []
    small = np.stack([shrunk(p) for p in pictures])
    with torch.no_grad():
        for k in range(0, len(small), 32):
            f = net.features(as_input(small[k : k + 32]))
            features.append(f.numpy())
            for head, layer in net.heads.items():
                answers[head] += [HEADS[head][i] for i in layer(f).argmax(1).tolist()]
    return answers, np.concatenate(features)


def accuracy(net, split):
    data = Shards(split)
    answers, _ = ask(net, [data.row("rgb", i) for i in range(len(data))])
    return {head: share_right(answers[head], data.records, head) for head in HEADS}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=6, help="processor minutes over all runs")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=2e-3)
    a = parser.parse_args()
    threads(1)
    net, path, begin = Judge().to(memory_format=torch.channels_last), work("judge.pt"), time.process_time()
    optimiser = torch.optim.AdamW(net.parameters(), a.rate, weight_decay=0.02)
    step, used = 0, 0.0
    if os.path.exists(path):
        state = torch.load(path, map_location="cpu", weights_only=True)
        net.load_state_dict(state["net"])
        optimiser.load_state_dict(state["optimiser"])
        step, used = state["step"], state["used"]
    rng = np.random.RandomState(SEED + step)
    torch.manual_seed(SEED + step)
    data = Shards("train")
    small = np.stack([shrunk(data.row("rgb", i)) for i in range(len(data))])
    known = {head: torch.tensor([labels(r)[head] for r in data.records]) for head in HEADS}
    share = used / (60 * a.minutes)
    while share < 1:
        share = min(1, (used + time.process_time() - begin) / (60 * a.minutes))
        for group in optimiser.param_groups:
            group["lr"] = float(a.rate * max(0.01, 0.5 + 0.5 * np.cos(np.pi * share)))
        picks = rng.randint(len(data), size=a.batch)
        scores = net(altered(as_input(small[picks]), rng))
        loss = sum(F.cross_entropy(scores[head], known[head][torch.from_numpy(picks)], ignore_index=UNSEEN, label_smoothing=0.05) for head in HEADS)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        step += 1
        if step % 100 == 0:
            print(f"step {step}, loss {loss.item():.3f}", flush=True)
        if step % 200 == 0 or share >= 1:
            save_torch(path, {"net": net.state_dict(), "optimiser": optimiser.state_dict(), "step": step, "used": used + time.process_time() - begin})
    print("accuracy on held-out renders", {k: round(v, 3) for k, v in accuracy(load(), "test").items()})


if __name__ == "__main__":
    main()
