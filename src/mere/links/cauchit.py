"""The cauchit link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .link import Link

__all__ = ["Cauchit"]

EPS = float(np.finfo(float).eps)  # R keeps means and slopes this far from their limits


@dataclass(frozen=True)
class Cauchit(Link):
    """eta is the quantile of the Cauchy distribution."""

    name: ClassVar[str] = "cauchit"
    code: ClassVar[int] = 4

    def link(self, mu: np.ndarray) -> np.ndarray:
        out: np.ndarray = np.tan(np.pi * (mu - 0.5))
        return out

    def inverse(self, eta: np.ndarray) -> np.ndarray:
        return np.clip(0.5 + np.arctan(eta) / np.pi, EPS, 1 - EPS)

    def derivative(self, eta: np.ndarray) -> np.ndarray:
        out: np.ndarray = np.maximum(1 / (np.pi * (1 + eta**2)), EPS)
        return out

    def second(self, eta: np.ndarray) -> np.ndarray:
        out: np.ndarray = -2 * eta / (np.pi * (1 + eta**2) ** 2)
        return out
