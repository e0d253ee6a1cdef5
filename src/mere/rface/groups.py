"""`lmList`: a model for each group of rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import tell_of_rows
from ..design import build_design
from ..errors import FormulaError, MereError, MereValueError, MereWarning, tell
from ..families import Family, make_family
from ..frame import as_frame
from ..generalized import GLM, generalized_linear_model
from ..irls import fit_glm
from ..language.parser import parse_expression
from ..language.syntax import Call as Expression
from ..language.syntax import deparse
from ..linear import fit_lm
from ..lists import LmList
from ..model import LM, linear_model
from ..refitting import FITTERS
from .calls import record

__all__ = ["lmList", "split_groups"]


def lmList(
    formula: str,
    data: Any,
    family: str | Family | None = None,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: str = "omit",
    pool: bool | None = None,
    contrasts: Any = None,
) -> LmList:
    """Fit a linear model, or a generalized linear one, to each group of rows.

    Parameters
    ----------
    formula : str
        ``"y ~ x | g"``: the model, and the factor that groups the rows.
    data : table
    family : str or Family, optional
        As in `glm`; default a linear model.
    weights, offset, subset : str or array, optional
    na_action : {"omit", "exclude", "fail"}
    pool : bool, optional
        Estimate one residual standard deviation from all groups; default where the family has one (as in lme4 not of
        quasi families).
    contrasts : dict or pair, optional

    Returns
    -------
    LmList
        Groups that could not be fitted have NaN coefficients; one warning names them.

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
    call = record(
        "lmList", data, formula=formula, family=family, weights=weights, offset=offset, subset=subset,
        na_action=None if na_action == "omit" else na_action, pool=pool, contrasts=contrasts,
    )  # fmt: skip
    chosen = None if family is None else make_family(family)
    shared = {"weights": weights, "offset": offset, "contrasts": contrasts}
    whole = build_design(model, data, subset=subset, na_action=na_action, **shared)
    factor = as_frame(data).factor(group)
    rows = np.arange(whole.frame.nrow) if whole.frame.rows is None else whole.frame.rows
    codes = np.asarray(factor.codes)[rows]
    fits: dict[str, LM | GLM | None] = {}
    failed: dict[str, str] = {}
    for j, level in enumerate(factor.levels):
        mine = rows[codes == j]
        if not len(mine):
            continue
        try:
            design = build_design(model, data, subset=mine, **shared)
            if chosen is None:
                fits[level] = linear_model(fit_lm(design), call)
            else:
                fits[level] = generalized_linear_model(design, chosen, *fit_glm(design, chosen), call)
        except MereError as error:
            fits[level], failed[level] = None, str(error)
    if failed and len(failed) == len(fits):
        raise MereValueError(f"no group could be fitted; the first says: {failed.popitem()[1]}")
    tell_of_rows(whole)
    if failed:
        level, reason = next(iter(failed.items()))
        tell(
            f"{len(failed)} of {len(fits)} groups could not be fitted ({', '.join(failed)}); {level}: {reason}",
            MereWarning,
        )
    shares = chosen is None or (chosen.has_scale and chosen.has_likelihood)
    return LmList(model, group, fits, shares if pool is None else bool(pool), call)


def split_groups(formula: str) -> tuple[str, str]:
    """The model and the grouping factor of ``"y ~ x | g"``."""
    tree = parse_expression(formula)
    if isinstance(tree, Expression) and tree.is_binary("~"):
        right = tree.args[1]
        if isinstance(right, Expression) and right.is_binary("|"):
            return f"{deparse(tree.args[0])} ~ {deparse(right.args[0])}", deparse(right.args[1])
    raise FormulaError("lmList() needs a formula such as 'y ~ x | g'", formula, 0)


FITTERS["lmList"] = lmList
