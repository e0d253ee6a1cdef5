"""Unstructured: par = theta = the lower triangle of Λ₁ by columns, diagonal ≥ 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

__all__ = ["Unstructured", "lower_triangle"]


@lru_cache(maxsize=64)
def lower_triangle(k: int) -> np.ndarray:
    """The (row, column) pairs of a k × k lower triangle by columns; read-only."""
    pairs = np.array([(i, j) for j in range(k) for i in range(j, k)], dtype=np.int64).reshape(-1, 2)
    pairs.flags.writeable = False
    return pairs


@dataclass(frozen=True)
class Unstructured:
    """Any covariance matrix; lme4's default and ``us(x | g)``."""

    k: int
    name: ClassVar[str] = "us"
    options: ClassVar[tuple[str, ...]] = ()

    @property
    def n_par(self) -> int:
        return self.k * (self.k + 1) // 2

    @property
    def entries(self) -> np.ndarray:
        return lower_triangle(self.k)

    @property
    def linear(self) -> np.ndarray:
        return np.arange(self.n_par)

    def start(self) -> np.ndarray:
        return (self.entries[:, 0] == self.entries[:, 1]).astype(np.float64)

    def lower(self) -> np.ndarray:
        return np.where(self.start() == 1.0, 0.0, -np.inf)

    def upper(self) -> np.ndarray:
        return np.full(self.n_par, np.inf)

    def par_names(self, columns: Sequence[str]) -> list[str]:
        return [columns[i] if i == j else f"{columns[i]}.{columns[j]}" for i, j in self.entries]

    def theta(self, par: np.ndarray) -> np.ndarray:
        return np.array(par, dtype=np.float64)

    def jacobian(self, par: np.ndarray) -> np.ndarray:
        return np.eye(self.n_par)

    def from_factor(self, L: np.ndarray) -> np.ndarray:
        return np.asarray(L, dtype=np.float64)[self.entries[:, 0], self.entries[:, 1]]
