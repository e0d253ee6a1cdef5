"""First-order autoregression over the order of the columns: corr(i, j) = ρ^|i−j|.

The Cholesky factor C of the correlation matrix is C_i0 = ρ^i, C_ij = ρ^(i−j) √(1 − ρ²) for j ≥ 1,
and Λ₁ = diag(sd) C with one standard deviation in common unless ``hom = FALSE``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .us import lower_triangle

__all__ = ["AR1"]


@dataclass(frozen=True)
class AR1:
    """Autoregression: ``ar1(0 + f | g)``, ``ar1(0 + f | g, hom = FALSE)``; par = SDs, then ρ."""

    k: int
    hom: bool = True
    name: ClassVar[str] = "ar1"
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
        return np.concatenate([np.zeros(self.n_sd), np.full(self.n_par - self.n_sd, -1.0)])

    def upper(self) -> np.ndarray:
        return np.concatenate([np.full(self.n_sd, np.inf), np.ones(self.n_par - self.n_sd)])

    def par_names(self, columns: Sequence[str]) -> list[str]:
        return (["sd"] if self.hom else list(columns)) + ["rho"] * (self.k > 1)

    def _sd(self, par: np.ndarray) -> np.ndarray:
        return np.repeat(par[:1], self.k) if self.hom else par[: self.k]

    def _correlation_factor(self, rho: float) -> tuple[np.ndarray, np.ndarray]:
        """The lower triangle of C by columns, and its derivative by ρ."""
        i, j = self.entries.T
        lag = i - j
        rest = np.sqrt(max(1.0 - rho * rho, 0.0))
        scale = np.where(j == 0, 1.0, rest)
        dscale = np.where(j == 0, 0.0, -rho / rest if rest > 0 else 0.0)
        power = rho**lag
        dpower = lag * rho ** np.maximum(lag - 1, 0)
        return power * scale, dpower * scale + power * dscale

    def theta(self, par: np.ndarray) -> np.ndarray:
        par = np.asarray(par, dtype=np.float64)
        if self.k <= 1:
            return par.copy()
        return self._sd(par)[self.entries[:, 0]] * self._correlation_factor(float(par[-1]))[0]

    def jacobian(self, par: np.ndarray) -> np.ndarray:
        par = np.asarray(par, dtype=np.float64)
        if self.k <= 1:
            return np.eye(self.k)
        values, slopes = self._correlation_factor(float(par[-1]))
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
        return np.append(head, np.diagonal(unit @ unit.T, -1).mean())
