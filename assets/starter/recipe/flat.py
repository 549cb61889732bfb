"""One flat, shared-memory store of all weights, so that several single-threaded workers can train one model.

Workers see the same bfloat16 weights (their parameters are views of `live`), write their gradients to their own row of
`grads`, and each updates its own stretch of the float32 masters with AdamW. Three meetings a step replace the thread
barriers inside every operation, which on a busy machine cost most of the time.
"""
import torch

BETAS = (0.9, 0.98)
DECAY = 0.01


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

    def __init__(self, size, workers):
        make = lambda *shape, dtype=torch.float32: torch.zeros(*shape, dtype=dtype).share_memory_()
        self.master, self.first, self.second, self.average = (make(size) for _ in range(4))
        self.grads = make(workers, size)
        self.live = make(size, dtype=torch.bfloat16)
        self.norms = make(workers)
        self.numbers = make(workers, 16)
        self.stop, self.share = make(1), make(1)

    def update(self, worker, step, rate, keep, meet, limit=1.0):
        """AdamW on this worker's stretch with the mean of all gradients, clipped to norm `limit`."""
        workers, size = self.grads.shape
        part = slice(size * worker // workers, size * (worker + 1) // workers)
        grad = self.grads[0, part]
        for k in range(1, workers):
            grad += self.grads[k, part]
        grad /= workers
        self.norms[worker] = (grad * grad).sum()
        meet()
        grad *= min(1.0, limit / (self.norms.sum().sqrt().item() + 1e-6))
        first, second, master = self.first[part], self.second[part], self.master[part]
        first.lerp_(grad, 1 - BETAS[0])
        second.mul_(BETAS[1]).addcmul_(grad, grad, value=1 - BETAS[1])
        scale = (second / (1 - BETAS[1] ** step)).sqrt_().add_(1e-8)
        master.mul_(1 - rate * DECAY).addcdiv_(first, scale, value=-rate / (1 - BETAS[0] ** step))
        self.average[part].lerp_(master, 1 - keep)
        self.live[part].copy_(master)
