"""`permutation_test`: null models, draws for all terms at once, p-values and intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ... import generics as g
from ...arguments import check_flags, check_probability, threads_of
from ...errors import DataMessage, tell
from ...generalized import GLM, GLMM
from ...model import LM, LMM
from ...simulation import read_seed
from ..methods import reference_of
from ..reference import p_of_t
from .arguments import Tested, cluster_codes_of, plan_of, read_method, read_serial, refuse_saturated, tested_terms
from .arrangements import Arrangements, Plan
from .drawing import draw_values
from .methods import INVERTIBLE, METHODS, Geometry, Statistic, estimated, geometry
from .nulls import NullRows, null_rows
from .penalized import penalized_statistic
from .pvalues import exceedances, inverted_limits, p_row
from .results import PermutationTest
from .sequential import read_stop


def _test(
    m: Any,
    terms: Any = None,
    confounders: Any = None,
    method: str = "score",
    cells: Any = None,
    strategy: str | Sequence[str] | None = None,
    statistic: str = "t",
    n_perm: int = 5000,
    joint: bool = False,
    alternative: str = "two-sided",
    conf_level: float = 0.95,
    constraints: Callable[[np.ndarray], np.ndarray] | None = None,
    seed: Any = None,
    ncpus: int | None = 1,
    errors: str = "iid",
    panels: Any = None,
    times: Any = None,
    stop: int | None = None,
    save_draws: bool = True,
    progress: bool | None = None,
    checkpoint: Any = None,
) -> PermutationTest:
    method, statistic = read_method(m, method, statistic)
    exceedances(0.0, np.zeros(0), alternative)  # an unknown alternative is an error before any work
    check_probability(conf_level, "conf_level")
    check_flags(joint=joint)
    threads_of(ncpus)
    refuse_saturated(m)
    hypotheses, aside = tested_terms(m, terms, joint, confounders)
    codes = None if cells is None else cluster_codes_of(m, cells)
    plan = plan_of(m, method, cells, strategy, hypotheses)
    serial = read_serial(m, errors, panels, times, codes)
    number = read_seed(seed)
    arrangements = Arrangements.of(plan, n_perm, number, constraints)
    nulls = [null_rows(m, h.columns, *serial) for h in hypotheses]
    shapes = [geometry(rows.X, rows.y, h.columns, rows.arranged) for rows, h in zip(nulls, hypotheses, strict=True)]
    statistics = [
        penalized_statistic(m, rows, f, h.columns, alternative) if method == "pql-fixed" else METHODS[method](f)
        for rows, f, h in zip(nulls, shapes, hypotheses, strict=True)
    ]
    limit = read_stop(stop, n_perm)
    limit = None if arrangements.exact else limit
    sides = ["greater" if f.q > 1 else alternative for f in shapes]
    about = {"formula": str(m.design.formula), "method": method, "seed": number, "strategy": plan.strategy}
    about["observed"] = [s.observed for s in statistics]
    values = draw_values(statistics, sides, arrangements, limit, ncpus, progress, checkpoint, about)
    lost = int(np.isinf(values).any(axis=1).sum())
    if lost:
        tell(f"{lost} of {len(values)} draws have no fit: they count as larger than what was observed", DataMessage)
    draws = pd.DataFrame(values, columns=[h.label for h in hypotheses])
    rows = [
        _row(m, h, f, s, values[:, j], alternative, conf_level, method, limit, arrangements.exact)
        for j, (h, f, s) in enumerate(zip(hypotheses, shapes, statistics, strict=True))
    ]
    table = pd.DataFrame(rows, index=[h.label for h in hypotheses])
    for label in aside:
        table.loc[label] = {**dict.fromkeys(table.columns, np.nan), "label": "confounder"}
    null, symmetry, approximation = _words(m, method, plan, serial[1])
    phi = _autoregressions(nulls, list(draws.columns)) if serial[1] else None
    return PermutationTest(
        table, draws if save_draws else None, method, plan.strategy, statistic, alternative, arrangements.exact, null,
        symmetry, approximation, number, conf_level, str(m.design.formula), limit, phi,
    )  # fmt: skip


def _autoregressions(nulls: Sequence[NullRows], labels: Sequence[str]) -> pd.DataFrame:
    found = pd.DataFrame([rows.phi for rows in nulls], list(labels))
    return found.set_axis([f"phi{j + 1}" for j in found.columns], axis=1)


def _row(
    m: Any, h: Tested, f: Geometry, s: Statistic, draws: np.ndarray, alternative: str, level: float, method: str,
    stop: int | None = None, exact: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """One line of the table."""
    many = f.q > 1
    row = p_row(s.observed, draws, "greater" if many else alternative, stop, exact) | {"df": float(f.q)}
    valid = draws[np.isfinite(draws)]
    reference = reference_of(m)
    L = np.eye(len(m.beta))[h.columns]
    if many:
        row["p.classical"] = reference.joint(L).p_value
    else:
        estimate, se = estimated(f)
        row |= {"estimate": s.observed if method == "pql-fixed" else estimate, "std.error": se}
        if method in INVERTIBLE and (stop is None or len(valid) == len(draws)):
            ends = inverted_limits(row["estimate"], se, valid, alternative, level)
            row |= dict(zip(("conf.low", "conf.high"), ends, strict=True))
        t = reference.beta[h.columns] / np.sqrt(np.diag(reference.V)[h.columns])
        both = float(p_of_t(t, reference.df(L))[0])
        right = (t[0] > 0) == (alternative == "greater")
        row["p.classical"] = both if alternative == "two-sided" else both / 2 if right else 1 - both / 2
    return row


def _words(m: Any, method: str, plan: Plan, order: int) -> tuple[str, str, str]:
    """Null, symmetry and approximation in words."""
    mixed, generalized = isinstance(m, (LMM, GLMM)), isinstance(m, (GLM, GLMM))
    if method == "manly":
        null = "the response has nothing to do with any term"
    else:
        null = "the coefficients of the term are zero, whatever the other coefficients are"
    what = "working residuals" if generalized else "residuals" if method != "manly" else "responses"
    where = {
        "global": "all rows", "within": "the rows of a cell", "between": "cells of the same size",
        "two-stage": "rows within cells, and cells of the same size", "signs": "",
        "nested": "nested cells, by the rule of each level,",
    }[plan.strategy]  # fmt: skip
    units = len(plan.cells)
    if plan.strategy == "signs":
        symmetry = f"the scores of {units} {'rows' if units == plan.n else 'clusters'} are symmetric about zero"
    else:
        symmetry = f"{what} of {where} may change places"
    if mixed or order:
        symmetry += ", once whitened by the covariance of the null model"
    parts = []
    if order:
        parts.append(f"the autoregression of order {order} of the null fit's errors is taken as known")
    if mixed:
        parts.append("the variance parameters of the null fit are taken as known")
    if method == "pql-fixed":
        parts.append("residuals are arranged as linearized at the null fit, and the responses they make fitted in full")
    elif generalized:
        parts.append("the model is linearized at its null fit")
    if method in ("score", "freedman-lane", "kennedy", "ter-braak", "one-step") and not (generalized or mixed):
        parts.append("residuals stand for errors; exact as n grows, and with no other column than the intercept")
    if method == "sign-flip":
        parts.append("standardized scores; exact as the number of units grows")
    return null, symmetry, "; ".join(parts) or "none"


for _kind in (LM, GLM, LMM, GLMM):
    g.permutation_test.register(_kind, _test)
