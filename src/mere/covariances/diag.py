"""Diagonal: par = the standard deviations (one in common if ``hom``), theta = the diagonal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

__all__ = ["Diagonal"]


@dataclass(frozen=True)
class Diagonal:
    """Independent columns: ``diag(x | g)``, ``diag(x | g, hom = TRUE)``."""

    k: int
    hom: bool = False
    name: ClassVar[str] = "diag"
    options: ClassVar[tuple[str, ...]] = ("hom",)

    @property
    def n_par(self) -> int:
        return min(1, self.k) if self.hom else self.k

    @property
    def entries(self) -> np.ndarray:
        return np.repeat(np.arange(self.k)[:, None], 2, axis=1)

    @property
    def linear(self) -> np.ndarray:
        return np.zeros(self.k, dtype=np.int64) if self.hom else np.arange(self.k)

    def start(self) -> np.ndarray:
        return np.ones(self.n_par)

    def lower(self) -> np.ndarray:
        return np.zeros(self.n_par)

    def upper(self) -> np.ndarray:
        return np.full(self.n_par, np.inf)

    def par_names(self, columns: Sequence[str]) -> list[str]:
        return ["sd"] if self.hom else list(columns)

    def theta(self, par: np.ndarray) -> np.ndarray:
        return np.asarray(par, dtype=np.float64)[self.linear]

    def jacobian(self, par: np.ndarray) -> np.ndarray:
        return np.eye(self.n_par)[self.linear]

    def from_factor(self, L: np.ndarray) -> np.ndarray:
        sd = np.sqrt((np.tril(L) ** 2).sum(axis=1))
        return np.sqrt([np.mean(sd**2)]) if self.hom else sd
