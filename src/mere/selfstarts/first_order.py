"""SSfol: first-order compartment, Dose exp(lKe + lKa - lCl) (exp(-Ke t) - exp(-Ka t)) / (Ka - Ke)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .model import SelfStart, line

__all__ = ["SSfol"]


def _evaluate(Dose: Any, t: Any, lKe: Any, lKa: Any, lCl: Any) -> tuple[np.ndarray, list[Any]]:
    Ke, Ka = np.exp(lKe), np.exp(lKa)
    gap = Ka - Ke
    e1, e2 = np.exp(-Ke * t), np.exp(-Ka * t)
    near = np.abs(gap) < 1e-5 * Ka
    if near.any():  # the limit t exp(-Ke t) of the difference quotient, to second order
        safe = np.where(near, 1.0, gap)
        q = np.where(near, t * e1 * (1 - gap * t / 2), (e1 - e2) / safe)
        by_e = np.where(near, -(t**2) / 2 * e1, (q - t * e1) / safe)
        by_a = np.where(near, -(t**2) / 2 * e1, (t * e2 - q) / safe)
    else:
        q = (e1 - e2) / gap
        by_e, by_a = (q - t * e1) / gap, (t * e2 - q) / gap  # dq / dKe, dq / dKa
    scale = Dose * np.exp(lKe + lKa - lCl)
    value = scale * q
    return value, [value + scale * by_e * Ke, value + scale * by_a * Ka, -value]


def _candidates(Dose: np.ndarray, t: np.ndarray, y: np.ndarray) -> list[Any]:
    relative = y / Dose
    late = t > np.median(t)
    _, b = line(t[late], np.log(np.where(relative[late] > 0, relative[late], np.nan)))
    width = float(np.ptp(t)) or 1.0
    Ke = -b if b < 0 else 2 / width
    found = []
    for ratio in (3.0, 10.0, 30.0):
        Ka = Ke * ratio
        shape = Ke * Ka * (np.exp(-Ke * t) - np.exp(-Ka * t)) / (Ka - Ke)
        Cl = np.sum(shape**2) / np.sum(shape * relative)
        found.append([np.log(Ke), np.log(Ka), np.log(Cl)])
    return found


SSfol = SelfStart(
    "SSfol", ("Dose", "input"), ("lKe", "lKa", "lCl"), _evaluate, _candidates,
    "Dose*exp(lKe + lKa - lCl)*(exp(-exp(lKe)*input) - exp(-exp(lKa)*input))/(exp(lKa) - exp(lKe))",
)  # fmt: skip
