"""The logit link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .link import Link

__all__ = ["Logit"]

EPS = float(np.finfo(float).eps)  # R keeps means and slopes this far from their limits


@dataclass(frozen=True)
class Logit(Link):
    """eta is log(mu / (1 - mu))."""

    name: ClassVar[str] = "logit"
    code: ClassVar[int] = 1

    def link(self, mu: np.ndarray) -> np.ndarray:
        out: np.ndarray = np.log(mu) - np.log1p(-mu)
        return out

    def inverse(self, eta: np.ndarray) -> np.ndarray:
        t = np.exp(-np.abs(eta))
        return np.clip(np.where(eta < 0, t, 1.0) / (1 + t), EPS, 1 - EPS)

    def derivative(self, eta: np.ndarray) -> np.ndarray:
        t = np.exp(-np.abs(eta))
        out: np.ndarray = np.maximum(t / (1 + t) ** 2, EPS)
        return out

    def second(self, eta: np.ndarray) -> np.ndarray:
        t = np.exp(-np.abs(eta))
        out: np.ndarray = -np.sign(eta) * t * (1 - t) / (1 + t) ** 3
        return out
