"""The 1/mu^2 link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .link import Link

__all__ = ["InverseSquare"]


@dataclass(frozen=True)
class InverseSquare(Link):
    """eta is 1 / mu^2."""

    name: ClassVar[str] = "1/mu^2"
    code: ClassVar[int] = 8

    def link(self, mu: np.ndarray) -> np.ndarray:
        out: np.ndarray = 1 / mu**2
        return out

    def inverse(self, eta: np.ndarray) -> np.ndarray:
        out: np.ndarray = 1 / np.sqrt(eta)
        return out

    def derivative(self, eta: np.ndarray) -> np.ndarray:
        out: np.ndarray = -0.5 * eta**-1.5
        return out

    def second(self, eta: np.ndarray) -> np.ndarray:
        out: np.ndarray = 0.75 * eta**-2.5
        return out

    def valid(self, eta: np.ndarray) -> bool:
        return bool(np.isfinite(eta).all() and (eta > 0).all())
