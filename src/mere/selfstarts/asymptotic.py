"""SSasymp, SSasympOff, SSasympOrig: exponential approach to an asymptote, in three parametrizations."""

from __future__ import annotations

from typing import Any

import numpy as np

from .model import SelfStart, line, sorted_means

__all__ = ["SSasymp", "SSasympOff", "SSasympOrig", "approach"]


def approach(x: np.ndarray, y: np.ndarray) -> list[tuple[float, float, float]]:
    """Rough (asymptote, value at 0, log rate) of an exponential approach."""
    points, means = sorted_means(x, y)
    half = len(means) // 2
    rising = means[half:].mean() >= means[: half + 1].mean()
    found = []
    for room in (0.02, 0.2, 1.0):
        end = means.max() + room * np.ptp(means) if rising else means.min() - room * np.ptp(means)
        a, b = line(points, np.log(np.abs(end - means)))
        if b < 0:
            found.append((float(end), float(end - np.exp(a) * (1 if rising else -1)), float(np.log(-b))))
    width = float(np.ptp(points)) or 1.0
    found.append((float(means[-1]), float(means[0]), float(np.log(3 / width))))
    return found


def _asymp(x: Any, Asym: Any, R0: Any, lrc: Any) -> tuple[np.ndarray, list[Any]]:
    rate = np.exp(lrc)
    e = np.exp(-rate * x)
    return Asym + (R0 - Asym) * e, [-np.expm1(-rate * x), e, -(R0 - Asym) * e * rate * x]


def _off(x: Any, Asym: Any, lrc: Any, c0: Any) -> tuple[np.ndarray, list[Any]]:
    rate = np.exp(lrc)
    e, share = np.exp(-rate * (x - c0)), -np.expm1(-rate * (x - c0))
    return Asym * share, [share, Asym * e * rate * (x - c0), -Asym * e * rate]


def _orig(x: Any, Asym: Any, lrc: Any) -> tuple[np.ndarray, list[Any]]:
    rate = np.exp(lrc)
    share = -np.expm1(-rate * x)
    return Asym * share, [share, Asym * np.exp(-rate * x) * rate * x]


def _off_candidates(x: np.ndarray, y: np.ndarray) -> list[Any]:
    return [[a, lrc, -np.log(np.abs(a / (a - r0))) / np.exp(lrc)] for a, r0, lrc in approach(x, y)]


SSasymp = SelfStart(
    "SSasymp", ("input",), ("Asym", "R0", "lrc"), _asymp, lambda x, y: [list(c) for c in approach(x, y)],
    "Asym + (R0 - Asym)*exp(-exp(lrc)*input)",
)  # fmt: skip
SSasympOff = SelfStart(
    "SSasympOff", ("input",), ("Asym", "lrc", "c0"), _off, _off_candidates, "Asym*(1 - exp(-exp(lrc)*(input - c0)))"
)
SSasympOrig = SelfStart(
    "SSasympOrig", ("input",), ("Asym", "lrc"), _orig, lambda x, y: [[a, lrc] for a, _, lrc in approach(x, y)],
    "Asym*(1 - exp(-exp(lrc)*input))",
)  # fmt: skip
