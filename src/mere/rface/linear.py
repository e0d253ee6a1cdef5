"""`lm` and `lmList`: linear models, one or one per group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..design import build_design
from ..errors import FormulaError, MereError, MereValueError, MereWarning, tell
from ..frame import as_frame
from ..language.parser import parse_expression
from ..language.syntax import Call as Expression
from ..language.syntax import deparse
from ..linear import fit_lm
from ..lists import LmList
from ..model import LM, linear_model
from ..refitting import FITTERS
from .calls import record

__all__ = ["lm", "lmList"]


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
    return linear_model(fit_lm(design), call)


FITTERS["lm"] = lm


def lmList(
    formula: str,
    data: Any,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: str = "omit",
    pool: bool = True,
    contrasts: Any = None,
) -> LmList:
    """Fit a linear model to each group of rows.

    Parameters
    ----------
    formula : str
        ``"y ~ x | g"``: the model, and the factor that groups the rows.
    data : table
    weights, offset, subset : str or array, optional
    na_action : {"omit", "exclude", "fail"}
    pool : bool
        Estimate one residual standard deviation from all groups (default).
    contrasts : dict or pair, optional

    Returns
    -------
    LmList
        Groups that could not be fitted have NaN coefficients; one warning
        names them.

    Examples
    --------
    >>> from mere import lmList
    >>> from mere.datasets import sleepstudy
    >>> lmList("Reaction ~ Days | Subject", sleepstudy).coef().head(2).round(2)
         (Intercept)   Days
    308       244.19  21.76
    309       205.05   2.26
    """
    model, group = split_groups(formula)
    call = record("lmList", data, formula=formula, weights=weights, offset=offset, subset=subset)
    shared = {"weights": weights, "offset": offset, "contrasts": contrasts}
    whole = build_design(model, data, subset=subset, na_action=na_action, **shared)
    factor = as_frame(data).factor(group)
    rows = np.arange(whole.frame.nrow) if whole.frame.rows is None else whole.frame.rows
    codes = np.asarray(factor.codes)[rows]
    fits: dict[str, LM | None] = {}
    failed: dict[str, str] = {}
    for j, level in enumerate(factor.levels):
        mine = rows[codes == j]
        if not len(mine):
            continue
        try:
            design = build_design(model, data, subset=mine, **shared)
            fits[level] = linear_model(fit_lm(design), call)
        except MereError as error:
            fits[level], failed[level] = None, str(error)
    if failed and len(failed) == len(fits):
        raise MereValueError(f"no group could be fitted; the first says: {failed.popitem()[1]}")
    if failed:
        level, reason = next(iter(failed.items()))
        tell(
            f"{len(failed)} of {len(fits)} groups could not be fitted ({', '.join(failed)}); {level}: {reason}",
            MereWarning,
        )
    return LmList(model, group, fits, bool(pool), call)


def split_groups(formula: str) -> tuple[str, str]:
    """The model and the grouping factor of ``"y ~ x | g"``."""
    tree = parse_expression(formula)
    if isinstance(tree, Expression) and tree.is_binary("~"):
        right = tree.args[1]
        if isinstance(right, Expression) and right.is_binary("|"):
            return f"{deparse(tree.args[0])} ~ {deparse(right.args[0])}", deparse(right.args[1])
    raise FormulaError("lmList() needs a formula such as 'y ~ x | g'", formula, 0)
