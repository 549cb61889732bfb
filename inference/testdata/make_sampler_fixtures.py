"""Writes sampler/testdata: torch.randn values, and whole runs of diffusers' schedulers.

    python inference/testdata/make_sampler_fixtures.py

Needs torch and diffusers. The runs use a synthetic model, tanh(a*x + b*t/1000 + c*i), in place of a UNet.
"""

import gzip
import itertools
import json
import pathlib

import numpy as np
import torch
from diffusers import (DDIMScheduler, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler,
                       EulerDiscreteScheduler)

OUT = pathlib.Path(__file__).resolve().parents[1] / "sampler/testdata"
CLASSES = {"ddim": DDIMScheduler, "euler": EulerDiscreteScheduler, "euler_a": EulerAncestralDiscreteScheduler,
           "dpmpp_2m": DPMSolverMultistepScheduler}
SHAPE = (1, 4, 3, 5)


def numbers(tensor):
    """Values that read back as the same float32."""
    return [float(str(np.float32(v))) for v in tensor.flatten().tolist()]


def write(name, value):
    data = json.dumps(value, separators=(",", ":")).encode()
    (OUT / name).write_bytes(gzip.compress(data, 9, mtime=0))
    print(name, (OUT / name).stat().st_size, "bytes")


def randn():
    cases = []
    for seed in (0, 1, 42, 1234567, 2**31 + 5, 2**32 + 7, 2**53 + 11, -3):
        gen = torch.Generator("cpu").manual_seed(seed)
        # One generator draws all sizes in turn, so that what is left over between calls counts too.
        draws = [numbers(torch.randn(n, generator=gen)) for n in (1, 2, 15, 16, 17, 3, 31, 32, 100, 256, 7, 16)]
        cases.append({"seed": seed, "draws": draws})
    gen = torch.Generator("cpu").manual_seed(99)
    big = torch.randn(1, 4, 64, 64, generator=gen)
    cases.append({"seed": 99, "draws": [numbers(big)]})
    return cases


def model(x, t, a, b, c, i):
    return torch.tanh(a * x + b * float(t) / 1000 + c * i)


def run(name, config, karras, steps, start):
    kwargs = dict(config)
    if karras:
        kwargs["use_karras_sigmas"] = True
    sch = CLASSES[name](**kwargs)
    sch.set_timesteps(steps)
    gen = torch.Generator("cpu").manual_seed(5)
    noise = torch.randn(SHAPE, generator=gen)
    timesteps = sch.timesteps[start:]
    if hasattr(sch, "set_begin_index"):
        sch.set_begin_index(start)
    if start:
        image = torch.randn(SHAPE, generator=torch.Generator("cpu").manual_seed(6))
        x = sch.add_noise(image, noise, timesteps[:1])
    else:
        x = noise * sch.init_noise_sigma
    a, b, c = 0.7, 0.4, 0.03
    states, inputs = [numbers(x)], []
    for i, t in enumerate(timesteps):
        seen = sch.scale_model_input(x, t)
        inputs.append(numbers(seen)[:4])
        out = model(seen, t, a, b, c, i)
        extra = {"generator": gen} if name == "euler_a" else {}
        x = sch.step(out, t, x, return_dict=False, **extra)[0]
        states.append(numbers(x))
    return {"sampler": name, "config": config, "karras": karras, "steps": steps, "start": start,
            "timesteps": [float(t) for t in timesteps], "init_scale": float(sch.init_noise_sigma),
            "inputs": inputs, "states": [states[0], states[1], states[len(states) // 2], states[-1]],
            "middle": len(states) // 2}


def runs():
    sd1 = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
    cases = []
    for name, kind, karras in itertools.product(CLASSES, ("epsilon", "v_prediction"), (False, True)):
        if karras and name not in ("euler", "dpmpp_2m"):
            continue
        ddim = {"clip_sample": False, "set_alpha_to_one": False} if name == "ddim" else {}
        base = {**sd1, **ddim, "prediction_type": kind}
        cases.append(run(name, base, karras, 20, 0))
        cases.append(run(name, base, karras, 20, 13))
        cases.append(run(name, base, karras, 7, 0))
        cases.append(run(name, base, karras, 1, 0))
        for spacing in ("leading", "linspace", "trailing"):
            cases.append(run(name, {**base, "timestep_spacing": spacing}, karras, 20, 0))
        for schedule in ("linear", "squaredcos_cap_v2"):
            cases.append(run(name, {**base, "beta_schedule": schedule}, karras, 20, 0))
        if name == "ddim":
            cases.append(run(name, {**base, "set_alpha_to_one": True}, karras, 20, 0))
            cases.append(run(name, {**base, "clip_sample": True, "clip_sample_range": 1.5}, karras, 20, 0))
        if name == "dpmpp_2m":
            cases.append(run(name, {**base, "final_sigmas_type": "sigma_min"}, karras, 20, 0))
            cases.append(run(name, {**base, "final_sigmas_type": "sigma_min"}, karras, 9, 0))
        if kind == "v_prediction":
            cases.append(run(name, {**base, "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"},
                             karras, 20, 0))
    return cases


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    write("randn.json.gz", randn())
    write("runs.json.gz", runs())


main()
