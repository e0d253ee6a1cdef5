"""The quasi-Poisson family: counts, or rates, whose variance is a multiple of the mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .poisson import Poisson
from .quasi_likelihood import QuasiLikelihood

__all__ = ["QuasiPoisson"]


@dataclass(frozen=True, init=False, repr=False)
class QuasiPoisson(QuasiLikelihood, Poisson):
    """V(mu) = mu, with a dispersion."""

    name: ClassVar[str] = "quasipoisson"
    likely: ClassVar[str] = "'poisson' or negative_binomial(theta)"
