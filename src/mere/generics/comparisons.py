"""Generics of comparisons of nested models (pbkrtest's names)."""

from __future__ import annotations

from typing import Any

from .declare import generic, no_method

__all__ = [
    "KRmodcomp",
    "PBmodcomp",
    "SATmodcomp",
    "getKR",
    "get_Lb_ddf",
    "model2restriction_matrix",
    "restriction_matrix2model",
    "vcovAdj",
]


@generic
def KRmodcomp(large: Any, small: Any, betaH: Any = 0) -> Any:
    """F test of a mixed model against a smaller one by Kenward and Roger (pbkrtest's ``KRmodcomp``).

    F = lambda (L beta)' (L Phi_A L')^-1 (L beta) / q. Models fitted by maximum likelihood are fitted by REML first; two
    models may be given in either order.

    Parameters
    ----------
    large : LMM
    small : LMM, formula or matrix (q, p)
        A model with the same random effects and fixed effects in the span of the larger one's; an update of its formula
        such as ``". ~ . - x"``; or L.
    betaH : float or array (p,)
        Coefficients under the hypothesis, L beta = L betaH.

    Returns
    -------
    ModelComparison
        ``.test`` has the rows ``Ftest`` and ``FtestU`` (unscaled) and the columns ``stat, ndf, ddf, F.scaling,
        p.value``.

    References
    ----------
    Kenward and Roger (1997), Biometrics 53, 983-997; Halekoh and Hojsgaard (2014), J. Stat. Soft. 59(9).

    Examples
    --------
    >>> from mere import lmer, KRmodcomp
    >>> from mere.datasets import sleepstudy
    >>> m1 = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> m0 = lmer("Reaction ~ 1 + (Days | Subject)", sleepstudy)
    >>> KRmodcomp(m1, m0).test.round(3).loc["Ftest", ["stat", "ddf"]].to_list()
    [45.853, 17.0]
    """
    raise no_method("KRmodcomp", large)


@generic
def SATmodcomp(large: Any, small: Any, betaH: Any = 0) -> Any:
    """F test of a mixed model against a smaller one by Satterthwaite (pbkrtest's ``SATmodcomp``).

    Models fitted by maximum likelihood are fitted by REML first.

    Parameters
    ----------
    large : LMM
    small : LMM, or matrix (q, p)
    betaH : float or array (p,)
        As in `KRmodcomp`.

    Returns
    -------
    ModelComparison
        ``.test`` has one row with ``statistic, ndf, ddf, p.value``.

    Examples
    --------
    >>> from mere import lmer, SATmodcomp
    >>> from mere.datasets import sleepstudy
    >>> m1 = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> SATmodcomp(m1, [[0, 1]]).test.round(3)["ddf"].to_list()
    [17.0]
    """
    raise no_method("SATmodcomp", large)


@generic
def PBmodcomp(large: Any, small: Any, nsim: int = 1000, seed: Any = None, **kwargs: Any) -> Any:
    """Likelihood-ratio test by parametric bootstrap (pbkrtest's ``PBmodcomp``).

    Responses are simulated from the small model, both models are fitted to each by maximum likelihood, and
    p = (1 + number of ratios at least as large as the observed one) / (1 + number of positive ratios). Ratios that are
    zero up to rounding, as where the variance that is tested is estimated as zero, are left out, as in pbkrtest.

    Parameters
    ----------
    large : LMM, LM, GLMM, GLM
    small : model, formula or matrix (q, p)
        Nested in `large`, in fixed or random effects; an update of its formula such as ``". ~ . - x"``; or restrictions
        L beta = 0 of a linear model.
    nsim : int
    seed : int or numpy.random.Generator, optional
    ref : array, optional
        Ratios simulated before, to be used instead.
    ncpus : int, optional
        Threads; default all processors. The result does not depend on it.

    Returns
    -------
    ModelComparison
        ``.test`` has the rows ``LRT`` and ``PBtest``; ``.summary`` also ``Gamma``, ``Bartlett`` and ``F``, whose
        reference distributions are fitted to the mean (and variance) of the ratios; ``.ref`` the ratios.

    References
    ----------
    Halekoh and Hojsgaard (2014), J. Stat. Soft. 59(9).

    Examples
    --------
    >>> from mere import lmer, PBmodcomp
    >>> from mere.datasets import sleepstudy
    >>> m1 = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> m0 = lmer("Reaction ~ 1 + (Days | Subject)", sleepstudy)
    >>> PBmodcomp(m1, m0, nsim=99, seed=1).test.round(3)["p.value"].to_list()
    [0.0, 0.01]
    """
    raise no_method("PBmodcomp", large)


@generic
def vcovAdj(model: Any) -> Any:
    """Kenward and Roger's covariance of the fixed effects, adjusted for the estimation of V (pbkrtest's ``vcovAdj``).

    Parameters
    ----------
    model : LMM

    Returns
    -------
    pandas.DataFrame

    References
    ----------
    Kenward and Roger (1997), Biometrics 53, 983-997.

    Examples
    --------
    >>> from mere import lmer, vcovAdj
    >>> from mere.datasets import sleepstudy
    >>> vcovAdj(lmer("Reaction ~ Days + (1 | Subject)", sleepstudy)).round(3)
                 (Intercept)   Days
    (Intercept)       94.998 -2.910
    Days              -2.910  0.647
    """
    raise no_method("vcovAdj", model)


@generic
def get_Lb_ddf(model: Any, L: Any) -> Any:
    """Kenward and Roger's degrees of freedom of each row of L beta (pbkrtest's ``get_Lb_ddf``).

    Parameters
    ----------
    model : LMM
    L : array (p,) or (r, p)

    Returns
    -------
    float, or array (r,)

    Examples
    --------
    >>> from mere import lmer, get_Lb_ddf
    >>> from mere.datasets import sleepstudy
    >>> round(get_Lb_ddf(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy), [0, 1]), 4)
    17.0
    """
    raise no_method("get_Lb_ddf", model)


@generic
def getKR(comparison: Any, name: str | None = None) -> Any:
    """Parts of a Kenward-Roger test by name (pbkrtest's ``getKR``).

    Parameters
    ----------
    comparison : ModelComparison
        From `KRmodcomp`.
    name : {"ndf", "ddf", "Fstat", "p.value", "F.scaling", "FstatU", "p.valueU"}, optional
        All of them by default, as a dict.

    Returns
    -------
    float, or dict of all parts

    Examples
    --------
    >>> from mere import lmer, KRmodcomp, getKR
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> round(getKR(KRmodcomp(m, [[0, 1]]), "ddf"), 4)
    17.0
    """
    raise no_method("getKR", comparison)


@generic
def model2restriction_matrix(large: Any, small: Any) -> Any:
    """L such that the small model is the large one under L beta = 0 (pbkrtest's ``model2restriction_matrix``).

    Parameters
    ----------
    large, small : LMM or LM
        Two fits to the same response; the fixed effects of the small one are among those of the large one.

    Returns
    -------
    (q, p) array
        Orthonormal rows.

    Examples
    --------
    >>> from mere import lmer, model2restriction_matrix
    >>> from mere.datasets import sleepstudy
    >>> m1 = lmer("Reaction ~ Days + (1 | Subject)", sleepstudy)
    >>> abs(model2restriction_matrix(m1, lmer("Reaction ~ 1 + (1 | Subject)", sleepstudy))).round(6)
    array([[0., 1.]])
    """
    raise no_method("model2restriction_matrix", large)


@generic
def restriction_matrix2model(large: Any, L: Any, rhs: Any = 0) -> Any:
    """The model under L beta = rhs, fitted (pbkrtest's ``restriction_matrix2model``).

    Its columns are an orthonormal basis of the coefficients that L allows, named ``b1, b2, ...``.

    Parameters
    ----------
    large : LMM, LM
    L : array (q, p)
        Restrictions of the fixed effects.
    rhs : float or array (q,)
        Their values.

    Returns
    -------
    LMM or LM

    Examples
    --------
    >>> from mere import lmer, restriction_matrix2model, logLik
    >>> from mere.datasets import sleepstudy
    >>> m1 = lmer("Reaction ~ Days + (1 | Subject)", sleepstudy, REML=False)
    >>> logLik(restriction_matrix2model(m1, [[0, 1]]))
    'log Lik.' -955.2705 (df=3)
    """
    raise no_method("restriction_matrix2model", large)
