"""Terms with standard deviations and one correlation ρ: what compound symmetry and autoregression share.

Λ₁ = diag(sd) C(ρ) with C the Cholesky factor of a correlation matrix that has one parameter. A structure says what
C is, and how to read ρ off a correlation matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .us import lower_triangle

__all__ = ["OneCorrelation"]


@dataclass(frozen=True)
class OneCorrelation:
    """Parameters are the standard deviations (one where ``hom``), then ρ."""

    k: int
    hom: bool
    name: ClassVar[str]
    options: ClassVar[tuple[str, ...]] = ("hom",)

    def correlation_factor(self, rho: float) -> tuple[np.ndarray, np.ndarray]:
        """The lower triangle of C by columns, and its derivative by ρ."""
        raise NotImplementedError

    def correlation(self, rho: float) -> tuple[np.ndarray, np.ndarray]:
        """The correlation matrix (k, k), and its derivative by ρ."""
        raise NotImplementedError

    def correlation_of(self, R: np.ndarray) -> float:
        """ρ of a correlation matrix."""
        raise NotImplementedError

    def lowest(self) -> float:
        """The bound of ρ from below."""
        return -1.0

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
        return np.concatenate([np.zeros(self.n_sd), np.full(self.n_par - self.n_sd, self.lowest())])

    def upper(self) -> np.ndarray:
        return np.concatenate([np.full(self.n_sd, np.inf), np.ones(self.n_par - self.n_sd)])

    def par_names(self, columns: Sequence[str]) -> list[str]:
        return (["sd"] if self.hom else list(columns)) + ["rho"] * (self.k > 1)

    def _sd(self, par: np.ndarray) -> np.ndarray:
        return np.repeat(par[:1], self.k) if self.hom else par[: self.k]

    def theta(self, par: np.ndarray) -> np.ndarray:
        par = np.asarray(par, dtype=np.float64)
        if self.k <= 1:
            return par.copy()
        return self._sd(par)[self.entries[:, 0]] * self.correlation_factor(float(par[-1]))[0]

    def jacobian(self, par: np.ndarray) -> np.ndarray:
        par = np.asarray(par, dtype=np.float64)
        if self.k <= 1:
            return np.eye(self.k)
        values, slopes = self.correlation_factor(float(par[-1]))
        rows = self.entries[:, 0]
        out = np.zeros((len(rows), self.n_par))
        out[np.arange(len(rows)), 0 if self.hom else rows] = values
        out[:, -1] = self._sd(par)[rows] * slopes
        return out

    def covariance_slopes(self, par: np.ndarray) -> np.ndarray:
        """d (Λ₁ Λ₁') / d par, (n_par, k, k): finite where the derivative of Λ₁ is not, at |ρ| = 1."""
        par = np.asarray(par, dtype=np.float64)
        sd = self._sd(par)
        R, dR = self.correlation(float(par[-1]))
        out = np.zeros((self.n_par, self.k, self.k))
        for i in range(self.k):
            block = out[0 if self.hom else i]
            block[i] += R[i] * sd
            block[:, i] += R[i] * sd
        out[-1] = np.outer(sd, sd) * dR
        return out

    def from_factor(self, L: np.ndarray) -> np.ndarray:
        lower = np.tril(np.asarray(L, dtype=np.float64))
        sd = np.sqrt((lower**2).sum(axis=1))
        head = np.sqrt([np.mean(sd**2)]) if self.hom else sd
        if self.k <= 1:
            return head
        unit = lower / np.where(sd > 0, sd, 1.0)[:, None]
        return np.append(head, self.correlation_of(unit @ unit.T))
