"""The quasi-binomial family: proportions whose variance is a multiple of the binomial one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .binomial import Binomial
from .quasi_likelihood import QuasiLikelihood

__all__ = ["QuasiBinomial"]


@dataclass(frozen=True, init=False, repr=False)
class QuasiBinomial(QuasiLikelihood, Binomial):
    """V(mu) = mu (1 - mu), with a dispersion."""

    name: ClassVar[str] = "quasibinomial"
    likely: ClassVar[str] = "'binomial', in glmer() with an effect for each row"
