"""Generics about residuals by simulation."""

from __future__ import annotations

from typing import Any

from .declare import generic, no_method

__all__ = ["check_outliers", "check_residuals", "check_zeroinflation", "simulate_residuals"]


@generic
def simulate_residuals(model: Any, nsim: int = 250, seed: Any = None, group: Any = None, **kwargs: Any) -> Any:
    """Residuals that are uniform on (0, 1) if the model is right, whatever its family (R: ``DHARMa``, ``performance``).

    The rank of each observation among responses simulated from the model: u = (number below + V (ties + 1)) / (nsim +
    1), with V uniform, so that counts have continuous residuals, too. 0.5 is the middle of what the model expects.

    Parameters
    ----------
    model : LM, GLM, LMM, GLMM
    nsim : int
        Number of simulated responses.
    seed : int or numpy.random.Generator, optional
    group : str or array, optional
        Responses are added up in the groups, and compared there: for zeros and ones, or to see whether the groups are
        right.
    use_u : bool
        Mixed models: simulate given the random effects of the fit (default), or draw them anew. Then the residuals of a
        group depend on each other; the tests know that, pictures do not.

    Returns
    -------
    SimulatedResiduals
        ``.scaled``, ``.to_frame()``, ``.simulated``; printing shows the tests of `check_residuals`,
        `check_overdispersion`, `check_outliers` and `check_zeroinflation`; `plot` draws it; ``residuals(s, "normal")``
        are the normal quantiles.

    Notes
    -----
    p-values are ranks among the simulated responses, each of which is treated as the observed one is: they are at
    least 1 / (nsim + 1), and right for dependent rows. That parameters have been estimated makes them conservative.
    DHARMa has the uniform distribution's p-value for the first of the tests, a binomial one for outliers, and residuals
    of exactly 0 and 1 for these.

    References
    ----------
    Dunn and Smyth (1996), J. Comput. Graph. Statist. 5, 236-244; Hartig, DHARMa: residual diagnostics for hierarchical
    regression models.

    Examples
    --------
    >>> from mere import glm, simulate_residuals
    >>> from mere.datasets import warpbreaks
    >>> simulate_residuals(glm("breaks ~ wool * tension", warpbreaks, "poisson"), seed=1)
    54 residuals from 250 simulated responses
                statistic  observed  expected    ratio  p_value
    uniformity     0.2089       NaN       NaN      NaN    0.012
    dispersion        NaN  106.3909   27.3616   3.8883    0.004
    outliers          NaN    8.0000    0.3040  26.3158    0.004
    """
    raise no_method("simulate_residuals", model)


@generic
def check_residuals(s: Any, statistic: Any = None, alternative: str = "two-sided") -> Any:
    """Are simulated residuals uniform? (R: ``performance::check_residuals``, ``DHARMa::testUniformity``)

    Kolmogorov and Smirnov's distance from the uniform distribution, and its rank among the distances of the simulated
    responses' own residuals. With `statistic`, that of a response instead (R: ``DHARMa::testGeneric``).

    Parameters
    ----------
    s : SimulatedResiduals
    statistic : callable, optional
        From a response, an (n,) array, to a number.
    alternative : {"two-sided", "less", "greater"}
        Of the statistic.

    Returns
    -------
    Series
        ``statistic, p_value``, or of a statistic of your own ``observed, expected, ratio, p_value``.

    Examples
    --------
    >>> from mere import check_residuals, lmer, simulate_residuals
    >>> from mere.datasets import sleepstudy
    >>> s = simulate_residuals(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy), seed=1)
    >>> check_residuals(s, statistic=max).round(2)
    observed    466.35
    expected    470.25
    ratio         0.99
    p_value       0.88
    dtype: float64
    """
    raise no_method("check_residuals", s)


@generic
def check_outliers(s: Any, alternative: str = "greater") -> Any:
    """Are there more observations beyond all simulated ones than there should be? (R: ``DHARMa::testOutliers``)

    Parameters
    ----------
    s : SimulatedResiduals
    alternative : {"two-sided", "less", "greater"}

    Returns
    -------
    Series
        Number of rows whose value is larger or smaller than all others: ``observed``, its mean over the simulated
        responses, each compared with the rest, ``expected``, their ``ratio`` and the ``p_value``.

    Examples
    --------
    >>> from mere import check_outliers, glm, simulate_residuals
    >>> from mere.datasets import warpbreaks
    >>> m = glm("breaks ~ wool * tension", warpbreaks, "poisson")
    >>> check_outliers(simulate_residuals(m, seed=1))["observed"]
    np.float64(8.0)
    """
    raise no_method("check_outliers", s)


@generic
def check_zeroinflation(s: Any, alternative: str = "two-sided") -> Any:
    """Are there more zeros than the model expects? (R: ``performance::check_zeroinflation``)

    Parameters
    ----------
    s : SimulatedResiduals
    alternative : {"two-sided", "less", "greater"}

    Returns
    -------
    Series
        Number of zeros ``observed``, its mean over the simulated responses, ``expected``, their ``ratio`` and the
        ``p_value``.

    Examples
    --------
    >>> from mere import check_zeroinflation, glmer, simulate_residuals
    >>> from mere.datasets import grouseticks
    >>> m = glmer("TICKS ~ YEAR + cHEIGHT + (1 | BROOD)", grouseticks, "poisson")
    >>> check_zeroinflation(simulate_residuals(m, seed=1)).round(2)
    observed    126.00
    expected    109.66
    ratio         1.15
    p_value       0.04
    dtype: float64
    """
    raise no_method("check_zeroinflation", s)
