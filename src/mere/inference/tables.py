"""Tables of tests: contrasts and terms of a model, given its `Reference`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..arguments import check_flags, check_probability, numbers_of
from ..errors import MereValueError
from ..generalized import GLM, GLMM
from ..model import LM, LMM
from ..results import AnovaTable
from .fixedterms import fixed_terms
from .hypotheses import FixedTerms, hypotheses, read_type
from .methods import reference_of
from .reference import Reference, p_of_t, quantile_of_t

__all__ = ["f_table", "read_contrasts_matrix", "right_hand_side", "t_table", "terms_of", "tests_of"]


# -- numbers -----------------------------------------------------------------
def t_table(
    reference: Reference,
    L: np.ndarray,
    names: Sequence[str],
    rhs: np.ndarray | float = 0.0,
    limits: bool = True,
    level: float = 0.95,
    estimable: np.ndarray | None = None,
) -> pd.DataFrame:
    """t tests of the rows of L; rows that are not `estimable` are NaN."""
    L = np.atleast_2d(np.asarray(L, float))
    estimate = L @ reference.beta
    se = np.sqrt(np.maximum(np.einsum("ij,ij->i", L @ reference.V, L), 0.0))
    df = reference.df(L)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (estimate - rhs) / se
    columns = {"Estimate": estimate, "Std. Error": se, "df": df, "t value": t}
    if limits:
        width = quantile_of_t(level, df) * se
        columns |= {"lower": estimate - width, "upper": estimate + width}
    table = pd.DataFrame(columns | {"Pr(>|t|)": p_of_t(t, df)}, index=list(names), dtype=float)
    if estimable is not None:
        table.loc[~np.asarray(estimable)] = np.nan
    return table


_F_COLUMNS = pd.Index(["Sum Sq", "Mean Sq", "NumDF", "DenDF", "F value", "Pr(>F)"], dtype=object)


def f_table(
    reference: Reference, tests: Mapping[str, np.ndarray], sigma: float, rhs: np.ndarray | None = None
) -> pd.DataFrame:
    """F tests of several hypotheses, one row each.

    Mean Sq is the unscaled F times sigma^2: what an analysis of variance would have with this error.
    """
    joint = [reference.joint(L, rhs) for L in tests.values()]
    mean = [j.unscaled * sigma**2 for j in joint]
    rows = [(s * j.ndf, s, j.ndf, j.ddf, j.F, j.p_value) for s, j in zip(mean, joint, strict=True)]
    values = np.array(rows, dtype=float).reshape(len(rows), len(_F_COLUMNS))
    table = pd.DataFrame(values, pd.Index(list(tests), dtype=object), _F_COLUMNS)  # one block: three times as fast
    if values[:, 2].all():
        table["NumDF"] = values[:, 2].astype(int)
    else:  # nothing of a term can be tested
        table["NumDF"] = np.where(values[:, 2] > 0, values[:, 2], np.nan)
    return table


def null_space(X: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Directions (columns) in which coefficients of X can move without moving the fit."""
    dropped = np.setdiff1d(np.arange(X.shape[1]), kept)
    out = np.zeros((X.shape[1], len(dropped)))
    if len(dropped):
        scale = np.linalg.norm(X[:, kept], axis=0)
        out[kept] = -np.linalg.lstsq(X[:, kept] / scale, X[:, dropped], rcond=None)[0] / scale[:, None]
        out[dropped, np.arange(len(dropped))] = 1.0
    return out


def estimable_rows(L: np.ndarray, null: np.ndarray, tolerance: float = 1e-8) -> np.ndarray:
    """Which rows of L (over all columns) are the same for every solution."""
    if not null.shape[1]:
        return np.ones(len(L), dtype=bool)
    scale = np.linalg.norm(L, axis=1)[:, None] * np.linalg.norm(null, axis=0)
    out: np.ndarray = (np.abs(L @ null) <= tolerance * np.maximum(scale, 1e-300)).all(axis=1)
    return out


# -- models ------------------------------------------------------------------
def terms_of(m: LM | LMM | GLM | GLMM) -> FixedTerms:
    """The fixed terms of a model, kept with it."""
    if "_fixed_terms" not in m.__dict__:
        m.__dict__["_fixed_terms"] = fixed_terms(m.design)
    return m.__dict__["_fixed_terms"]  # type: ignore[no-any-return]


def kept_columns(m: LM | LMM) -> np.ndarray:
    """Positions of the columns that were kept among all columns."""
    design = m.design
    return np.setdiff1d(np.arange(len(design.names_full)), np.asarray(design.dropped, dtype=int))


def read_contrasts_matrix(m: LM | LMM, L: Any, full: bool = False) -> tuple[np.ndarray, list[str]]:
    """L as (r, p) numbers with names of its rows; a frame is matched by its columns."""
    names = list(m.design.names_full if full else m.design.names)
    labels = None
    if isinstance(L, pd.Series):
        L = L.to_frame().T
    if isinstance(L, pd.DataFrame):
        labels = [str(i) for i in L.index]
        if set(L.columns) <= set(names) and L.columns.is_unique:
            L = L.reindex(columns=names, fill_value=0.0)
        L = L.to_numpy()
    try:
        out = np.atleast_2d(np.asarray(L, dtype=float))
    except (TypeError, ValueError):
        raise MereValueError(f"L must be a matrix of numbers with {len(names)} columns, not {L!r}") from None
    if out.ndim != 2 or out.shape[1] != len(names):
        raise MereValueError(
            f"L must have {len(names)} columns, one for each of {', '.join(names)}; it has shape {out.shape}"
        )
    if not np.isfinite(out).all():
        raise MereValueError("L has missing or infinite values")
    return out, labels or [str(i + 1) for i in range(len(out))]


def right_hand_side(rhs: Any, rows: int) -> np.ndarray:
    """What L beta is under the hypothesis: one number for all rows of L, or one for each.

    Examples
    --------
    >>> right_hand_side(1, 2)
    array([1., 1.])
    """
    out = numbers_of(rhs, "rhs")
    if out.shape not in ((), (1,), (rows,)) or not np.isfinite(out).all():
        raise MereValueError(f"rhs must be a finite number, or {rows} of them, one for each row of L, not {rhs!r}")
    return np.broadcast_to(out, (rows,))


def _contest(
    m: LM | LMM,
    L: Any,
    rhs: Any = 0,
    joint: bool = True,
    collect: bool = True,
    confint: bool = True,
    level: float = 0.95,
    check_estimability: bool = False,
    ddf: str | None = None,
    vcov: Any = None,
) -> Any:
    check_flags(joint=joint, collect=collect, confint=confint, check_estimability=check_estimability)
    check_probability(level)
    if isinstance(L, Mapping):
        if not L:
            raise MereValueError("L has no hypotheses")
        tests = {str(k): _contest(m, v, rhs, joint, True, confint, level, check_estimability, ddf, vcov)
                 for k, v in L.items()}  # fmt: skip
        return _collected(tests) if collect else tests
    if not collect:
        return [_contest(m, L, rhs, joint, True, confint, level, check_estimability, ddf, vcov)]
    matrix, names = read_contrasts_matrix(m, L, full=check_estimability)
    right = right_hand_side(rhs, len(matrix))
    estimable = None
    if check_estimability:
        kept = kept_columns(m)
        estimable = estimable_rows(matrix, null_space(m.design.X_full, kept))
        matrix = matrix[:, kept]
    reference = reference_of(m, ddf, vcov)
    if joint:
        if estimable is not None:
            matrix, right = matrix[estimable], right[estimable]
        return f_table(reference, {"1": matrix}, g.sigma(m), right)
    return t_table(reference, matrix, names, right, confint, level, estimable)


def _collected(tests: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Tables of named hypotheses as one: ``name``, or ``name.row`` where there are several rows."""
    tables = [
        table.set_axis([name] if len(table) == 1 else [f"{name}.{row}" for row in table.index], axis=0)
        for name, table in tests.items()
    ]
    return pd.concat(tables)


def _contest_1d(
    m: LM | LMM,
    L: Any,
    rhs: float = 0,
    ddf: str | None = None,
    confint: bool = False,
    level: float = 0.95,
    vcov: Any = None,
) -> pd.DataFrame:
    matrix, _ = read_contrasts_matrix(m, L)
    if len(matrix) != 1 or np.ndim(rhs) != 0:
        raise MereValueError("contest1D() tests one linear function against one number; use contest(joint=False)")
    return _contest(m, matrix, rhs, False, True, confint, level, False, ddf, vcov)  # type: ignore[no-any-return]


def _contest_md(m: LM | LMM, L: Any, rhs: Any = 0, ddf: str | None = None, vcov: Any = None) -> pd.DataFrame:
    return _contest(m, L, rhs, ddf=ddf, vcov=vcov)  # type: ignore[no-any-return]


def tests_of(m: LM | LMM | GLM | GLMM, kind: str) -> dict[str, pd.DataFrame]:
    """The linear functions behind each term's test, rows and columns named."""
    names = list(m.design.names)
    out = {}
    assign = np.asarray(m.design.assign)
    for label, L in hypotheses(terms_of(m), kind).items():
        own = [names[c] for c in np.flatnonzero(assign == m.design.term_labels.index(label) + 1)]
        rows = own if len(own) == len(L) else [str(i + 1) for i in range(len(L))]
        out[label] = pd.DataFrame(L, rows, names)
    return out


def _show_tests(
    m: LM | LMM | GLM | GLMM, type: str | int = "III", fractions: bool = False, names: bool = True
) -> dict[str, pd.DataFrame]:
    return _shown(tests_of(m, read_type(type)), fractions, names)


@g.show_tests.register(AnovaTable)
def _tests_of_table(a: AnovaTable, fractions: bool = False, names: bool = True) -> dict[str, pd.DataFrame]:
    if a.tests is None:
        raise MereValueError(
            "this table does not come from linear functions of the fixed effects: anova(m, type=...) does"
        )
    return _shown(a.tests, fractions, names)


def _shown(tests: Mapping[str, pd.DataFrame], fractions: bool, names: bool) -> dict[str, pd.DataFrame]:
    """The functions by term, their numbers as fractions and without names where that is asked for."""
    check_flags(fractions=fractions, names=names)
    out = {}
    for label, table in tests.items():
        if fractions:
            table = table.map(lambda x: str(Fraction(x).limit_denominator(2000)))
        out[label] = table if names else pd.DataFrame(table.to_numpy())
    return out


for _kind in (LM, LMM, GLM, GLMM):
    g.contest.register(_kind, _contest)
    g.contest1D.register(_kind, _contest_1d)
    g.contestMD.register(_kind, _contest_md)
    g.show_tests.register(_kind, _show_tests)


@g.as_lmerModLmerTest.register(LMM)
def _as_lmer_mod_lmer_test(m: LMM, tol: float = 1e-8) -> LMM:
    return m
