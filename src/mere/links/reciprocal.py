"""The inverse link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .link import Link

__all__ = ["Inverse"]


@dataclass(frozen=True)
class Inverse(Link):
    """eta is 1 / mu."""

    name: ClassVar[str] = "inverse"
    code: ClassVar[int] = 6

    def link(self, mu: np.ndarray) -> np.ndarray:
        return 1 / mu

    def inverse(self, eta: np.ndarray) -> np.ndarray:
        return 1 / eta

    def derivative(self, eta: np.ndarray) -> np.ndarray:
        out: np.ndarray = -1 / eta**2
        return out

    def second(self, eta: np.ndarray) -> np.ndarray:
        out: np.ndarray = 2 / eta**3
        return out

    def valid(self, eta: np.ndarray) -> bool:
        return bool(np.isfinite(eta).all() and (eta != 0).all())
