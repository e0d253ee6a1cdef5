"""Tests of a grid: row by row with other nulls, or jointly.

Jointly, with L the r independent estimable rows, F = (L beta - null)' (L V L')^-1 (L beta - null) / r on
r and the smallest of the degrees of freedom of an orthonormal basis of the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ..errors import MereValueError
from .adjustments.scheffe import f_tail
from .contrasting import UNSET, contrast
from .grid import EmmGrid, EmmList, Estimates, by_groups, for_grids, levels_of, names_tuple
from .means import marginal_means
from .results import JointTests
from .summarizing import SummaryEmm, summarize

__all__ = ["joint_f", "term_tests", "test"]

NOTES = {
    "d": "d: df1 reduced due to linear dependence",
    "e": "e: df1 reduced due to non-estimability",
    "s": "s: df1 reduced, as the covariance of the contrasts is singular",
}
#: Relative size of an eigenvalue of a covariance that counts as zero.
_SINGULAR = 1e-13


@dataclass(frozen=True)
class JointF:
    """An F test."""

    df1: int
    df2: float
    F: float
    p: float
    note: str = ""


@for_grids
def test(
    object: EmmGrid | EmmList,
    null: float = 0.0,
    joint: bool = False,
    verbose: bool = False,
    rows: Any = None,
    by: Any = UNSET,
    **options: Any,
) -> Any:
    """Tests of marginal means or contrasts (emmeans' ``test``).

    Parameters
    ----------
    object : EmmGrid or EmmList
    null : float
        On the scale of the linear predictor.
    joint : bool
        One F test of all rows (of each by-group).
    verbose : bool
        Show the functions that a joint test is of, as ``.functions``.
    rows : array_like, optional
        Only these rows are tested jointly.
    by : str or sequence, optional
    **options
        Of the summary: ``adjust``, ``side``, ``delta`` (equivalence, with
        ``side`` noninferiority), ``df``, ``type``.

    Returns
    -------
    SummaryEmm, or JointTests

    Examples
    --------
    >>> from mere import lm, emmeans, pairs, test
    >>> from mere.datasets import warpbreaks
    >>> test(pairs(emmeans(lm("breaks ~ tension", warpbreaks), "tension")), joint=True)
     df1 df2 F.ratio p.value note
       2  51   7.206  0.0018  d
    <BLANKLINE>
    d: df1 reduced due to linear dependence
    """
    if isinstance(object, EmmList):
        return {name: test(part, null, joint, verbose, rows, by, **options) for name, part in object.items()}
    if not joint:
        chosen = options.pop("infer", (False, True))
        return summarize(object, infer=chosen, null=null, **({} if by is UNSET else {"by": by}), **options)
    groups = object.about.by if by is UNSET else names_tuple(by)
    use = object.shown if rows is None else object.shown[rows]
    out = []
    for mine in by_groups(object.table, groups, use):
        offset = None if object.offset is None else object.offset[mine]
        found = joint_f(object.estimates, object.L[mine], null, offset)
        out.append(({b: object.table[b].iloc[mine[0]] for b in groups}, found))
    table = _rows_of(out, groups, object)
    functions = object.table.iloc[use].assign(equals=null) if verbose else None
    return JointTests(table, (), _notes_of(table), functions)


def joint_f(
    estimates: Estimates, L: np.ndarray, null: float | np.ndarray = 0.0, offset: np.ndarray | None = None
) -> JointF:
    """The joint test of some rows; those that are not estimable are left out, combinations that are stay.

    Parameters
    ----------
    estimates : Estimates
    L : (m, p) array
    null : float or (m,) array
    offset : (m,) array, optional
    """
    target = np.broadcast_to(np.asarray(null, dtype=float), (len(L),)).copy()
    if offset is not None:
        target -= offset
    note, rows = "", L
    wanted = np.linalg.matrix_rank(L) if len(L) else 0
    if estimates.null is not None and not estimates.estimable(L).all():
        K = _left_null(L @ estimates.null)
        rows, target = K @ L, K @ target
        rank = np.linalg.matrix_rank(rows, tol=1e-8) if len(rows) else 0
        note = "e" if rank < wanted else ""
    A = rows[:, estimates.kept]
    if not len(A):
        return JointF(0, np.nan, np.nan, np.nan, note or "e")
    B, goal = _orthonormal(A, target)
    r = len(B)
    if r == 0:
        return JointF(0, np.nan, np.nan, np.nan, note)
    if r < len(A) and not note and r < len(L):
        note = "d"
    miss = B @ estimates.beta[estimates.kept] - goal
    values, vectors = np.linalg.eigh(B @ estimates.V @ B.T)
    known = values > _SINGULAR * max(values.max(), 1e-300)
    if not known.all():  # a robust covariance of fewer clusters than contrasts
        B, miss, r, note = vectors[:, known].T @ B, vectors[:, known].T @ miss, int(known.sum()), note or "s"
        if r == 0:
            return JointF(0, np.nan, np.nan, np.nan, note)
        F = float(np.sum(miss**2 / values[known])) / r
    else:
        F = float(miss @ np.linalg.solve(B @ estimates.V @ B.T, miss)) / r
    smallest = float(np.nanmin(estimates.df(B)))
    df2 = round(smallest, 2) if np.isfinite(smallest) else smallest
    return JointF(r, df2, F, float(f_tail(np.array([F]), r, np.array([df2]))[0]), note)


def _orthonormal(A: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gram and Schmidt on rows in order, with their targets; rows that depend on earlier ones go."""
    rows: list[np.ndarray] = []
    goals: list[float] = []
    for row, goal in zip(A, target):
        v, t, length = row.astype(float), float(goal), float(np.linalg.norm(row))
        for _ in range(2):
            for q, own in zip(rows, goals):
                share = float(v @ q)
                v, t = v - share * q, t - share * own
        size = float(np.linalg.norm(v))
        if size > 1e-8 * max(length, 1e-2):
            rows.append(v / size)
            goals.append(t / size)
    return np.array(rows).reshape(len(rows), A.shape[1]), np.array(goals)


def _left_null(M: np.ndarray, tolerance: float = 1e-8) -> np.ndarray:
    """Rows K with K M = 0."""
    U, s, _ = np.linalg.svd(M, full_matrices=True)
    r = int((s > tolerance * max(1.0, s.max() if len(s) else 1.0)).sum())
    out: np.ndarray = U[:, r:].T
    return out


def _rows_of(found: Sequence[tuple[Mapping[str, Any], JointF]], by: Sequence[str], grid: EmmGrid) -> pd.DataFrame:
    out: dict[str, Any] = {}
    for b in by:
        column = grid.table[b]
        values = [key[b] for key, _ in found]
        categorical = isinstance(column.dtype, pd.CategoricalDtype)
        out[b] = pd.Categorical(values, levels_of(column)) if categorical else np.array(values)
    out |= _test_columns([f for _, f in found])
    table = pd.DataFrame(out)
    return table if (table["note"] != "").any() else table.drop(columns="note")


def _test_columns(tests: Sequence[JointF]) -> dict[str, Any]:
    return {
        "df1": [f.df1 for f in tests],
        "df2": [f.df2 for f in tests],
        "F.ratio": [f.F for f in tests],
        "p.value": [f.p for f in tests],
        "note": [f" {f.note}  " if f.note == "d" else (f"   {f.note}" if f.note else "") for f in tests],
    }


def _notes_of(table: pd.DataFrame) -> tuple[str, ...]:
    if "note" not in table:
        return ()
    used = {str(n).strip() for n in table["note"]}
    return tuple(NOTES[k] for k in ("d", "e") if k in used)


# -- tests of the terms of a model --------------------------------------------------
def term_tests(
    grid: EmmGrid,
    by: Any = None,
    show0df: bool = False,
    showconf: bool = True,
    weights: Any = "equal",
) -> JointTests:
    """A test for each term of the model, from interaction contrasts of its marginal means.

    Parameters
    ----------
    grid : EmmGrid
        A reference grid.
    by : str or sequence, optional
    show0df : bool
        Also terms without an estimable contrast.
    showconf : bool
        Also what is estimable but belongs to no term, when cells are empty.
    weights : str or sequence
        Of the cells that marginal means average.
    """
    groups = names_tuple(by)
    if any(b not in grid.table.columns for b in groups):
        raise MereValueError(f"by: {', '.join(groups)} must be among {', '.join(grid.table.columns)}")
    found: list[tuple[Mapping[str, Any], str, JointF]] = []
    for mine in by_groups(grid.table, groups, np.arange(len(grid.table))):
        part = grid.rows(mine) if groups else grid
        key = {b: grid.table[b].iloc[mine[0]] for b in groups}
        found += [(key, name, test) for name, test in _terms_of(part, groups, show0df, showconf, weights)]
    out: dict[str, Any] = {}
    for b in groups:
        column = grid.table[b]
        values = [key[b] for key, _, _ in found]
        categorical = isinstance(column.dtype, pd.CategoricalDtype)
        out[b] = pd.Categorical(values, levels_of(column)) if categorical else np.array(values)
    table = pd.DataFrame(out | {"model term": [n for _, n, _ in found]} | _test_columns([t for _, _, t in found]))
    if not (table["note"] != "").any():
        table = table.drop(columns="note")
    return JointTests(table, groups, _notes_of(table))


def _terms_of(
    grid: EmmGrid, by: tuple[str, ...], show0df: bool, showconf: bool, weights: Any
) -> list[tuple[str, JointF]]:
    import warnings

    out, tested, reduced = [], [], False
    for term in _margins(grid, by):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            means = marginal_means(grid, list(term), weights=weights)
            assert isinstance(means, EmmGrid)
            rows = _term_rows(means, term)
        test = joint_f(grid.estimates, rows)
        full = int(np.linalg.matrix_rank(rows)) if len(rows) else 0
        smaller = _is_reduced(means, term, test.df1)
        reduced = reduced or smaller
        note = _why_smaller(grid, means, term, rows) if smaller else ""
        if test.df1 > 0:
            tested.append(_estimable_rows(grid.estimates, rows))
        if test.df1 > 0 or show0df:
            out.append((":".join(term), JointF(test.df1, test.df2, test.F, test.p, note if full or note else "")))
    if showconf and reduced and not grid.about.nesting:
        rest = _confounded(grid, tested)
        if rest.df1 > 0:
            out.append(("(confounded)", rest))
    return out


def _margins(grid: EmmGrid, by: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The sets of variables that some term contains, those of fewer first; a nested factor comes with what it is in."""
    many = [c for c in grid.table.columns if len(levels_of(grid.table[c])) > 1 and c not in by]
    terms = [frozenset(names) for _, names in grid.about.terms] or [frozenset(many)]
    sets = [own for k in range(1, len(many) + 1) for own in combinations(many, k) if any(t >= set(own) for t in terms)]
    nesting = grid.about.nesting
    return [own for own in sets if all(o in own or o not in many for n in own for o in nesting.get(n, ()))]


def _term_rows(means: EmmGrid, term: Sequence[str]) -> np.ndarray:
    """The interaction contrasts of a term's factors, within those that others of them are nested in."""
    return np.asarray(contrast(means, interaction="consec", by=_nests(means, term)).L)


def _nests(means: EmmGrid, term: Sequence[str]) -> list[str]:
    outer = {o for f in term for o in means.about.nesting.get(f, ())}
    return [f for f in means.table.columns if f in outer]


def _is_reduced(means: EmmGrid, term: Sequence[str], df1: int) -> bool:
    """Whether empty cells took degrees of freedom: some contrasts cannot be estimated, or a nest has one level only."""
    nests = _nests(means, term)
    if not nests:
        return df1 < int(np.prod([len(levels_of(means.table[t])) - 1 for t in term]))
    inside = [f for f in term if f not in nests]
    there = means.table.iloc[means.shown]
    return any((there.groupby(nests, observed=True)[f].nunique() < 2).any() for f in inside)


def _why_smaller(grid: EmmGrid, means: EmmGrid, term: Sequence[str], rows: np.ndarray) -> str:
    """ "d" where all contrasts can be estimated but depend on each other, as those of a covariate's values do."""
    return "e" if _nests(means, term) or not grid.estimates.estimable(rows).all() else "d"


def _estimable_rows(estimates: Estimates, L: np.ndarray) -> np.ndarray:
    if estimates.null is None or estimates.estimable(L).all():
        return L
    return _left_null(L @ estimates.null) @ L


def _confounded(grid: EmmGrid, tested: Sequence[np.ndarray]) -> JointF:
    """What all estimable contrasts of the cells say beyond those that were tested: a difference of Wald statistics."""
    whole = joint_f(grid.estimates, _estimable_rows(grid.estimates, grid.L - grid.L.mean(axis=0)))
    part = joint_f(grid.estimates, np.vstack(tested)) if tested else JointF(0, np.nan, 0.0, np.nan)
    df1 = whole.df1 - part.df1
    if df1 <= 0:
        return JointF(0, np.nan, np.nan, np.nan)
    F = (whole.df1 * whole.F - part.df1 * part.F) / df1
    return JointF(df1, whole.df2, F, float(f_tail(np.array([F]), df1, np.array([whole.df2]))[0]))


def summary_of(grid: EmmGrid) -> SummaryEmm:
    """The summary with tests."""
    return summarize(grid, infer=(False, True))
