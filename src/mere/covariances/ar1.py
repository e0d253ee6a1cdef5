"""First-order autoregression over the order of the columns: corr(i, j) = ρ^|i−j|.

The Cholesky factor C of the correlation matrix is C_i0 = ρ^i, C_ij = ρ^(i−j) √(1 − ρ²) for j ≥ 1,
and Λ₁ = diag(sd) C with one standard deviation in common unless ``hom = FALSE``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .one_correlation import OneCorrelation

__all__ = ["AR1"]


@dataclass(frozen=True)
class AR1(OneCorrelation):
    """Autoregression: ``ar1(0 + f | g)``, ``ar1(0 + f | g, hom = FALSE)``; par = SDs, then ρ."""

    hom: bool = True
    name: ClassVar[str] = "ar1"

    def correlation_factor(self, rho: float) -> tuple[np.ndarray, np.ndarray]:
        i, j = self.entries.T
        lag = i - j
        rest = np.sqrt(max(1.0 - rho * rho, 0.0))
        scale = np.where(j == 0, 1.0, rest)
        dscale = np.where(j == 0, 0.0, -rho / rest if rest > 0 else 0.0)
        power = rho**lag
        dpower = lag * rho ** np.maximum(lag - 1, 0)
        return power * scale, dpower * scale + power * dscale

    def correlation(self, rho: float) -> tuple[np.ndarray, np.ndarray]:
        lag = np.abs(np.subtract.outer(np.arange(self.k), np.arange(self.k)))
        return rho**lag, lag * rho ** np.maximum(lag - 1, 0)

    def correlation_of(self, R: np.ndarray) -> float:
        return float(np.diagonal(R, -1).mean())
