"""The exported folder run by diffusers' StableDiffusionControlNetPipeline, with joined views and controls for some rows only."""
import os

import numpy as np

import model

os.environ.setdefault("HF_HUB_OFFLINE", "1")


class Runner:
    """Computes in float32 or bfloat16; `sampler` is dpmpp_2m or ddim, both with the checkpoint's trailing timesteps."""

    def __init__(self, folder, torch, dtype, sampler):
        from diffusers import ControlNetModel, DDIMScheduler, DPMSolverMultistepScheduler, StableDiffusionControlNetPipeline

        self.torch = torch
        self.control = {k: ControlNetModel.from_pretrained(os.path.join(folder, "controlnet-" + k)).to(dtype) for k in model.CONTROLS}
        for net in self.control.values():
            net.register_forward_hook(self._silence)
        self.pipe = StableDiffusionControlNetPipeline.from_pretrained(folder, controlnet=self.control["lines"], safety_checker=None).to(dtype)
        self.pipe.set_progress_bar_config(disable=True)
        self.joined = model.join_views(self.pipe.unet)
        scheduler = {"dpmpp_2m": DPMSolverMultistepScheduler, "ddim": DDIMScheduler}[sampler]
        self.pipe.scheduler = scheduler.from_config(self.pipe.scheduler.config)

    def _silence(self, net, args, out):
        """Zero the residuals of rows without a control."""
        down, mid = out
        on = self.on.to(mid.dtype).repeat(len(mid) // len(self.on)).view(-1, 1, 1, 1)
        return [d * on for d in down], mid * on

    def __call__(self, captions, images, kind="lines", guidance=2.0, steps=20, seed=0, batch=8, views=1, shared_noise=False):
        """Pictures uint8 (n, 256, 256, 3).

        `images` has a hint (256, 256) in 0..1, or None, for each caption. With `views` > 1 every so many neighbours are
        one object and are joined; `shared_noise` gives groups of 4 neighbours one noise.
        """
        self.pipe.controlnet = self.control[kind]
        self.joined.views = views
        blank, out = np.zeros((256, 256), np.float32), []
        for k in range(0, len(captions), batch):
            text, hints = list(captions[k : k + batch]), images[k : k + batch]
            self.on = self.torch.tensor([h is not None for h in hints])
            hint = np.stack([blank if h is None else h for h in hints]).astype(np.float32)
            hint = self.torch.from_numpy(hint)[:, None].expand(-1, 3, -1, -1)
            seeds = [seed * 100003 + (k + j) // (4 if shared_noise else 1) for j in range(len(text))]
            generators = [self.torch.Generator().manual_seed(s) for s in seeds]
            got = self.pipe(text, image=hint, num_inference_steps=steps, guidance_scale=guidance, generator=generators,
                            controlnet_conditioning_scale=1.0, output_type="np", height=256, width=256).images
            out.append((np.asarray(got) * 255 + 0.5).astype(np.uint8))
        return np.concatenate(out)

    def through_vae(self, pictures):
        """uint8 pictures (n, 256, 256, 3) encoded and decoded."""
        torch, vae, out = self.torch, self.pipe.vae, []
        for rgb in pictures:
            x = torch.from_numpy(rgb).permute(2, 0, 1)[None].float().div(127.5).sub(1).to(vae.dtype)
            with torch.no_grad():
                y = vae.decode(vae.encode(x).latents).sample.float().clamp(-1, 1)
            out.append(((y[0].permute(1, 2, 0).numpy() + 1) * 127.5 + 0.5).astype(np.uint8))
        return np.stack(out)
