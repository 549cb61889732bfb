"""Stage `vae`: train the autoencoder (3, 256, 256) in [-1, 1] <-> (4, 32, 32) of about unit variance.

Loss: pixels, gradients at two scales, structural similarity, and a low-frequency colour term (4x4 means, hue apart from
lightness), without which colours drift. The latents are held near mean 0 and deviation 1 per channel, so that the
scaling factor is 1. Trained on 96² crops, some of them of the picture at half size; time-budgeted, resumable, averaged
weights are kept. Left alone, the encoder is nearly blind to green against magenta in weak colours: pale green, pink and
beige give the same latents. With `--part green` the autoencoder of vae.pt is trained on, into green.pt, towards its own latents
plus that colour in the last channel. With `--part decoder` only the decoder is trained on, into decoder.pt: cached latents stay
valid.
"""
import argparse
import os

import numpy as np
import torch
import torch.nn.functional as F

import model
import team
from common import SEED, Shards, threads, work

CROP = 96
FILES = {"all": "vae.pt", "green": "green.pt", "decoder": "decoder.pt"}
GREEN = 1.2  # what the purest green adds to the last channel of the latents


def crops(data, rng, batch):
    """Random crops (B, 3, CROP, CROP) in [-1, 1], more often from the middle, half of them mirrored, a sixth at half size."""
    rows = []
    for i in rng.randint(len(data), size=batch):
        if rng.rand() < 1 / 6:
            y, x = rng.randint(0, 256 - 2 * CROP + 1, 2)
            c = data.row("rgb", i)[y : y + 2 * CROP, x : x + 2 * CROP]
            c = c.reshape(CROP, 2, CROP, 2, 3).mean((1, 3))
        else:
            y, x = np.clip(rng.normal(80, 44, 2), 0, 256 - CROP).astype(int)
            c = data.row("rgb", i)[y : y + CROP, x : x + CROP]
        rows.append(c[:, ::-1] if rng.rand() < 0.5 else c)
    return torch.from_numpy(np.stack(rows).astype(np.float32)).permute(0, 3, 1, 2).div(127.5).sub(1).contiguous(memory_format=torch.channels_last)


def steps(x):
    return x[..., 1:, :] - x[..., :-1, :], x[..., 1:] - x[..., :-1]


def gradient_gap(a, b):
    return sum((p - q).abs().mean() for p, q in zip(steps(a), steps(b)))


def similarity(a, b):
    """Mean SSIM of pictures in 0..1, 7x7 windows every second pixel."""
    pool = lambda t: F.avg_pool2d(F.avg_pool2d(t.contiguous(), (7, 1), (2, 1)), (1, 7), (1, 2))
    ma, mb = pool(a), pool(b)
    va, vb, vab = pool(a * a) - ma * ma, pool(b * b) - mb * mb, pool(a * b) - ma * mb
    return ((2 * ma * mb + 1e-4) * (2 * vab + 9e-4) / ((ma * ma + mb * mb + 1e-4) * (va + vb + 9e-4))).mean()


def colour_gap(y, x):
    small_y, small_x = F.avg_pool2d(y, 4), F.avg_pool2d(x, 4)
    hue = (small_y - small_y.mean(1, keepdim=True)) - (small_x - small_x.mean(1, keepdim=True))
    return 2 * hue.abs().mean() + 4 * (hue * hue).mean() + 0.5 * (small_y - small_x).abs().mean()


def unit(z):
    """How far the latents are from mean 0 and variance 1 in each channel."""
    mean, var = z.mean((0, 2, 3)), z.var((0, 2, 3))
    return (mean**2).mean() + (var.clamp_min(1e-4).log() ** 2).mean()


def gap(y, x):
    """The loss of pictures y against x, apart from the latents' own term."""
    loss = (y - x).abs().mean() + 0.8 * gradient_gap(y, x) + 0.25 * gradient_gap(F.avg_pool2d(y, 2), F.avg_pool2d(x, 2))
    return loss + 0.15 * (1 - similarity(y / 2 + 0.5, x / 2 + 0.5)) + colour_gap(y, x)


def green(x):
    """Green against magenta of pictures (B, 3, H, W), (B, H/8, W/8) in -1..1, steep near grey."""
    return torch.tanh(2 * F.avg_pool2d(x[:, 1] - (x[:, 0] + x[:, 2]) / 2, 8))


class Task:
    """What `team.train` trains: the whole autoencoder, towards greener latents, or the decoder behind its encoder."""

    columns = "loss,psnr,latent deviation"

    def __init__(self, batch, part):
        self.batch, self.part = batch, part

    def build(self):
        if self.part == "all":
            return model.make_vae()
        net, known = ((averaged("vae.pt") if self.part == "green" else averaged("vae.pt", "green.pt")) for _ in range(2))
        self.known = model.channels_last(known.encoder).to(torch.bfloat16).requires_grad_(False)
        return net.decoder if self.part == "decoder" else net

    def start(self, net, worker, workers, step):
        self.data, self.rng = Shards("train"), np.random.RandomState(SEED + step * workers + worker)
        self.encode, self.decode = (self.known, net) if self.part == "decoder" else (net.encoder, net.decoder)
        self.rows = self.batch // workers

    def loss(self, step, share):
        x = crops(self.data, self.rng, self.rows)
        z = self.encode(x.to(torch.bfloat16)).float()
        y = self.decode((z + 0.05 * torch.randn_like(z)).to(torch.bfloat16)).float()
        psnr = -10 * np.log10(((y.detach() - x) ** 2).mean().item() / 4)
        loss = gap(y, x)
        return loss + self.latent_gap(z, x), [loss.item(), psnr, z.std().item()]

    def latent_gap(self, z, x):
        if self.part == "decoder":
            return 0.0
        if self.part == "all":
            return 0.1 * unit(z)
        target = self.known(x.to(torch.bfloat16)).float()
        target[:, -1] += GREEN * green(x)
        return ((z - target) ** 2).mean()

    def mask(self, grads):
        pass


def averaged(*files):
    """The autoencoder with the averaged weights of these files, or of all there are: the last that has a part counts."""
    net = model.make_vae()
    for file in files or FILES.values():
        if os.path.exists(work(file)):
            part = net.decoder if file == FILES["decoder"] else net
            part.load_state_dict(torch.load(work(file), map_location="cpu", weights_only=True)["ema"])
    return net


def encoder_time():
    """When the encoder last changed, as a file's time."""
    files = [work(FILES[part]) for part in ("all", "green")]
    return max(os.path.getmtime(f) for f in files if os.path.exists(f))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--part", choices=list(FILES), default="all", help="green: towards greener latents; decoder: leave the encoder as it is")
    a = parser.parse_args()
    team.train(Task(a.batch, a.part), team.Plan(FILES[a.part], a.minutes, a.rate, report=20))
    report(threads(), averaged())


def report(torch, net):
    """PSNR of the averaged weights on held-out pictures, and the latents' statistics."""
    test = Shards("test")
    gaps, latents = [], []
    with torch.no_grad():
        for i in range(0, len(test), max(1, len(test) // 64)):
            x = torch.from_numpy(np.array(test.row("rgb", i))).permute(2, 0, 1)[None].float().div(127.5).sub(1)
            z = net.encoder(x)
            latents.append(z)
            gaps.append(-10 * np.log10(((net.decoder(z).clamp(-1, 1) - x) ** 2).mean().item() / 4))
    z = torch.cat(latents)
    print(f"held-out PSNR {np.mean(gaps):.2f} dB, worst {min(gaps):.2f}; latent mean {z.mean((0, 2, 3)).tolist()} std {z.std((0, 2, 3)).tolist()}")


if __name__ == "__main__":
    main()
