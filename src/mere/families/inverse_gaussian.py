"""The inverse Gaussian family: positive values, very skewed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import MereValueError
from .distribution import Family

__all__ = ["InverseGaussian"]


@dataclass(frozen=True, init=False, repr=False)
class InverseGaussian(Family):
    """V(mu) = mu^3."""

    name: ClassVar[str] = "inverse.gaussian"
    code: ClassVar[int] = 4
    has_scale: ClassVar[bool] = True
    canonical: ClassVar[str] = "1/mu^2"
    links: ClassVar[tuple[str, ...]] = ("1/mu^2", "inverse", "identity", "log")

    def variance(self, mu: np.ndarray) -> np.ndarray:
        out: np.ndarray = mu**3
        return out

    def variance_slope(self, mu: np.ndarray) -> np.ndarray:
        out: np.ndarray = 3 * mu**2
        return out

    def unit_deviance(self, y: np.ndarray, mu: np.ndarray) -> np.ndarray:
        out: np.ndarray = (y - mu) ** 2 / (y * mu**2)
        return out

    def minus_2_loglik(self, y: np.ndarray, mu: np.ndarray, wt: np.ndarray, deviance: float) -> float:
        total = float(wt.sum())
        return total * (float(np.log(2 * np.pi * deviance / total)) + 1) + 3 * float((wt * np.log(y)).sum()) + 2

    def check(self, y: np.ndarray, name: str) -> None:
        if (y <= 0).any():
            raise MereValueError(f"the response {name} of an inverse Gaussian model must be positive")

    def valid_mu(self, mu: np.ndarray) -> bool:
        return bool(np.isfinite(mu).all() and (mu > 0).all())

    def simulate(self, mu: np.ndarray, wt: np.ndarray, dispersion: float, rng: np.random.Generator) -> np.ndarray:
        return rng.wald(mu, wt / dispersion)

    def probability(self, y: np.ndarray, mu: np.ndarray, wt: np.ndarray, dispersion: float) -> np.ndarray:
        from scipy.special import log_ndtr, ndtr

        shape, at = wt / dispersion, np.maximum(y, 1e-300)
        root, share = np.sqrt(shape / at), at / mu
        return np.asarray(ndtr(root * (share - 1)) + np.exp(2 * shape / mu + log_ndtr(-root * (share + 1))))
