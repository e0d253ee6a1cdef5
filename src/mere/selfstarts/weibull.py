"""SSweibull: Asym - Drop exp(-exp(lrc) x^pwr)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .model import SelfStart, line, sorted_means

__all__ = ["SSweibull"]


def _evaluate(x: Any, Asym: Any, Drop: Any, lrc: Any, pwr: Any) -> tuple[np.ndarray, list[Any]]:
    inner = np.exp(lrc) * x**pwr
    e = np.exp(-inner)
    log_x = np.log(np.where(x > 0, x, 1.0))
    return Asym - Drop * e, [np.ones_like(e), -e, Drop * e * inner, Drop * e * inner * log_x]


def _candidates(x: np.ndarray, y: np.ndarray) -> list[Any]:
    points, means = sorted_means(x, y)
    ok = points > 0
    found = []
    for room in (0.02, 0.1, 0.5):
        top, low = means.max() + room * np.ptp(means), means.min() - room * np.ptp(means)
        a, b = line(np.log(points[ok]), np.log(-np.log((top - means[ok]) / (top - low))))
        found.append([top, top - low, a, b])
    return found


SSweibull = SelfStart(
    "SSweibull", ("x",), ("Asym", "Drop", "lrc", "pwr"), _evaluate, _candidates, "Asym - Drop*exp(-exp(lrc)*x^pwr)"
)
