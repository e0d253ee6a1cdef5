"""Generics that draw; matplotlib is needed when they are called."""

from __future__ import annotations

from typing import Any

from .declare import generic, no_method

__all__ = ["check_model", "densityplot", "dotplot", "plot", "qqmath", "splom"]


@generic
def plot(result: Any, *args: Any, **kwargs: Any) -> Any:
    """A picture of a result, with matplotlib.

    Of a model: Pearson residuals against fitted values, or what a formula says
    (R: ``plot.merMod``): ``resid(.)`` with ``type=`` and ``scaled=``,
    ``fitted(.)``, columns of the data and expressions of them; boxes where one
    side is categorical; a panel for each level after ``|``. Of random effects:
    `dotplot`. Of simulated residuals: their quantiles, and against the predicted
    values, with the quartiles in bins, which should be level. Of marginal means:
    points with their intervals; with ``comparisons=True`` also arrows that
    overlap where two means do not differ. Of a profile: zeta, or with
    ``absVal=True`` its absolute value, against each parameter, with the
    intervals of some levels; a straight line means that the parameter is
    estimated with a normal error. Of a bootstrap: histograms of the replicates
    with the estimate and the interval.

    Parameters
    ----------
    result : LM, GLM, LMM, GLMM, NLMM, EmmGrid, Profile, Bootstrap, ...
    form : str
        Of a model; default ``"resid(.) ~ fitted(.)"``.
    abline : float or pair of float, optional
        Of a model: height of a line, or its intercept and slope.
    id : float, optional
        Of a model: label the rows whose standardized residual is beyond the
        normal quantile of 1 - id/2.
    ax : matplotlib Axes, optional
        For marginal means.
    parm : str, int, list of these, optional
        Of a profile or a bootstrap.
    absVal : bool
        Of a profile.
    conf : list of float
        Levels of the intervals of a profile; default 0.5, 0.8, 0.9, 0.95, 0.99.
    type, level
        Kind and level of the interval of a bootstrap. Of a model `type` is what is drawn: ``"p"`` points, ``"l"`` a
        line through them, ``"r"`` the least-squares line, ``"smooth"`` medians in bins, ``"g"`` a grid; or several.
    order : int or str, optional
        Of intervals of ``lmList``: the coefficient that orders the groups.
    transf : callable, optional
        Of random effects: see `dotplot`.
    which, pairwise
        Of least-squares means and of `step`: which terms; differences instead of means.
    CIs, PIs, horizontal : bool
        Marginal means: confidence and prediction intervals, lying or standing.
    adjust, alpha
        Marginal means with ``comparisons=True``: of the arrows.
    plotit : bool
        False: the table behind the picture.

    Returns
    -------
    matplotlib.figure.Figure; for marginal means Axes, or an array of them

    Examples
    --------
    >>> from mere import lm, emmeans, plot
    >>> from mere.datasets import warpbreaks
    >>> means = emmeans(lm("breaks ~ wool * tension", warpbreaks), "~ tension | wool")
    >>> len(plot(means, comparisons=True))
    2
    >>> from mere import lmer, profile
    >>> from mere.datasets import Dyestuff
    >>> m = lmer("Yield ~ 1 + (1 | Batch)", Dyestuff, REML=False)
    >>> figure = plot(profile(m), absVal=True)
    >>> len(figure.axes)
    3
    >>> len(plot(m, "resid(., scaled=TRUE) ~ fitted(.) | Batch").axes)
    6
    """
    raise no_method("plot", result)


@generic
def qqmath(x: Any, *args: Any, **kwargs: Any) -> Any:
    """Ordered values against normal quantiles (R: ``lattice::qqmath``).

    Of a model its standardized residuals; of random effects the conditional
    modes, with intervals from their conditional standard deviations: points of
    a sample from a normal distribution lie on a line.

    Parameters
    ----------
    x : LM, GLM, LMM, GLMM, NLMM, RandomEffects
    level : float
        Of the intervals of random effects.
    id : float, optional
        Of a model: label the rows beyond the normal quantile of 1 - id/2.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from mere import lmer, qqmath, ranef
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> len(qqmath(m).axes), len(qqmath(ranef(m)).axes)
    (1, 2)
    """
    raise no_method("qqmath", x)


@generic
def dotplot(x: Any, *args: Any, **kwargs: Any) -> Any:
    """Random effects of the groups with their intervals, ordered by the first effect (R: ``dotplot(ranef(m))``).

    Parameters
    ----------
    x : RandomEffects
    level : float
        Of the intervals, mode +- z conditional standard deviations.
    transf : callable, optional
        Of values and limits, such as ``numpy.exp``.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from mere import dotplot, lmer, ranef
    >>> from mere.datasets import sleepstudy
    >>> len(dotplot(ranef(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy))).axes)
    2
    """
    raise no_method("dotplot", x)


@generic
def check_model(model: Any, nsim: int = 250, seed: Any = None) -> Any:
    """What to look at before believing a model, in one figure (R: ``performance::check_model``).

    Observed among simulated responses; linear models: medians of residuals over
    fitted values, of their spread, and normal quantiles; others: simulated
    residuals (`simulate_residuals`); variance inflation; quantiles of the random
    effects.

    Parameters
    ----------
    model : LM, GLM, LMM, GLMM
    nsim : int
        Number of simulated responses.
    seed : int or numpy.random.Generator, optional

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from mere import check_model, lmer
    >>> from mere.datasets import sleepstudy
    >>> len(check_model(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy), seed=1).axes)
    6
    """
    raise no_method("check_model", model)


@generic
def densityplot(x: Any, *args: Any, **kwargs: Any) -> Any:
    """Densities that the profiles of parameters imply.

    phi(zeta(v)) dzeta/dv: the density of the estimator of which zeta would be
    exactly standard normal.

    Parameters
    ----------
    x : Profile
    parm : str, int, list of these, optional

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from mere import lmer, profile, densityplot
    >>> from mere.datasets import Dyestuff
    >>> m = lmer("Yield ~ 1 + (1 | Batch)", Dyestuff, REML=False)
    >>> len(densityplot(profile(m), "beta_").axes)
    1
    """
    raise no_method("densityplot", x)


@generic
def splom(x: Any, *args: Any, **kwargs: Any) -> Any:
    """Pairs of profiled parameters: traces, and contours of the joint profile.

    The traces are the values of one parameter at which the criterion is lowest
    given the other. The contours go through the four points where a trace meets
    the boundary of a joint region, and are interpolated between them. Above the
    diagonal in parameters, below it in zeta.

    Parameters
    ----------
    x : Profile
    parm : str, int, list of these, optional
    levels : list of float
        Of the joint regions, for two parameters; default 0.5, 0.8, 0.9, 0.95, 0.99.

    Returns
    -------
    matplotlib.figure.Figure

    References
    ----------
    Bates and Watts (1988), Nonlinear regression analysis and its applications,
    section 6.1 and appendix A6.

    Examples
    --------
    >>> from mere import lmer, profile, splom
    >>> from mere.datasets import Dyestuff
    >>> m = lmer("Yield ~ 1 + (1 | Batch)", Dyestuff, REML=False)
    >>> len(splom(profile(m)).axes)
    9
    """
    raise no_method("splom", x)
