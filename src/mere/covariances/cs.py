"""Compound symmetry: any standard deviations, one correlation ρ for every pair of columns.

With R = (1 − ρ) I + ρ 11' the Cholesky factor C of R has constant columns below its diagonal.
If s_j is the sum of squares left of the diagonal in row j (the same for all rows ≥ j),

    C_jj = √(1 − s_j),   C_ij = (ρ − s_j) / C_jj  (i > j),   s_{j+1} = s_j + C_ij²,   s_0 = 0,

and Λ₁ = diag(sd) C. R is positive definite for −1/(k−1) < ρ < 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .us import lower_triangle

__all__ = ["CompoundSymmetry"]


@dataclass(frozen=True)
class CompoundSymmetry:
    """One correlation: ``cs(0 + f | g)``, ``cs(0 + f | g, hom = TRUE)``; par = SDs, then ρ."""

    k: int
    hom: bool = False
    name: ClassVar[str] = "cs"
    options: ClassVar[tuple[str, ...]] = ("hom",)

    @property
    def n_sd(self) -> int:
        return min(1, self.k) if self.hom else self.k

    @property
    def n_par(self) -> int:
        return self.n_sd + (self.k > 1)

    @property
    def entries(self) -> np.ndarray:
        return lower_triangle(self.k)

    @property
    def linear(self) -> np.ndarray | None:
        return np.zeros(self.k, dtype=np.int64) if self.k <= 1 else None

    def start(self) -> np.ndarray:
        return np.concatenate([np.ones(self.n_sd), np.zeros(self.n_par - self.n_sd)])

    def lower(self) -> np.ndarray:
        rho = np.full(self.n_par - self.n_sd, -1.0 / max(1, self.k - 1))
        return np.concatenate([np.zeros(self.n_sd), rho])

    def upper(self) -> np.ndarray:
        return np.concatenate([np.full(self.n_sd, np.inf), np.ones(self.n_par - self.n_sd)])

    def par_names(self, columns: Sequence[str]) -> list[str]:
        return (["sd"] if self.hom else list(columns)) + ["rho"] * (self.k > 1)

    def _sd(self, par: np.ndarray) -> np.ndarray:
        return np.repeat(par[:1], self.k) if self.hom else par[: self.k]

    def _correlation_factor(self, rho: float) -> tuple[np.ndarray, np.ndarray]:
        """The lower triangle of C by columns, and its derivative by ρ."""
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

    def theta(self, par: np.ndarray) -> np.ndarray:
        par = np.asarray(par, dtype=np.float64)
        if self.k <= 1:
            return par.copy()
        return self._sd(par)[self.entries[:, 0]] * self._correlation_factor(par[-1])[0]

    def jacobian(self, par: np.ndarray) -> np.ndarray:
        par = np.asarray(par, dtype=np.float64)
        if self.k <= 1:
            return np.eye(self.k)
        values, slopes = self._correlation_factor(par[-1])
        rows = self.entries[:, 0]
        out = np.zeros((len(rows), self.n_par))
        out[np.arange(len(rows)), 0 if self.hom else rows] = values
        out[:, -1] = self._sd(par)[rows] * slopes
        return out

    def from_factor(self, L: np.ndarray) -> np.ndarray:
        lower = np.tril(np.asarray(L, dtype=np.float64))
        sd = np.sqrt((lower**2).sum(axis=1))
        head = np.sqrt([np.mean(sd**2)]) if self.hom else sd
        if self.k <= 1:
            return head
        unit = lower / np.where(sd > 0, sd, 1.0)[:, None]
        rho = (unit @ unit.T)[np.tril_indices(self.k, -1)].mean()
        return np.append(head, rho)
