"""Grids whose estimates have become coefficients of their own: other scales, other covariances.

With h applied to each estimate the new covariance is D L V L' D, D = diag(h'(L beta)); averages of
the new grid are averages on the new scale. Degrees of freedom of a combination are the smallest of
those that take part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import MereValueError
from ..simulation import read_seed
from .draws import coefficient_draws, draws_of
from .grid import EmmGrid, EmmList, Estimates, for_grids
from .scales import Scale, find_scale

__all__ = ["materialized", "regrid"]


def materialized(
    grid: EmmGrid, value: np.ndarray, V: np.ndarray, df: np.ndarray, draws: np.ndarray | None = None, **about: Any
) -> EmmGrid:
    """A grid with these estimates and this covariance; rows with NaN are not estimable.

    Parameters
    ----------
    grid : EmmGrid
    value : (n,) array
    V : (n, n) array
    df : (n,) array
    draws : (N, n) array, optional
    **about
        Changes of `About`.
    """
    n = len(value)
    good = np.isfinite(value)
    null = None if good.all() else np.eye(n)[:, ~good]
    own = None if draws is None else draws[:, good]
    estimates = Estimates(np.where(good, value, np.nan), V[np.ix_(good, good)], _Least(df[good]), null, draws=own)
    notes = tuple(_inherited(note) for note in grid.about.notes)
    return EmmGrid(estimates, grid.table, np.eye(n), grid.weight, None, replace(grid.about, notes=notes, **about))


def _inherited(note: str) -> str:
    """The method of the degrees of freedom as R words it once a grid stands on its own."""
    head, sign, method = note.partition("Degrees-of-freedom method: ")
    if not sign or method.startswith("inherited"):
        return note
    return f"{head}{sign}inherited from {method} when re-gridding"


@dataclass(frozen=True, eq=False)
class _Least:
    """Degrees of freedom of combinations of rows: the smallest of those that take part."""

    df: np.ndarray

    def __call__(self, L: np.ndarray) -> np.ndarray:
        used = np.abs(L) > 1e-12
        table = np.where(used, self.df[None, :], np.inf)
        return np.where(used.any(axis=1), table.min(axis=1, initial=np.inf), self.df.min(initial=np.inf))


@for_grids
def regrid(
    object: EmmGrid | EmmList,
    transform: str | Scale | bool = "response",
    bias_adjust: bool | str | None = None,
    sigma: float | str | None = None,
    inv_link_lbl: str | None = None,
    N_sim: int | None = None,
    sim: Callable[..., Any] | None = None,
    seed: Any = None,
) -> Any:
    """Move the estimates of a grid to another scale (emmeans' ``regrid``).

    ``type="response"`` transforms after averaging; what is averaged after
    `regrid` is averaged on the new scale.

    Parameters
    ----------
    object : EmmGrid
    transform : str or Scale
        ``"response"`` (also ``"mu"``, ``"unlink"``): back-transform;
        ``"none"`` or ``"pass"``: keep the scale; the name of a scale such as
        ``"log"``: back-transform, then go to that scale, so that contrasts
        are ratios there.
    bias_adjust, sigma
        Of the back-transformation.
    inv_link_lbl : str, optional
        Column of estimates that are back-transformed from a new scale.
    N_sim : int, optional
        Draw the regression coefficients so many times from their normal distribution and transform the draws: the
        summary is then their median (or mean) and HPD interval, which need no linear approximation.
    sim : callable, optional
        Draws by a function of your own: ``sim(N, mean, covariance)`` gives an (N, p) array.
    seed : int or Generator, optional
        Of the draws.

    Returns
    -------
    EmmGrid

    Examples
    --------
    >>> from mere import lm, emmeans, ref_grid, regrid
    >>> from mere.datasets import pigs
    >>> m = lm("log(conc) ~ source + factor(percent)", pigs)
    >>> emmeans(regrid(ref_grid(m)), "source").to_frame()["response"].round(1).to_list()
    [30.0, 39.4, 44.8]
    """
    if isinstance(object, EmmList):
        seed = read_seed(seed)  # parts of one model: the same draws
        return object.map(regrid, transform, bias_adjust, sigma, inv_link_lbl, N_sim, sim, seed)
    if transform is True:
        transform = "response"
    value, _, df = object.evaluate()
    V = object.estimates.covariance(object.L)
    about = object.about
    draws = _draws(_drawn(object, N_sim, sim, seed))
    known = ("response", "mu", "unlink")
    if transform is False or transform in ("none", "pass"):
        return materialized(object, value, V, df, draws, coefficients=None)
    back = about.scale
    label = about.name
    if back is not None:
        value, V, label, draws = _back(object, back, value, V, draws, bias_adjust, sigma)
    changes: dict[str, Any] = {
        "scale": None, "name": label, "coefficients": None, "type": "link", "null": 0.0, "bias_adjust": False,
    }  # fmt: skip
    if transform not in known:
        scale = find_scale(transform)
        slope = 1.0 / scale.slope(scale.link(value))
        with np.errstate(all="ignore"):
            value = scale.link(value)
        if not np.isfinite(value[~np.isnan(object.evaluate()[0])]).all():
            raise MereValueError(f"regrid: some estimates have no {scale.name}")
        V = slope[:, None] * V * slope
        draws = None if draws is None else _moved_draws(scale, draws)
        new = scale if inv_link_lbl is None else scale.labelled(inv_link_lbl)
        changes["scale"] = new
    return materialized(object, value, V, df, draws, **changes)


def _drawn(grid: EmmGrid, count: int | None, sim: Callable[..., Any] | None, seed: Any) -> EmmGrid:
    """The grid with draws of its coefficients; those it has stay."""
    estimates = grid.estimates
    if count is None or estimates.draws is not None:
        return grid
    draws = coefficient_draws(count, estimates.beta[estimates.kept], estimates.V, sim, seed)
    return replace(grid, estimates=replace(estimates, draws=draws))


def _draws(grid: EmmGrid) -> np.ndarray | None:
    """The draws of all rows."""
    return None if grid.estimates.draws is None else draws_of(grid, np.arange(len(grid.table)))


def _moved_draws(scale: Scale, draws: np.ndarray) -> np.ndarray:
    """Draws on another scale."""
    with np.errstate(all="ignore"):
        out: np.ndarray = scale.link(draws)
    lost = (~np.isfinite(out) & np.isfinite(draws)).any(axis=1).sum()
    if lost:
        raise MereValueError(f"regrid: {lost} of {len(draws)} draws have no {scale.name}: leave out N_sim=")
    return out


def _back(
    grid: EmmGrid,
    back: Scale,
    value: np.ndarray,
    V: np.ndarray,
    draws: np.ndarray | None,
    bias_adjust: bool | str | None,
    sigma: float | str | None,
) -> tuple[np.ndarray, np.ndarray, str, np.ndarray | None]:
    from .summarizing import _bias, _moved, _on_scale

    bias = _bias(grid.about, bias_adjust, sigma)
    out, slope = _on_scale(value, np.ones_like(value), back, bias)
    slope = np.sign(back.slope(value)) * slope
    moved = None if draws is None else _moved(draws, back, bias)
    return out, slope[:, None] * V * slope, str(grid.about.back_label or back.label), moved
