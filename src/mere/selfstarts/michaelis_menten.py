"""SSmicmen: Vm x / (K + x)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .model import SelfStart, line

__all__ = ["SSmicmen"]


def _evaluate(x: Any, Vm: Any, K: Any) -> tuple[np.ndarray, list[Any]]:
    share = x / (K + x)
    return Vm * share, [share, -Vm * share / (K + x)]


def _candidates(x: np.ndarray, y: np.ndarray) -> list[Any]:
    a, b = line(1 / x, 1 / y)  # 1/y = 1/Vm + (K/Vm)/x
    top = float(y.max())
    return [[1 / a, b / a], [top, float(np.median(x))], [1.5 * top, float(x.mean())]]


SSmicmen = SelfStart("SSmicmen", ("input",), ("Vm", "K"), _evaluate, _candidates, "Vm*input/(K + input)")
