"""What a link is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

__all__ = ["Link"]


@dataclass(frozen=True)
class Link:
    """A link function g, eta = g(mu), of a generalized linear model.

    A link of your own is a subclass with `name`, `link`, `inverse` and `derivative`, all on arrays.

    Attributes
    ----------
    name : str
        R's name.
    code : int
        Which kernel computes it; -1 = none, NumPy does.
    """

    name: ClassVar[str] = ""
    code: ClassVar[int] = -1

    def link(self, mu: np.ndarray) -> np.ndarray:
        """Eta at mu."""
        raise NotImplementedError

    def inverse(self, eta: np.ndarray) -> np.ndarray:
        """Mu at eta."""
        raise NotImplementedError

    def derivative(self, eta: np.ndarray) -> np.ndarray:
        """dmu/deta."""
        raise NotImplementedError

    def second(self, eta: np.ndarray) -> np.ndarray:
        """d2mu/deta2; central differences of the derivative unless a subclass knows better."""
        h = 1e-5 * np.maximum(np.abs(eta), 1.0)
        out: np.ndarray = (self.derivative(eta + h) - self.derivative(eta - h)) / (2 * h)
        return out

    def valid(self, eta: np.ndarray) -> bool:
        """Can the linear predictor take these values?"""
        return bool(np.isfinite(eta).all())
