"""The cloglog link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .link import Link

__all__ = ["CLogLog"]

EPS = float(np.finfo(float).eps)  # R keeps means and slopes this far from their limits


@dataclass(frozen=True)
class CLogLog(Link):
    """eta is log(-log(1 - mu))."""

    name: ClassVar[str] = "cloglog"
    code: ClassVar[int] = 3

    def link(self, mu: np.ndarray) -> np.ndarray:
        out: np.ndarray = np.log(-np.log1p(-mu))
        return out

    def inverse(self, eta: np.ndarray) -> np.ndarray:
        return np.clip(-np.expm1(-np.exp(np.minimum(eta, 700.0))), EPS, 1 - EPS)

    def derivative(self, eta: np.ndarray) -> np.ndarray:
        eta = np.minimum(eta, 700.0)
        out: np.ndarray = np.maximum(np.exp(eta - np.exp(eta)), EPS)
        return out

    def second(self, eta: np.ndarray) -> np.ndarray:
        eta = np.minimum(eta, 700.0)
        out: np.ndarray = np.exp(eta - np.exp(eta)) * -np.expm1(eta)
        return out if np.isfinite(out).all() else np.nan_to_num(out)
