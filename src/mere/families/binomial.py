"""The binomial family: proportions of a number of trials, which is the weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import MereValueError
from .distribution import Family, x_log_ratio

__all__ = ["Binomial"]


@dataclass(frozen=True, init=False, repr=False)
class Binomial(Family):
    """V(mu) = mu (1 - mu)."""

    name: ClassVar[str] = "binomial"
    code: ClassVar[int] = 1
    outcome: ClassVar[str] = "proportion"
    canonical: ClassVar[str] = "logit"
    links: ClassVar[tuple[str, ...]] = ("logit", "probit", "cloglog", "cauchit", "log", "identity")

    def variance(self, mu: np.ndarray) -> np.ndarray:
        return mu * (1 - mu)

    def variance_slope(self, mu: np.ndarray) -> np.ndarray:
        return 1 - 2 * mu

    def unit_deviance(self, y: np.ndarray, mu: np.ndarray) -> np.ndarray:
        return 2 * (x_log_ratio(y, mu) + x_log_ratio(1 - y, 1 - mu))

    def minus_2_loglik(self, y: np.ndarray, mu: np.ndarray, wt: np.ndarray, deviance: float) -> float:
        from scipy.special import gammaln

        inside = (y > 0) & (y < 1)
        m, s, p = wt[inside], (wt * y)[inside], y[inside]
        saturated = gammaln(m + 1) - gammaln(s + 1) - gammaln(m - s + 1) + m * (p * np.log(p) + (1 - p) * np.log1p(-p))
        return deviance - 2 * float(saturated.sum())

    def check(self, y: np.ndarray, name: str) -> None:
        if y.size and not (y.min() >= 0 and y.max() <= 1):
            raise MereValueError(
                f"the response {name} of a {self.name} model must lie between 0 and 1: give proportions with "
                "weights=trials, cbind(successes, failures), a two-level factor or 0 and 1"
            )

    def start(self, y: np.ndarray, wt: np.ndarray) -> np.ndarray:
        return (wt * y + 0.5) / (wt + 1)

    def valid_mu(self, mu: np.ndarray) -> bool:
        return bool(((mu > 0) & (mu < 1)).all())

    def simulate(self, mu: np.ndarray, wt: np.ndarray, dispersion: float, rng: np.random.Generator) -> np.ndarray:
        successes = rng.binomial(np.round(wt).astype(np.int64), mu)
        return np.asarray(successes / np.where(wt > 0, wt, 1.0))

    def probability(self, y: np.ndarray, mu: np.ndarray, wt: np.ndarray, dispersion: float) -> np.ndarray:
        from scipy.special import betainc

        trials = np.round(wt)
        k = np.floor(y * trials + 1e-9)
        inside = betainc(np.maximum(trials - k, 1e-300), np.maximum(k + 1, 1e-300), 1 - mu)
        return np.where(k < 0, 0.0, np.where(k >= trials, 1.0, inside))

    def spacing(self, wt: np.ndarray) -> np.ndarray:
        return 1 / np.maximum(np.round(wt), 1.0)
