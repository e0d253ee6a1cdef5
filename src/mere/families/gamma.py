"""The Gamma family: positive values with a constant coefficient of variation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import MereValueError
from .distribution import Family

__all__ = ["Gamma"]


@dataclass(frozen=True, init=False, repr=False)
class Gamma(Family):
    """V(mu) = mu^2."""

    name: ClassVar[str] = "Gamma"
    code: ClassVar[int] = 3
    has_scale: ClassVar[bool] = True
    canonical: ClassVar[str] = "inverse"
    links: ClassVar[tuple[str, ...]] = ("inverse", "identity", "log")

    def variance(self, mu: np.ndarray) -> np.ndarray:
        out: np.ndarray = mu**2
        return out

    def variance_slope(self, mu: np.ndarray) -> np.ndarray:
        return 2 * mu

    def unit_deviance(self, y: np.ndarray, mu: np.ndarray) -> np.ndarray:
        return -2 * (np.log(y / mu) - (y - mu) / mu)

    def minus_2_loglik(self, y: np.ndarray, mu: np.ndarray, wt: np.ndarray, deviance: float) -> float:
        from scipy.special import gammaln

        phi = deviance / wt.sum()
        a = 1 / phi
        density = (a - 1) * np.log(y) - y / (mu * phi) - a * np.log(mu * phi) - gammaln(a)
        return -2 * float((wt * density).sum()) + 2

    def check(self, y: np.ndarray, name: str) -> None:
        if (y <= 0).any():
            raise MereValueError(f"the response {name} of a {self.name} model must be positive")

    def valid_mu(self, mu: np.ndarray) -> bool:
        return bool(np.isfinite(mu).all() and (mu > 0).all())

    def simulate(self, mu: np.ndarray, wt: np.ndarray, dispersion: float, rng: np.random.Generator) -> np.ndarray:
        shape = wt / dispersion
        return rng.gamma(shape, mu / shape)

    def probability(self, y: np.ndarray, mu: np.ndarray, wt: np.ndarray, dispersion: float) -> np.ndarray:
        from scipy.special import gammainc

        shape = wt / dispersion
        return np.asarray(gammainc(shape, np.maximum(y, 0.0) * shape / mu))
