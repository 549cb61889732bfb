"""Stage `curve`: draw the training losses of WORK/train.csv (or of files given) as one SVG, means of WINDOW rows.

Losses of different training runs follow each other, each from its own step 0.
"""
import argparse
import csv

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np

from common import work
from train import Task

WINDOW = 5  # rows, of 10 steps each unless train.py was told otherwise
KINDS = [name for name in Task.columns.split(",") if not name.startswith("small")]


def read(path):
    """(steps, column -> losses) of a training log, nan where a step had none of the kind."""
    with open(path) as f:
        rows = [[float(v) for v in row] for row in csv.reader(f)]
    names = Task.columns.split(",")
    table = np.array(rows)
    return table[:, 0], {name: table[:, 2 + k] for k, name in enumerate(names)}


def smooth(values):
    """Means of every WINDOW rows, without the nans."""
    whole = values[: len(values) // WINDOW * WINDOW].reshape(-1, WINDOW)
    return np.array([np.nanmean(row) if np.isfinite(row).any() else np.nan for row in whole])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", nargs="*", default=[work("train.csv")])
    parser.add_argument("--out", default=work("curve.svg"))
    a = parser.parse_args()
    matplotlib.rcParams["svg.hashsalt"] = "curve"  # the same file for the same numbers
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True, layout="constrained")
    start = 0
    for path in a.logs:
        steps, columns = read(path)
        for name, values in columns.items():
            y, kind = smooth(values), name.removeprefix("small ")
            axes[int(kind != name)].plot(start + steps[WINDOW - 1 :: WINDOW][: len(y)], y, label=kind, linewidth=1.3, color=f"C{KINDS.index(kind)}")
        start += steps[-1]
    for ax, title in zip(axes, ("256²", "128²")):
        ax.set(title=title, xlabel="step", ylim=(0, None))
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("loss (v-prediction, mean square)")
    axes[1].legend(fontsize=8)
    figure.savefig(a.out, metadata={"Date": None})


if __name__ == "__main__":
    main()
