"""Writes testdata/views.safetensors and views-FAMILY-MODE.png: views that read each other's keys and values.

    python inference/testdata/make_view_fixtures.py

Needs torch, diffusers, transformers and pillow. The models are those of make_family_fixtures.py. views.safetensors has what
UNets give with a processor of the self-attention (attn1) layers that joins other images' tokens, in a batch of three views
with guidance; the PNGs are whole renders of three views side by side, with a prompt, a control image and noise for each.
"""

import logging
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file

from make_family_fixtures import NEGATIVE, PROMPT, family, images, randomise, render

HERE = pathlib.Path(__file__).resolve().parent
VIEWS = ["front view", "side left view", "top view"]
STRENGTH, UNCONDITIONAL, NOISE, MAX_TOKENS = 0.8, 0.5, 0.6, 96
HEIGHT, WIDTH = 64, 96


class ViewProcessor:
    """(1−s)·A(Q, K, V) + s·A(Q, [K; K…], [V; V…]) in a batch of the unconditional half and the conditional one."""

    def __init__(self, mode, count):
        self.mode, self.count = mode, count

    def __call__(self, attn, x, encoder_hidden_states=None, attention_mask=None, **kw):
        heads = lambda t: t.unflatten(-1, (attn.heads, -1)).transpose(1, 2)
        q, k, v = attn.to_q(x), attn.to_k(x), attn.to_v(x)
        attend = lambda q, k, v: F.scaled_dot_product_attention(heads(q), heads(k), heads(v)).transpose(1, 2).flatten(2)
        out = attend(q, k, v)
        if x.shape[1] <= MAX_TOKENS:
            plain, out = out, out.clone()
            for i in range(len(x)):
                half, view = divmod(i, self.count)
                s = STRENGTH * (UNCONDITIONAL if half == 0 else 1)
                first = half * self.count
                others = [first] if self.mode == "first" else [first + n for n in range(self.count) if n != view]
                if others == [i]:
                    continue
                join = lambda t: torch.cat([t[i], *t[others]])[None]
                out[i] = (1 - s) * plain[i] + s * attend(q[i:i + 1], join(k), join(v))[0]
        return attn.to_out[1](attn.to_out[0](out))


def share(unet, mode):
    unet.set_attn_processor({n: ViewProcessor(mode, len(VIEWS)) if n.endswith("attn1.processor") else p for n, p in unet.attn_processors.items()})


def unet_case(name, unet, mode, g):
    n, c = 2 * len(VIEWS), unet.config
    sample, t, context = torch.randn(n, 4, 8, 12, generator=g), torch.tensor([741.0]), torch.randn(n, 12, c.cross_attention_dim, generator=g)
    out, added = {"sample": sample, "timestep": t, "context": context}, {}
    if name == "sdxl":
        added = {"text_embeds": torch.randn(n, 128, generator=g), "time_ids": torch.tensor([[64.0, 96, 0, 0, 64, 96]] * n)}
        out.update(added)
    out["unet"] = unet(sample, t, context, added_cond_kwargs=added).sample
    return {f"{name}.{mode}.{k}": v.contiguous() for k, v in out.items()}


def noise(seed):
    """Noise of the views: √NOISE of the first one's and √(1−NOISE) of their own."""
    own = [torch.randn(1, 4, HEIGHT // 8, WIDTH // 8, generator=torch.Generator("cpu").manual_seed(seed + i)) for i in range(len(VIEWS))]
    return torch.cat(own[:1] + [NOISE**0.5 * own[0] + (1 - NOISE) ** 0.5 * o for o in own[1:]])


def main():
    torch.set_grad_enabled(False)
    logging.disable(logging.WARNING)
    lines, ramp, _ = images()
    turned = Image.fromarray(np.asarray(lines)[:, ::-1].copy())
    tensors = {}
    for name in ("sd1", "sd2", "sdxl"):
        nets, scheduler, seed = family(name)
        for i, net in enumerate(nets.values()):
            randomise(net, seed + i)
        pipe, call = next((p, c) for suffix, p, c in render(name, nets, scheduler) if suffix == "-control")
        pipe.set_progress_bar_config(disable=True)
        for mode in ("first", "all"):
            share(pipe.unet, mode)
            tensors.update(unet_case(name, pipe.unet, mode, torch.Generator().manual_seed(seed)))
            made = pipe(**{**call, "prompt": [f"{PROMPT}, {v}" for v in VIEWS], "negative_prompt": [NEGATIVE] * len(VIEWS), "image": [lines, turned, ramp],
                           "latents": noise(5)}).images
            strip = Image.new("RGB", (WIDTH * len(made), HEIGHT))
            for i, image in enumerate(made):
                strip.paste(image, (i * WIDTH, 0))
            print(name, mode, "std", np.asarray(strip).astype(float).std())
            strip.save(HERE / f"views-{name}-{mode}.png")
    save_file(tensors, HERE / "views.safetensors")


if __name__ == "__main__":
    main()
