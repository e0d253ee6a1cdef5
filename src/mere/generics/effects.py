"""Generics of the estimates: effects, their covariances, the variance components."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .declare import generic, no_method

__all__ = ["VarCorr", "coef", "fixef", "ranef", "sigma", "vcov"]


@generic
def fixef(model: Any, add_dropped: bool = False) -> Any:
    """Estimates of the fixed effects.

    The generalized least-squares solution beta = (X' V^-1 X)^-1 X' V^-1 y at
    the estimated variance parameters.

    Parameters
    ----------
    model : LMM, LmList, ...
    add_dropped : bool
        Also list the columns that were dropped because they are linear
        combinations of others, as NaN.

    Returns
    -------
    pandas.Series
        Named as R names coefficients.

    References
    ----------
    Bates, Maechler, Bolker and Walker (2015), J. Stat. Soft. 67(1), eq. 19.

    Examples
    --------
    >>> from mere import lmer, fixef
    >>> from mere.datasets import sleepstudy
    >>> fixef(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)).round(3)
    (Intercept)    251.405
    Days            10.467
    dtype: float64
    """
    raise no_method("fixef", model)


@generic
def ranef(
    model: Any,
    condVar: bool = True,
    drop: bool = False,
    whichel: str | int | Sequence[str | int] | None = None,
) -> Any:
    """Conditional modes of the random effects (BLUPs).

    b = Lambda u, the mean of b given y at the estimated parameters. For linear
    models mode and mean agree.

    Parameters
    ----------
    model : LMM
    condVar : bool
        Also give the conditional variances, sigma^2 Lambda (Lambda'Z'WZ Lambda
        + I)^-1 Lambda', as ``.cond_var``.
    drop : bool
        Give grouping factors with one effect a Series each, not a frame.
    whichel : str, int or list of these, optional
        The grouping factors wanted; default all.

    Returns
    -------
    RandomEffects
        A mapping from grouping factor to a DataFrame (levels by effects).
        ``.to_frame()`` is long: ``grpvar, term, grp, condval, condsd``.

    References
    ----------
    Bates et al. (2015), section 3.1 and eq. 56.

    Examples
    --------
    >>> from mere import lmer, ranef
    >>> from mere.datasets import sleepstudy
    >>> r = ranef(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy))
    >>> r["Subject"].head(2).round(3)
         (Intercept)   Days
    308        2.259  9.199
    309      -40.399 -8.620
    """
    raise no_method("ranef", model)


@generic
def coef(model: Any) -> Any:
    """Coefficients of each level: fixed effects plus random effects.

    For a mixed model one frame per grouping factor, beta + b; an effect that is
    only random has a fixed part of zero. For ``lm`` the coefficients, with NaN
    for columns that are linear combinations of others.

    Parameters
    ----------
    model : LMM, GLMM, NLMM, LM, GLM, lmList, summary, or contrasts of marginal means

    Returns
    -------
    Coefficients (a mapping to DataFrames), DataFrame or Series

    Examples
    --------
    >>> from mere import lmer, coef
    >>> from mere.datasets import sleepstudy
    >>> coef(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy))["Subject"].head(2).round(3)
         (Intercept)    Days
    308      253.664  19.666
    309      211.007   1.848
    """
    raise no_method("coef", model)


@generic
def VarCorr(model: Any, sigma: float | None = None) -> Any:
    """Variances, standard deviations and correlations of the random effects.

    Sigma_i = sigma^2 T_i T_i' for each random-effects term, with T_i the
    relative covariance factor that theta fills.

    Parameters
    ----------
    model : LMM
    sigma : float, optional
        Residual standard deviation to scale with; default the estimate.

    Returns
    -------
    VarianceComponents
        A mapping from term to covariance matrix (DataFrame). It prints as R
        prints it; ``.to_frame()`` has ``grp, var1, var2, vcov, sdcor``.

    Examples
    --------
    >>> from mere import lmer, VarCorr
    >>> from mere.datasets import sleepstudy
    >>> VarCorr(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy))
     Groups   Name        Std.Dev. Corr
     Subject  (Intercept) 24.7405
              Days         5.9221  0.066
     Residual             25.5918
    """
    raise no_method("VarCorr", model)


@generic
def vcov(model: Any, type: str | None = None, correlation: bool = False, full: bool = False) -> Any:
    """Covariance matrix of the estimated fixed effects.

    sigma^2 (X' V^-1 X)^-1 = sigma^2 (RX' RX)^-1.

    Parameters
    ----------
    model : LMM, LM
    type : str, optional
        A robust estimate instead.
    correlation : bool
        Give the correlation matrix instead of the covariance matrix.
    full : bool
        The joint covariance of (b - its prediction, beta), random effects first.
    cluster : str or array, optional
        For ``"CR..."``: what observations belong together; default the grouping factor that all others are nested in.
    use_hessian : bool, optional
        ``glmer``: from the Hessian, or from `RX` alone.

    Returns
    -------
    pandas.DataFrame

    References
    ----------
    Bates et al. (2015), eq. 54.

    Examples
    --------
    >>> from mere import lmer, vcov
    >>> from mere.datasets import sleepstudy
    >>> vcov(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)).round(3)
                 (Intercept)   Days
    (Intercept)       46.575 -1.451
    Days              -1.451  2.389
    """
    raise no_method("vcov", model)


@generic
def sigma(model: Any) -> float:
    """Residual standard deviation.

    sigma^2 = pwrss / (n - p) for REML, pwrss / n for maximum likelihood, where
    pwrss is the penalized weighted residual sum of squares.

    Parameters
    ----------
    model : model, or marginal means

    Returns
    -------
    float
        The residual standard deviation; 1 for families without a dispersion.

    Examples
    --------
    >>> from mere import lmer, sigma
    >>> from mere.datasets import sleepstudy
    >>> round(sigma(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)), 3)
    25.592
    """
    raise no_method("sigma", model)
