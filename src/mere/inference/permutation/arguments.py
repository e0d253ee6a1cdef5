"""What a permutation test was asked for: terms, method, cells, panels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ...errors import MereValueError
from ...frame import as_frame
from ...generalized import GLM, GLMM
from ...model import LM, LMM
from ..clusters import cluster_codes, group_codes, outer_group
from .arrangements import Plan, make_plan, make_signs
from .methods import METHODS
from .serial import Panels, read_order, read_panels, whole_times
from .trees import make_tree

__all__ = [
    "Tested", "cluster_codes_of", "plan_of", "read_method", "read_serial", "refuse_constant", "refuse_saturated",
    "tested_terms",
]  # fmt: skip

_TRIES = 30


@dataclass(frozen=True, eq=False)
class Tested:
    """A hypothesis: the columns that are zero."""

    label: str
    columns: np.ndarray


def tested_terms(m: Any, terms: Any, joint: bool, confounders: Any) -> tuple[list[Tested], list[str]]:
    """Hypotheses by term, or one of all of them together; and the terms that are confounders."""
    labels, assign = list(m.design.term_labels), np.asarray(m.design.assign)
    aside = _read_labels(confounders, labels, "confounders")
    wanted = [t for t in labels if t not in aside] if terms is None else _read_labels(terms, labels, "terms", True)
    both = [t for t in wanted if t in aside]
    if both:
        raise MereValueError(f"terms and confounders both have {both[0]!r}")
    found = []
    for label in wanted:
        number = 0 if label == "(Intercept)" else labels.index(label) + 1
        columns = np.flatnonzero(assign == number)
        if len(columns):
            found.append(Tested(label, columns))
        elif terms is not None:
            raise MereValueError(f"terms has {label!r}, which has no coefficient of its own in this model")
    if not found:
        raise MereValueError("there is no term to test")
    if joint:
        together = np.sort(np.concatenate([t.columns for t in found]))
        found = [Tested(" + ".join(t.label for t in found), together)]
    return found, aside


def _read_labels(given: Any, labels: Sequence[str], name: str, intercept: bool = False) -> list[str]:
    wanted = [] if given is None else [given] if isinstance(given, str) or not isinstance(given, Iterable) else [*given]
    known = [*labels, "(Intercept)"] if intercept else list(labels)
    for w in wanted:
        if w not in known:
            raise MereValueError(f"{name} has {w!r}, which is no term of the model; there are {', '.join(labels)}")
    return wanted


def cluster_codes_of(m: Any, cells: Any) -> np.ndarray:
    """The cell of each row: a factor, a column, labels, or several of these crossed."""
    if isinstance(cells, pd.DataFrame):
        cells = [cells[name].to_numpy() for name in cells]
    several = isinstance(cells, (list, tuple)) and all(isinstance(c, (str, np.ndarray)) for c in cells)
    if several and not len(cells):
        raise MereValueError("cells names no factor")
    parts = [_cell_codes(m, c) for c in cells] if several else [_cell_codes(m, cells)]
    return np.unique(np.column_stack(parts), axis=0, return_inverse=True)[1].ravel()


def _cell_codes(m: Any, cells: Any) -> np.ndarray:
    groups = group_codes(m.design)
    if isinstance(cells, str) and cells in groups:
        return groups[cells]
    return cluster_codes(replace(m.design, random=()), m.call.data, cells, "cells")


def read_serial(m: Any, errors: str, panels: Any, times: Any, cells: np.ndarray | None) -> tuple[Panels | None, int]:
    """Panels of autoregressive errors, and their order."""
    order = read_order(errors)
    if not order:
        if panels is not None or times is not None:
            raise MereValueError("panels= and times= are for errors='ar1', 'ar2', ...")
        return None, 0
    if not isinstance(m, (LM, LMM)):
        raise MereValueError(
            f"errors={errors!r} is for lm() and lmer(): the responses of a generalized model are no sums of errors; "
            "give it a random effect of the panel"
        )
    if panels is None and cells is not None:
        codes = cells
    else:
        codes = (
            cluster_codes_of(m, panels) if panels is not None else cluster_codes(m.design, m.call.data, None, "panels")
        )
    return read_panels(codes, None if times is None else whole_times(_column_of(m, times, "times"))), order


def _column_of(m: Any, values: Any, name: str) -> Any:
    """A column of the data by name, or values, at the rows of the model."""
    if isinstance(values, str):
        if m.call.data is None or values not in as_frame(m.call.data):
            raise MereValueError(f"{name}={values!r} is no column of the data: give values of the rows")
        values = as_frame(m.call.data).column(values)
    values, rows, n = np.asarray(values), m.design.frame.rows, len(m.design.y)
    if rows is not None and len(values) == m.design.frame.nrow:
        values = values[rows]
    if values.shape != (n,):
        raise MereValueError(f"{name} needs {n} values, not {len(values)}")
    return values


def read_method(m: Any, method: str, statistic: str) -> tuple[str, str]:
    known = [*METHODS, "pql-fixed"]
    if method not in known:
        raise MereValueError(f"method must be one of {', '.join(map(repr, known))}, not {method!r}")
    if statistic not in ("t", "coefficient"):
        raise MereValueError(f"statistic must be 't' or 'coefficient', not {statistic!r}")
    if isinstance(m, (GLM, GLMM)) and method in ("freedman-lane", "ter-braak", "kennedy", "manly"):
        raise MereValueError(
            f"method={method!r} arranges a response with normal errors, and this one is {m.model_family.name}; use "
            "'score', 'one-step', 'pql-fixed' or 'sign-flip'"
        )
    if isinstance(m, (LM, LMM)) and method == "pql-fixed":
        raise MereValueError(
            "method='pql-fixed' iterates the fit of a generalized model; with normal errors one step is the fit: use "
            "'freedman-lane', or 'one-step' for the coefficient itself"
        )
    if statistic == "coefficient":
        if method not in ("score", "one-step", "pql-fixed"):
            raise MereValueError(f"statistic='coefficient' is for method='score', not {method!r}")
        return "pql-fixed" if method == "pql-fixed" else "one-step", statistic
    return method, "coefficient" if method in ("one-step", "pql-fixed") else statistic


def refuse_saturated(m: Any) -> None:
    """A model that leaves no residuals has nothing to arrange."""
    n, p = len(m.design.y), len(m.beta)
    if n <= p:
        raise MereValueError(f"{n} rows and {p} coefficients leave no residuals to arrange")


def plan_of(m: Any, method: str, cells: Any, strategy: Any, hypotheses: Sequence[Tested]) -> Plan:
    """The arrangements of a method; a list of strategies has one for each level of nested cells."""
    codes = None if cells is None else cluster_codes_of(m, cells)
    n = len(m.design.y)
    if method == "sign-flip":
        if strategy is not None:
            raise MereValueError("method='sign-flip' changes signs and permutes nothing: leave strategy out")
        return make_signs(n, _sign_cells(m) if codes is None else codes)
    for h in hypotheses:
        if h.label == "(Intercept)":
            raise MereValueError("permuting rows cannot test the intercept; method='sign-flip' can")
    if isinstance(strategy, (list, tuple)):
        levels = list(cells) if isinstance(cells, (list, tuple)) else [] if cells is None else [cells]
        plan: Plan = make_tree([_cell_codes(m, level) for level in levels], strategy)
        for h in hypotheses:
            _refuse_fixed(h.label, m.design.X[:, h.columns], plan, strategy)
        return plan
    plan = make_plan(n, codes, strategy)
    if plan.strategy == "within":
        for h in hypotheses:
            refuse_constant(h.label, m.design.X[:, h.columns], plan)
    return plan


def _refuse_fixed(label: str, X: np.ndarray, plan: Plan, rules: Sequence[str]) -> None:
    """Arrangements that leave columns as they are say nothing about them."""
    rng = np.random.default_rng(0)
    if all((X[plan.draw(rng)] == X).all() for _ in range(_TRIES)):
        raise MereValueError(
            f"{label!r} stays the same when cells change places by strategy={list(rules)}: let the level at which it "
            "varies change places"
        )


def refuse_constant(label: str, X: np.ndarray, plan: Plan) -> None:
    """Permuting within cells says nothing about columns that are constant there."""
    if all((X[rows] == X[rows[0]]).all() for rows in plan.cells):
        raise MereValueError(
            f"{label!r} is constant within the cells, so permuting within them says nothing about it; use "
            "strategy='between' (cells of one size), 'global', or method='sign-flip'"
        )


def _sign_cells(m: Any) -> np.ndarray | None:
    """Clusters change signs together; with crossed factors each row of its own."""
    groups = group_codes(m.design)
    outer = outer_group(groups) if groups else None
    return None if outer is None else groups[outer]
