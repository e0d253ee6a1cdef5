"""Summaries of grids whose coefficients were drawn: point estimates and HPD intervals of the draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..errors import MarginsMessage, MereTypeError, MereValueError, tell
from .draws import draws_of, hpd_intervals
from .grid import EmmGrid, EmmList, for_grids, names_tuple, text_of_value
from .scales import Scale
from .summarizing import (
    UNSET,
    SummaryEmm,
    _as_ratios,
    _back_scale,
    _bias,
    _estimate_name,
    _level,
    _moved,
    _variables,
    summarize,
)

__all__ = ["as_mcmc", "hpd_summary"]

_POINTS: dict[str, Callable[[np.ndarray], Any]] = {
    "median": lambda draws: np.median(draws, axis=0),
    "mean": lambda draws: np.mean(draws, axis=0),
}
_OF_TESTS = ("adjust", "cross_adjust", "df", "calc", "null", "side", "scheffe_rank")


@for_grids
def hpd_summary(
    object: EmmGrid | EmmList,
    prob: float | None = None,
    by: Any = UNSET,
    type: str | None = None,
    point_est: str | Callable[[np.ndarray], float] = "median",
    delta: float | None = None,
    bias_adjust: bool | str | None = None,
    sigma: float | str | None = None,
) -> Any:
    """Point estimates and highest-density intervals of draws (emmeans' ``hpd.summary``).

    Parameters
    ----------
    object : EmmGrid
        One with draws, as ``regrid(..., N_sim=)`` makes them.
    prob : float, optional
        Of the interval: the shortest that holds this share of the draws.
    by : str, sequence or None
    type : {"link", "response"}
    point_est : {"median", "mean"} or callable
        Of the draws of a row.
    delta : float, optional
        Adds ``p.equiv``, the share of draws within `delta` of zero, and its odds.
    bias_adjust, sigma
        Of the back-transformation.

    Returns
    -------
    SummaryEmm

    References
    ----------
    Chen and Shao (1999), Monte Carlo estimation of Bayesian credible and HPD intervals, Journal of Computational and
    Graphical Statistics 8.

    Examples
    --------
    >>> from mere import lm, emmeans, hpd_summary
    >>> from mere.datasets import pigs
    >>> means = emmeans(lm("log(conc) ~ source", pigs), "source", regrid="response", N_sim=1000, seed=1)
    >>> list(hpd_summary(means, prob=0.9).columns)
    ['source', 'response', 'lower.HPD', 'upper.HPD']
    """
    if isinstance(object, EmmList):
        same = {"type": type, "point_est": point_est, "delta": delta, "bias_adjust": bias_adjust, "sigma": sigma}
        return {name: hpd_summary(part, prob, by, **same) for name, part in object.items()}
    about, rows = object.about, object.shown
    level = _level(about.level if prob is None else prob)
    group_names = about.by if by is UNSET else names_tuple(by)
    scale_notes: list[str] = []
    back = _back_scale(about.scale, about.type if type is None else type, scale_notes)
    bias = _bias(about, bias_adjust, sigma) if back is not None else None
    on_link = draws_of(object, rows)
    words, function = _point_estimate(point_est)
    draws = on_link if back is None else _moved(on_link, back, bias)
    estimable = object.estimates.estimable(object.L[rows])
    low, high = hpd_intervals(np.where(estimable, draws, 0.0), level)
    columns = {"lower.HPD": np.where(estimable, low, np.nan), "upper.HPD": np.where(estimable, high, np.nan)}
    notes = [*_averaged(object), *about.messages, f"Point estimate displayed: {words}"]
    if delta:
        inside = np.where(estimable, (np.abs(on_link) < float(delta)).mean(axis=0), np.nan)
        with np.errstate(divide="ignore"):
            columns |= {"p.equiv": inside, "odds.eq": inside / (1 - inside)}
        notes.append(
            f"'p.equiv' and 'odds.eq' based on posterior P(|lin. pred.| < {text_of_value(round(float(delta), 4))})"
        )
    if back is not None:
        notes.append(f"Results are back-transformed from the {back.name} scale")
    notes += scale_notes
    if bias is not None:
        notes.append(bias.note())
    notes.append(f"HPD interval probability: {text_of_value(level)}")
    value = np.where(estimable, function(np.where(estimable, draws, 0.0)), np.nan)
    return _table(object, rows, group_names, back, {_estimate_name(about, back): value, **columns}, notes)


def _table(
    grid: EmmGrid,
    rows: np.ndarray,
    by: tuple[str, ...],
    back: Scale | None,
    columns: dict[str, np.ndarray],
    notes: list[str],
) -> SummaryEmm:
    variables = _variables(grid, rows)
    if back is not None and back.kind == "ratio":
        variables = _as_ratios(variables, grid.about.primary)
    labels = tuple(c for c in variables.columns if c not in by)
    kinds = {"lower.HPD": "cl", "upper.HPD": "cl"}
    table = variables.assign(**columns)
    return SummaryEmm(
        table, by, labels, next(iter(columns)), tuple(notes), grid.estimates.estimable(grid.L[rows]), kinds
    )


def _averaged(grid: EmmGrid) -> list[str]:
    about = grid.about
    some = "some or all of " if about.partly else ""
    return [f"Results are averaged over {some}the levels of: {', '.join(about.averaged)}"] if about.averaged else []


def _point_estimate(wanted: Any) -> tuple[str, Callable[[np.ndarray], np.ndarray]]:
    if isinstance(wanted, str) and wanted in _POINTS:
        return wanted, _POINTS[wanted]
    if not callable(wanted):
        raise MereValueError(f"point_est must be 'median', 'mean' or a function of an array, not {wanted!r}")
    name = getattr(wanted, "__name__", "")
    words = name if name.isidentifier() else "user-supplied function"
    return words, lambda draws: np.array([float(wanted(column)) for column in draws.T])


@for_grids
def as_mcmc(object: EmmGrid | EmmList, names: bool = True, type: str = "link") -> Any:
    """The draws behind the estimates, one column a row of the grid (emmeans' ``as.mcmc``).

    Parameters
    ----------
    object : EmmGrid
        One with draws, as ``regrid(..., N_sim=)`` makes them.
    names : bool
        Columns are named ``source fish, percent 9``, else ``fish, 9``.
    type : {"link", "response"}

    Returns
    -------
    DataFrame
        Rows that cannot be estimated are left out.

    Examples
    --------
    >>> from mere import lm, emmeans, as_mcmc
    >>> from mere.datasets import pigs
    >>> draws = as_mcmc(emmeans(lm("log(conc) ~ source", pigs), "source", regrid="response", N_sim=1000, seed=1))
    >>> draws.shape, list(draws.columns)
    ((1000, 3), ['source fish', 'source soy', 'source skim'])
    """
    if isinstance(object, EmmList):
        return {name: as_mcmc(part, names, type) for name, part in object.items()}
    rows = object.shown
    rows = rows[object.estimates.estimable(object.L[rows])]
    draws = draws_of(object, rows)
    back = _back_scale(object.about.scale, type, [])
    if back is not None:
        draws = _moved(draws, back, None)
    variables = _variables(object, rows)
    parts = [
        [f"{name} {text_of_value(v)}" if names else text_of_value(v) for v in variables[name].tolist()]
        for name in variables.columns
    ]
    return pd.DataFrame(draws, columns=[", ".join(row) for row in zip(*parts)])


# -- the generics --------------------------------------------------------------------
@g.summary.register(EmmGrid)
def _summary(
    grid: EmmGrid,
    infer: Any = None,
    level: float | None = None,
    frequentist: bool = False,
    point_est: Any = None,
    **options: Any,
) -> SummaryEmm:
    """The summary of a grid: of its draws, if it has some and nothing else is asked for."""
    if grid.estimates.draws is None or frequentist:
        if point_est is not None:
            raise MereValueError("point_est is for estimates with draws: regrid(..., N_sim=) makes them")
        return summarize(grid, infer=infer, level=level, **options)
    idle = [name for name in _OF_TESTS if options.pop(name, None) is not None]
    options.pop("seed", None)
    if idle:
        tell(f"{idle[0]}= does not apply to draws: frequentist=True for tests and adjustments", MarginsMessage)
    unknown = [name for name in options if name not in ("by", "type", "delta", "bias_adjust", "sigma")]
    if unknown:
        raise MereTypeError(f"summary() of estimates with draws has no argument {unknown[0]!r}")
    found: SummaryEmm = hpd_summary(grid, level, point_est="median" if point_est is None else point_est, **options)
    return found


@g.summary.register(EmmList)
def _summaries(parts: EmmList, **options: Any) -> dict[str, SummaryEmm]:
    return {name: _summary(part, **options) for name, part in parts.items()}


@g.confint.register(EmmGrid)
def _confint(grid: EmmGrid, parm: Any = None, level: float | None = None, **options: Any) -> SummaryEmm:
    return _summary(grid, infer=(True, False), level=level, **options)


@g.confint.register(EmmList)
def _confints(parts: EmmList, parm: Any = None, level: float | None = None, **options: Any) -> dict[str, SummaryEmm]:
    return {name: _confint(part, level=level, **options) for name, part in parts.items()}
