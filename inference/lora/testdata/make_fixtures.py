"""Makes the fixtures of package lora: LoRA files with random weights in the spellings that are in use, and what the reference
implementations make of them.

Needs torch, diffusers, transformers, safetensors, peft, lycoris-lora and einops. Run it as

    python inference/lora/testdata/make_fixtures.py

It writes, beside itself:
- names.json.gz: modules of the real UNets of Stable Diffusion 1.5, 2 and XL as [diffusers path, LDM path], checked with diffusers' own
  single-file conversion;
- sd.json, sdxl.json: names and shapes of the weights of two tiny checkpoints;
- NAME.safetensors: a file for one of them; NAME.want.safetensors: the change of each weight, "PART/WEIGHT", as diffusers with PEFT
  (or LyCORIS) computes it at strength 1, and for some layers an input "x/…" and what the change adds to the output "y/…".
"""
import gzip
import json
import pathlib

import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline, UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint
from lycoris.modules.locon import LoConModule
from lycoris.modules.loha import LohaModule
from peft import LoraConfig
from peft.tuners.lora.layer import LoraLayer
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

HERE = pathlib.Path(__file__).parent
PARTS = ("unet", "text_encoder", "text_encoder_2")

SD15 = dict(block_out_channels=(320, 640, 1280, 1280), cross_attention_dim=768, attention_head_dim=8)
SD2 = dict(block_out_channels=(320, 640, 1280, 1280), cross_attention_dim=1024, attention_head_dim=(5, 10, 20, 20), use_linear_projection=True)
SDXL = dict(
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    block_out_channels=(320, 640, 1280), transformer_layers_per_block=(1, 2, 10), attention_head_dim=(5, 10, 20), cross_attention_dim=2048,
    use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816)


def ldm_path(path, net):
    """The name of a module in CompVis' UNet, written from its source (ldm/modules/diffusionmodules/openaimodel.py), block by block."""
    table = {}
    resnet = {"conv1": "in_layers.2", "conv2": "out_layers.3", "time_emb_proj": "emb_layers.1", "conv_shortcut": "skip_connection"}
    n = 1
    for i, block in enumerate(net.down_blocks):
        for j in range(len(block.resnets)):
            table[f"down_blocks.{i}.resnets.{j}."] = f"input_blocks.{n}.0."
            table[f"down_blocks.{i}.attentions.{j}."] = f"input_blocks.{n}.1."
            n += 1
        if block.downsamplers:
            table[f"down_blocks.{i}.downsamplers.0.conv"] = f"input_blocks.{n}.0.op"
            n += 1
    table |= {"mid_block.resnets.0.": "middle_block.0.", "mid_block.attentions.0.": "middle_block.1.", "mid_block.resnets.1.": "middle_block.2."}
    n = 0
    for i, block in enumerate(net.up_blocks):
        for j in range(len(block.resnets)):
            table[f"up_blocks.{i}.resnets.{j}."] = f"output_blocks.{n}.0."
            table[f"up_blocks.{i}.attentions.{j}."] = f"output_blocks.{n}.1."
            n += 1
        if block.upsamplers:
            table[f"up_blocks.{i}.upsamplers.0."] = f"output_blocks.{n - 1}.{2 if hasattr(block, 'attentions') else 1}."
    table |= {"conv_in": "input_blocks.0.0", "conv_out": "out.2", "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
              "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2"}
    for ours, theirs in table.items():
        if path.startswith(ours):
            tail = path[len(ours):]
            return theirs + (resnet.get(tail, tail) if ".resnets." in ours else tail)
    raise KeyError(path)


def real_names():
    """[diffusers path, LDM path, shape] of every linear layer and convolution; diffusers' conversion must lead from one to the other."""
    out = {}
    for name, config in (("sd1", SD15), ("sd2", SD2), ("sdxl", SDXL)):
        with torch.device("meta"):
            net = UNet2DConditionModel(**config)
        mods = {n: list(m.weight.shape) for n, m in net.named_modules() if isinstance(m, (torch.nn.Linear, torch.nn.Conv2d))}
        norms = {"norm1": "in_layers.0", "norm2": "out_layers.0"}
        file, mark = {}, {}
        for i, (key, _) in enumerate(net.state_dict().items()):
            path, end = key.rsplit(".", 1)
            if path in mods:
                ldm = ldm_path(path, net)
            elif path == "conv_norm_out":
                ldm = "out.0"
            elif ".resnets." in path:
                ldm = ldm_path(path[:-5] + "conv1", net).removesuffix("in_layers.2") + norms[path[-5:]]
            else:
                ldm = ldm_path(path, net)
            file[f"model.diffusion_model.{ldm}.{end}"] = torch.tensor([float(i)])
            mark[key] = float(i)
        got = convert_ldm_unet_checkpoint(file, {**net.config, "num_class_embeds": None})
        assert {k: v.item() for k, v in got.items()} == mark, name
        out[name] = [[n, ldm_path(n, net), shape] for n, shape in mods.items()]
    with gzip.GzipFile(HERE / "names.json.gz", "wb", mtime=0) as f:
        f.write(json.dumps(out, separators=(",", ":")).encode())


def text_encoder(cls, width, layers, act):
    return cls(CLIPTextConfig(vocab_size=40, hidden_size=width, intermediate_size=2 * width, num_hidden_layers=layers, num_attention_heads=2,
                              max_position_embeddings=16, hidden_act=act, projection_dim=width, bos_token_id=38, eos_token_id=39, pad_token_id=39))


def tiny_sd():
    unet = UNet2DConditionModel(block_out_channels=(8, 16), cross_attention_dim=12, attention_head_dim=2, norm_num_groups=4, layers_per_block=2,
                                down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"))
    return StableDiffusionPipeline(None, text_encoder(CLIPTextModel, 12, 2, "quick_gelu"), None, unet, None, None, None, requires_safety_checker=False)


def tiny_sdxl():
    unet = UNet2DConditionModel(**{**SDXL, "block_out_channels": (8, 12, 16), "transformer_layers_per_block": (1, 1, 2), "attention_head_dim": 2,
                                   "cross_attention_dim": 20, "norm_num_groups": 4, "addition_time_embed_dim": 4, "projection_class_embeddings_input_dim": 36})
    return StableDiffusionXLPipeline(None, text_encoder(CLIPTextModel, 8, 2, "quick_gelu"), text_encoder(CLIPTextModelWithProjection, 12, 2, "gelu"),
                                     None, None, unet, None)


def text_name(name):
    """transformers 5 drops "text_model." from its paths; checkpoints have it."""
    return name if name.startswith(("text_model.", "text_projection")) else "text_model." + name


def weights(pipe):
    """The layers of each part by their name in checkpoints."""
    out = {}
    for part in PARTS:
        net = getattr(pipe, part, None)
        if net is None:
            continue
        for name, m in net.named_modules():
            if isinstance(m, (torch.nn.Linear, torch.nn.Conv2d)):
                out[part, name if part == "unet" else text_name(name)] = m
    return out


def describe(pipe, file):
    nets = {}
    for (part, name), m in weights(pipe).items():
        nets.setdefault(part, {})[name + ".weight"] = list(m.weight.shape)
    (HERE / file).write_text(json.dumps(nets, separators=(",", ":")) + "\n")


SD_TARGETS = [
    ("unet", "conv_in"), ("unet", "time_embedding.linear_1"),
    ("unet", "down_blocks.0.resnets.1.conv1"), ("unet", "down_blocks.0.downsamplers.0.conv"), ("unet", "down_blocks.1.resnets.0.conv_shortcut"),
    ("unet", "down_blocks.1.resnets.0.time_emb_proj"), ("unet", "up_blocks.0.upsamplers.0.conv"),
    ("unet", "mid_block.attentions.0.proj_in"), ("unet", "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"),
    ("unet", "up_blocks.1.attentions.2.transformer_blocks.0.attn2.to_k"), ("unet", "up_blocks.1.attentions.2.transformer_blocks.0.attn2.to_out.0"),
    ("unet", "up_blocks.1.attentions.0.transformer_blocks.0.ff.net.0.proj"), ("unet", "up_blocks.1.attentions.0.transformer_blocks.0.ff.net.2"),
    ("text_encoder", "text_model.encoder.layers.1.self_attn.q_proj"), ("text_encoder", "text_model.encoder.layers.1.self_attn.out_proj"),
    ("text_encoder", "text_model.encoder.layers.0.mlp.fc1"),
]
SDXL_TARGETS = [
    ("unet", "down_blocks.1.attentions.1.transformer_blocks.0.attn1.to_q"), ("unet", "down_blocks.2.attentions.0.transformer_blocks.1.attn2.to_v"),
    ("unet", "mid_block.attentions.0.transformer_blocks.1.ff.net.0.proj"), ("unet", "up_blocks.0.attentions.2.proj_out"),
    ("unet", "up_blocks.1.attentions.0.transformer_blocks.0.attn2.to_out.0"),
    ("text_encoder", "text_model.encoder.layers.0.self_attn.k_proj"), ("text_encoder", "text_model.encoder.layers.1.self_attn.out_proj"),
    ("text_encoder_2", "text_model.encoder.layers.1.self_attn.v_proj"), ("text_encoder_2", "text_model.encoder.layers.0.self_attn.out_proj"),
    ("text_encoder_2", "text_model.encoder.layers.1.mlp.fc2"),
]


def factors(layer, rank, g):
    """Random down and up for a layer, in torch's shapes."""
    w = layer.weight.shape
    down = torch.randn((rank, *w[1:]), generator=g) * 0.3
    up = torch.randn((w[0], rank, *[1] * (len(w) - 2)), generator=g) * 0.3
    return down, up


def kohya(part, name, ldm=None):
    if part == "unet":
        return "lora_unet_" + (ldm or name).replace(".", "_")
    return {"text_encoder": "lora_te_" if ldm is None else "lora_te1_", "text_encoder_2": "lora_te2_"}[part] + name.replace(".", "_")


def attention(name):
    return ".attn" in name and ".to_" in name


def applied(pipe):
    """The changes that diffusers and PEFT make to the loaded pipeline."""
    out = {}
    for part in PARTS:
        for name, m in (getattr(pipe, part, None) or torch.nn.Module()).named_modules():
            if isinstance(m, LoraLayer):
                (adapter,) = m.lora_A.keys()
                out[part + "/" + (name if part == "unet" else text_name(name)) + ".weight"] = m.get_delta_weight(adapter).detach()
    return out


def outputs(pipe, want, g):
    """For each changed layer an input, and what the change adds to its output."""
    out = {}
    for (part, name), m in weights(pipe).items():
        delta = want.get(f"{part}/{name}.weight")
        if delta is None:
            continue
        m = getattr(m, "base_layer", m)
        if isinstance(m, torch.nn.Conv2d):
            x = torch.randn((1, m.in_channels, 6, 6), generator=g)
            y = torch.nn.functional.conv2d(x.double(), delta.double(), None, m.stride, m.padding)
        else:
            x = torch.randn((1, 3, m.in_features), generator=g)
            y = torch.nn.functional.linear(x.double(), delta.double())
        out[f"x/{part}/{name}.weight"], out[f"y/{part}/{name}.weight"] = x, y.float()
    return out


def write(name, file, want, pipe, g, metadata=None):
    if file is not None:
        save_file({k: v.contiguous() for k, v in file.items()}, HERE / f"{name}.safetensors", metadata)
    want = {k: v.contiguous() for k, v in want.items()}
    assert want, name
    save_file({**want, **outputs(pipe, want, g)}, HERE / f"{name}.want.safetensors")
    print(name, len(want), "weights")


def load(make, file, count):
    pipe = make()
    pipe.load_lora_weights({k: v.float() for k, v in file.items()}, adapter_name="a")
    want = applied(pipe)
    assert len(want) == count, (len(want), count, sorted(want))
    return want


def by_diffusers(name, make, targets, spell, g, alpha=True, half=False):
    """A file in one spelling, loaded by diffusers. spell gives the names of down and up, and of alpha or None."""
    pipe, file = make(), {}
    layers = weights(pipe)
    for i, (part, path) in enumerate(targets):
        down, up = factors(layers[part, path], 2 + i % 3, g)
        if half:
            down, up = down.half(), up.half()
        d, u, a = spell(pipe, part, path)
        file[d], file[u] = down, up
        if alpha and a:
            file[a] = torch.tensor(1.5)  # diffusers mixes alphas up where those of attentions differ; LyCORIS' files below have different ones
    write(name, file, load(make, file, len(targets)), pipe, g)


def spell_kohya(pipe, part, path):
    base = kohya(part, path)
    return base + ".lora_down.weight", base + ".lora_up.weight", base + ".alpha"


def spell_ldm(pipe, part, path):
    base = kohya(part, path, ldm_path(path, pipe.unet) if part == "unet" else "")
    return base + ".lora_down.weight", base + ".lora_up.weight", base + ".alpha"


def spell_legacy(pipe, part, path):
    """diffusers before 0.20: attention processors, and text encoders with the projections of the UNet's."""
    if part == "unet" and attention(path):
        head, proj = path.removesuffix(".0").rsplit(".", 1)
        base = f"unet.{head}.processor.{proj}_lora"
    elif part == "unet":
        base = f"unet.{path}.lora"
    else:
        base = f"{part}.{path}.lora_linear_layer"
    return base + ".down.weight", base + ".up.weight", None


def saved_by_diffusers(name, make, g):
    """Adapters that PEFT makes, saved by the pipeline's own method with their alphas in the metadata."""
    pipe = make()
    targets = [n for p, n in SD_TARGETS if p == "unet"]
    pipe.unet.add_adapter(LoraConfig(r=2, lora_alpha=3, target_modules=targets, rank_pattern={targets[2]: 4}, alpha_pattern={targets[1]: 5}))
    pipe.text_encoder.add_adapter(LoraConfig(r=4, lora_alpha=2, target_modules=["q_proj", "fc2"], use_rslora=True))
    for net in (pipe.unet, pipe.text_encoder):
        for n, p in net.named_parameters():
            if "lora_" in n:
                p.data = torch.randn(p.shape, generator=g) * 0.3
    type(pipe).save_lora_weights(HERE, get_peft_model_state_dict(pipe.unet), get_peft_model_state_dict(pipe.text_encoder), weight_name=f"{name}.safetensors",
                                 unet_lora_adapter_metadata=pipe.unet.peft_config["default"].to_dict(),
                                 text_encoder_lora_adapter_metadata=pipe.text_encoder.peft_config["default"].to_dict())
    write(name, None, applied(pipe), make(), g)


def by_lycoris(name, make, module, g, targets, **options):
    """A file of LyCORIS modules, and the changes that LyCORIS computes."""
    pipe, file, want = make(), {}, {}
    layers = weights(pipe)
    for i, (part, path) in enumerate(targets):
        key = kohya(part, path)
        m = module(key, layers[part, path], 1.0, lora_dim=2 + i % 3, alpha=1.0 + i % 2, **options)
        for p in m.parameters():
            p.data = torch.randn(p.shape, generator=g) * 0.5
        state = m.custom_state_dict() if hasattr(m, "custom_state_dict") and m.custom_state_dict() else m.state_dict()
        file.update({f"{key}.{k}": v.detach().clone() for k, v in state.items()})
        # get_weight of LoHa is scaled already, as it is in training; get_diff_weight would scale it again.
        delta = m.get_weight(None) if module is LohaModule else m.get_diff_weight(1.0)[0]
        want[f"{part}/{path}.weight"] = delta.detach().reshape(layers[part, path].weight.shape)
    write(name, file, want, pipe, g)


def embeddings(g):
    v = torch.randn((3, 12), generator=g)
    save_file({"emb_params": v}, HERE / "emb-a1111.safetensors")
    save_file({"<vase-style>": v[0].half()}, HERE / "emb-diffusers.safetensors")
    save_file({"clip_l": v[:2, :8].contiguous().bfloat16(), "clip_g": v[1:].contiguous()}, HERE / "emb-sdxl.safetensors")
    save_file({"a1111": v, "diffusers": v[:1].half().float(), "clip_l": v[:2, :8].bfloat16().float(), "clip_g": v[1:].clone()}, HERE / "emb.want.safetensors")


def main():
    real_names()
    torch.manual_seed(0)
    g = torch.Generator().manual_seed(1)
    describe(tiny_sd(), "sd.json")
    describe(tiny_sdxl(), "sdxl.json")
    by_diffusers("kohya", tiny_sd, SD_TARGETS, spell_kohya, g)
    by_diffusers("legacy", tiny_sd, [t for t in SD_TARGETS if attention(t[1]) or t[0] != "unet"], spell_legacy, g, alpha=False, half=True)
    saved_by_diffusers("peft", tiny_sd, g)
    by_diffusers("sdxl-ldm", tiny_sdxl, SDXL_TARGETS, spell_ldm, g)
    by_diffusers("sdxl-kohya", tiny_sdxl, [t for t in SDXL_TARGETS if t[0] == "unet"], spell_kohya, g, half=True)
    by_lycoris("locon-tucker", tiny_sd, LoConModule, g, SD_TARGETS, use_tucker=True)
    by_lycoris("loha", tiny_sd, LohaModule, g, SD_TARGETS)
    by_lycoris("loha-tucker", tiny_sd, LohaModule, g, SD_TARGETS, use_tucker=True)
    embeddings(g)


main()
