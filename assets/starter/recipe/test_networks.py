"""Tests of what needs PyTorch: the optimiser against torch.optim, joined attention, the colour of the latents. `make smoke` runs them."""
import unittest

import torch
from torch import nn

import flat
import model
import vae

RATE = 1e-3


def small_net():
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8 * 36, 12), nn.Linear(12, 5, bias=False))


class Optimiser(unittest.TestCase):
    def test_equals_torch(self):
        """Three updates with known gradients, two workers, against torch.optim's Muon (matrices) and AdamW (biases)."""
        net = small_net()
        layout = flat.Layout(net)
        store = flat.Store(layout, 2)
        layout.fill(store.master, {n: p.detach() for n, p in net.named_parameters()})
        weights = {n: p for n, p in net.named_parameters()}
        twins = {n: nn.Parameter(p.detach().permute(0, 2, 3, 1).reshape(len(p), -1) if p.dim() == 4 else p.detach().clone()) for n, p in weights.items()}
        muon = torch.optim.Muon([p for p in twins.values() if p.dim() > 1], lr=RATE, weight_decay=flat.DECAY, momentum=flat.MOMENTUM, adjust_lr_fn="match_rms_adamw")
        adam = torch.optim.AdamW([p for p in twins.values() if p.dim() == 1], lr=RATE, betas=flat.BETAS, weight_decay=flat.DECAY)
        for step in range(1, 4):
            grads = {n: 1e-2 * torch.randn(p.shape) for n, p in weights.items()}
            for worker, share in enumerate((0.5, 1.5)):  # their mean is the gradient
                layout.fill(store.grads[worker], {n: share * g for n, g in grads.items()})
            for n, p in twins.items():
                p.grad = grads[n].permute(0, 2, 3, 1).reshape(p.shape) if grads[n].dim() == 4 else grads[n]
            muon.step()
            adam.step()
            store.norms.zero_()
            for worker in (1, 0):
                store.update(worker, step, RATE, 0.9, lambda: None)
        for name, view in zip(layout.names, layout.views(store.master)):
            got = view.permute(0, 2, 3, 1).reshape(len(view), -1) if view.dim() == 4 else view
            start = weights[name].detach().permute(0, 2, 3, 1).reshape(got.shape) if view.dim() == 4 else weights[name].detach()
            moved = (twins[name].detach() - start).abs().mean()
            # bfloat16 products: a hundredth of the way gone
            self.assertLess((got - twins[name].detach()).abs().mean(), 0.02 * moved, name)

    def test_stretches_cover_every_parameter_once(self):
        layout = flat.Layout(small_net())
        for workers in (1, 2, 3):
            bounds = layout.stretches(workers)
            self.assertEqual([b for b, _ in bounds] + [len(layout.names)], [0] + [e for _, e in bounds])


class Green(unittest.TestCase):
    def test_weak_colours_differ(self):
        """20 levels of green more or less than grey are a quarter of the whole range apart; the purest green stays in it."""
        plain = lambda r, g, b: torch.tensor([r, g, b]).view(1, 3, 1, 1).expand(1, 3, 16, 16) / 127.5 - 1
        pink, grey, pale, pure = (vae.green(plain(*c)).mean().item() for c in ((200.0, 180.0, 200.0), (200.0, 200.0, 200.0), (200.0, 220.0, 200.0), (0.0, 255.0, 0.0)))
        self.assertAlmostEqual(grey, 0, 5)
        self.assertLess(pink, -0.25)
        self.assertGreater(pale, 0.25)
        self.assertLessEqual(pure, 1)


class Joined(unittest.TestCase):
    def test_views_read_each_other(self):
        """With views joined, the second picture's prediction depends on the first; alone it does not."""
        net = model.make_unet().eval()
        joined = model.join_views(net)
        noisy, context = torch.randn(2, 4, 16, 16), torch.randn(2, 4, model.CONTEXT)
        other = torch.cat([torch.randn(1, 4, 16, 16), noisy[1:]])
        for views, equal in ((1, True), (2, False)):
            joined.views = views
            with torch.no_grad():
                a, b = (net(z, torch.tensor([500, 500]), context).sample[1] for z in (noisy, other))
            self.assertEqual(torch.allclose(a, b, atol=1e-6), equal)


if __name__ == "__main__":
    unittest.main()
