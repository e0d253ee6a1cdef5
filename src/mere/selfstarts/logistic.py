"""SSlogis: Asym / (1 + exp((xmid - x) / scal))."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit

from .model import SelfStart, line, sorted_means

__all__ = ["SSlogis"]


def _evaluate(x: Any, Asym: Any, xmid: Any, scal: Any) -> tuple[np.ndarray, list[Any]]:
    z = (x - xmid) / scal
    p = expit(z)
    slope = Asym * p * expit(-z) / scal
    return Asym * p, [p, -slope, -slope * z]


def _candidates(x: np.ndarray, y: np.ndarray) -> list[Any]:
    points, means = sorted_means(x, y)
    found = []
    for room in (0.02, 0.2, 1.0):
        low, high = min(0.0, means.min()), means.max() + room * np.ptp(means)
        share = (means - low) / (high - low)
        a, b = line(points, np.log(share / (1 - share)))
        found.append([high, -a / b, 1 / b])
    return found


SSlogis = SelfStart(
    "SSlogis", ("input",), ("Asym", "xmid", "scal"), _evaluate, _candidates, "Asym/(1 + exp((xmid - input)/scal))"
)
