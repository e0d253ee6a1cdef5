"""Generics that look into a model: summary, components, flags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .declare import generic, no_method

__all__ = [
    "getME",
    "isGLMM",
    "isLMM",
    "isNLMM",
    "isREML",
    "isSingular",
    "rePCA",
    "summary",
]


@generic
def summary(model: Any, *args: Any, **kwargs: Any) -> Any:
    """Summary of a fit: estimates, their precision, the variance components.

    Parameters
    ----------
    model : LMM, LM, LmList, ...
    ddf : {"Satterthwaite", "Kenward-Roger", "lme4"}
        Mixed models: where the degrees of freedom of the t tests come from;
        ``"lme4"`` has none, and no p-values.
    vcov : str, (name, cluster), (p, p) array or function of the model, optional
        Another covariance of the estimates, such as ``"CR2"``.
    correlation : bool, optional
        Mixed models: show the correlations of the fixed effects; default when
        there are at most 12.
    dispersion : float, optional
        ``glm``: a known dispersion.
    use_hessian : bool, optional
        ``glmer``: standard errors from the Hessian, or from `RX` alone.
    infer, level, adjust, cross_adjust, by, type, df, calc, null, delta, side, bias_adjust, sigma, scheffe_rank, seed
        Marginal means: intervals and tests, confidence level, adjustments within and across groups, grouping variables,
        scale, degrees of freedom, further columns, null value, threshold of equivalence, side, bias correction and its
        standard deviation, rank for Scheffe's method, seed of ``"mvt"``.

    Returns
    -------
    SummaryLMM, SummaryLM, ...
        Prints as R prints it; ``.coefficients`` is a DataFrame.

    Examples
    --------
    >>> from mere import lmer, summary
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> summary(m).coefficients.iloc[:, :2].round(3)
                 Estimate  Std. Error
    (Intercept)   251.405       6.825
    Days           10.467       1.546
    """
    raise no_method("summary", model)


@generic
def getME(model: Any, name: str | Sequence[str] = "ALL") -> Any:
    """A component of a mixed model by its name in lme4.

    Parameters
    ----------
    model : LMM
    name : str or list of str
        ``"X"``, ``"Z"``, ``"theta"``, ``"Lambda"``, ``"devcomp"``, ...; several
        names, or ``"ALL"``, give a dict.

    Returns
    -------
    array, Series, sparse matrix or dict, as the name says; for several names a dict

    Examples
    --------
    >>> from mere import lmer, getME
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> getME(m, "theta").round(3)
    Subject.(Intercept)         0.967
    Subject.Days.(Intercept)    0.015
    Subject.Days                0.231
    dtype: float64
    """
    raise no_method("getME", model)


@generic
def isSingular(model: Any, tol: float = 1e-4) -> bool:
    """Whether a bounded variance parameter lies within `tol` of its bound.

    Parameters
    ----------
    model : LMM, GLMM, NLMM
    tol : float
        A parameter so near its bound is on it.

    Returns
    -------
    bool

    Examples
    --------
    >>> from mere import lmer, isSingular
    >>> from mere.datasets import sleepstudy
    >>> isSingular(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy))
    False
    """
    raise no_method("isSingular", model)


@generic
def rePCA(model: Any) -> Any:
    """Principal components of the random effects of each grouping factor.

    The singular value decomposition of the relative covariance factor T:
    standard deviations are relative to sigma; zeros show an overfitted term.

    Parameters
    ----------
    model : LMM, GLMM, NLMM

    Returns
    -------
    PrincipalComponents
        A mapping from grouping factor to ``.sdev`` and ``.rotation``.

    References
    ----------
    Bates, Kliegl, Vasishth and Baayen (2015), arXiv:1506.04967.

    Examples
    --------
    >>> from mere import lmer, rePCA
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> rePCA(m)["Subject"].sdev.round(3)
    array([0.967, 0.231])
    """
    raise no_method("rePCA", model)


@generic
def isREML(model: Any) -> bool:
    """Whether the model was fitted by restricted maximum likelihood.

    Parameters
    ----------
    model : model

    Returns
    -------
    bool

    Examples
    --------
    >>> from mere import lmer, isREML
    >>> from mere.datasets import sleepstudy
    >>> isREML(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy))
    True
    """
    raise no_method("isREML", model)


@generic
def isLMM(model: Any) -> bool:
    """Whether the model is a linear mixed model.

    Parameters
    ----------
    model : model

    Returns
    -------
    bool

    Examples
    --------
    >>> from mere import lm, isLMM
    >>> from mere.datasets import sleepstudy
    >>> isLMM(lm("Reaction ~ Days", sleepstudy))
    False
    """
    return False


@generic
def isGLMM(model: Any) -> bool:
    """Whether the model is a generalized linear mixed model.

    Parameters
    ----------
    model : model

    Returns
    -------
    bool

    Examples
    --------
    >>> from mere import lm, isGLMM
    >>> from mere.datasets import sleepstudy
    >>> isGLMM(lm("Reaction ~ Days", sleepstudy))
    False
    """
    return False


@generic
def isNLMM(model: Any) -> bool:
    """Whether the model is a nonlinear mixed model.

    Parameters
    ----------
    model : model

    Returns
    -------
    bool

    Examples
    --------
    >>> from mere import lm, isNLMM
    >>> from mere.datasets import sleepstudy
    >>> isNLMM(lm("Reaction ~ Days", sleepstudy))
    False
    """
    return False
