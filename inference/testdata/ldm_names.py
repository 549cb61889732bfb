"""How single files (LDM's layout) name the tensors of diffusers' networks.

Each entry that the functions give is [name in the file, [[part, name in diffusers]…], shape, transposed]: the tensors
of the parts are joined along their first dimension, and lie transposed where the flag says so. That the names are right
is checked against diffusers' own conversion, by make_family_fixtures.py.
"""

import torch

RESNET = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0", "conv2": "out_layers.3",
          "conv_shortcut": "skip_connection"}


def ldm_unet(net, control=False):
    """Pairs of diffusers' places and LDM's."""
    out = [("conv_in", "input_blocks.0.0"), ("time_embedding.linear_1", "time_embed.0"), ("time_embedding.linear_2", "time_embed.2"),
           ("add_embedding.linear_1", "label_emb.0.0"), ("add_embedding.linear_2", "label_emb.0.2"),
           ("conv_norm_out", "out.0"), ("conv_out", "out.2"), ("mid_block.attentions.0", "middle_block.1")]
    resnet = lambda a, b: out.extend((f"{a}.{k}", f"{b}.{v}") for k, v in RESNET.items())
    resnet("mid_block.resnets.0", "middle_block.0"), resnet("mid_block.resnets.1", "middle_block.2")
    n = 1
    for i, block in enumerate(net.down_blocks):
        for j in range(len(block.resnets)):
            resnet(f"down_blocks.{i}.resnets.{j}", f"input_blocks.{n}.0")
            out.append((f"down_blocks.{i}.attentions.{j}", f"input_blocks.{n}.1"))
            n += 1
        if block.downsamplers:
            out.append((f"down_blocks.{i}.downsamplers.0.conv", f"input_blocks.{n}.0.op"))
            n += 1
    if control:
        out.append(("controlnet_mid_block", "middle_block_out.0"))
        out += [(f"controlnet_down_blocks.{i}", f"zero_convs.{i}.0") for i in range(n)]
        last = 2 * len(net.controlnet_cond_embedding.blocks) + 2
        out += [("controlnet_cond_embedding.conv_in", "input_hint_block.0"), ("controlnet_cond_embedding.conv_out", f"input_hint_block.{last}")]
        out += [(f"controlnet_cond_embedding.blocks.{i}", f"input_hint_block.{2 * i + 2}") for i in range(last // 2 - 1)]
        return out
    n = 0
    for i, block in enumerate(net.up_blocks):
        attentions = hasattr(block, "attentions")
        for j in range(len(block.resnets)):
            resnet(f"up_blocks.{i}.resnets.{j}", f"output_blocks.{n}.0")
            out.append((f"up_blocks.{i}.attentions.{j}", f"output_blocks.{n}.1"))
            if block.upsamplers and j == len(block.resnets) - 1:
                out.append((f"up_blocks.{i}.upsamplers.0.conv", f"output_blocks.{n}.{2 if attentions else 1}.conv"))
            n += 1
    return out


def ldm_vae(net):
    out = [("quant_conv", "quant_conv"), ("post_quant_conv", "post_quant_conv")]
    n = len(net.config.block_out_channels)
    for half, dist, blocks in (("encoder", "down", net.encoder.down_blocks), ("decoder", "up", net.decoder.up_blocks)):
        out += [(f"{half}.{k}", f"{half}.{k}") for k in ("conv_in", "conv_out")] + [(f"{half}.conv_norm_out", f"{half}.norm_out")]
        for i, block in enumerate(blocks):
            at = f"{half}.{dist}.{i if dist == 'down' else n - 1 - i}"
            for j in range(len(block.resnets)):
                out.append((f"{half}.{dist}_blocks.{i}.resnets.{j}.conv_shortcut", f"{at}.block.{j}.nin_shortcut"))
                out.append((f"{half}.{dist}_blocks.{i}.resnets.{j}", f"{at}.block.{j}"))
            out.append((f"{half}.{dist}_blocks.{i}.{dist}samplers.0", f"{at}.{dist}sample"))
        mid = f"{half}.mid_block"
        out += [(f"{mid}.resnets.{i}", f"{half}.mid.block_{i + 1}") for i in range(2)]
        for k, v in {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}.items():
            out.append((f"{mid}.attentions.0.{k}", f"{half}.mid.attn_1.{v}"))
    return out


def single(part, prefix, net, pairs):
    """[LDM name, [[component, name]…], shape, transposed] of each parameter."""
    out = []
    for name, p in net.named_parameters():
        place, to = next((a, b) for a, b in pairs if name.startswith(a + "."))
        shape = list(p.shape)
        if ".attn_1." in to and len(shape) == 2:
            shape += [1, 1]
        out.append([prefix + to + name[len(place):], [[part, name]], shape, False])
    return out


def prefixed(name):
    return name if name.startswith(("text_model.", "text_projection.")) else "text_model." + name


def own(net, name):
    names = dict(net.named_parameters())
    return name if name in names else name.removeprefix("text_model.")


def open_clip(part, prefix, net, spare):
    get = lambda name: [part, own(net, name)]
    h, inner = net.config.hidden_size, net.config.intermediate_size
    out = [["token_embedding.weight", [get("text_model.embeddings.token_embedding.weight")], [49408, h], False],
           ["positional_embedding", [get("text_model.embeddings.position_embedding.weight")], [77, h], False]]
    out += [[f"ln_final.{k}", [get(f"text_model.final_layer_norm.{k}")], [h], False] for k in ("weight", "bias")]
    if part == "text_encoder_2":
        out.append(["text_projection", [get("text_projection.weight")], [h, h], True])
    n = net.config.num_hidden_layers
    for i in range(n + spare):
        at = f"text_model.encoder.layers.{min(i, n - 1)}."
        for k in ("weight", "bias"):
            cols = lambda c: [c] if k == "weight" else []
            add = lambda to, names, rows, c: out.append([f"transformer.resblocks.{i}.{to}", [get(at + x) for x in names], [rows] + cols(c), False])
            add(f"attn.in_proj_{k}", [f"self_attn.{q}_proj.{k}" for q in "qkv"], 3 * h, h)
            add(f"attn.out_proj.{k}", [f"self_attn.out_proj.{k}"], h, h)
            add(f"mlp.c_fc.{k}", [f"mlp.fc1.{k}"], inner, h)
            add(f"mlp.c_proj.{k}", [f"mlp.fc2.{k}"], h, inner)
            for a, b in (("ln_1", "layer_norm1"), ("ln_2", "layer_norm2")):
                out.append([f"transformer.resblocks.{i}.{a}.{k}", [get(at + f"{b}.{k}")], [h], False])
    return [[prefix + e[0], *e[1:]] for e in out]


def clip(part, prefix, net):
    return [[prefix + prefixed(name), [[part, name]], list(p.shape), False] for name, p in net.named_parameters()]


def write(entries, nets):
    """The single file that the entries describe."""
    weights = {part: dict(net.named_parameters()) for part, net in nets.items()}
    out = {}
    for name, refs, shape, transposed in entries:
        t = torch.cat([weights[p][n] for p, n in refs])
        out[name] = (t.T.contiguous() if transposed else t).reshape(shape)
    return out


def pipeline(family, nets):
    """The entries of a whole checkpoint: "sd1", "sd2" or "sdxl", with any ending."""
    entries = single("unet", "model.diffusion_model.", nets["unet"], ldm_unet(nets["unet"]))
    entries += single("vae", "first_stage_model.", nets["vae"], ldm_vae(nets["vae"]))
    if family.startswith("sd2"):
        entries += open_clip("text_encoder", "cond_stage_model.model.", nets["text_encoder"], 1)
    elif family.startswith("sdxl"):
        entries += clip("text_encoder", "conditioner.embedders.0.transformer.", nets["text_encoder"])
        entries += open_clip("text_encoder_2", "conditioner.embedders.1.model.", nets["text_encoder_2"], 0)
    else:
        entries += clip("text_encoder", "cond_stage_model.transformer.", nets["text_encoder"])
    return entries


def controlnet(net):
    """The entries of a ControlNet's file."""
    return single("controlnet", "control_model.", net, ldm_unet(net, True))
