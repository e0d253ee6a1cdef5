"""The log link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .link import Link

__all__ = ["Log"]

EPS = float(np.finfo(float).eps)  # R keeps means and slopes this far from their limits


@dataclass(frozen=True)
class Log(Link):
    """eta is log(mu)."""

    name: ClassVar[str] = "log"
    code: ClassVar[int] = 5

    def link(self, mu: np.ndarray) -> np.ndarray:
        out: np.ndarray = np.log(mu)
        return out

    def inverse(self, eta: np.ndarray) -> np.ndarray:
        out: np.ndarray = np.maximum(np.exp(np.minimum(eta, 700.0)), EPS)
        return out

    def derivative(self, eta: np.ndarray) -> np.ndarray:
        return self.inverse(eta)

    def second(self, eta: np.ndarray) -> np.ndarray:
        return self.inverse(eta)
