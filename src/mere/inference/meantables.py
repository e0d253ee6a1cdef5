"""Least-squares means: rows of coefficients that average over the levels of the other factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..arguments import check_flags, check_probability, texts_of
from ..contrasts import read_contrasts
from ..design import Design
from ..errors import MereValueError
from ..frame import Factor
from ..model import LM, LMM
from ..modelmatrix import build_matrix
from ..results import MeansTable
from .fixedterms import covariate_means, is_factor
from .methods import method_name, reference_of, title_of
from .tables import estimable_rows, kept_columns, null_space, t_table

__all__ = ["mean_rows"]


def mean_rows(design: Design, which: Sequence[str]) -> tuple[np.ndarray, list[str], list[str], list[str]]:
    """Coefficients (over all columns) of the means of some terms, their names, terms and levels.

    The levels of the term's own factors are crossed, the first varying fastest; those of all others are averaged with
    equal weights; covariates stand at their means.
    """
    terms, values = design.terms, design.frame.variables
    used = [terms.variables[v] for v in sorted({v for term in terms.terms for v in term})]
    levels = {name: _levels(values[name]) for name in used if is_factor(values[name])}
    grid = [dict(zip(levels, codes)) for codes in product(*(range(len(x)) for x in levels.values()))]
    n = len(grid)
    columns: dict[str, Any] = {}
    for name in used:
        value = values[name]
        if name in levels:
            codes = np.array([cell[name] for cell in grid], dtype=np.int32)
            columns[name] = replace(value, codes=codes) if isinstance(value, Factor) else codes > 0
        else:
            mean = covariate_means(value)
            columns[name] = np.repeat(mean, n) if isinstance(mean, np.ndarray) else mean.take(np.zeros(n, dtype=int))
    X = build_matrix(terms, columns, n, read_contrasts(design.contrasts), design.codings).X
    rows, names, labels, shown = [], [], [], []
    for label in which:
        own = [terms.variables[v] for v in terms.terms[terms.labels.index(label)]]
        for indices in product(*(range(len(levels[name])) for name in reversed(own))):
            cell = dict(zip(reversed(own), indices))
            chosen = [all(point[name] == code for name, code in cell.items()) for point in grid]
            rows.append(X[chosen].mean(axis=0))
            names.append(":".join(name + levels[name][cell[name]] for name in own))
            labels.append(label)
            shown.append(":".join(levels[name][cell[name]] for name in own))
    return np.array(rows).reshape(len(rows), X.shape[1]), names, labels, shown


def _levels(value: Any) -> tuple[str, ...]:
    return value.levels if isinstance(value, Factor) else ("FALSE", "TRUE")


def _factor_terms(design: Design, which: str | Sequence[str] | None) -> list[str]:
    """The terms that consist of factors only, or those asked for."""
    terms, values = design.terms, design.frame.variables
    known = [
        label
        for label, term in zip(terms.labels, terms.terms, strict=True)
        if all(is_factor(values[terms.variables[v]]) for v in term)
    ]
    if which is None:
        return known
    wanted = texts_of(which, "which")
    for label in wanted:
        if label not in known:
            raise MereValueError(f"which={label!r} is no term of factors; there are {', '.join(known) or 'none'}")
    return wanted


def _ls_means(
    m: LM | LMM,
    which: str | Sequence[str] | None = None,
    level: float = 0.95,
    ddf: str | None = None,
    pairwise: bool = False,
    vcov: Any = None,
) -> MeansTable:
    check_probability(level)
    check_flags(pairwise=pairwise)
    L, names, labels, shown = mean_rows(m.design, _factor_terms(m.design, which))
    if pairwise:
        pairs = [(i, j) for i, j in combinations(range(len(L)), 2) if labels[i] == labels[j]]
        L = np.array([L[i] - L[j] for i, j in pairs]).reshape(len(pairs), -1) if pairs else L[:0]
        names = [f"{names[i]} - {names[j]}" for i, j in pairs]
        labels = [labels[i] for i, _ in pairs]
        shown = [f"{shown[i]} - {shown[j]}" for i, j in pairs]
    kept = kept_columns(m)
    estimable = estimable_rows(L, null_space(m.design.X_full, kept))
    reference = reference_of(m, ddf, vcov)
    table = t_table(reference, L[:, kept], names, level=level, estimable=estimable)
    method = method_name(ddf) if vcov is None else title_of(reference, vcov)
    columns = list(m.design.names)
    tests = {
        label: pd.DataFrame(L[mine][:, kept], [names[i] for i in mine], columns)
        for label in dict.fromkeys(labels)
        if (mine := [i for i, own in enumerate(labels) if own == label])
    }
    return MeansTable(
        table, ("Least Squares Means table:", ""), tests, level=level, method=method, terms=tuple(labels),
        levels=tuple(shown), L=L[:, kept],
    )  # fmt: skip


def _difflsmeans(m: LM | LMM, which: Any = None, **kwargs: Any) -> MeansTable:
    return _ls_means(m, which, pairwise=True, **kwargs)


for _kind in (LM, LMM):
    g.ls_means.register(_kind, _ls_means)
    g.difflsmeans.register(_kind, _difflsmeans)
