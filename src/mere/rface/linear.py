"""`lm`: linear models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..checks import tell_of_rows
from ..design import build_design
from ..linear import fit_lm
from ..model import LM, linear_model
from ..refitting import FITTERS
from .calls import record

__all__ = ["lm"]


def lm(
    formula: str,
    data: Any,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: str = "omit",
    contrasts: Any = None,
    env: Mapping[str, Any] | None = None,
) -> LM:
    """Fit a linear model by least squares.

    Parameters
    ----------
    formula : str
        ``"y ~ a * x"``, in R's language.
    data : table
        pandas, polars, pyarrow, or a dict of arrays; never changed.
    weights, offset, subset : str or array, optional
        A column name, an expression in the columns, or an array.
    na_action : {"omit", "exclude", "fail"}
    contrasts : dict or pair, optional
        ``{"f": "contr.sum"}``, ``{"f": ("treatment", {"base": 2})}``, or a matrix.
    env : mapping, optional
        Functions and arrays of your own that the formula may use.

    Returns
    -------
    LM
        Coefficients of columns that are linear combinations of earlier ones
        are NaN.

    Examples
    --------
    >>> from mere import lm
    >>> from mere.datasets import sleepstudy
    >>> lm("Reaction ~ Days", sleepstudy).coef().round(2).to_dict()
    {'(Intercept)': 251.41, 'Days': 10.47}
    """
    call = record(
        "lm", data, formula=str(formula), weights=weights, offset=offset, subset=subset,
        na_action=None if na_action == "omit" else na_action, contrasts=contrasts, env=env,
    )  # fmt: skip
    design = build_design(
        formula, data, weights=weights, offset=offset, subset=subset, na_action=na_action,
        contrasts=contrasts, env=env,
    )  # fmt: skip
    tell_of_rows(design)
    return linear_model(fit_lm(design), call)


FITTERS["lm"] = lm
