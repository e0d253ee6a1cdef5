"""The Poisson family: counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import MereValueError
from .distribution import Family, x_log_ratio

__all__ = ["Poisson"]


@dataclass(frozen=True, init=False, repr=False)
class Poisson(Family):
    """V(mu) = mu."""

    name: ClassVar[str] = "poisson"
    code: ClassVar[int] = 2
    outcome: ClassVar[str] = "count"
    canonical: ClassVar[str] = "log"
    links: ClassVar[tuple[str, ...]] = ("log", "identity", "sqrt")

    def variance(self, mu: np.ndarray) -> np.ndarray:
        return mu

    def variance_slope(self, mu: np.ndarray) -> np.ndarray:
        return np.ones_like(mu)

    def unit_deviance(self, y: np.ndarray, mu: np.ndarray) -> np.ndarray:
        return 2 * (x_log_ratio(y, mu) - (y - mu))

    def minus_2_loglik(self, y: np.ndarray, mu: np.ndarray, wt: np.ndarray, deviance: float) -> float:
        from scipy.special import gammaln

        saturated = np.where(y > 0, y * np.log(np.where(y > 0, y, 1.0)) - y, 0.0) - gammaln(y + 1)
        return deviance - 2 * float((wt * saturated).sum())

    def check(self, y: np.ndarray, name: str) -> None:
        if (y < 0).any():
            raise MereValueError(f"the response {name} of a {self.name} model must not be negative")

    def start(self, y: np.ndarray, wt: np.ndarray) -> np.ndarray:
        return y + 0.1

    def valid_mu(self, mu: np.ndarray) -> bool:
        return bool(np.isfinite(mu).all() and (mu > 0).all())

    def simulate(self, mu: np.ndarray, wt: np.ndarray, dispersion: float, rng: np.random.Generator) -> np.ndarray:
        return rng.poisson(mu).astype(np.float64)

    def probability(self, y: np.ndarray, mu: np.ndarray, wt: np.ndarray, dispersion: float) -> np.ndarray:
        from scipy.special import gammaincc

        k = np.floor(y + 1e-9)
        return np.where(k < 0, 0.0, gammaincc(np.maximum(k + 1, 1.0), mu))

    def spacing(self, wt: np.ndarray) -> np.ndarray:
        return np.ones(len(wt))
