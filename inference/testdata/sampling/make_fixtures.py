"""Writes sampler/testdata/schedules.json.gz and noise.json.gz: runs of all samplers and schedules, and noise.

    python inference/testdata/sampling/make_fixtures.py

Needs torch, scipy and diffusers. Where diffusers has a scheduler it makes the run; where it has no schedule of that
kind, its scheduler is given sigmas and timesteps worked out here. DPM++ 3M SDE, which it doesn't have, is written
down here from k-diffusion's formulas. The runs use a synthetic model, tanh(a*x + b*t/1000 + c*i), in place of a UNet.
"""

import gzip
import json
import math
import pathlib
import sys
import types

import numpy as np
import torch

from diffusers import (DDIMScheduler, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler,
                       EulerDiscreteScheduler, HeunDiscreteScheduler, LCMScheduler, TCDScheduler,
                       UniPCMultistepScheduler)
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import rescale_noise_cfg

# DPMSolverSDEScheduler imports torchsde for its noise, which is replaced below.
sys.modules.setdefault("torchsde", types.ModuleType("torchsde"))
from diffusers.schedulers.scheduling_dpmsolver_sde import DPMSolverSDEScheduler  # noqa: E402

OUT = pathlib.Path(__file__).resolve().parents[2] / "sampler/testdata"
SHAPE = (1, 4, 2, 2)
SD1 = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
FLAGS = {"karras": "use_karras_sigmas", "exponential": "use_exponential_sigmas", "beta": "use_beta_sigmas"}
ALIGNED = {False: [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029],
           True: [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029]}
VP = {"dpmpp_2m": DPMSolverMultistepScheduler, "dpmpp_2m_sde": DPMSolverMultistepScheduler,
      "uni_pc": UniPCMultistepScheduler}
VE = {"euler": EulerDiscreteScheduler, "euler_a": EulerAncestralDiscreteScheduler, "heun": HeunDiscreteScheduler,
      "dpmpp_sde": DPMSolverSDEScheduler, "dpmpp_3m_sde": EulerDiscreteScheduler}
FIXED = {"ddim": DDIMScheduler, "lcm": LCMScheduler, "tcd": TCDScheduler}


def numbers(tensor):
    """Values that read back as the same float32."""
    return [float(str(np.float32(v))) for v in tensor.flatten().tolist()]


def write(name, value):
    data = json.dumps(value, separators=(",", ":")).encode()
    (OUT / name).write_bytes(gzip.compress(data, 9, mtime=0))
    print(name, (OUT / name).stat().st_size, "bytes")


def aligned(n, xl):
    """NVIDIA's interpolation of the published table; the last of n+1 levels becomes 0."""
    logs = np.log(ALIGNED[xl][::-1])
    levels = np.exp(np.interp(np.linspace(0, 1, n + 1), np.linspace(0, 1, len(logs)), logs))[::-1]
    return levels[:-1]


def training_sigmas(sch):
    return np.array(((1 - sch.alphas_cumprod) / sch.alphas_cumprod) ** 0.5, dtype=np.float64)


def levels_for(sch, name, schedule, n, xl):
    """Sigmas and timesteps of the schedules that diffusers' own scheduler doesn't make."""
    training = training_sigmas(sch)
    logs = np.log(training)
    if schedule == "align_your_steps":
        sigmas = aligned(n, xl)
        timesteps = np.interp(np.log(sigmas), logs, np.arange(len(logs)))
        return sigmas, timesteps.round() if name in VP else timesteps
    if schedule == "sgm_uniform":
        timesteps = np.linspace(len(training) - 1, 0, n + 1)[:-1]
        return np.interp(timesteps, np.arange(len(training)), training), timesteps
    euler = EulerDiscreteScheduler(**{**sch.asked, FLAGS[schedule]: True})
    euler.set_timesteps(n)
    return euler.sigmas[:-1].double().numpy(), euler.timesteps.double().numpy()


def set_levels(sch, name, sigmas, timesteps):
    logs = np.log(training_sigmas(sch))
    if name in ("heun", "dpmpp_sde"):
        between = timesteps[1:]
        if name == "dpmpp_sde":
            middle = np.exp((np.log(sigmas[1:]) + np.log(sigmas[:-1])) / 2)
            between = np.interp(np.log(middle), logs, np.arange(len(logs)))
        passes = [timesteps[0]]
        for b, t in zip(between, timesteps[1:]):
            passes += [b, t]
        timesteps = np.array(passes)
        sigmas = np.concatenate([sigmas[:1], np.repeat(sigmas[1:], 2)])
    sch.sigmas = torch.tensor(np.concatenate([sigmas, [0.0]]), dtype=torch.float32)
    sch.timesteps = torch.tensor(timesteps, dtype=torch.int64 if name in VP else torch.float32)


def scheduler(name, config, schedule, n, xl):
    kwargs = dict(config)
    asked = dict(config)
    zero = kwargs.get("rescale_betas_zero_snr", False)
    if name == "dpmpp_2m_sde":
        kwargs["algorithm_type"] = "sde-dpmsolver++"
    if name in ("heun", "dpmpp_sde"):
        kwargs.pop("rescale_betas_zero_snr", None)
    if schedule == "trailing":
        kwargs["timestep_spacing"] = "trailing"
    if schedule == "sgm_uniform":
        kwargs["timestep_spacing"] = "linspace"
    own = schedule in FLAGS and name != "euler_a"
    if own:
        kwargs[FLAGS[schedule]] = True
    if name == "dpmpp_3m_sde":
        # The plain schedule; the sigmas are diffusers' Euler's.
        pass
    sch = {**VP, **VE, **FIXED}[name](**kwargs)
    sch.asked = asked
    if zero and name in ("heun", "dpmpp_sde"):
        sch.alphas_cumprod = EulerDiscreteScheduler(**config).alphas_cumprod
    sch.set_timesteps(n)
    if schedule == "align_your_steps" or schedule == "sgm_uniform" and name in VE or schedule in FLAGS and not own:
        set_levels(sch, name, *levels_for(sch, name, schedule, n, xl))
    return sch


class Path:
    """Increments of a Brownian path over sigma, drawn in the order in which DPM++ SDE walks it."""

    def __init__(self, gen):
        self.gen, self.start = gen, None

    def __call__(self, sigma, to):
        z = torch.randn(SHAPE, generator=self.gen)
        if self.start is None:
            self.start, self.first = to, z * (sigma - to).sqrt()
            return self.first / (sigma - to).sqrt()
        walked = self.first + z * (self.start - to).sqrt()
        self.start = None
        return walked / (sigma - to).sqrt()


class ThreeM:
    """k-diffusion's sample_dpmpp_3m_sde with eta 1, a step at a time."""

    def __init__(self, sch, kind):
        self.sch, self.kind, self.old, self.hs = sch, kind, [], []

    def step(self, out, i, x, gen):
        sigma, to = self.sch.sigmas[i], self.sch.sigmas[i + 1]
        if self.kind == "epsilon":
            denoised = x - sigma * out
        else:
            denoised = x / (sigma**2 + 1) - out * sigma / (sigma**2 + 1).sqrt()
        if to == 0:
            return denoised
        h = sigma.log() - to.log()
        h_eta = 2 * h
        x = torch.exp(-h_eta) * x - torch.expm1(-h_eta) * denoised
        if len(self.old) >= 2:
            r0, r1 = self.hs[-1] / h, self.hs[-2] / h
            d1_0 = (denoised - self.old[-1]) / r0
            d1_1 = (self.old[-1] - self.old[-2]) / r1
            d1 = d1_0 + (d1_0 - d1_1) * r0 / (r0 + r1)
            d2 = (d1_0 - d1_1) / (r0 + r1)
            phi_2 = torch.expm1(-h_eta) / h_eta + 1
            phi_3 = phi_2 / h_eta - 0.5
            x = x + phi_2 * d1 - phi_3 * d2
        elif self.old:
            phi_2 = torch.expm1(-h_eta) / h_eta + 1
            x = x + phi_2 * (denoised - self.old[-1]) / (self.hs[-1] / h)
        x = x + torch.randn(SHAPE, generator=gen) * to * (-torch.expm1(-2 * h)).sqrt()
        self.old, self.hs = self.old + [denoised], self.hs + [h]
        return x


def run(name, config, schedule="normal", n=12, start=0, xl=False):
    sch = scheduler(name, config, schedule, n, xl)
    gen = torch.Generator("cpu").manual_seed(5)
    noise = torch.randn(SHAPE, generator=gen)
    first = 2 * start if name in ("heun", "dpmpp_sde") else start
    if hasattr(sch, "set_begin_index"):
        sch.set_begin_index(first)
    timesteps = sch.timesteps[first:]
    if first:
        image = torch.randn(SHAPE, generator=torch.Generator("cpu").manual_seed(6))
        x = sch.add_noise(image, noise, timesteps[:1])
    else:
        x = noise * sch.init_noise_sigma
    if name == "dpmpp_sde":
        sch.noise_sampler = Path(gen)
    three = ThreeM(sch, config["prediction_type"])
    states, inputs = [numbers(x)], []
    for i, t in enumerate(timesteps):
        seen = sch.scale_model_input(x, t)
        inputs.append(numbers(seen)[:2])
        out = torch.tanh(0.7 * seen + 0.4 * float(t) / 1000 + 0.03 * i)
        if name == "dpmpp_3m_sde":
            x = three.step(out, first + i, x, gen)
            sch._step_index = first + i + 1
        else:
            extra = {"generator": gen} if name in ("euler_a", "dpmpp_2m_sde", "lcm", "tcd") else {}
            x = sch.step(out, t, x, return_dict=False, **extra)[0]
        assert torch.isfinite(x).all(), (name, config, schedule, n, i)
        states.append(numbers(x))
    return {"sampler": name, "config": config, "schedule": schedule, "xl": xl, "steps": n, "start": first,
            "timesteps": [round(float(t), 5) for t in timesteps], "init_scale": float(sch.init_noise_sigma),
            "inputs": inputs, "states": [states[0], states[1], states[len(states) // 2], states[-1]],
            "middle": len(states) // 2}


def runs():
    cases = []
    for name in [*VP, *VE]:
        for kind in ("epsilon", "v_prediction"):
            base = {**SD1, "prediction_type": kind}
            for schedule in ("normal", "karras", "exponential", "sgm_uniform", "trailing", "beta", "align_your_steps"):
                cases.append(run(name, base, schedule))
            cases.append(run(name, base, "align_your_steps", n=10, xl=True))
            cases.append(run(name, base, "exponential", n=20, start=13))
            zero = {**base, "rescale_betas_zero_snr": True}
            if kind == "v_prediction":
                cases.append(run(name, zero, "trailing"))
            if name not in ("euler", "euler_a", "dpmpp_2m"):  # which have these runs elsewhere
                for n in (1, 2, 3, 20):
                    cases.append(run(name, base, n=n))
                cases.append(run(name, base, n=20, start=13))
                cases.append(run(name, {**base, "timestep_spacing": "leading"}))
                cases.append(run(name, {**base, "beta_schedule": "linear"}))
                cases.append(run(name, {**base, "beta_schedule": "squaredcos_cap_v2"}, "karras"))
                if name in VP:
                    cases.append(run(name, {**base, "final_sigmas_type": "sigma_min"}, n=9))
                    cases.append(run(name, {**base, "final_sigmas_type": "sigma_min"}, n=20))
    for kind in ("epsilon", "v_prediction"):
        base = {**SD1, "prediction_type": kind, "clip_sample": False, "set_alpha_to_one": False}
        cases.append(run("ddim", base, "trailing"))
        for name in ("lcm", "tcd"):
            for n in (1, 2, 4, 8, 50):
                cases.append(run(name, base, n=n))
            cases.append(run(name, base, n=8, start=3))
            cases.append(run(name, {**base, "original_inference_steps": 100}, n=7))
            cases.append(run(name, {**base, "beta_schedule": "linear"}, n=4))
        cases.append(run("lcm", {**base, "clip_sample": True, "clip_sample_range": 1.5}, n=4))
        cases.append(run("lcm", {**base, "timestep_scaling": 0.01}, n=4))
        if kind == "v_prediction":
            cases.append(run("lcm", {**base, "rescale_betas_zero_snr": True}, n=4))
            cases.append(run("tcd", {**base, "rescale_betas_zero_snr": True}, n=4))
    return cases


def philox_words(counter, key):
    """Philox 4x32-10 of Salmon et al. 2011 with Python's integers."""
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [b >> 32 ^ c[1] ^ k[0], b & 0xFFFFFFFF, a >> 32 ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def philox_randn(seed, call, n):
    """AUTOMATIC1111's formula for torch.randn on CUDA."""
    word = np.float32(2.3283064e-10)
    turn = np.float32(2.3283064e-10 * 6.2831855)
    words = np.array([philox_words((call, 0, i, 0), (seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF)) for i in range(n)],
                     dtype=np.float64)
    u = words[:, 0] * np.float64(word) + np.float64(word / 2)
    v = words[:, 1] * np.float64(turn) + np.float64(turn / 2)
    return (np.sqrt(-2 * np.log(u)) * np.sin(v)).astype(np.float32)


def noise():
    # Known answers of the authors' Random123 library.
    assert philox_words((0,) * 4, (0, 0)) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    assert philox_words((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2) == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]
    philox = []
    for seed in (0, 1, 42, 1234567890, 2**32 + 7, 2**53 + 11, -3):
        draws = [numbers(torch.from_numpy(philox_randn(seed, call, n))) for call, n in enumerate((1, 12, 64, 7))]
        philox.append({"seed": seed, "draws": draws})
    guidance = []
    gen = torch.Generator("cpu").manual_seed(11)
    for phi in (0.0, 0.3, 0.7, 1.0):
        guided, text = 3 * torch.randn(SHAPE, generator=gen) + 0.5, torch.randn(SHAPE, generator=gen)
        guidance.append({"phi": phi, "guided": numbers(guided), "conditional": numbers(text),
                         "rescaled": numbers(rescale_noise_cfg(guided, text, phi))})
    return {"philox": philox, "guidance": guidance}


def main():
    write("schedules.json.gz", runs())
    write("noise.json.gz", noise())


if __name__ == "__main__":
    assert math.isclose(aligned(10, False)[3], 2.697)
    main()
