"""Generics that make tidy tables of models, as R's broom does."""

from __future__ import annotations

from typing import Any

from .declare import generic, no_method

__all__ = ["augment", "glance", "tidy"]


@generic
def tidy(model: Any, *args: Any, **kwargs: Any) -> Any:
    """One row a parameter (R's ``broom.mixed::tidy``).

    Parameters
    ----------
    model : LMM, GLMM, LM, GLM
    effects : str or sequence of str
        Mixed models: ``"fixed"``, ``"ran_pars"`` (standard deviations and correlations), ``"ran_vals"`` (conditional
        modes), ``"ran_coefs"`` (coefficients of each level). Default the first two.
    scales : {"sdcor", "vcov"}
        Standard deviations and correlations, or variances and covariances.
    conf_int : bool
        Add ``conf.low`` and ``conf.high``.
    conf_level : float
    conf_method : {"Wald", "profile", "boot"}
        Mixed models. ``"Wald"`` has the degrees of freedom of the tests, and no limits of variance parameters. The
        others take the arguments of `confint`.
    exponentiate : bool
        exp of coefficients and limits; standard errors by the delta method.
    ddf, vcov
        Degrees of freedom and covariance of the tests, as in `summary`.

    Returns
    -------
    DataFrame
        Of ``effect, group, level, term, estimate, std.error, statistic, df, p.value, conf.low, conf.high`` those that
        there are.

    Examples
    --------
    >>> from mere import lmer, tidy
    >>> from mere.datasets import sleepstudy
    >>> tidy(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy))[["group", "term", "estimate"]].round(2)
          group                   term  estimate
    0       NaN            (Intercept)    251.41
    1       NaN                   Days     10.47
    2   Subject        sd__(Intercept)     24.74
    3   Subject               sd__Days      5.92
    4   Subject  cor__(Intercept).Days      0.07
    5  Residual        sd__Observation     25.59
    """
    raise no_method("tidy", model)


@generic
def glance(model: Any) -> Any:
    """A fit in one row (R's ``broom::glance``).

    Parameters
    ----------
    model : LMM, GLMM, LM, GLM

    Returns
    -------
    DataFrame
        ``nobs, sigma, logLik, AIC, BIC``, the criterion and ``df.residual``; of an `lm` also ``r.squared``.

    Examples
    --------
    >>> from mere import lmer, glance
    >>> from mere.datasets import sleepstudy
    >>> glance(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)).round(1)
       nobs  sigma  logLik     AIC     BIC  REMLcrit  df.residual
    0   180   25.6  -871.8  1755.6  1774.8    1743.6          174
    """
    raise no_method("glance", model)


@generic
def augment(model: Any, newdata: Any = None, **kwargs: Any) -> Any:
    """The rows of the data with what the fit makes of them (R's ``broom.mixed::augment``).

    Parameters
    ----------
    model : LMM, GLMM, LM, GLM
    newdata : table, optional
        Other rows: with their predictions only.
    **kwargs
        Of `predict`, with `newdata`.

    Returns
    -------
    DataFrame
        The model frame with ``.fitted`` (linear predictor of generalized models), ``.resid``, ``.hat``, ``.cooksd``;
        of mixed models ``.fixed`` (without random effects), ``.mu``, ``.weights``, ``.wtres`` ..., of the others
        ``.sigma`` (without the row) and ``.std.resid``.

    Examples
    --------
    >>> from mere import lmer, augment
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> augment(m)[["Reaction", ".fitted", ".resid"]].head(2).round(2)
       Reaction  .fitted  .resid
    0    249.56   253.66   -4.10
    1    258.70   273.33  -14.63
    """
    raise no_method("augment", model)
