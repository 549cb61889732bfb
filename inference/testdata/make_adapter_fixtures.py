"""Writes testdata/adapters: LoRAs, textual inversions, and renders with them, with prompt weights, clip skip, schedules and guidance rescale.

    python inference/testdata/make_adapter_fixtures.py

Needs torch, diffusers, transformers, peft, safetensors and pillow. The networks are those of make_family_fixtures.py.
LoRA files have random weights. Diffusers with PEFT applies the one in its own format; the others are added to the
weights by their formulas, as diffusers with transformers 5 drops kohya's changes of the text encoder's attention. Prompt weights follow AUTOMATIC1111: each chunk's embeddings are multiplied, then scaled to
the mean that they had. cases.json lists the renders, NAME.png are the images.
"""

import json
import logging
import pathlib

import numpy as np
import torch
from diffusers import (DDIMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline)
from PIL import Image
from safetensors.torch import load_file, save_file

from clip_vocab import tokenizer
from make_family_fixtures import NEGATIVE, PROMPT, family, randomise

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE / "adapters"
RANK = 2


def networks(name):
    nets, scheduler, seed = family(name)
    for i, net in enumerate(nets.values()):
        randomise(net, seed + i)
    return nets, scheduler


def pipeline(name, scheduler=None):
    nets, config = networks(name)
    first, second = tokenizer(), tokenizer()
    if name == "sd2":
        first.pad_token = "!"
    second.pad_token = "!"
    parts = dict(vae=nets["vae"], text_encoder=nets["text_encoder"], tokenizer=first, unet=nets["unet"],
                 scheduler=scheduler(config) if scheduler else DDIMScheduler.from_config(config))
    if name == "sdxl":
        pipe = StableDiffusionXLPipeline(**parts, text_encoder_2=nets["text_encoder_2"], tokenizer_2=second, add_watermarker=False)
    else:
        pipe = StableDiffusionPipeline(**parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def modules(net, prefix, wanted):
    for path, m in net.named_modules():
        if isinstance(m, (torch.nn.Linear, torch.nn.Conv2d)) and wanted(path):
            yield prefix, path, m


def attention(path):
    return any(path.endswith(e) for e in (".to_q", ".to_k", ".to_v", ".to_out.0", ".q_proj", ".v_proj", ".fc1"))


def everything(path):
    return attention(path) or any(e in path for e in ("resnets.0.conv", "downsamplers", "proj_in", "ff.net.0", "ff.net.2"))


def kohya(prefix, path):
    if prefix.startswith("lora_te") and not path.startswith("text_model."):
        path = "text_model." + path
    return prefix + "_" + path.replace(".", "_")


def factors(gen, m, rank):
    """down and up of a module, as large as its weights are."""
    shape = list(m.weight.shape)
    down = torch.randn([rank, *shape[1:]], generator=gen) * (m.weight[0].numel() ** -0.5)
    up = torch.randn([shape[0], rank] + [1] * (len(shape) - 2), generator=gen) * 0.7
    return down.half(), up.half()


def lora_file(name, seed, nets, wanted, alpha):
    gen, out = torch.Generator().manual_seed(seed), {}
    for net, prefix in nets:
        for prefix, path, m in modules(net, prefix, wanted):
            key = kohya(prefix, path)
            out[key + ".lora_down.weight"], out[key + ".lora_up.weight"] = factors(gen, m, RANK)
            out[key + ".alpha"] = torch.tensor(alpha)
    save_file(out, OUT / f"{name}.safetensors", {"ss_output_name": f"my-{name}"})


def peft_file(name, seed, nets):
    gen, out = torch.Generator().manual_seed(seed), {}
    for net, prefix in nets:
        for prefix, path, m in modules(net, prefix, attention):
            if prefix != "unet" and not path.startswith("text_model."):
                path = "text_model." + path
            out[f"{prefix}.{path}.lora_A.weight"], out[f"{prefix}.{path}.lora_B.weight"] = factors(gen, m, RANK)
    save_file(out, OUT / f"{name}.safetensors")


def loha_file(name, seed, net):
    gen, out = torch.Generator().manual_seed(seed), {}
    for prefix, path, m in modules(net, "lora_unet", attention):
        key = kohya(prefix, path)
        for w in "12":
            down, up = factors(gen, m, RANK)
            out[f"{key}.hada_w{w}_a"], out[f"{key}.hada_w{w}_b"] = up * (0.7 if w == "1" else 8), down
        out[key + ".alpha"] = torch.tensor(1.0)
    save_file(out, OUT / f"{name}.safetensors")


def add(pipe, file, unet, text):
    """Adds a file in kohya's format to the weights."""
    f = {k: v.float() for k, v in load_file(OUT / f"{file}.safetensors").items()}
    used = 0
    for part in ("unet", "text_encoder", "text_encoder_2"):
        net = getattr(pipe, part, None)
        prefixes = {"unet": ["lora_unet"], "text_encoder": ["lora_te", "lora_te1"], "text_encoder_2": ["lora_te2"]}[part]
        for prefix, path, m in [x for p in prefixes if net is not None for x in modules(net, p, lambda path: True)]:
            key = kohya(prefix, path)
            if key + ".alpha" not in f:
                continue
            if key + ".hada_w1_a" in f:
                delta = (f[key + ".hada_w1_a"] @ f[key + ".hada_w1_b"]) * (f[key + ".hada_w2_a"] @ f[key + ".hada_w2_b"])
                used += 5
            else:
                delta = f[key + ".lora_up.weight"].flatten(1) @ f[key + ".lora_down.weight"].flatten(1)
                used += 3
            m.weight.data += (unet if part == "unet" else text) * f[key + ".alpha"] / RANK * delta.reshape(m.weight.shape)
    assert used == len(f)


def with_loras(name, *files):
    """A pipeline with LoRAs of (file, strength in the UNet, in the text encoders)."""
    pipe = pipeline(name)
    for file, unet, text in files:
        if file != "peft":
            add(pipe, file, unet, text)
            continue
        pipe.load_lora_weights(OUT / f"{file}.safetensors", adapter_name="a")
        assert sum(n.endswith(".lora_A") for net in (pipe.unet, pipe.text_encoder) for n, _ in net.named_modules()) * 2 == len(load_file(OUT / f"{file}.safetensors"))
        pipe.set_adapters(["a"], [{"unet": unet, "text_encoder": text}])
    return pipe


def encode(pipe, chunks, skip=0):
    """The embeddings of chunks of (text, weight), by AUTOMATIC1111's rule, and of the first one's pooled embedding."""
    encoders = [(pipe.text_encoder, pipe.tokenizer)]
    xl = hasattr(pipe, "text_encoder_2")
    if xl:
        encoders.append((pipe.text_encoder_2, pipe.tokenizer_2))
    all_states, pooled = [], None
    for encoder, tok in encoders:
        states = []
        for chunk in chunks:
            ids, weights = [], []
            for text, weight in chunk:
                new = tok(text, add_special_tokens=False).input_ids
                ids, weights = ids + new, weights + [weight] * len(new)
            pad = tok.pad_token_id
            ids, weights = [49406, *ids, 49407] + [pad] * (75 - len(ids)), [1.0, *weights, 1.0] + [1.0] * (75 - len(ids))
            o = encoder(torch.tensor([ids]), output_hidden_states=True)
            if xl:
                z = o.hidden_states[-2]
                pooled = o.text_embeds if pooled is None and hasattr(o, "text_embeds") else pooled
            elif skip:
                norm = getattr(encoder, "text_model", encoder).final_layer_norm
                z = norm(o.hidden_states[-1 - skip])
            else:
                z = o.last_hidden_state
            before = z.mean()
            z = z * torch.tensor(weights)[None, :, None]
            states.append(z * (before / z.mean()))
        all_states.append(torch.cat(states, 1))
    return torch.cat(all_states, -1), pooled


# No comma stands where the first chunk is full.
LONG = "a wall, " + ", ".join(f"{w} {c} tile" for w in "glossy matte carved woven painted rough polished burnt".split() for c in "red green blue".split())


def text_calls(pipe):
    """Prompts with weights and several chunks, as text and as chunks."""
    negative = encode(pipe, [[(NEGATIVE, 1.0)]])
    words = [("a tall", 1.0), ("glass", 1.3), ("vase,", 1.0), ("studio", 1.1 * 1.1), ("lighting", 1 / 1.1)]
    yield "weights", "a tall (glass:1.3) vase, ((studio)) [lighting]", encode(pipe, [words]), negative
    two = [[("a tall glass vase", 1.0)], [("blue", 1.4), ("sky, evening", 1.0)]]
    yield "break", "a tall glass vase BREAK (blue:1.4) sky, evening", encode(pipe, two), negative
    tokens = pipe.tokenizer(LONG, add_special_tokens=False).input_ids
    comma = pipe.tokenizer(",", add_special_tokens=False).input_ids[0]
    cut = max(i for i in range(75) if tokens[i] == comma) + 1
    assert 75 < len(tokens) < 130 and 75 - cut < 20 and tokens[75] != comma
    chunks = [[(pipe.tokenizer.decode(tokens[a:b]), 1.0)] for a, b in ((0, cut), (cut, None))]
    yield "long", LONG, encode(pipe, chunks), negative


def main():
    torch.set_grad_enabled(False)
    logging.disable(logging.WARNING)
    OUT.mkdir(exist_ok=True)
    cases = []

    def render(name, pipe, request, **call):
        n = {"sd1": "family-sd1", "sd2": "family-sd2", "sdxl": "family-sdxl"}[request["family"]]
        args = dict(prompt=PROMPT, negative_prompt=NEGATIVE, num_inference_steps=6, guidance_scale=4.0, width=96, height=64,
                    generator=torch.Generator("cpu").manual_seed(5))
        args.update(call)
        image = pipe(**args).images[0]
        plain = np.asarray(Image.open(HERE / f"{n}.png")).astype(float)
        print(name, "differs from the plain render by", np.abs(np.asarray(image).astype(float) - plain).mean())
        image.save(OUT / f"{name}.png")
        cases.append(dict(request, name=name))

    def embeds(positive, negative):
        n = max(positive[0].shape[1], negative[0].shape[1]) // 77
        both = [e[0].repeat(1, n * 77 // e[0].shape[1], 1) for e in (positive, negative)]
        call = dict(prompt=None, negative_prompt=None, prompt_embeds=both[0], negative_prompt_embeds=both[1])
        if positive[1] is not None:
            call.update(pooled_prompt_embeds=positive[1], negative_pooled_prompt_embeds=negative[1])
        return call

    sd1, _ = networks("sd1")
    lora_file("kohya", 1, [(sd1["unet"], "lora_unet"), (sd1["text_encoder"], "lora_te")], attention, 1.0)
    lora_file("locon", 2, [(sd1["unet"], "lora_unet")], everything, 4.0)
    loha_file("loha", 3, sd1["unet"])
    peft_file("peft", 4, [(sd1["unet"], "unet"), (sd1["text_encoder"], "text_encoder")])
    sd2, _ = networks("sd2")
    lora_file("sd2", 5, [(sd2["unet"], "lora_unet"), (sd2["text_encoder"], "lora_te")], attention, 2.0)
    xl, _ = networks("sdxl")
    lora_file("sdxl", 6, [(xl["unet"], "lora_unet"), (xl["text_encoder"], "lora_te1"), (xl["text_encoder_2"], "lora_te2")], attention, 2.0)

    base = pipeline("sd1")
    render("plain", base, dict(family="sd1"))
    plain = np.abs(np.asarray(Image.open(OUT / "plain.png")).astype(int) - np.asarray(Image.open(HERE / "family-sd1.png")).astype(int)).max()
    assert plain <= 1, "the networks are not those of make_family_fixtures.py"
    (OUT / "plain.png").unlink()
    cases.pop()

    def loras(*files):
        return [dict(file=f, unet=u, text=t) for f, u, t in files]

    for name, fam, files in (("kohya", "sd1", [("kohya", 0.8, 1.5)]), ("kohya-text", "sd1", [("kohya", 0.0, 2.0)]), ("locon", "sd1", [("locon", 0.7, 0.7)]),
                             ("two", "sd1", [("kohya", 0.9, 0.5), ("peft", -0.6, 1.2)]), ("sd2-lora", "sd2", [("sd2", 0.8, 1.2)]),
                             ("sdxl-lora", "sdxl", [("sdxl", 0.7, 1.4)]), ("loha", "sd1", [("loha", 0.8, 0.8)])):
        render(name, with_loras(fam, *files), dict(family=fam, loras=loras(*files)))
    for fam in ("sd1", "sdxl"):
        pipe = pipeline(fam)
        for name, text, positive, negative in text_calls(pipe):
            render(f"{fam}-{name}", pipe, dict(family=fam, prompt=text), **embeds(positive, negative))
    pipe = pipeline("sd1")
    # diffusers' own clip_skip leaves the negative prompt as it is; AUTOMATIC1111's doesn't.
    render("skip", pipe, dict(family="sd1", clip_skip=2), **embeds(*(encode(pipe, [[(text, 1.0)]], 1) for text in (PROMPT, NEGATIVE))))
    pipe = pipeline("sdxl")
    render("sdxl-empty", pipe, dict(family="sdxl", negative=""), negative_prompt=None)

    gen = torch.Generator().manual_seed(9)
    draw = lambda n, width: (torch.randn(n, width, generator=gen)).half()
    save_file({"emb_params": draw(3, 64)}, OUT / "style-a.safetensors")
    save_file({"clip_l": draw(2, 64), "clip_g": draw(2, 128)}, OUT / "style-xl.safetensors")
    pipe = pipeline("sd1")
    vectors = load_file(OUT / "style-a.safetensors")["emb_params"].float()
    pipe.load_textual_inversion([vectors[i] for i in range(3)], token=[f"<v{i}>" for i in range(3)])
    render("inversion", pipe, dict(family="sd1", prompt="a vase in style-a, evening", embeddings=["style-a"]), prompt="a vase in <v0> <v1> <v2>, evening")
    pipe = pipeline("sdxl")
    vectors = {k: v.float() for k, v in load_file(OUT / "style-xl.safetensors").items()}
    for key, tok, enc in (("clip_l", pipe.tokenizer, pipe.text_encoder), ("clip_g", pipe.tokenizer_2, pipe.text_encoder_2)):
        pipe.load_textual_inversion([vectors[key][i] for i in range(2)], token=[f"<v{i}>" for i in range(2)], tokenizer=tok, text_encoder=enc)
    render("sdxl-inversion", pipe, dict(family="sdxl", prompt="a vase in style-xl, evening", embeddings=["style-xl"]), prompt="a vase in <v0> <v1>, evening")

    render("rescale", pipeline("sd2"), dict(family="sd2", guidance_rescale=0.7), guidance_rescale=0.7)
    for sampler, kind in (("euler", EulerDiscreteScheduler), ("dpmpp_2m", DPMSolverMultistepScheduler)):
        for schedule, change in (("karras", dict(use_karras_sigmas=True)), ("exponential", dict(use_exponential_sigmas=True)),
                                 ("beta", dict(use_beta_sigmas=True)), ("trailing", dict(timestep_spacing="trailing"))):
            config = dict(dict(timestep_spacing="linspace", steps_offset=1), **change)
            if kind is DPMSolverMultistepScheduler:
                config["final_sigmas_type"] = "zero"
            make = lambda c: kind.from_config(dict({k: c[k] for k in ("beta_start", "beta_end", "beta_schedule", "prediction_type")}, **config))
            render(f"{sampler}-{schedule}", pipeline("sd1", make), dict(family="sd1", sampler=sampler, schedule=schedule))

    (OUT / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
    print("bytes", sum(p.stat().st_size for p in OUT.iterdir()))


if __name__ == "__main__":
    main()
