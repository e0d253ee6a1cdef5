"""Comparisons with a control: mu_i - mu_ref, the reference a mean or the average of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .made import ContrastSet, chosen, unit

__all__ = ["first_control", "last_control", "treatment_control"]


def treatment_control(
    labels: Sequence[str], ref: Any = 0, reverse: bool = False, exclude: Any = None, include: Any = None
) -> ContrastSet:
    """mu_i - mean(mu_ref); `ref` by position (from 0) or label.

    Examples
    --------
    >>> treatment_control(["a", "b", "c"], ref="b").names
    ('a - b', 'c - b')
    """
    k = len(labels)
    refs = chosen(labels, include=ref)
    use = [i for i in chosen(labels, exclude, include) if i not in refs]
    against = sum(unit(k, r) for r in refs) / len(refs)
    name = labels[refs[0]] if len(refs) == 1 else f"avg({','.join(labels[r] for r in refs)})"
    sign = -1.0 if reverse else 1.0
    rows = np.array([sign * (unit(k, i) - against) for i in use]).reshape(len(use), k)
    names = tuple(f"{name} - {labels[i]}" if reverse else f"{labels[i]} - {name}" for i in use)
    return ContrastSet(names, rows, "dunnettx", False, "differences from control")


def first_control(
    labels: Sequence[str], reverse: bool = False, exclude: Any = None, include: Any = None, ref: Any = 0
) -> ContrastSet:
    """Differences from the first mean."""
    return treatment_control(labels, 0, reverse, exclude, include)


def last_control(
    labels: Sequence[str], reverse: bool = False, exclude: Any = None, include: Any = None, ref: Any = -1
) -> ContrastSet:
    """Differences from the last mean."""
    return treatment_control(labels, -1, reverse, exclude, include)
