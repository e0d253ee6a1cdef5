"""The sqrt link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .link import Link

__all__ = ["Sqrt"]


@dataclass(frozen=True)
class Sqrt(Link):
    """eta is the square root of mu."""

    name: ClassVar[str] = "sqrt"
    code: ClassVar[int] = 7

    def link(self, mu: np.ndarray) -> np.ndarray:
        out: np.ndarray = np.sqrt(mu)
        return out

    def inverse(self, eta: np.ndarray) -> np.ndarray:
        out: np.ndarray = eta**2
        return out

    def derivative(self, eta: np.ndarray) -> np.ndarray:
        return 2 * eta

    def second(self, eta: np.ndarray) -> np.ndarray:
        return np.full_like(eta, 2.0)

    def valid(self, eta: np.ndarray) -> bool:
        return bool(np.isfinite(eta).all() and (eta > 0).all())
