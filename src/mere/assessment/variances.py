"""The variance of the linear predictor of a mixed model taken apart, and the intraclass correlation.

References: Nakagawa, Johnson and Schielzeth (2017), J. R. Soc. Interface 14, 20170213; Johnson (2014), Methods
Ecol. Evol. 5, 944-946.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .. import generics as g
from ..accessors.blocks import relative_factors, term_matrix, unique_names
from ..design import intercept_only
from ..errors import MereValueError, MereWarning
from ..families import Family
from ..generalized import GLMM
from ..generalized_fitting import fit_glmm
from ..inference.crossvalidation.refits import integrated_mean, random_variance
from ..model import LMM

__all__ = ["Parts", "distribution_variance", "variance_parts"]

_LATENT = {"logit": math.pi**2 / 3, "probit": 1.0, "cloglog": math.pi**2 / 6}
_AT = ("mean", "median")
_APPROXIMATIONS = ("lognormal", "delta", "trigamma")


@dataclass(frozen=True)
class Parts:
    """Variances on the scale of the linear predictor.

    Attributes
    ----------
    fixed, random, distribution, dispersion : float
        Dispersion: of random effects of single rows.
    intercepts : dict of str to float
        Of each random intercept, by its grouping factor.
    """

    fixed: float
    random: float
    distribution: float
    dispersion: float
    intercepts: dict[str, float]

    @property
    def residual(self) -> float:
        """What the random effects of groups do not explain."""
        return self.distribution + self.dispersion

    @property
    def total(self) -> float:
        """All of it."""
        return self.fixed + self.random + self.residual


# -- numbers -------------------------------------------------------------------
def distribution_variance(family: Family, dispersion: float, mean: float, approximation: str = "lognormal") -> float:
    """What a family adds to the variance on the scale of its link.

    Parameters
    ----------
    family : Family
    dispersion : float
        phi; 1 where there is none.
    mean : float
        lambda.
    approximation : {"lognormal", "delta", "trigamma"}
        With a log link log(1 + c), c or psi'(1/c), c = phi V(lambda) / lambda^2.

    Examples
    --------
    >>> from mere.families import poisson
    >>> round(distribution_variance(poisson(), 1.0, 2.0), 4)  # log(1 + 1/2)
    0.4055
    """
    link = family.link.name
    if family.name == "binomial" and link in _LATENT and approximation != "delta":
        return _LATENT[link]
    mu = np.array([mean])
    variance = dispersion * float(np.asarray(family.variance(mu))[0])
    if link != "log" or approximation == "delta":
        eta = np.asarray(family.link.link(mu))
        return variance / float(np.asarray(family.link.derivative(eta))[0]) ** 2
    c = variance / mean**2
    if approximation == "lognormal":
        return math.log1p(c)
    from scipy.special import polygamma

    return float(polygamma(1, 1 / c))


def _mean_square(values: np.ndarray, T: np.ndarray) -> float:
    """The mean over the rows of z' TT' z."""
    return float(np.sum((values @ T) ** 2) / len(values))


# -- of models -----------------------------------------------------------------
def null_mean(m: GLMM, at: str) -> float:
    """The mean response under the null model, over the rows' offsets; its median in the groups with ``at="median"``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MereWarning)  # the null model may be singular: its mean is wanted
        null = intercept_only(m.design)
        fit = fit_glmm(null, m.model_family, m.nAGQ, m.control, joint_theta=m.optinfo.joint_theta)
    eta = np.full(null.n, fit.state.beta[0])
    if null.offset is not None:
        eta = eta + np.asarray(null.offset)
    spread = random_variance(null, fit.state.theta) if at == "mean" else np.zeros(null.n)
    return float(integrated_mean(m.model_family, eta, spread).mean())


def _of_distribution(m: LMM | GLMM, at: str, approximation: str) -> float:
    if isinstance(m, LMM):
        return m.sigma**2
    family = m.model_family
    known = family.name == "binomial" and family.link.name in _LATENT and approximation != "delta"
    mean = 0.5 if known else null_mean(m, at)
    return distribution_variance(family, m.sigma**2, mean, approximation)


def variance_parts(m: LMM | GLMM, at: str = "mean", approximation: str = "lognormal") -> Parts:
    """The variances of a mixed model; see `mere.get_variance`."""
    if at not in _AT:
        raise MereValueError(f"at must be 'mean' or 'median', not {at!r}")
    if approximation not in _APPROXIMATIONS:
        raise MereValueError(
            f"approximation must be one of {', '.join(map(repr, _APPROXIMATIONS))}, not {approximation!r}"
        )
    design, scale = m.design, m.sigma if isinstance(m, LMM) else 1.0
    random = dispersion = 0.0
    intercepts: dict[str, float] = {}
    labels = unique_names(t.group for t in design.random)
    for label, term, T in zip(labels, design.random, relative_factors(design.random, m.theta), strict=True):
        share = _mean_square(term_matrix(term), scale * T)
        if isinstance(m, GLMM) and len(term.levels) == design.n:
            dispersion += share
        else:
            random += share
        if "(Intercept)" in term.names:
            j = term.names.index("(Intercept)")
            intercepts[label] = float(scale**2 * (T[j] @ T[j]))
    fixed = float(np.var(design.X @ m.beta, ddof=1)) if len(m.beta) else 0.0
    return Parts(fixed, random, _of_distribution(m, at, approximation), dispersion, intercepts)


@g.get_variance.register(LMM)
@g.get_variance.register(GLMM)
def _get_variance(m: LMM | GLMM, at: str = "mean", approximation: str = "lognormal") -> pd.Series:
    v = variance_parts(m, at, approximation)
    named = {
        "var.fixed": v.fixed, "var.random": v.random, "var.residual": v.residual, "var.distribution": v.distribution,
        "var.dispersion": v.dispersion,
    }  # fmt: skip
    return pd.Series({**named, **{f"var.intercept.{group}": x for group, x in v.intercepts.items()}})


@g.icc.register(LMM)
@g.icc.register(GLMM)
def _icc(m: LMM | GLMM, by_group: bool = False, at: str = "mean", approximation: str = "lognormal") -> pd.Series:
    v = variance_parts(m, at, approximation)
    within = v.random + v.residual
    if by_group:
        return pd.Series({group: x / within for group, x in v.intercepts.items()}, dtype=float)
    return pd.Series({"ICC_adjusted": v.random / within, "ICC_unadjusted": v.random / v.total})
