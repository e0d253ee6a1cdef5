"""SSgompertz: Asym exp(-b2 b3^x)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .model import SelfStart, line, sorted_means

__all__ = ["SSgompertz"]


def _evaluate(x: Any, Asym: Any, b2: Any, b3: Any) -> tuple[np.ndarray, list[Any]]:
    power = b3**x
    e = np.exp(-b2 * power)
    return Asym * e, [e, -Asym * e * power, -Asym * e * b2 * x * b3 ** (x - 1)]


def _candidates(x: np.ndarray, y: np.ndarray) -> list[Any]:
    points, means = sorted_means(x, y)
    found = []
    for room in (0.02, 0.2, 1.0):
        top = means.max() + room * np.ptp(means)
        a, b = line(points, np.log(-np.log(means / top)))  # log b2 + x log b3
        found.append([top, np.exp(a), np.exp(b)])
    return found


SSgompertz = SelfStart("SSgompertz", ("x",), ("Asym", "b2", "b3"), _evaluate, _candidates, "Asym*exp(-b2*b3^x)")
