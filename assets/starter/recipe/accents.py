"""Is a second colour right: the roof, label, door, legs ... that a caption names?

The colour words' looks are the mean colours (Lab) of what is called so on true renders; a picture is right where its mean
colour on the second part's mask is nearest to its own word's look. True renders are judged the same way, each left out of
its word's mean.
"""
import numpy as np

import metrics

LEAST = 40  # pixels


def seen(cases):
    """Numbers of the cases whose second colour is named and large enough to be seen."""
    return [i for i, r in enumerate(cases.records) if r.get("accent") and cases.accent[i].sum() >= LEAST]


def means(pictures, cases):
    """Mean colour (n, 3) in Lab of the second parts of the cases that `seen` lists."""
    return np.array([metrics.to_lab(pictures[i][cases.accent[i]].mean(0)) for i in seen(cases)]).reshape(-1, 3)


def nearest(colour, looks, words, but=None):
    """The word whose look, the mean of its rows of `looks` other than `but`, is nearest to a colour (3,)."""
    best = {}
    for word in sorted(set(words)):
        rows = [k for k, w in enumerate(words) if w == word and k != but]
        if rows:
            best[word] = np.linalg.norm(looks[rows].mean(0) - colour)
    return min(best, key=best.get)


def share_right(pictures, cases, truth, cases_of_truth):
    """Share of second colours that are right, nan without any; `truth` are the true renders of `cases_of_truth`."""
    words = [cases_of_truth.records[i]["accent"] for i in seen(cases_of_truth)]
    looks, got = means(truth, cases_of_truth), means(pictures, cases)
    same = pictures is truth
    right = [nearest(c, looks, words, k if same else None) == cases.records[i]["accent"] for k, (i, c) in enumerate(zip(seen(cases), got))]
    return float(np.mean(right)) if right else float("nan")
