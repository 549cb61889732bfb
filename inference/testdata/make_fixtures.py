"""Makes the fixtures of the module tests: two small diffusers models with random weights, and what diffusers computes with them.

Needs torch, diffusers, transformers and safetensors. Run it as

    python inference/testdata/make_fixtures.py

It writes inference/testdata/modules/{narrow,wide}: a checkpoint folder, two ControlNets, and cases.safetensors with
inputs and expected outputs. `narrow` is stored in fp32 and has an AutoencoderKL; `wide` is stored in fp16 (diffusers
computes with the rounded weights in fp32) and has an AutoencoderTiny, linear projections and a GELU text encoder.
"""
import json
import pathlib
import shutil

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, ControlNetModel, DDIMScheduler, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel

HERE = pathlib.Path(__file__).parent
VOCABULARY, TOKENS = 300, 77


def randomise(net, seed):
    """Fills every parameter, the ones that start at zero too, with values that keep activations near 1."""
    g = torch.Generator().manual_seed(seed)
    for name, p in sorted(net.named_parameters()):
        noise = torch.randn(p.shape, generator=g)
        if p.dim() == 1:
            p.data = noise * 0.1 + (1 if "norm" in name and name.endswith("weight") else 0)
        else:
            p.data = noise * (p[0].numel() ** -0.5)
    return net.eval().requires_grad_(False)


def shrink(net, half):
    """Rounds weights to what fp16 holds, if they are stored so."""
    return net.half().float() if half else net


class Spec:
    def __init__(self, name, seed, half, channels, layers, heads, cross, groups, text, linear, act):
        self.name, self.seed, self.half = name, seed, half
        self.unet = dict(
            block_out_channels=channels, layers_per_block=layers, attention_head_dim=heads, cross_attention_dim=cross,
            norm_num_groups=groups, use_linear_projection=linear, in_channels=4,
            down_block_types=("CrossAttnDownBlock2D",) * (len(channels) - 1) + ("DownBlock2D",),
        )
        self.up = ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * (len(channels) - 1)
        self.text = CLIPTextConfig(
            vocab_size=VOCABULARY, hidden_size=cross, intermediate_size=2 * cross, num_hidden_layers=text, num_attention_heads=4,
            max_position_embeddings=TOKENS, hidden_act=act, bos_token_id=VOCABULARY - 2, eos_token_id=VOCABULARY - 1, pad_token_id=VOCABULARY - 1,
        )


SPECS = [
    Spec("narrow", 1, False, (8, 16), 1, 2, 24, 4, 2, False, "quick_gelu"),
    Spec("wide", 2, True, (16, 24, 32), 2, 4, 32, 8, 2, True, "gelu"),
]


def make_vae(spec):
    if spec.half:
        return AutoencoderTiny(
            encoder_block_out_channels=(16,) * 4, decoder_block_out_channels=(16,) * 4, num_encoder_blocks=(0, 1, 1, 2), num_decoder_blocks=(2, 1, 1, 1))
    return AutoencoderKL(
        block_out_channels=(8, 8, 16, 16), layers_per_block=1, norm_num_groups=4, latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4)


def save(net, folder, half):
    net.save_pretrained(folder)
    if half:
        path = next(folder.glob("*.safetensors"))
        save_file({k: v.half() for k, v in load_file(path).items()}, path, {"format": "pt"})


def residuals(prefix, down, mid):
    return {**{f"{prefix}.down_{i}": d for i, d in enumerate(down)}, f"{prefix}.mid": mid}


@torch.no_grad()
def cases(text, unet, nets, vae, g):
    out = {}
    ids = torch.randint(0, VOCABULARY - 2, (2, TOKENS), generator=g)
    ids[:, 0], ids[0, 20:], ids[1, 9:] = VOCABULARY - 2, VOCABULARY - 1, VOCABULARY - 1
    context = text(ids).last_hidden_state
    out.update({"text.input_ids": ids, "text.last_hidden_state": context})

    sample, t = torch.randn(2, 4, 8, 12, generator=g), torch.tensor([741.0])
    out.update({"unet.sample": sample, "unet.timestep": t, "unet.plain": unet(sample, t, context).sample})
    down = mid = None
    for i, (net, weight) in enumerate(zip(nets, (0.8, 0.35))):
        image = torch.rand(1, 3, 64, 96, generator=g)
        hint = net.controlnet_cond_embedding(image)
        d, m = net(sample, t, context, image.repeat(2, 1, 1, 1), weight, return_dict=False)
        out.update({f"control_{i}.image": image, f"control_{i}.hint": hint, f"control_{i}.weight": torch.tensor([weight])})
        out.update(residuals(f"control_{i}", d, m))
        down, mid = (d, m) if down is None else ([a + b for a, b in zip(down, d)], mid + m)
        out[f"unet.controlled_{i}"] = unet(
            sample, t, context, down_block_additional_residuals=list(down), mid_block_additional_residual=mid).sample

    odd, t = torch.randn(1, 4, 9, 13, generator=g), torch.tensor([3.0])  # sizes that don't halve evenly
    out.update({"odd.sample": odd, "odd.timestep": t, "odd.plain": unet(odd, t, context[:1]).sample})

    latents, image = torch.randn(2, 4, 8, 12, generator=g), torch.rand(1, 3, 64, 96, generator=g) * 2 - 1
    out.update({"vae.latents": latents, "vae.image": image, "vae.decoded": vae.decode(latents).sample})
    if isinstance(vae, AutoencoderKL):
        dist = vae.encode(image).latent_dist
        out.update({"vae.mean": dist.mean, "vae.std": dist.std})
    else:
        out["vae.mean"] = vae.encode(image).latents
    return {k: v.contiguous() for k, v in out.items()}


def make(spec):
    folder = HERE / "modules" / spec.name
    shutil.rmtree(folder, ignore_errors=True)
    prepare = lambda net, i: shrink(randomise(net, 100 * spec.seed + i), spec.half)
    text = prepare(CLIPTextModel(spec.text), 0)
    unet = prepare(UNet2DConditionModel(**spec.unet, out_channels=4, up_block_types=spec.up), 1)
    nets = [prepare(ControlNetModel(**spec.unet, conditioning_embedding_out_channels=(4, 8, 8, 16)), 2 + i) for i in range(2)]
    vae = prepare(make_vae(spec), 4)
    for name, net in [("text_encoder", text), ("unet", unet), ("vae", vae), ("controlnet-a", nets[0]), ("controlnet-b", nets[1])]:
        save(net, folder / name, spec.half)
    DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False,
                  steps_offset=1).save_pretrained(folder / "scheduler")
    index = {"_class_name": "StableDiffusionPipeline", "text_encoder": ["transformers", "CLIPTextModel"],
             "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", type(vae).__name__], "scheduler": ["diffusers", "DDIMScheduler"]}
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")
    save_file(cases(text, unet, nets, vae, torch.Generator().manual_seed(spec.seed)), folder / "cases.safetensors")


if __name__ == "__main__":
    for spec in SPECS:
        make(spec)
