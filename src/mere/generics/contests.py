"""Generics of tests of effects: contrasts, terms, marginal means, model reduction."""

from __future__ import annotations

from typing import Any

from .declare import generic, no_method

__all__ = [
    "as_lmerModLmerTest",
    "contest",
    "contest1D",
    "contestMD",
    "difflsmeans",
    "drop1",
    "get_model",
    "ls_means",
    "ranova",
    "show_tests",
    "step",
]


@generic
def contest(model: Any, L: Any, rhs: Any = 0, **kwargs: Any) -> Any:
    """Test linear functions of the fixed effects, L beta = rhs (lmerTest's ``contest``).

    One F test of all rows, F = (L beta - rhs)' (L V L')^-1 (L beta - rhs) / rank, or a t test of each row.

    Parameters
    ----------
    model : LMM, LM
    L : array (p,), (r, p), DataFrame with the coefficients as columns, or a mapping of names to these
    rhs : float or array (r,)
    joint : bool
        One F test (default) or a table of t tests.
    collect : bool
        False: a table for each hypothesis, as a mapping where `L` is one, else as a list.
    confint, level
        With ``joint=False``: with limits, at which confidence level.
    check_estimability : bool
        L has the columns of the model matrix before aliased ones were dropped; rows that cannot be estimated are NaN.
    ddf : {"Satterthwaite", "Kenward-Roger", "lme4"}
        ``"lme4"`` is no degrees of freedom: normal and chi-squared tests.
    vcov : str, (name, cluster), (p, p) array or function of the model, optional
        A covariance of the estimates to use instead, such as ``"CR2"``.

    Returns
    -------
    pandas.DataFrame
        ``Sum Sq, Mean Sq, NumDF, DenDF, F value, Pr(>F)``, or ``Estimate, Std. Error, df, t value, lower, upper,
        Pr(>|t|)``.

    References
    ----------
    Kuznetsova, Brockhoff and Christensen (2017), lmerTest package, J. Stat. Soft. 82(13).

    Examples
    --------
    >>> from mere import lmer, contest
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> contest(m, [[1, 0], [0, 1]]).round(2)[["NumDF", "DenDF", "F value"]]
       NumDF  DenDF  F value
    1      2   17.0   749.96
    """
    raise no_method("contest", model)


@generic
def contest1D(model: Any, L: Any, rhs: float = 0, **kwargs: Any) -> Any:
    """t test of one linear function of the fixed effects, l'beta = rhs (lmerTest's ``contest1D``).

    Parameters
    ----------
    model : LMM, LM
    L : array (p,)
    rhs : float
    ddf, vcov
        As in `contest`.
    confint : bool
        Add confidence limits (default False).
    level : float

    Returns
    -------
    DataFrame
        ``Estimate, Std. Error, df, t value, Pr(>|t|)``, with `confint` also ``lower, upper``.

    Examples
    --------
    >>> from mere import lmer, contest1D
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> contest1D(m, [0, 1], rhs=10).round(4)["Pr(>|t|)"].to_list()
    [0.7661]
    """
    raise no_method("contest1D", model)


@generic
def contestMD(model: Any, L: Any, rhs: Any = 0, **kwargs: Any) -> Any:
    """F test of several linear functions of the fixed effects (lmerTest's ``contestMD``).

    Parameters
    ----------
    model : LMM, LM
    L : array (r, p)
    rhs : float or array (r,)
    ddf, vcov
        As in `contest`.

    Returns
    -------
    DataFrame
        ``Sum Sq, Mean Sq, NumDF, DenDF, F value, Pr(>F)``.

    Examples
    --------
    >>> from mere import lmer, contestMD
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> contestMD(m, [[0, 1]]).round(3)["F value"].to_list()
    [45.853]
    """
    raise no_method("contestMD", model)


@generic
def show_tests(model: Any, *args: Any, **kwargs: Any) -> Any:
    """The linear functions that `anova` or `ls_means` tests, by term (lmerTest's ``show_tests``).

    Parameters
    ----------
    model : LMM, LM, GLMM, GLM, or a table of `anova` or `ls_means`
    type : {"III", "II", "I", "marginal"}
        Of the tests of a model.
    fractions : bool
        Numbers as fractions, as text.
    names : bool
        False: without names of rows and columns.

    Returns
    -------
    dict of str to DataFrame
        Rows are functions, columns coefficients. Only the span of the rows matters.

    Examples
    --------
    >>> from mere import lmer, show_tests
    >>> from mere.datasets import cake
    >>> m = lmer("angle ~ recipe + (1 | recipe:replicate)", cake)
    >>> show_tests(m)["recipe"]
             (Intercept)  recipeB  recipeC
    recipeB          0.0      1.0      0.0
    recipeC          0.0      0.0      1.0
    """
    raise no_method("show_tests", model)


@generic
def ls_means(model: Any, which: Any = None, **kwargs: Any) -> Any:
    """Least-squares means of factors: equal weights for the levels of other factors, covariates at their means.

    Parameters
    ----------
    model : LMM, LM
    which : str or list of str, optional
        Terms that consist of factors; all of them by default.
    level : float
    ddf, vcov
        As in `contest`.
    pairwise : bool
        Differences of means instead, as `difflsmeans`.

    Returns
    -------
    MeansTable
        ``Estimate, Std. Error, df, t value, lower, upper, Pr(>|t|)``; means that cannot be estimated are NaN. p-values
        are not adjusted for multiplicity.

    References
    ----------
    Kuznetsova, Brockhoff and Christensen (2017), J. Stat. Soft. 82(13).

    Examples
    --------
    >>> from mere import lmer, ls_means
    >>> from mere.datasets import cake
    >>> m = lmer("angle ~ recipe + (1 | recipe:replicate)", cake)
    >>> ls_means(m).table["Estimate"].round(3).to_dict()
    {'recipeA': 33.122, 'recipeB': 31.644, 'recipeC': 31.6}
    """
    raise no_method("ls_means", model)


@generic
def difflsmeans(model: Any, which: Any = None, **kwargs: Any) -> Any:
    """All pairwise differences of least-squares means; arguments as in `ls_means`.

    Parameters
    ----------
    model : LMM, LM
    which : str or list of str, optional
        Terms that consist of factors; all of them by default.
    **kwargs
        Others of `ls_means`.

    Returns
    -------
    MeansTable

    Examples
    --------
    >>> from mere import lmer, difflsmeans
    >>> from mere.datasets import cake
    >>> m = lmer("angle ~ recipe + (1 | recipe:replicate)", cake)
    >>> difflsmeans(m).table["Pr(>|t|)"].round(3).to_dict()
    {'recipeA - recipeB': 0.551, 'recipeA - recipeC': 0.539, 'recipeB - recipeC': 0.986}
    """
    raise no_method("difflsmeans", model)


@generic
def drop1(model: Any, scope: Any = None, **kwargs: Any) -> Any:
    """Tests of the terms that can be left out without breaking marginality (``drop1``).

    Parameters
    ----------
    model : LMM, GLMM, LM, GLM
    scope : str or list of str, optional
        Terms to consider; by default those that no other term contains.
    test : {"F", "Chisq", "none", "Wald"}
        Linear mixed models: F tests of the coefficients, nothing refitted (default); or a likelihood-ratio test of
        each model without the term, all fitted by maximum likelihood; or their AIC only. Others: by default no test
        but the sums of squares or deviances and AIC; ``"F"`` is for models without random effects.
    ddf, vcov
        As in `contest`, for F tests.
    k : float
        Weight of the degrees of freedom in AIC.

    Returns
    -------
    AnovaTable

    Examples
    --------
    >>> from mere import lmer, drop1
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> drop1(m).table.round(3)["F value"].to_dict()
    {'Days': 45.853}
    >>> drop1(m, test="Chisq").table["LRT"].round(3).to_list()
    [nan, 23.537]
    """
    raise no_method("drop1", model)


@generic
def add1(model: Any, scope: Any, **kwargs: Any) -> Any:
    """What each term that could be added to a model without random effects would bring (``add1``).

    Parameters
    ----------
    model : LM, GLM
    scope : str or list of str
        A formula that updates that of the model, ``". ~ . + a + b"`` or ``". ~ .^2"``, or terms.
    test : {"none", "Chisq", "F"}
    k : float
        Weight of the degrees of freedom in AIC.

    Returns
    -------
    AnovaTable

    Examples
    --------
    >>> from mere import lm, add1
    >>> from mere.datasets import cake
    >>> add1(lm("angle ~ recipe", cake), ". ~ . + temp", test="F").table.round(2).loc["temp"].to_list()
    [1.0, 1966.71, 16041.17, 1110.81, 32.61, 0.0]
    """
    raise no_method("add1", model)


@generic
def ranova(model: Any, reduce_terms: bool = True, **kwargs: Any) -> Any:
    """Likelihood-ratio tests of the random-effects terms, one at a time (lmerTest's ``ranova``).

    ``(x | g)`` is reduced to ``(1 | g)``, ``(1 | g)`` is left out, and so is ``(0 + x | g)`` (lmerTest compares it with
    ``(1 | g)``, on no degrees of freedom). Effects that others of the term contain stay with these. A REML model is
    compared with REML models.

    Parameters
    ----------
    model : LMM
    reduce_terms : bool
        Reduce terms effect by effect (default), or leave out whole terms.
    boundary : bool or {"mixture", "simulate"}
        Also give p-values that know that a variance cannot be negative. ``"mixture"`` (True): leaving out one of k
        correlated effects is a mixture of chi-squared with k - 1 and k degrees of freedom in equal parts.
        ``"simulate"``: draws from the exact distribution for terms with one effect, at any sample size.
    nsim, seed
        Of ``"simulate"``: draws (default 10,000).

    Returns
    -------
    AnovaTable
        ``npar, logLik, AIC, LRT, Df, Pr(>Chisq)``.

    References
    ----------
    Kuznetsova, Brockhoff and Christensen (2017), J. Stat. Soft. 82(13); Stram and Lee (1994), Biometrics 50, 1171-1177;
    Crainiceanu and Ruppert (2004), J. R. Statist. Soc. B 66, 165-185.

    Examples
    --------
    >>> from mere import lmer, ranova
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> ranova(m).table["LRT"].round(2).to_dict()
    {'<none>': nan, 'Days in (Days | Subject)': 42.84}
    """
    raise no_method("ranova", model)


@generic
def step(model: Any, **kwargs: Any) -> Any:
    """Backward elimination of terms (lmerTest's ``step``), or a search by AIC (R's own ``step``).

    Of an LMM random-effects terms go first, then fixed-effects terms, by tests. An LM or GLM loses and gains terms
    while AIC falls.

    Parameters
    ----------
    model : LMM, LM, GLM
    scope : str or mapping, optional
        LM and GLM: the largest model, ``". ~ .^2"``, or ``{"lower": ..., "upper": ...}``.
    direction : {"both", "backward", "forward"}, optional
        LM and GLM: by default backward, with `scope` both ways.
    k : float
        LM and GLM: the weight of a parameter, 2 for AIC, log(n) for BIC.
    steps : int
        LM and GLM: at most so many.
    ddf : {"Satterthwaite", "Kenward-Roger"}
    alpha_random, alpha_fixed : float
        A term stays if its p-value is below (0.1, 0.05).
    reduce_fixed, reduce_random : bool
    keep : str or list of str, optional
        Fixed-effects terms that stay anyway.

    Returns
    -------
    StepResult or StepPath
        ``.random`` and ``.fixed`` tables with the column ``Eliminated`` (0 = kept), ``.table`` both, ``.final`` the
        formula; `get_model` gives the model. Of an LM or GLM ``.table`` is the path, ``.tables`` what was compared.

    Examples
    --------
    >>> from mere import lmer, step
    >>> from mere.datasets import sleepstudy
    >>> step(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)).final
    'Reaction ~ Days + (Days | Subject)'

    >>> from mere import lm
    >>> from mere.datasets import cake
    >>> step(lm("angle ~ recipe * temp", cake)).table.round(2)[["Step", "AIC"]].to_dict("list")
    {'Step': ['', '- recipe:temp', '- recipe'], 'AIC': [1114.78, 1110.81, 1109.08]}
    """
    raise no_method("step", model)


@generic
def get_model(result: Any) -> Any:
    """The model that `step` ended with.

    Parameters
    ----------
    result : StepResult

    Returns
    -------
    LMM or LM

    Examples
    --------
    >>> from mere import lmer, step, get_model, formula
    >>> from mere.datasets import sleepstudy
    >>> get_model(step(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy))).fixef().round(3).to_list()
    [251.405, 10.467]
    """
    raise no_method("get_model", result)


@generic
def as_lmerModLmerTest(model: Any, tol: float = 1e-8) -> Any:
    """The model itself: every ``lmer`` has all its tests. There for scripts from R.

    Parameters
    ----------
    model : LMM
    tol : float
        Not used: there is no numerical derivative to be checked.

    Returns
    -------
    LMM

    Examples
    --------
    >>> from mere import lmer, as_lmerModLmerTest
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> as_lmerModLmerTest(m) is m
    True
    """
    raise no_method("as_lmerModLmerTest", model)
