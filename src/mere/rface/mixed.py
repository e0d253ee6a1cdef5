"""`lmer`: a linear mixed model from formula and data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..arguments import check_flags, control_of
from ..control import LmerControl
from ..design import build_design
from ..fitting import fit_lmm
from ..model import LMM, mixed_model
from ..refitting import FITTERS
from .calls import record

__all__ = ["lmer"]

DEFAULT = LmerControl()


def lmer(
    formula: str,
    data: Any,
    REML: bool = True,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: str = "omit",
    contrasts: Any = None,
    start: Any = None,
    control: LmerControl | None = None,
    env: Mapping[str, Any] | None = None,
) -> LMM:
    """Fit a linear mixed model by REML or maximum likelihood.

    y = offset + X beta + Z b + e with b ~ N(0, sigma^2 Lambda Lambda') and
    e ~ N(0, sigma^2 / w); beta and sigma are profiled out, theta (which fills
    Lambda) is optimized.

    Parameters
    ----------
    formula : str
        ``"y ~ x + (1 + x | g)"``, in R's language.
    data : table
        pandas, polars, pyarrow, or a dict of arrays; never changed.
    REML : bool
        Restricted maximum likelihood (default) or maximum likelihood.
    weights, offset, subset : str or array, optional
        A column name, an expression in the columns, or an array.
    na_action : {"omit", "exclude", "fail"}
        What to do with rows that have missing values; ``"exclude"`` shows them
        as NaN in residuals and fitted values.
    contrasts : dict or pair, optional
        ``{"f": "contr.sum"}``, ``{"f": ("treatment", {"base": 2})}``, or a matrix.
    start : array or dict, optional
        Where the optimizer starts: theta, or ``{"theta": ...}``.
    control : LmerControl, optional
        From `lmerControl`.
    env : mapping, optional
        Functions and arrays of your own that the formula may use.

    Returns
    -------
    LMM

    References
    ----------
    Bates, Maechler, Bolker and Walker (2015), Fitting linear mixed-effects
    models using lme4, J. Stat. Soft. 67(1).

    Examples
    --------
    >>> from mere import lmer
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> m.fixef().round(2).to_dict()
    {'(Intercept)': 251.41, 'Days': 10.47}
    """
    check_flags(REML=bool(REML) if isinstance(REML, int) else REML)
    call = record(
        "lmer", data, formula=str(formula), REML=None if REML else False, weights=weights,
        offset=offset, subset=subset, na_action=None if na_action == "omit" else na_action,
        contrasts=contrasts, start=start, control=control, env=env,
    )  # fmt: skip
    design = build_design(
        formula, data, weights=weights, offset=offset, subset=subset, na_action=na_action,
        contrasts=contrasts, env=env,
    )  # fmt: skip
    control = DEFAULT if control is None else control_of(control, LmerControl, "lmerControl")
    fit = fit_lmm(design, bool(REML) and len(design.names) > 0, control, start)
    return mixed_model(fit, control, call)


FITTERS["lmer"] = lmer
