"""One flat, shared-memory store of all weights, so that several single-threaded workers can train one model.

Workers see the same bfloat16 weights (their parameters are views of `live`), write their gradients to their own row of
`grads`, and each updates its own stretch of the float32 masters: inner matrices and kernels with Muon (Jordan et al.,
https://kellerjordan.github.io/posts/muon, scaled as in Liu et al., arXiv 2502.16982), so that one rate serves both, the
rest with AdamW. Three meetings a step replace the thread barriers inside every operation, which on a busy machine cost
most of the time.
"""
import torch

BETAS = (0.9, 0.98)
MOMENTUM = 0.95
DECAY = 0.01
QUINTIC = (3.4445, -4.7750, 2.0315)
OUTER = ("embedding.weight", "conv_in", "conv_out", ".bias")  # parts of names that Muon leaves to AdamW


def orthogonal(matrix, steps=5):
    """A bfloat16 matrix (m, n) with the singular vectors of `matrix` and singular values near 1, by Newton-Schulz steps."""
    x = matrix.to(torch.bfloat16)
    tall = x.shape[0] > x.shape[1]
    x = x.t() if tall else x
    x = x / (x.norm() + 1e-7)
    a, b, c = QUINTIC
    for _ in range(steps):
        square = x @ x.t()
        x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.t() if tall else x


class Layout:
    """Where each parameter that is trained lies in the flat store; 4-d weights lie channels last."""

    def __init__(self, net):
        self.names, self.shapes, self.at = [], [], [0]
        for name, p in net.named_parameters():
            if not p.requires_grad:
                continue
            self.names.append(name)
            self.shapes.append(tuple(p.shape))
            self.at.append(self.at[-1] + p.numel())
        self.size = self.at[-1]
        self.inner = [len(s) > 1 and not any(part in n for part in OUTER) for n, s in zip(self.names, self.shapes)]

    def stretches(self, workers):
        """Per worker the (first, last + 1) of its parameters, about the same amount of work for each."""
        cost = [(end - start) * (1 + inner * min(shape[0], (end - start) // shape[0]) / 16) for shape, start, end, inner in
                zip(self.shapes, self.at, self.at[1:], self.inner)]
        done, bounds = torch.tensor(cost).cumsum(0), [0]
        for k in range(1, workers):
            bounds.append(int((done < done[-1] * k / workers).sum()))
        return list(zip(bounds, [*bounds[1:], len(cost)]))

    def views(self, flat):
        out = []
        for shape, start, end in zip(self.shapes, self.at, self.at[1:]):
            part = flat[start:end]
            if len(shape) == 4:
                o, i, h, w = shape
                out.append(part.view(o, h, w, i).permute(0, 3, 1, 2))
            else:
                out.append(part.view(shape))
        return out

    def named(self, flat):
        return {n: v.contiguous().clone() for n, v in zip(self.names, self.views(flat))}

    def fill(self, flat, named):
        for name, view in zip(self.names, self.views(flat)):
            if name in named:
                view.copy_(named[name])


class Store:
    """The shared tensors: float32 master, first and second moment, average, gradients per worker; bfloat16 live weights."""

    def __init__(self, layout, workers):
        make = lambda *shape, dtype=torch.float32: torch.zeros(*shape, dtype=dtype).share_memory_()
        self.layout, self.stretches = layout, layout.stretches(workers)
        self.master, self.first, self.second, self.average = (make(layout.size) for _ in range(4))
        self.grads = make(workers, layout.size)
        self.live = make(layout.size, dtype=torch.bfloat16)
        self.norms = make(workers)
        self.numbers = make(workers, 16)
        self.stop, self.share = make(1), make(1)

    def update(self, worker, step, rate, keep, meet, limit=1.0):
        """Muon and AdamW on this worker's stretch with the mean of all gradients, clipped to norm `limit`."""
        workers, at = len(self.grads), self.layout.at
        begin, end = self.stretches[worker]
        part = slice(at[begin], at[end])
        grad = self.grads[0, part]
        for k in range(1, workers):
            grad += self.grads[k, part]
        grad /= workers
        self.norms[worker] = (grad * grad).sum()
        meet()
        grad *= min(1.0, limit / (self.norms.sum().sqrt().item() + 1e-6))
        first, second, master = self.first[part], self.second[part], self.master[part]
        change = torch.empty_like(grad)
        for k in range(begin, end):
            here = slice(at[k] - at[begin], at[k + 1] - at[begin])
            g, m, v = grad[here], first[here], second[here]
            if self.layout.inner[k]:
                m.lerp_(g, 1 - MOMENTUM)
                ahead = g.lerp(m, MOMENTUM).view(self.layout.shapes[k][0], -1)
                change[here] = 0.2 * max(ahead.shape) ** 0.5 * orthogonal(ahead).reshape(-1)
            else:
                m.lerp_(g, 1 - BETAS[0])
                v.mul_(BETAS[1]).addcmul_(g, g, value=1 - BETAS[1])
                change[here] = m / (1 - BETAS[0] ** step) / ((v / (1 - BETAS[1] ** step)).sqrt_() + 1e-8)
        master.mul_(1 - rate * DECAY).sub_(change, alpha=rate)
        self.average[part].lerp_(master, 1 - keep)
        self.live[part].copy_(master)
