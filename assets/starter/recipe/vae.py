"""Stage `vae`: train the autoencoder (3, 256, 256) in [-1, 1] <-> (4, 32, 32) of about unit variance.

Loss: pixels, gradients at two scales, structural similarity, and a low-frequency colour term (4x4 means, hue apart from
lightness), without which colours drift. The latents are held near mean 0 and deviation 1 per channel, so that the
scaling factor is 1. Trained on 96² crops; time-budgeted, resumable, averaged weights are kept.
With `--decoder` only the decoder is trained on, from vae.pt into decoder.pt: cached latents stay valid.
"""
import argparse
import os

import numpy as np
import torch.nn.functional as F

import model
from common import SEED, Clock, Shards, save_torch, threads, work

CROP = 96


def crops(data, rng, batch):
    """Random crops (B, 3, CROP, CROP) in [-1, 1], more often from the middle, half of them mirrored."""
    rows = []
    for i in rng.randint(len(data), size=batch):
        y, x = np.clip(rng.normal(80, 44, 2), 0, 256 - CROP).astype(int)
        c = data.row("rgb", i)[y : y + CROP, x : x + CROP]
        rows.append(c[:, ::-1] if rng.rand() < 0.5 else c)
    return np.stack(rows)


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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--decoder", action="store_true", help="leave the encoder as it is")
    a = parser.parse_args()
    torch = threads()
    path = work("decoder.pt" if a.decoder else "vae.pt")
    net = model.channels_last(model.make_vae())
    if a.decoder:
        net.load_state_dict(torch.load(work("vae.pt"), map_location="cpu", weights_only=True)["ema"])
        net.encoder.requires_grad_(False)
    opt = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=a.rate, betas=(0.9, 0.99), weight_decay=1e-4, fused=True)
    ema = {k: v.detach().clone() for k, v in net.state_dict().items()}
    step, used = 0, 0.0
    if os.path.exists(path):
        state = torch.load(path, map_location="cpu", weights_only=True)
        net.load_state_dict(state["net"])
        opt.load_state_dict(state["opt"])
        ema, step, used = state["ema"], state["step"], state["seconds"]
    data, rng, clock, total = Shards("train"), np.random.RandomState(SEED + step), Clock(used), a.minutes * 60

    def save():
        save_torch(path, {"net": net.state_dict(), "opt": opt.state_dict(), "ema": ema, "step": step, "seconds": clock()})

    while clock() < total:
        x = torch.from_numpy(crops(data, rng, a.batch)).permute(0, 3, 1, 2).float().div(127.5).sub(1)
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            z = net.encoder(x).float()
            y = net.decoder(z + 0.08 * torch.randn_like(z)).float()
        loss = (y - x).abs().mean() + 0.5 * gradient_gap(y, x) + 0.25 * gradient_gap(F.avg_pool2d(y, 2), F.avg_pool2d(x, 2))
        loss = loss + 0.15 * (1 - similarity(y / 2 + 0.5, x / 2 + 0.5)) + colour_gap(y, x) + 0.1 * unit(z)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        rate = a.rate * min(1, (step + 1) / 100) * max(0.02, 0.5 + 0.5 * np.cos(np.pi * min(1, clock() / total)))
        for group in opt.param_groups:
            group["lr"] = rate
        opt.step()
        step += 1
        keep = min(0.995, step / (step + 20))
        with torch.no_grad():
            for k, v in net.state_dict().items():
                ema[k].lerp_(v, 1 - keep)
        if step % 100 == 0:
            psnr = -10 * np.log10(((y - x) ** 2).mean().item() / 4)
            print(f"{step} {clock():.0f}s loss {loss.item():.4f} psnr {psnr:.2f} std {z.std().item():.3f} {step * a.batch / clock():.1f} crops/s", flush=True)
        if step % 1000 == 0:
            save()
    save()
    report(torch, net, ema)


def report(torch, net, ema):
    """PSNR of the averaged weights on held-out pictures, and the latents' statistics."""
    net.load_state_dict(ema)
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
