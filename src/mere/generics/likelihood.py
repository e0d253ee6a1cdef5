"""Generics of the likelihood: criteria, information criteria, counts."""

from __future__ import annotations

from typing import Any

from .declare import generic, no_method

__all__ = [
    "AIC",
    "BIC",
    "REMLcrit",
    "deviance",
    "df_residual",
    "extractAIC",
    "logLik",
    "ngrps",
    "nobs",
]


@generic
def logLik(model: Any, REML: bool | None = None) -> Any:
    """Log-likelihood at the estimates.

    Parameters
    ----------
    model : LMM, LM
    REML : bool, optional
        The restricted (True) or the full (False) log-likelihood; default what
        the model was fitted by.

    Returns
    -------
    LogLik
        A float with ``.df`` (number of estimated parameters) and ``.nobs``.

    Examples
    --------
    >>> from mere import lmer, logLik
    >>> from mere.datasets import sleepstudy
    >>> logLik(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy))
    'log Lik.' -871.8141 (df=6)
    """
    raise no_method("logLik", model)


@generic
def AIC(model: Any, *models: Any, k: float = 2) -> Any:
    """Akaike's information criterion, -2 logLik + k df.

    With several models, a frame with the columns ``df`` and ``AIC``.

    Parameters
    ----------
    model : model
    *others : models, optional
        With several, a table of all.

    Returns
    -------
    float, or DataFrame with a row for each model

    Examples
    --------
    >>> from mere import lmer, AIC
    >>> from mere.datasets import sleepstudy
    >>> round(AIC(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)), 3)
    1755.628
    """
    raise no_method("AIC", model)


@generic
def BIC(model: Any, *models: Any) -> Any:
    """Schwarz's information criterion, -2 logLik + log(n) df, n the number of rows.

    With several models, a frame with the columns ``df`` and ``BIC``.

    Parameters
    ----------
    model : model
    *others : models, optional
        With several, a table of all.

    Returns
    -------
    float, or DataFrame with a row for each model

    Examples
    --------
    >>> from mere import lmer, BIC
    >>> from mere.datasets import sleepstudy
    >>> round(BIC(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)), 3)
    1774.786
    """
    raise no_method("BIC", model)


@generic
def deviance(model: Any, REML: bool | None = None) -> float:
    """-2 log-likelihood of a linear mixed model; residual sum of squares of an ``lm``.

    Parameters
    ----------
    model : LMM, LM
    REML : bool, optional
        True: the REML criterion. False: -2 log L at the estimates, however they
        were found. Default: as fitted, with a warning for REML fits, whose
        criterion is no deviance.

    Returns
    -------
    float

    Examples
    --------
    >>> from mere import lmer, deviance
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> round(deviance(m, REML=False), 3)
    1751.986
    """
    raise no_method("deviance", model)


@generic
def REMLcrit(model: Any) -> float:
    """The criterion that was minimized: REML criterion, or -2 log L of an ML fit.

    log|L|^2 + log|RX|^2 + (n - p)(1 + log(2 pi pwrss / (n - p))).

    Parameters
    ----------
    model : LMM

    Returns
    -------
    float
        At the estimates of the fit, whether by REML or not.

    References
    ----------
    Bates et al. (2015), eq. 41.

    Examples
    --------
    >>> from mere import lmer, REMLcrit
    >>> from mere.datasets import sleepstudy
    >>> round(REMLcrit(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)), 3)
    1743.628
    """
    raise no_method("REMLcrit", model)


@generic
def extractAIC(model: Any, scale: float = 0, k: float = 2) -> Any:
    """Degrees of freedom and AIC as model selection uses them (REML fits by ML).

    Parameters
    ----------
    model : LMM, GLMM, LM, GLM, NLMM
    scale : float
        Of ``lm`` and ``glm``: a known error variance; 0 (default) estimates it.
    k : float
        Weight of the degrees of freedom; 2 is AIC.

    Returns
    -------
    numpy.ndarray
        (df, AIC).

    Examples
    --------
    >>> from mere import lmer, extractAIC
    >>> from mere.datasets import sleepstudy
    >>> extractAIC(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)).round(3)
    array([   6.   , 1763.939])
    """
    raise no_method("extractAIC", model)


@generic
def nobs(model: Any) -> int:
    """Number of rows that were used.

    Parameters
    ----------
    model : model

    Returns
    -------
    int
        The rows that were used.

    Examples
    --------
    >>> from mere import lmer, nobs
    >>> from mere.datasets import sleepstudy
    >>> nobs(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy))
    180
    """
    raise no_method("nobs", model)


@generic
def ngrps(model: Any) -> Any:
    """Number of levels of each grouping factor (Series).

    Parameters
    ----------
    model : LMM, GLMM, NLMM

    Returns
    -------
    Series
        The number of levels of each grouping factor.

    Examples
    --------
    >>> from mere import lmer, ngrps
    >>> from mere.datasets import sleepstudy
    >>> ngrps(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy))
    Subject    18
    dtype: int64
    """
    raise no_method("ngrps", model)


@generic
def df_residual(model: Any) -> int:
    """Number of rows less number of estimated parameters.

    Parameters
    ----------
    model : model

    Returns
    -------
    int
        Rows less parameters; for mixed models the variance parameters count too.

    Examples
    --------
    >>> from mere import lmer, df_residual
    >>> from mere.datasets import sleepstudy
    >>> df_residual(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy))
    174
    """
    raise no_method("df_residual", model)
