"""SSbiexp: A1 exp(-exp(lrc1) x) + A2 exp(-exp(lrc2) x)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .model import SelfStart, line, sorted_means

__all__ = ["SSbiexp"]


def _evaluate(x: Any, A1: Any, lrc1: Any, A2: Any, lrc2: Any) -> tuple[np.ndarray, list[Any]]:
    r1, r2 = np.exp(lrc1), np.exp(lrc2)
    e1, e2 = np.exp(-r1 * x), np.exp(-r2 * x)
    return A1 * e1 + A2 * e2, [e1, -A1 * e1 * r1 * x, e2, -A2 * e2 * r2 * x]


def _candidates(x: np.ndarray, y: np.ndarray) -> list[Any]:
    """The slow part from the last points, the fast part from what it leaves of the first ones."""
    points, means = sorted_means(x, y)
    found = []
    for share in (0.5, 0.35, 0.65):
        cut = min(max(2, int(share * len(points))), len(points) - 2)
        a2, b2 = line(points[cut:], np.log(np.abs(means[cut:])))
        rest = means[:cut] - np.exp(a2 + b2 * points[:cut])
        a1, b1 = line(points[:cut], np.log(np.abs(rest)))
        if b2 < 0:
            b1 = b1 if b1 < b2 else 5 * b2
            found.append([np.exp(a1), np.log(-b1), np.exp(a2), np.log(-b2)])
    width = float(np.ptp(points)) or 1.0
    found.append([means[0] / 2, np.log(10 / width), means[0] / 2, np.log(1 / width)])
    return found


SSbiexp = SelfStart(
    "SSbiexp", ("input",), ("A1", "lrc1", "A2", "lrc2"), _evaluate, _candidates,
    "A1*exp(-exp(lrc1)*input) + A2*exp(-exp(lrc2)*input)",
)  # fmt: skip
