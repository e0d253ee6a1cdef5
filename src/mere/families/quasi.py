"""The quasi family: any link with one of five variance functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import MereValueError
from ..links import Link
from .binomial import Binomial
from .distribution import Family
from .gamma import Gamma
from .gaussian import Gaussian
from .inverse_gaussian import InverseGaussian
from .poisson import Poisson
from .quasi_likelihood import QuasiLikelihood

__all__ = ["Quasi"]

#: Families with these variances; variance and deviance are theirs.
_ALIKE: dict[str, Family] = {
    "constant": Gaussian(),
    "mu(1-mu)": Binomial(),
    "mu": Poisson(),
    "mu^2": Gamma(),
    "mu^3": InverseGaussian(),
}


@dataclass(frozen=True, init=False, repr=False)
class Quasi(QuasiLikelihood):
    """A variance function of the mean, times a dispersion.

    Parameters
    ----------
    link : Link or str
        Any link; default ``"identity"``.
    variance : {"constant", "mu(1-mu)", "mu", "mu^2", "mu^3"}
    """

    function: str = "constant"
    name: ClassVar[str] = "quasi"
    canonical: ClassVar[str] = "identity"
    links: ClassVar[tuple[str, ...]] = (
        "identity", "logit", "probit", "cloglog", "cauchit", "log", "inverse", "sqrt", "1/mu^2",
    )  # fmt: skip

    def __init__(self, link: Link | str | None = None, variance: str = "constant"):
        super().__init__(link)
        wanted = variance.replace(" ", "") if isinstance(variance, str) else variance
        if not isinstance(wanted, str) or wanted not in _ALIKE:
            raise MereValueError(f"variance must be one of {', '.join(map(repr, _ALIKE))}, not {variance!r}")
        object.__setattr__(self, "function", wanted)

    @property
    def alike(self) -> Family:
        """A family with the same variance function."""
        return _ALIKE[self.function]

    @property
    def edges(self) -> str:
        return self.alike.outcome

    def variance(self, mu: np.ndarray) -> np.ndarray:
        return self.alike.variance(mu)

    def variance_slope(self, mu: np.ndarray) -> np.ndarray:
        return self.alike.variance_slope(mu)

    def unit_deviance(self, y: np.ndarray, mu: np.ndarray) -> np.ndarray:
        if self.function == "mu^2":
            return np.maximum(self._without_logs_of_zero(y, mu), 0.0)
        return self.alike.unit_deviance(y, mu)

    def descent(self, y: np.ndarray, mu: np.ndarray, wt: np.ndarray, deviance: float) -> float:
        if self.function == "mu^2":  # what R cuts off at zero has a slope, too
            return float((wt * self._without_logs_of_zero(y, mu)).sum())
        return deviance

    def _without_logs_of_zero(self, y: np.ndarray, mu: np.ndarray) -> np.ndarray:
        """The deviance of zeros without log(y), which is infinite and constant."""
        out: np.ndarray = -2 * (np.log(np.where(y == 0, 1.0, y) / mu) - (y - mu) / mu)
        return out

    def check(self, y: np.ndarray, name: str) -> None:
        what = f"the response {name} of a quasi model with variance={self.function!r}"
        if self.function == "mu(1-mu)" and y.size and not (y.min() >= 0 and y.max() <= 1):
            raise MereValueError(f"{what} must lie between 0 and 1; 'quasibinomial' also takes successes and failures")
        if self.function in ("mu", "mu^2") and (y < 0).any():
            raise MereValueError(f"{what} must not be negative")
        if self.function in ("mu", "mu^2") and y.size and not y.any():
            raise MereValueError(f"{what} is 0 in all rows: there is no mean to estimate")
        if self.function == "mu^3" and (y <= 0).any():
            raise MereValueError(f"{what} must be positive")

    def start(self, y: np.ndarray, wt: np.ndarray) -> np.ndarray:
        if self.function == "constant":
            return y
        if self.function == "mu(1-mu)":
            return np.clip(y, 0.001, 0.999)
        return np.where(y == 0, 0.1, y)

    def valid_mu(self, mu: np.ndarray) -> bool:
        return self.alike.valid_mu(mu)
