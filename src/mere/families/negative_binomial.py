"""The negative binomial family: counts that vary more than Poisson's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..arguments import number_of
from ..errors import MereValueError
from .distribution import Family, x_log_ratio

__all__ = ["NegativeBinomial"]


@dataclass(frozen=True, init=False, repr=False)
class NegativeBinomial(Family):
    """V(mu) = mu + mu^2 / theta.

    Attributes
    ----------
    theta : float
        Size; the Poisson distribution is the limit of infinity.
    """

    theta: float = 1.0
    name: ClassVar[str] = "Negative Binomial"
    code: ClassVar[int] = 5
    outcome: ClassVar[str] = "count"
    canonical: ClassVar[str] = "log"
    links: ClassVar[tuple[str, ...]] = ("log", "identity", "sqrt")

    def __init__(self, theta: float = 1.0, link: Any = None):
        if not number_of(theta, "theta") > 0:
            raise MereValueError(f"theta of the negative binomial family must be positive, not {theta!r}")
        object.__setattr__(self, "theta", float(theta))
        super().__init__(link)

    @property
    def label(self) -> str:
        shown = f"{self.theta:.4f}".rstrip("0").rstrip(".")
        return f"{self.name}({shown})"

    def variance(self, mu: np.ndarray) -> np.ndarray:
        return mu + mu**2 / self.theta

    def variance_slope(self, mu: np.ndarray) -> np.ndarray:
        return 1 + 2 * mu / self.theta

    def unit_deviance(self, y: np.ndarray, mu: np.ndarray) -> np.ndarray:
        t = self.theta
        return 2 * (x_log_ratio(y, mu) - (y + t) * np.log1p((y - mu) / (mu + t)))

    def minus_2_loglik(self, y: np.ndarray, mu: np.ndarray, wt: np.ndarray, deviance: float) -> float:
        from scipy.special import betaln, gammaln

        t = self.theta
        some = np.where(y > 0, y, 1.0)
        if t < 1e8:  # gamma(y + t) / (gamma(t) y!) without the difference of two large logarithms
            count = np.where(y > 0, -betaln(some, t) - np.log(some), 0.0)
            density = count - t * np.log1p(mu / t) + y * np.log(np.where(y > 0, mu / (mu + t), 1.0))
        else:  # Poisson to 1e-8
            density = y * np.log(mu) - mu - gammaln(y + 1)
        return -2 * float((wt * density).sum())

    def check(self, y: np.ndarray, name: str) -> None:
        if (y < 0).any():
            raise MereValueError(f"the response {name} of a negative binomial model must not be negative")

    def start(self, y: np.ndarray, wt: np.ndarray) -> np.ndarray:
        return y + (y == 0) / 6

    def valid_mu(self, mu: np.ndarray) -> bool:
        return bool(np.isfinite(mu).all() and (mu > 0).all())

    def simulate(self, mu: np.ndarray, wt: np.ndarray, dispersion: float, rng: np.random.Generator) -> np.ndarray:
        return rng.negative_binomial(self.theta, self.theta / (mu + self.theta)).astype(np.float64)

    def probability(self, y: np.ndarray, mu: np.ndarray, wt: np.ndarray, dispersion: float) -> np.ndarray:
        from scipy.special import betainc

        k = np.floor(y + 1e-9)
        inside = betainc(self.theta, np.maximum(k + 1, 1.0), self.theta / (mu + self.theta))
        return np.where(k < 0, 0.0, inside)

    def spacing(self, wt: np.ndarray) -> np.ndarray:
        return np.ones(len(wt))
