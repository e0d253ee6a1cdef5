"""Generics of inference: tests and intervals."""

from __future__ import annotations

from typing import Any

from .declare import generic, no_method

__all__ = ["anova", "confint"]


@generic
def anova(model: Any, *models: Any, **kwargs: Any) -> Any:
    """Analysis of variance of one model, or likelihood-ratio tests between models.

    One mixed model: F tests of its terms, F = (L beta)' (L V L')^-1 (L beta) / rank, with the estimable functions L of
    the type asked for (`show_tests`). Several: the models in order of their number of parameters, each tested against
    the one before, chi^2 = 2 (logLik_1 - logLik_0).

    Parameters
    ----------
    model, *models : LMM, LM
    type : {"III", "II", "I", "marginal"}
        Of one model: unweighted means; after all terms that do not contain it; after the terms before it; the
        coefficients as they are coded.
    ddf : {"Satterthwaite", "Kenward-Roger", "lme4"}
        Denominator degrees of freedom. ``"lme4"``: none, sequential sums of squares (RX beta)^2.
    vcov : str or (p, p) array, optional
        Another covariance of the estimates, such as ``"CR2"``.
    refit : bool
        Refit REML models by maximum likelihood before comparing them (default).
    model_names : list of str, optional
        Row names; default the names of the caller's variables.

    Returns
    -------
    AnovaTable
        Prints as R prints it; ``.table`` is a DataFrame with R's columns
        (``Sum Sq, Mean Sq, NumDF, DenDF, F value, Pr(>F)`` or
        ``npar, AIC, BIC, logLik, deviance, Chisq, Df, Pr(>Chisq)``).

    References
    ----------
    Kuznetsova, Brockhoff and Christensen (2017), J. Stat. Soft. 82(13).

    Examples
    --------
    >>> from mere import lmer, anova
    >>> from mere.datasets import sleepstudy
    >>> m0 = lmer("Reaction ~ Days + (1 | Subject)", sleepstudy, REML=False)
    >>> m1 = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, REML=False)
    >>> anova(m0, m1).table["Chisq"].round(3).to_list()
    [nan, 42.139]
    >>> print(anova(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)))
    Type III Analysis of Variance Table with Satterthwaite's method
         Sum Sq Mean Sq NumDF DenDF F value    Pr(>F)
    Days  30031   30031     1    17  45.853 3.264e-06 ***
    ---
    Signif. codes:  0 ‘***’ 0.001 ‘**’ 0.01 ‘*’ 0.05 ‘.’ 0.1 ‘ ’ 1
    """
    raise no_method("anova", model)


@generic
def confint(model: Any, parm: Any = None, level: float = 0.95, **kwargs: Any) -> Any:
    """Confidence intervals.

    Parameters
    ----------
    model : LMM, LM, LmList, ...
    parm : str, int, list of these, optional
        Parameters by name or position; ``"theta_"`` all variance parameters,
        ``"beta_"`` all fixed effects. Default all.
    level : float
    method : {"profile", "Wald", "boot"}
        Mixed models. ``"Wald"``: estimate -+ z SE, fixed effects only.
    signames : bool
        Name variance parameters ``.sig01 ... .sigma``.

    Returns
    -------
    pandas.DataFrame
        Columns such as ``2.5 %`` and ``97.5 %``.

    Examples
    --------
    >>> from mere import lmer, confint
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> confint(m, "beta_", method="Wald").round(3)
                   2.5 %   97.5 %
    (Intercept)  238.029  264.781
    Days           7.438   13.497
    """
    raise no_method("confint", model)
