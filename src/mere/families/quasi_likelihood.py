"""Families without a likelihood: a mean and a variance up to a dispersion, and nothing else."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .distribution import Family

__all__ = ["QuasiLikelihood"]


class QuasiLikelihood(Family):
    """Var(y) = phi V(mu) / w, phi estimated by Pearson's chi-squared over the residual degrees of freedom.

    Reference: Wedderburn (1974), Quasi-likelihood functions, generalized linear models, and the Gauss-Newton method,
    Biometrika 61, 439-447.
    """

    has_scale: ClassVar[bool] = True
    has_likelihood: ClassVar[bool] = False

    def simulate(self, mu: np.ndarray, wt: np.ndarray, dispersion: float, rng: np.random.Generator) -> np.ndarray:
        raise self.no_likelihood("simulate()")

    def probability(self, y: np.ndarray, mu: np.ndarray, wt: np.ndarray, dispersion: float) -> np.ndarray:
        raise self.no_likelihood("a distribution function")

    def spacing(self, wt: np.ndarray) -> np.ndarray:
        return np.zeros(len(wt))
