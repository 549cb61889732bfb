"""The training loop that both networks share: a few single-threaded worker processes on one flat store of weights.

A task says what is trained: `columns` names its reported numbers, `build()` makes the network (the same start for every
worker), `start(net, layout, grads, worker, workers, step)` opens its data, and `loss(step, share)` gives one step's loss
for this worker's rows and the numbers to report (nan where there is none). Raising `minutes` and running again goes on.
"""
import math
import multiprocessing
import os
from dataclasses import dataclass

import numpy as np

import flat
import model
from common import SEED, Clock, save_torch, threads, work


@dataclass
class Plan:
    """`minutes` is the time budget over all runs; `file` holds the state below WORK, `keep` is the average's memory."""

    file: str
    minutes: float
    rate: float
    flat_share: float = 0.0
    keep: float = 0.995
    workers: int = 2
    save_minutes: float = 4
    report: int = 10


def rate_at(plan, share, step, floor=0.02):
    """Learning rate at a share 0..1 of the time budget: warm-up, flat up to `flat_share`, then cosine."""
    down = max(0.0, (share - plan.flat_share) / (1 - plan.flat_share))
    return plan.rate * min(1, (step + 1) / 150) * max(floor, 0.5 + 0.5 * math.cos(math.pi * min(1, down)))


def work_on(worker, task, plan, store, barrier, step, used):
    """One worker's loop: forward and backward on its rows, then the joint update."""
    torch = threads(1)
    net = model.channels_last(task.build())
    layout = flat.Layout(net)
    frozen = {k: p.detach().contiguous().clone() for k, p in net.named_parameters() if not p.requires_grad}
    net = net.to(torch.bfloat16)
    live = [p for p in net.parameters() if p.requires_grad]
    for p, view in zip(live, layout.views(store.live)):
        p.data = view
    grads = layout.views(store.grads[worker])
    torch.manual_seed(SEED + step * plan.workers + worker)
    task.start(net, worker, plan.workers, step)
    clock, total, last_save, numbers, first = Clock(used), plan.minutes * 60, used, [], (step, used)
    if worker == 0:
        print(f"{layout.size / 1e6:.2f}M weights, from step {step} at {used / 60:.1f} minutes", flush=True)
    while not store.stop[0]:
        loss, report = task.loss(step, float(store.share[0]))
        loss.backward()
        with torch.no_grad():
            for g, p in zip(grads, live):
                if p.grad is None:
                    g.zero_()
                else:
                    g.copy_(p.grad)
                p.grad = None
            task.mask(dict(zip(layout.names, grads)))
            store.numbers[worker, : len(report)] = torch.tensor(report)
            barrier.wait()
            step += 1
            if worker == 0:
                store.share[0] = min(1.0, clock() / total)
            rate = rate_at(plan, float(store.share[0]), step)
            store.update(worker, step, rate, min(plan.keep, step / (step + 20)), barrier.wait)
            numbers.append(store.numbers[:, : len(report)].nanmean(0).tolist())
            if worker == 0 and clock() > total:
                store.stop[0] = 1
            barrier.wait()
        if worker:
            continue
        if step % plan.report == 0:
            speed = (step - first[0]) / (clock() - first[1])
            values = ",".join(f"{m:.4f}" for m in np.nanmean(numbers, 0))
            text = f"{step},{clock():.0f},{values},{rate:.1e},{speed:.2f}"
            print(f"step,seconds,{task.columns},rate,steps/s " + text, flush=True)
            with open(work(plan.file.replace(".pt", ".csv")), "a") as f:
                f.write(text + "\n")
            numbers = []
        if clock() - last_save > plan.save_minutes * 60 or store.stop[0]:
            last_save = clock()
            state = {"nets": layout.named(store.master) | frozen, "first": layout.named(store.first), "second": layout.named(store.second)}
            save_torch(work(plan.file), {**state, "ema": layout.named(store.average) | frozen, "step": step, "seconds": clock()})


def train(task, plan):
    """Run or go on with a task until its minutes are used."""
    torch = threads()
    net = model.channels_last(task.build())
    layout = flat.Layout(net)
    store = flat.Store(layout, plan.workers)
    step, used = 0, 0.0
    with torch.no_grad():
        if os.path.exists(work(plan.file)):
            state = torch.load(work(plan.file), map_location="cpu", weights_only=True)
            for part, key in ((store.master, "nets"), (store.first, "first"), (store.second, "second"), (store.average, "ema")):
                layout.fill(part, state[key])  # a part that was frozen has no moments yet
            step, used = state["step"], state["seconds"]
        else:
            layout.fill(store.master, dict(net.named_parameters()))
            store.average.copy_(store.master)
        store.live.copy_(store.master)
        store.share[0] = min(1.0, used / (plan.minutes * 60))
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(plan.workers)
    others = [context.Process(target=work_on, args=(k, task, plan, store, barrier, step, used), daemon=True) for k in range(1, plan.workers)]
    for p in others:
        p.start()
    work_on(0, task, plan, store, barrier, step, used)
    for p in others:
        p.join()
