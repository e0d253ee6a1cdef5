"""`qdrg`: a reference grid from a formula, data, coefficients and their covariance."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..design import Design, build_design
from ..errors import MereTypeError, MereValueError
from ..frame import as_frame
from ..language.formulas import parse_formula
from ..margins import EmmGrid, build_grid
from ..margins.basis import constant_df
from ..margins.scales import Scale, find_scale
from .bases import design_basis

__all__ = ["qdrg"]

_RESPONSE = ".response"


def qdrg(
    formula: str,
    data: Any,
    coef: Any,
    vcov: Any,
    df: float | None = None,
    subset: Any = None,
    weights: Any = None,
    contrasts: Any = None,
    link: str | Scale | None = None,
    sigma: float | None = None,
    **options: Any,
) -> EmmGrid:
    """A reference grid of a fit that is known by its numbers only (emmeans' ``qdrg``).

    For models of other packages, or of other programs: whatever has
    coefficients of a formula and their covariance.

    Parameters
    ----------
    formula : str
        Of the fixed part, ``"~ a * x"``; a response in it tells its transform.
    data : table
        What was fitted.
    coef : array or Series
        The coefficients, in the order of the model matrix; by name if they have
        names. NaN, or left out, where they are aliased.
    vcov : array or DataFrame
        Their covariance.
    df : float, optional
        Degrees of freedom; default infinite.
    subset, weights, contrasts
        As they were in the fit.
    link : str or Scale, optional
        ``"logit"``, ``"log"`` ...: of a generalized model.
    sigma : float, optional
        Residual standard deviation.
    **options
        Others of `ref_grid`.

    Returns
    -------
    EmmGrid

    Examples
    --------
    >>> from mere import emmeans, lm, qdrg, vcov
    >>> from mere.datasets import warpbreaks
    >>> m = lm("breaks ~ tension", warpbreaks)
    >>> grid = qdrg("~ tension", warpbreaks, m.beta, vcov(m), df=51)
    >>> emmeans(grid, "tension").to_frame()["emmean"].round(1).to_list()
    [36.4, 26.4, 21.7]
    """
    design = _design(formula, data, subset, weights, contrasts)
    beta, V = _coefficients(design, coef, vcov)
    scale = None if link is None else find_scale(link).labelled("response")
    basis = design_basis(
        design, data, beta, V, constant_df(np.inf if df is None else df), scale=scale, sigma=sigma, bias_sigma=sigma
    )
    return build_grid(basis, **options)


def _design(formula: str, data: Any, subset: Any, weights: Any, contrasts: Any) -> Design:
    """The design; a formula without a response gets one that nobody sees."""
    parsed = parse_formula(formula)
    if parsed.bars:
        raise MereValueError(f"qdrg: formula must be of the fixed part only, not {formula!r}")
    if parsed.response is None:
        table = as_frame(data)
        columns = {name: data[name] for name in table.names}
        formula, data = f"`{_RESPONSE}` {formula.strip()}", {**columns, _RESPONSE: np.zeros(table.nrow)}
    return build_design(formula, data, subset=subset, weights=weights, contrasts=contrasts)


def _coefficients(design: Design, coef: Any, vcov: Any) -> tuple[np.ndarray, np.ndarray]:
    """The estimated coefficients and their covariance in the order of the design."""
    try:
        beta, V = np.asarray(coef, dtype=float).ravel(), np.asarray(vcov, dtype=float)
    except (TypeError, ValueError):
        raise MereTypeError("qdrg: coef and vcov must be numbers: an array or Series, and a matrix") from None
    names = _names_of(coef)
    full = list(design.names_full)
    if names is not None and set(names) <= set(full):
        place = {name: i for i, name in enumerate(names)}
        order = [place[name] for name in full if name in place]
        V = V[np.ix_(order, order)] if V.shape == (len(beta), len(beta)) else V
        beta = beta[order]
    kept = np.isfinite(beta)
    if V.shape == (len(beta), len(beta)):
        V = V[np.ix_(kept, kept)]
    beta = beta[kept]
    r = len(design.names)
    if len(beta) != r:
        raise MereValueError(f"qdrg: coef has {len(beta)} estimates, the formula has {r}: {', '.join(design.names)}")
    if V.shape != (r, r):
        raise MereValueError(f"qdrg: vcov must be {r} x {r}, not {' x '.join(map(str, V.shape))}")
    return beta, V


def _names_of(coef: Any) -> list[str] | None:
    index = getattr(coef, "index", None)
    return None if index is None or callable(index) else [str(i) for i in index]
