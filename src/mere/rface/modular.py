"""The steps of `lmer` one by one: formula, criterion, optimization, model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from ..accessors.rows import frame_of, row_labels
from ..arguments import control_of
from ..checks import act, check_design
from ..control import LmerControl
from ..design import Design, build_design
from ..errors import MereTypeError
from ..fitting import optimize, settle
from ..generalized import GLMM, generalized_mixed_model
from ..generalized_fitting import settle_generalized
from ..generalized_objective import GLMMObjective
from ..model import LMM, Call, mixed_model
from ..objective import LMMObjective
from ..optimizers import Optimum
from ..reterms import RandomTerm
from .calls import record

__all__ = ["DevianceFunction", "ParsedModel", "lFormula", "mkLmerDevfun", "mkMerMod", "optimizeLmer"]


@dataclass(frozen=True, eq=False, repr=False)
class ParsedModel:
    """What `lFormula` returns: the design of a model, not fitted.

    Attributes
    ----------
    design : Design
    REML : bool
    control : LmerControl
    call : Call
    """

    design: Design
    REML: bool
    control: Any
    call: Call

    def __repr__(self) -> str:
        n, p = self.design.X.shape
        return f"<{type(self).__name__}: {self.formula}; {n} rows, {p} fixed effects>"

    @property
    def formula(self) -> str:
        """R's text of the formula."""
        return str(self.design.formula)

    @property
    def fr(self) -> pd.DataFrame:
        """The model frame."""
        return frame_of(self.design.frame.variables, row_labels(self.design))

    @property
    def X(self) -> pd.DataFrame:
        """The fixed-effects model matrix."""
        return pd.DataFrame(self.design.X, row_labels(self.design), list(self.design.names))

    @property
    def reTrms(self) -> tuple[RandomTerm, ...]:
        """The random-effects terms, in internal order."""
        return self.design.random


@dataclass(frozen=True, eq=False, repr=False)
class DevianceFunction:
    """What `mkLmerDevfun` returns: the criterion as a function of the parameters, without state.

    Attributes
    ----------
    objective : LMMObjective
    parsed : ParsedModel
    """

    objective: Any
    parsed: ParsedModel

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.parsed.formula}; {len(self.start)} parameters>"

    def __call__(self, theta: Any) -> float:
        return self.objective.value(np.ascontiguousarray(theta, dtype=np.float64))

    @property
    def lower(self) -> np.ndarray:
        """Lower bounds of the parameters."""
        return self.objective.layout.lower.copy()

    @property
    def start(self) -> np.ndarray:
        """Where an optimizer starts by default."""
        return self.objective.layout.start.copy()


S = TypeVar("S")


def step(given: Any, kind: type[S], name: str, before: str) -> S:
    """What the step before gave, or an error that says which that is."""
    if not isinstance(given, kind):
        raise MereTypeError(f"{name}() takes what {before}() gives, not an object of class {type(given).__name__!r}")
    return given


def lFormula(
    formula: str,
    data: Any,
    REML: bool = True,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: str = "omit",
    contrasts: Any = None,
    control: LmerControl | None = None,
    env: Mapping[str, Any] | None = None,
) -> ParsedModel:
    """First step of `lmer`: read formula and data, check them.

    Parameters
    ----------
    formula, data, REML, weights, offset, subset, na_action, contrasts, control, env
        As in `lmer`.

    Returns
    -------
    ParsedModel

    Examples
    --------
    >>> from mere import lFormula
    >>> from mere.datasets import sleepstudy
    >>> lFormula("Reaction ~ Days + (Days | Subject)", sleepstudy).X.shape
    (180, 2)
    """
    call = record(
        "lmer", data, formula=str(formula), REML=None if REML else False, weights=weights,
        offset=offset, subset=subset, na_action=None if na_action == "omit" else na_action,
        contrasts=contrasts, control=control, env=env,
    )  # fmt: skip
    design = build_design(
        formula, data, weights=weights, offset=offset, subset=subset, na_action=na_action,
        contrasts=contrasts, env=env,
    )  # fmt: skip
    control = control_of(control, LmerControl, "lmerControl")
    act(check_design(design, control))
    return ParsedModel(design, bool(REML) and len(design.names) > 0, control, call)


def mkLmerDevfun(parsed: ParsedModel) -> DevianceFunction:
    """Second step: the REML criterion or -2 log L as a function of the parameters.

    Parameters
    ----------
    parsed : ParsedModel
        From `lFormula`.

    Returns
    -------
    DevianceFunction

    Examples
    --------
    >>> from mere import lFormula, mkLmerDevfun
    >>> from mere.datasets import sleepstudy
    >>> devfun = mkLmerDevfun(lFormula("Reaction ~ Days + (Days | Subject)", sleepstudy))
    >>> round(devfun([1, 0, 1]), 3)
    1773.68
    """
    made = step(parsed, ParsedModel, "mkLmerDevfun", "lFormula")
    return DevianceFunction(LMMObjective(made.design, made.REML), made)


def optimizeLmer(devfun: DevianceFunction, start: Any = None, control: LmerControl | None = None) -> Optimum:
    """Third step: minimize the criterion.

    Parameters
    ----------
    devfun : DevianceFunction
    start : array, optional
    control : LmerControl, optional
        Default that of `lFormula`.

    Returns
    -------
    Optimum

    Examples
    --------
    >>> from mere import lFormula, mkLmerDevfun, optimizeLmer
    >>> from mere.datasets import sleepstudy
    >>> devfun = mkLmerDevfun(lFormula("Reaction ~ Days + (Days | Subject)", sleepstudy))
    >>> optimizeLmer(devfun).par.round(4)
    array([0.9667, 0.0152, 0.2309])
    """
    made = step(devfun, DevianceFunction, "optimizeLmer", "mkLmerDevfun")
    return optimize(made.objective, control or made.parsed.control, start)


def mkMerMod(devfun: DevianceFunction, opt: Optimum, call: Call | None = None) -> LMM | GLMM:
    """Fourth step: the model at an optimum.

    Parameters
    ----------
    devfun : DevianceFunction
    opt : Optimum
        From `optimizeLmer` or `optimizeGlmer`.
    call : Call, optional

    Returns
    -------
    LMM or GLMM

    Examples
    --------
    >>> from mere import lFormula, mkLmerDevfun, mkMerMod, optimizeLmer
    >>> from mere.datasets import sleepstudy
    >>> devfun = mkLmerDevfun(lFormula("Reaction ~ Days + (Days | Subject)", sleepstudy))
    >>> mkMerMod(devfun, optimizeLmer(devfun)).fixef().round(2).to_list()
    [251.41, 10.47]
    """
    devfun = step(devfun, DevianceFunction, "mkMerMod", "mkLmerDevfun")
    opt = step(opt, Optimum, "mkMerMod", "optimizeLmer")
    parsed = devfun.parsed
    if isinstance(devfun.objective, GLMMObjective):
        found = settle_generalized(devfun.objective, opt, parsed.control)
        return generalized_mixed_model(found, parsed.control, call or parsed.call)
    fit = settle(devfun.objective, opt, parsed.control)
    return mixed_model(fit, parsed.control, call or parsed.call)
