"""SSfpl: A + (B - A) / (1 + exp((xmid - x) / scal))."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit

from .model import SelfStart, line, sorted_means

__all__ = ["SSfpl"]


def _evaluate(x: Any, A: Any, B: Any, xmid: Any, scal: Any) -> tuple[np.ndarray, list[Any]]:
    z = (x - xmid) / scal
    p, q = expit(z), expit(-z)
    slope = (B - A) * p * q / scal
    return A + (B - A) * p, [q, p, -slope, -slope * z]


def _candidates(x: np.ndarray, y: np.ndarray) -> list[Any]:
    points, means = sorted_means(x, y)
    found = []
    for room in (0.02, 0.1, 0.5):
        low, high = means.min() - room * np.ptp(means), means.max() + room * np.ptp(means)
        share = (means - low) / (high - low)
        a, b = line(points, np.log(share / (1 - share)))
        found.append([low, high, -a / b, 1 / b] if b > 0 else [high, low, -a / b, -1 / b])
    return found


SSfpl = SelfStart(
    "SSfpl", ("input",), ("A", "B", "xmid", "scal"), _evaluate, _candidates,
    "A + (B - A)/(1 + exp((xmid - input)/scal))",
)  # fmt: skip
