"""Compound symmetry: any standard deviations, one correlation ρ for every pair of columns.

With R = (1 − ρ) I + ρ 11' the Cholesky factor C of R has constant columns below its diagonal.
If s_j is the sum of squares left of the diagonal in row j (the same for all rows ≥ j),

    C_jj = √(1 − s_j),   C_ij = (ρ − s_j) / C_jj  (i > j),   s_{j+1} = s_j + C_ij²,   s_0 = 0,

and Λ₁ = diag(sd) C. R is positive definite for −1/(k−1) < ρ < 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .one_correlation import OneCorrelation

__all__ = ["CompoundSymmetry"]


@dataclass(frozen=True)
class CompoundSymmetry(OneCorrelation):
    """One correlation: ``cs(0 + f | g)``, ``cs(0 + f | g, hom = TRUE)``; par = SDs, then ρ."""

    hom: bool = False
    name: ClassVar[str] = "cs"

    def lowest(self) -> float:
        return -1.0 / max(1, self.k - 1)

    def correlation_factor(self, rho: float) -> tuple[np.ndarray, np.ndarray]:
        values, slopes = [], []
        s, ds = 0.0, 0.0
        for j in range(self.k):
            diag = np.sqrt(max(1.0 - s, 0.0))
            ddiag = -ds / (2 * diag) if diag > 0 else 0.0
            below = (rho - s) / diag if diag > 0 else 0.0
            dbelow = ((1 - ds) * diag - (rho - s) * ddiag) / diag**2 if diag > 0 else 0.0
            values += [diag] + [below] * (self.k - j - 1)
            slopes += [ddiag] + [dbelow] * (self.k - j - 1)
            s, ds = s + below**2, ds + 2 * below * dbelow
        return np.array(values), np.array(slopes)

    def correlation(self, rho: float) -> tuple[np.ndarray, np.ndarray]:
        other = 1.0 - np.eye(self.k)
        return np.eye(self.k) + rho * other, other

    def correlation_of(self, R: np.ndarray) -> float:
        return float(R[np.tril_indices(self.k, -1)].mean())
