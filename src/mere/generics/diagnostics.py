"""Generics that leave something out: influence, jackknife, and fits by other optimizers."""

from __future__ import annotations

from typing import Any

from .declare import generic, no_method

__all__ = ["allFit", "cooks_distance", "dfbeta", "dfbetas", "influence", "jackknife", "rstandard", "rstudent"]


@generic
def influence(model: Any, groups: Any = None, **kwargs: Any) -> Any:
    """What leaving out each row, or each level of a grouping factor, does to a fit.

    Each deletion is a full refit from the estimates, of linear models on
    cross-products from which the rows were taken out, of generalized ones with
    their weights set to zero.

    Parameters
    ----------
    model : LMM, GLMM, LM
    groups : str or list of str, optional
        Mixed models: leave out the levels of this factor (or of the
        interaction of several) one at a time; default the rows.
    ncpus : int, optional
        Threads; default all processors.

    Returns
    -------
    Influence
        Goes into `dfbeta`, `dfbetas`, `cooks_distance`. For ``lm``: R's ``hat,
        coefficients, sigma, wt_res`` in closed form.

    References
    ----------
    Demidenko and Stukel (2005), Influence analysis for linear mixed-effects
    models, Statistics in Medicine 24, 893-909.

    Examples
    --------
    >>> from mere import lmer, influence, cooks_distance
    >>> from mere.datasets import sleepstudy
    >>> i = influence(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy), "Subject")
    >>> i.fixed_deleted.head(2).round(3)
         (Intercept)    Days
    308      251.829   9.803
    309      254.132  10.950
    """
    raise no_method("influence", model)


@generic
def cooks_distance(model: Any) -> Any:
    """Cook's distances (Series).

    Of a fit, from its leverages h and Pearson residuals r over sigma:
    r^2 h / (p (1 - h)^2); of a generalized mixed model h is the leverage in the
    working linear mixed model. Of an `influence`, from the refits:
    (beta_(i) - beta)' V^-1 (beta_(i) - beta) / p, V the covariance of beta.

    Parameters
    ----------
    model : LMM, GLMM, LM, GLM, or the result of `influence`

    Returns
    -------
    Series
        By the rows of the data, or by the groups that were left out.

    Notes
    -----
    The two agree for linear models. In a mixed model the first is about the
    fitted values given the random effects, the second about the fixed effects.
    lme4 1.1 multiplies the second by (N - p) / N, with N deletions.

    References
    ----------
    Cook (1977), Detection of influential observation in linear regression,
    Technometrics 19, 15-18.

    Examples
    --------
    >>> from mere import lmer, influence, cooks_distance
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> cooks_distance(influence(m, "Subject")).head(2).round(4)
    308    0.0924
    309    0.1485
    dtype: float64
    >>> cooks_distance(m).head(2).round(4)
    0    0.0050
    1    0.0402
    dtype: float64
    """
    raise no_method("cooks_distance", model)


@generic
def dfbeta(model: Any, which: str = "fixed", **kwargs: Any) -> Any:
    """Changes of the coefficients by each deletion (DataFrame).

    Of an `influence` of a mixed model: without the case minus with it, as lme4.
    Of ``lm``: with it minus without, as R's ``dfbeta``.

    Parameters
    ----------
    model : Influence, LM, LMM, GLMM
    which : {"fixed", "var_cov"}
        Of the fixed effects, or of the variance components.
    groups : str or list of str, optional
        Of a mixed model itself: what `influence` leaves out; default rows.

    Returns
    -------
    DataFrame
        A row for each deletion, a column for each coefficient.

    Examples
    --------
    >>> from mere import lmer, influence, dfbeta
    >>> from mere.datasets import sleepstudy
    >>> i = influence(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy), "Subject")
    >>> dfbeta(i).head(2).round(3)
         (Intercept)   Days
    308        0.424 -0.665
    309        2.726  0.483
    """
    raise no_method("dfbeta", model)


@generic
def dfbetas(model: Any, **kwargs: Any) -> Any:
    """`dfbeta` over the standard errors of the fit without the case (DataFrame).

    Parameters
    ----------
    model : Influence, LM, LMM, GLMM
    groups : str or list of str, optional
        Of a mixed model itself: what `influence` leaves out; default rows.

    Returns
    -------
    DataFrame
        A row for each deletion, a column for each coefficient.

    References
    ----------
    Belsley, Kuh and Welsch (1980), Regression diagnostics.

    Examples
    --------
    >>> from mere import lmer, influence, dfbetas
    >>> from mere.datasets import sleepstudy
    >>> i = influence(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy), "Subject")
    >>> dfbetas(i).head(2).round(3)
         (Intercept)   Days
    308        0.059 -0.449
    309        0.411  0.310
    """
    raise no_method("dfbetas", model)


@generic
def rstudent(model: Any) -> Any:
    """Studentized residuals (Series).

    ``lm``: e / (sigma_(i) sqrt(1 - h)), sigma_(i) without the row. Linear mixed
    models, as lme4: e / (sigma sqrt(1 - h)). Generalized ones: deviance and
    Pearson residuals d, r combined, sign(d) sqrt(d^2 + h r^2 / (1 - h)).

    Parameters
    ----------
    model : LMM, GLMM, LM, GLM

    Returns
    -------
    Series
        By the rows of the data.

    Examples
    --------
    >>> from mere import lm, rstudent
    >>> from mere.datasets import sleepstudy
    >>> rstudent(lm("Reaction ~ Days", sleepstudy)).head(2).round(4)
    0   -0.0389
    1   -0.0667
    dtype: float64
    """
    raise no_method("rstudent", model)


@generic
def jackknife(model: Any, by: Any = None, FUN: Any = None, **kwargs: Any) -> Any:
    """The delete-one jackknife of a fit, over rows or over the levels of a factor.

    With theta_(i) the estimates without unit i of N: bias (N - 1)(mean theta_(i)
    - theta), variance (N - 1)/N sum (theta_(i) - mean)^2.

    Parameters
    ----------
    model : LMM, GLMM, LM, GLM
    by : str, list of str or array, optional
        The units: the levels of a factor, of several crossed, or labels of the
        rows. Default for mixed models the levels of a grouping factor: the
        outermost if the factors are nested, else the one with most levels; for
        ``lm`` the rows. ``"rows"`` for rows.
    FUN : callable, optional
        A function of a model that returns numbers; default the parameters.
    ncpus : int, optional

    Returns
    -------
    Jackknife
        ``.values``, ``.t0``, ``.bias``, ``.se``, ``.to_frame()``.

    References
    ----------
    Efron and Tibshirani (1993), An introduction to the bootstrap, ch. 11.

    Examples
    --------
    >>> from mere import lmer, jackknife
    >>> from mere.datasets import sleepstudy
    >>> jackknife(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)).se.tail(2).round(3)
    (Intercept)    6.825
    Days           1.546
    Name: se, dtype: float64
    """
    raise no_method("jackknife", model)


@generic
def allFit(model: Any, optimizers: Any = None, **kwargs: Any) -> Any:
    """The model fitted by all optimizers.

    Parameters
    ----------
    model : LMM, GLMM
    optimizers : list, optional
        Names of optimizers, or callables; default all that differ.
    start_from_mle : bool
        Start from the estimates of `model` (default); else from the optimizer's
        own start.

    Returns
    -------
    AllFit
        A mapping from optimizers to models; ``.to_frame()`` has a row an
        optimizer; ``summary`` gives the tables of R's.

    Examples
    --------
    >>> from mere import lmer, allFit
    >>> from mere.datasets import sleepstudy
    >>> a = allFit(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy), ["auto", "nloptwrap"])
    >>> a.to_frame()["logLik"].round(3).to_list()
    [-871.814, -871.814]
    """
    raise no_method("allFit", model)


@generic
def rstandard(model: Any) -> Any:
    """Standardized residuals (Series).

    Linear models: e / (sigma sqrt(1 - h)), e with the root of the prior weight.
    Generalized ones: deviance residuals over sqrt(phi (1 - h)), phi the
    dispersion.

    Parameters
    ----------
    model : LM, LMM, GLM, GLMM

    Returns
    -------
    pandas.Series
        Indexed by the rows of the data.

    Examples
    --------
    >>> from mere import lm, rstandard
    >>> from mere.datasets import sleepstudy
    >>> rstandard(lm("Reaction ~ Days", sleepstudy)).head(2).round(4)
    0   -0.0390
    1   -0.0669
    dtype: float64
    """
    raise no_method("rstandard", model)
