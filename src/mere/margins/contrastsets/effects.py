"""Effects: deviations from an average of the means; and sets that leave the means as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .made import ContrastSet, chosen, from_table, unit

__all__ = ["deleted_effects", "effects", "identity", "normalized", "weighted"]


def effects(
    labels: Sequence[str], exclude: Any = None, include: Any = None, wts: Any = None, reverse: bool = False
) -> ContrastSet:
    """mu_i - sum_j w_j mu_j / sum_j w_j.

    Examples
    --------
    >>> effects(["a", "b"]).coefficients
    array([[ 0.5, -0.5],
           [-0.5,  0.5]])
    """
    k, use = len(labels), chosen(labels, exclude, include)
    average = _average(k, use, wts)
    rows = np.array([unit(k, i) - average for i in use]).reshape(len(use), k)
    return ContrastSet(tuple(f"{labels[i]} effect" for i in use), rows, "fdr", False, "differences from grand mean")


def deleted_effects(
    labels: Sequence[str], exclude: Any = None, include: Any = None, wts: Any = None, reverse: bool = False
) -> ContrastSet:
    """mu_i minus the average of the others."""
    k, use = len(labels), chosen(labels, exclude, include)
    rows = np.array([unit(k, i) - _average(k, [j for j in use if j != i], wts) for i in use]).reshape(len(use), k)
    text = "differences from mean of others"
    return ContrastSet(tuple(f"{labels[i]} effect" for i in use), rows, "fdr", False, text)


def _average(k: int, use: Sequence[int], wts: Any) -> np.ndarray:
    w = np.ones(k) if wts is None else np.asarray(wts, dtype=float)
    out = np.zeros(k)
    out[list(use)] = w[list(use)] / w[list(use)].sum()
    return out


def weighted(labels: Sequence[str], wts: Any = None, cmtype: str = "GrandMean", **_: Any) -> ContrastSet:
    """Weighted deviations from the weighted grand mean, or weighted means with ``cmtype="Means"``."""
    k = len(labels)
    average = _average(k, range(k), wts)
    rows = np.eye(k) - average if cmtype == "GrandMean" else np.eye(k)
    return ContrastSet(tuple(f"{s} effect" for s in labels), rows, "fdr", False, "weighted contrasts")


def normalized(labels: Sequence[str], family: str | Callable[..., Any] = "eff", **options: Any) -> ContrastSet:
    """The contrasts of another set, each scaled to unit length."""
    from . import contrast_set

    made = contrast_set(family, list(labels), np.ones(len(labels)), **options)
    length = np.sqrt((made.coefficients**2).sum(axis=1, keepdims=True))
    return ContrastSet(made.names, made.coefficients / length, "none", False, f"normalized {family} contrasts")


def identity(labels: Sequence[str], exclude: Any = None, include: Any = None) -> ContrastSet:
    """The means themselves."""
    use = chosen(labels, exclude, include)
    made = from_table({labels[i]: unit(len(labels), i) for i in use}, labels)
    return ContrastSet(made.names, made.coefficients, "none", False, "identity")
