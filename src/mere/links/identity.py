"""The identity link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .link import Link

__all__ = ["Identity"]


@dataclass(frozen=True)
class Identity(Link):
    """eta is mu."""

    name: ClassVar[str] = "identity"
    code: ClassVar[int] = 0

    def link(self, mu: np.ndarray) -> np.ndarray:
        return mu

    def inverse(self, eta: np.ndarray) -> np.ndarray:
        return eta

    def derivative(self, eta: np.ndarray) -> np.ndarray:
        return np.ones_like(eta)

    def second(self, eta: np.ndarray) -> np.ndarray:
        return np.zeros_like(eta)
