"""`step`: backward elimination of random-effects terms, then of fixed-effects terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..arguments import check_flags, number_of, texts_of
from ..errors import MereValueError
from ..model import LM, LMM
from ..results import StepResult
from .deletions_of_terms import droppable, removal_table
from .methods import method_name
from .randomterms import ranova_table, reductions
from .refits import refit_formula, without_terms
from .single_terms import deletion_table

__all__: list[str] = []


@g.step.register(LMM)
def _step(
    m: LMM,
    ddf: str | None = None,
    alpha_random: float = 0.1,
    alpha_fixed: float = 0.05,
    reduce_fixed: bool = True,
    reduce_random: bool = True,
    keep: str | Sequence[str] = (),
) -> StepResult:
    check_flags(reduce_fixed=reduce_fixed, reduce_random=reduce_random)
    for name, alpha in (("alpha_random", alpha_random), ("alpha_fixed", alpha_fixed)):
        if not 0 <= number_of(alpha, name) <= 1:
            raise MereValueError(f"{name} must lie between 0 and 1, not {alpha!r}")
    kept, labels = texts_of(keep, "keep"), m.design.term_labels
    if unknown := [label for label in kept if label not in labels]:
        raise MereValueError(f"keep has {unknown[0]!r}, which is no term of the model; there are {', '.join(labels)}")
    model: LM | LMM = m
    random = fixed = None
    if reduce_random:
        random, model = _reduce_random(m, alpha_random)
    if reduce_fixed:
        fixed, model = _reduce_fixed(model, ddf, alpha_fixed, set(kept))
    return StepResult(random, fixed, model, str(model.design.formula), method_name(ddf))


def _reduce_random(m: LMM, alpha: float) -> tuple[pd.DataFrame, LM | LMM]:
    """Take away the weakest random effect while its p-value is above alpha."""
    current: LM | LMM = m
    done: list[pd.DataFrame] = []
    while isinstance(current, LMM):
        ways = list(reductions(current))
        table, smaller = ranova_table(current, ways)
        first, rows = table.iloc[:1], table.iloc[1:]
        if not done:
            done.append(_eliminated(first, [np.nan]))
        p = rows["Pr(>Chisq)"].fillna(-1.0).to_numpy()
        worst = int(np.argmax(p))
        if not p[worst] > alpha:
            done.append(_eliminated(rows, [0] * len(rows)))
            break
        done.append(_eliminated(rows.iloc[[worst]], [len(done)]))
        current = smaller[worst]
    return pd.concat(done), current


def _reduce_fixed(model: LM | LMM, ddf: str | None, alpha: float, keep: set[str]) -> tuple[pd.DataFrame, LM | LMM]:
    """Take away the weakest term that marginality allows while its p-value is above alpha."""
    done: list[pd.DataFrame] = []
    current = model
    while True:
        table = _deletions(current, ddf)
        may_go = [i for i, label in enumerate(table.index) if label not in keep and table["Pr(>F)"].iloc[i] > alpha]
        if not may_go:
            done.append(_eliminated(table, [0] * len(table)))
            break
        worst = max(may_go, key=lambda i: table["Pr(>F)"].iloc[i])
        done.append(_eliminated(table.iloc[[worst]], [len(done) + 1]))
        current = refit_formula(current, without_terms(current.design, [str(table.index[worst])]))
    return pd.concat(done), current


def _deletions(model: LM | LMM, ddf: str | None) -> pd.DataFrame:
    """F tests of the terms that can be left out; without random effects the table of a linear model."""
    wanted = droppable(model)
    if isinstance(model, LM):
        return deletion_table(model, wanted, test="F").iloc[1:]
    return removal_table(model, wanted, ddf)


def _eliminated(rows: pd.DataFrame, order: Sequence[float]) -> pd.DataFrame:
    out = rows.copy()
    out.insert(0, "Eliminated", np.asarray(order, dtype=float))
    return out


@g.get_model.register(StepResult)
def _get_model(result: StepResult) -> Any:
    return result.model
