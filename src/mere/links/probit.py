"""The probit link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .link import Link

__all__ = ["Probit"]

EPS = float(np.finfo(float).eps)  # R keeps means and slopes this far from their limits


@dataclass(frozen=True)
class Probit(Link):
    """eta is the quantile of the normal distribution."""

    name: ClassVar[str] = "probit"
    code: ClassVar[int] = 2

    def link(self, mu: np.ndarray) -> np.ndarray:
        from scipy.special import ndtri

        return np.asarray(ndtri(mu))

    def inverse(self, eta: np.ndarray) -> np.ndarray:
        from scipy.special import ndtr

        return np.clip(ndtr(eta), EPS, 1 - EPS)

    def derivative(self, eta: np.ndarray) -> np.ndarray:
        out: np.ndarray = np.maximum(np.exp(-0.5 * eta**2) / np.sqrt(2 * np.pi), EPS)
        return out

    def second(self, eta: np.ndarray) -> np.ndarray:
        out: np.ndarray = -eta * np.exp(-0.5 * eta**2) / np.sqrt(2 * np.pi)
        return out
