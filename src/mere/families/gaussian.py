"""The Gaussian family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .distribution import Family

__all__ = ["Gaussian"]


@dataclass(frozen=True, init=False, repr=False)
class Gaussian(Family):
    """V(mu) = 1."""

    name: ClassVar[str] = "gaussian"
    code: ClassVar[int] = 0
    has_scale: ClassVar[bool] = True
    canonical: ClassVar[str] = "identity"
    links: ClassVar[tuple[str, ...]] = ("identity", "log", "inverse")

    def variance(self, mu: np.ndarray) -> np.ndarray:
        return np.ones_like(mu)

    def variance_slope(self, mu: np.ndarray) -> np.ndarray:
        return np.zeros_like(mu)

    def unit_deviance(self, y: np.ndarray, mu: np.ndarray) -> np.ndarray:
        out: np.ndarray = (y - mu) ** 2
        return out

    def minus_2_loglik(self, y: np.ndarray, mu: np.ndarray, wt: np.ndarray, deviance: float) -> float:
        n = len(y)
        return n * (float(np.log(2 * np.pi * deviance / n)) + 1) + 2 - float(np.log(wt).sum())

    def simulate(self, mu: np.ndarray, wt: np.ndarray, dispersion: float, rng: np.random.Generator) -> np.ndarray:
        return rng.normal(mu, np.sqrt(dispersion / wt))

    def probability(self, y: np.ndarray, mu: np.ndarray, wt: np.ndarray, dispersion: float) -> np.ndarray:
        from scipy.special import ndtr

        return np.asarray(ndtr((y - mu) / np.sqrt(dispersion / wt)))
