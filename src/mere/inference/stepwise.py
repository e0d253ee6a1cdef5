"""`step` of models without random effects: terms go and come while AIC falls.

Reference: Hastie and Pregibon (1992), Generalized linear models, chapter 6 of Statistical Models in S.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .. import generics as g
from ..arguments import count_of
from ..errors import DataMessage, MereTypeError, MereValueError, tell
from ..generalized import GLM
from ..model import LM
from ..results import StepPath
from .deletions_of_terms import droppable
from .refits import refit_formula, without_terms
from .single_terms import addable, addition_table, deletion_table, terms_of_scope

__all__: list[str] = []

_DIRECTIONS = ("both", "backward", "forward")


@dataclass(frozen=True)
class _Scope:
    """What may go and what may come."""

    model: LM | GLM
    lower: str | None
    upper: str | None

    def may_go(self, m: LM | GLM) -> list[str]:
        stays = {frozenset(x.split(":")) for x in self._labels(self.lower)}
        return [label for label in droppable(m) if frozenset(label.split(":")) not in stays]

    def may_come(self, m: LM | GLM) -> list[str]:
        wanted = self._labels(self.upper)
        return addable(m, wanted) if wanted else []

    def _labels(self, scope: str | None) -> tuple[str, ...]:
        return () if scope is None else terms_of_scope(self.model, scope).labels


@g.step.register(LM)
@g.step.register(GLM)
def _step(
    m: LM | GLM,
    scope: str | Mapping[str, str] | None = None,
    direction: str | None = None,
    k: float = 2,
    steps: int = 1000,
) -> StepPath:
    direction = ("backward" if scope is None else "both") if direction is None else direction
    count_of(steps, "steps", 0)
    if not isinstance(direction, str) or direction not in _DIRECTIONS:
        raise MereValueError(f"direction must be {', '.join(map(repr, _DIRECTIONS))}, not {direction!r}")
    if isinstance(m, GLM):
        m.model_family.need_likelihood("step() by AIC", "use drop1(test='F') and add1(test='F')")
    limits = _limits(m, scope)
    current: LM | GLM = m
    aic = g.extractAIC(m, k=k)[1]
    if not math.isfinite(aic):
        raise MereValueError("AIC is not finite for this model (a perfect fit?), so step cannot proceed")
    path, tables = [_row(m, "", aic)], []
    for _ in range(steps):
        table = _candidates(current, limits, direction, k)
        tables.append(table)
        label = str(table.index[0])
        if label == "<none>":
            break
        sign, term = label[0], label[2:]
        change = without_terms(current.design, [term]) if sign == "-" else f"{current.design.formula} + {term}"
        smaller = refit_formula(current, change)
        new = g.extractAIC(smaller, k=k)[1]
        if new >= aic + 1e-7:
            break
        current, aic = smaller, new
        path.append(_row(current, label, aic))
    else:
        tell(f"step: stopped after steps={steps}, before AIC was lowest", DataMessage)
    return StepPath(_path(path), tuple(tables), current, str(m.design.formula), str(current.design.formula))


def _limits(m: LM | GLM, scope: str | Mapping[str, str] | None) -> _Scope:
    if scope is None:
        return _Scope(m, None, None)
    if isinstance(scope, str):
        return _Scope(m, None, scope)
    if not isinstance(scope, Mapping):
        raise MereTypeError(
            f"scope must be a formula such as '. ~ .^2' or {{'lower': ..., 'upper': ...}}, not {scope!r}"
        )
    unknown = set(scope) - {"lower", "upper"}
    if unknown:
        raise MereValueError(
            f"scope has no part {sorted(unknown)[0]!r}: it is a formula, or {{'lower': ..., 'upper': ...}}"
        )
    return _Scope(m, scope.get("lower"), scope.get("upper"))


def _candidates(m: LM | GLM, limits: _Scope, direction: str, k: float) -> pd.DataFrame:
    """One row for the model and for each change, the lowest AIC first."""
    parts = [deletion_table(m, limits.may_go(m) if direction != "forward" else [], k)]
    parts[0].index = pd.Index(["<none>", *(f"- {label}" for label in parts[0].index[1:])])
    if direction != "backward" and (new := limits.may_come(m)):
        added = addition_table(m, new, k).iloc[1:]
        added.index = pd.Index([f"+ {label}" for label in added.index])
        parts.append(added)
    table = pd.concat(parts)
    table = table[(table.index == "<none>") | (table["Df"] > 0)]
    return table.sort_values("AIC", kind="stable")


def _row(m: LM | GLM, label: str, aic: float) -> tuple[str, float, float, float]:
    return label, float(m.df), float(g.deviance(m)), aic


def _path(rows: Sequence[tuple[str, float, float, float]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["Step", "Resid. Df", "Resid. Dev", "AIC"])
    table.insert(1, "Df", table["Resid. Df"].diff().abs())
    table.insert(2, "Deviance", table["Resid. Dev"].diff())
    return table


@g.get_model.register(StepPath)
def _get_model(result: StepPath) -> Any:
    return result.model
