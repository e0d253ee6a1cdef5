"""Generics that draw; matplotlib is needed when they are called."""

from __future__ import annotations

from typing import Any

from .declare import generic, no_method

__all__ = ["densityplot", "plot", "splom"]


@generic
def plot(result: Any, *args: Any, **kwargs: Any) -> Any:
    """A picture of a result, with matplotlib.

    Of marginal means: points with their intervals; with ``comparisons=True``
    also arrows that overlap where two means do not differ. Of a profile: zeta,
    or with ``absVal=True`` its absolute value, against each parameter, with the
    intervals of some levels; a straight line means that the parameter is
    estimated with a normal error. Of a bootstrap: histograms of the replicates
    with the estimate and the interval.

    Parameters
    ----------
    result : EmmGrid, Profile, Bootstrap, ...
    ax : matplotlib Axes, optional
        For marginal means.
    parm : str, int, list of these, optional
        Of a profile or a bootstrap.
    absVal : bool
        Of a profile.
    conf : list of float
        Levels of the intervals of a profile; default 0.5, 0.8, 0.9, 0.95, 0.99.
    type, level
        Kind and level of the interval of a bootstrap.

    Returns
    -------
    matplotlib Axes, or an array of them; for profiles and bootstraps a Figure

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
    """
    raise no_method("plot", result)


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
