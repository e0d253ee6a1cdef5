"""`cross_validate`: folds, fits without them, losses, and the same without each term."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ... import generics as g
from ...accessors.rows import row_labels
from ...arguments import check_flags, count_of, threads_of
from ...design import Design, take_rows
from ...errors import DataMessage, MereError, MereValueError, MereWarning, ResamplingError, tell
from ...families import Family, gaussian
from ...fitting import fit_lmm
from ...generalized import GLM, GLMM
from ...generalized_fitting import fit_glmm
from ...model import LM, LMM
from ...rank import refuse_deficient
from ...simulation import read_seed
from ..clusters import cluster_codes, group_codes, outer_group
from ..fixedterms import fixed_terms
from ..permutation.nulls import without_columns
from .folds import fold_count, group_folds, row_folds
from .losses import METRICS, Held, corrected_error, metrics_for
from .refits import Folds, held_out_means, integrated_mean, random_variance
from .results import CrossValidation

__all__: list[str] = []


# -- folds ------------------------------------------------------------------------
def _folds(m: Any, k: Any, groups: Any, rng: np.random.Generator) -> tuple[Folds, str]:
    """The folds, and what is held out together."""
    design, n = m.design, m.design.n
    if isinstance(groups, tuple) and len(groups) == 2:
        return _two_way(m, k, groups, rng)
    found = group_codes(design)
    if groups is None and found:
        groups = outer_group(found)
        if groups is None:
            names = list(found)
            raise MereValueError(
                f"the grouping factors {', '.join(names)} are crossed, so that no rows are independent of the rest: "
                f"name the one to hold out, groups={names[0]!r}; hold out rows and columns, groups=({names[0]!r}, "
                f"{names[1]!r}); or groups='rows' for rows of known levels"
            )
    if groups is None or (isinstance(groups, str) and groups == "rows"):
        count = fold_count(k, n, "rows")
        labels, what = row_folds(n, count, rng), "rows"
    else:
        codes = _codes(m, groups)
        what = groups if isinstance(groups, str) else "groups"
        count = fold_count(k, int(codes.max()) + 1, f"levels of {what}")
        labels, what = group_folds(codes, count, rng), f"levels of {what}"
    test = [np.flatnonzero(labels == i) for i in range(count)]
    return Folds(test, [np.flatnonzero(labels != i) for i in range(count)]), what


def _codes(m: Any, groups: Any) -> np.ndarray:
    found = group_codes(m.design)
    if isinstance(groups, str) and groups in found:
        return found[groups]
    return np.unique(cluster_codes(replace(m.design, random=()), m.call.data, groups, "groups"), return_inverse=True)[1]


def _two_way(m: Any, k: Any, groups: tuple[Any, Any], rng: np.random.Generator) -> tuple[Folds, str]:
    """Rows of held-out levels of both factors; the fits see neither."""
    labels = []
    for name in groups:
        codes = _codes(m, name)
        labels.append(group_folds(codes, fold_count(k, int(codes.max()) + 1, f"levels of {name}"), rng))
    a, b = labels
    test, train = [], []
    for i in range(int(a.max()) + 1):
        for j in range(int(b.max()) + 1):
            held = np.flatnonzero((a == i) & (b == j))
            if len(held):
                test.append(held)
                train.append(np.flatnonzero((a != i) & (b != j)))
    return Folds(test, train), f"levels of {groups[0]} and {groups[1]} together"


# -- losses ------------------------------------------------------------------------
def _response(m: Any) -> tuple[np.ndarray, np.ndarray, Family]:
    if isinstance(m, (GLM, GLMM)):
        return m.response.y, m.response.weights, m.model_family
    ones = np.ones(m.design.n)
    return m.design.y, ones if m.design.weights is None else np.asarray(m.design.weights), gaussian()


def _held(m: Any, fitted: np.ndarray, folds: Folds) -> Held:
    """Held-out rows in the order of the folds; means of training rows are what a null model says."""
    y, weights, family = _response(m)
    null = np.full(len(y), np.nan)
    for test, train in zip(folds.test, folds.train, strict=True):
        null[test] = np.average(y[train], weights=weights[train])
    with np.errstate(invalid="ignore", divide="ignore"):
        deviance = weights * family.unit_deviance(y, fitted)
        null_deviance = weights * family.unit_deviance(y, null)
    return Held(y, fitted, weights, deviance, null_deviance, null)


def _loss(m: Any, held: Held) -> np.ndarray:
    """What importance is a proportion of: squared errors, or deviances."""
    if isinstance(m, (GLM, GLMM)):
        return held.deviance
    out: np.ndarray = held.weights * (held.y - held.fitted) ** 2
    return out


# -- terms --------------------------------------------------------------------------
def _ablated(m: Any) -> list[tuple[str, Design]]:
    """The design without each term and all that contain its variables' interaction."""
    terms, assign = fixed_terms(m.design), np.asarray(m.design.assign)
    sets = [frozenset(t) for t in m.design.terms.terms]
    out = []
    for j, label in enumerate(terms.labels):
        gone = [i + 1 for i, other in enumerate(sets) if sets[j] <= other]
        columns = np.flatnonzero(np.isin(assign, gone))
        if len(columns):
            out.append((label, without_columns(m.design, columns)))
    return out


@dataclass(frozen=True, eq=False)
class _Partition:
    """One partition into folds and what its fits predict."""

    folds: Folds
    held: Held
    causes: dict[int, str]


def _importance(m: Any, partitions: list[_Partition], what: str, ncpus: int | None) -> pd.DataFrame:
    rows = [(label, *_of_term(m, label, design, partitions, what, ncpus)) for label, design in _ablated(m)]
    return pd.DataFrame(rows, columns=["term", "pre", "pre_se"]).set_index("term")


def _of_term(
    m: Any, label: str, design: Design, partitions: list[_Partition], what: str, ncpus: int | None
) -> tuple[float, float]:
    """The proportion of the loss without a term that it removes, and its standard error."""
    full = less = used = 0.0
    parts: list[float] = []
    for one in partitions:
        try:
            fitted, causes = _fit_folds(m, design, one.folds, what, ncpus)
        except MereError as error:
            fitted, causes = np.full(m.design.n, np.nan), {0: str(error)}
        if causes:
            tell(
                f"importance of {label!r}: {len(causes)} fits without it failed: {next(iter(causes.values()))}",
                DataMessage,
            )
            return np.nan, np.nan
        loss, own = _loss(m, one.held), _loss(m, _held(m, fitted, one.folds))
        both = np.isfinite(loss) & np.isfinite(own)
        full, less, used = full + loss[both].sum(), less + own[both].sum(), used + both.sum()
        parts += [float(np.mean(own[t] - loss[t])) for t in one.folds.test]
    test = np.array([len(t) for one in partitions for t in one.folds.test], dtype=float)
    train = np.array([len(t) for one in partitions for t in one.folds.train], dtype=float)
    se = corrected_error(np.array(parts) / (less / used), test, train)
    return (float((less - full) / less) if less > 0 else np.nan), se


# -- the whole ------------------------------------------------------------------------
def _cross_validate(
    m: Any,
    k: Any = 10,
    groups: Any = None,
    metrics: str | list[str] | None = None,
    importance: bool = False,
    seed: Any = None,
    ncpus: int | None = 1,
    repeats: int = 1,
) -> CrossValidation:
    _read_repeats(repeats, k)
    check_flags(importance=importance)
    threads_of(ncpus)
    number = read_seed(seed)
    rng = np.random.Generator(np.random.Philox(key=number))
    y, _, family = _response(m)
    binary = family.outcome == "proportion" and bool(np.isin(y, (0.0, 1.0)).all())
    wanted = metrics_for("binomial" if family.outcome == "proportion" else family.name, binary, metrics)
    partitions, what = [], ""
    for _ in range(repeats):
        folds, what = _folds(m, k, groups, rng)
        fitted, causes = _fit_folds(m, m.design, folds, what, ncpus)
        partitions.append(_Partition(folds, _held(m, fitted, folds), causes))
    count, texts = len(partitions[0].folds.test), [text for one in partitions for text in one.causes.values()]
    if len(texts) == count * repeats:
        raise ResamplingError(f"no fold could be fitted: {texts[0]}")
    if texts:
        tell(f"{len(texts)} of {count * repeats} folds could not be fitted: {texts[0]}", DataMessage)
    table = pd.concat([_fold_table(one.held, one.folds, one.causes, wanted) for one in partitions], ignore_index=True)
    table.index = pd.RangeIndex(1, len(table) + 1, name="fold")
    if repeats > 1:
        table.insert(0, "repeat", np.repeat(np.arange(1, repeats + 1), count))
    found = _importance(m, partitions, what, ncpus) if importance else None
    failures = {r * count + i + 1: text for r, one in enumerate(partitions) for i, text in one.causes.items()}
    return CrossValidation(
        _summary(partitions, table, wanted), _predictions(m, partitions), table, found, what,
        pd.Series(failures, dtype=object), number, str(m.design.formula), repeats,
    )  # fmt: skip


def _read_repeats(repeats: Any, k: Any) -> None:
    if count_of(repeats, "repeats") > 1 and k == "loo":
        raise MereValueError("repeats: leaving out one at a time is the same each time; give a number of folds")


def _summary(partitions: list[_Partition], table: pd.DataFrame, wanted: list[str]) -> pd.DataFrame:
    """Metrics over all held-out rows of a partition, averaged over partitions, and over the folds."""
    test, train = table["n_test"].to_numpy(float), table["n_train"].to_numpy(float)
    pooled = []
    for one in partitions:
        valid = [t for i, t in enumerate(one.folds.test) if i not in one.causes]
        if valid:
            together = one.held.take(np.concatenate(valid))
            pooled.append([METRICS[name](together) for name in wanted])
    return pd.DataFrame(
        {
            "pooled": np.mean(pooled, axis=0),
            "fold_mean": [table[name].mean() for name in wanted],
            "fold_sd": [table[name].std(ddof=1) for name in wanted],
            "se": [corrected_error(table[name].to_numpy(), test, train) for name in wanted],
        },
        index=wanted,
    )


def _predictions(m: Any, partitions: list[_Partition]) -> pd.DataFrame:
    """Held-out predictions by row; of several partitions one below the other."""
    out = []
    for r, one in enumerate(partitions):
        fold = np.full(m.design.n, np.nan)
        for i, rows in enumerate(one.folds.test):
            fold[rows] = r * len(one.folds.test) + i + 1
        y, fitted = one.held.y, one.held.fitted
        columns = {"observed": y, "cv_fitted": fitted, "cv_residual": y - fitted, "cv_fold": fold}
        out.append(pd.DataFrame(columns, row_labels(m.design)))
        if len(partitions) > 1:
            out[-1]["cv_repeat"] = r + 1
    return out[0] if len(out) == 1 else pd.concat(out)


def _fit_folds(m: Any, design: Design, folds: Folds, what: str, ncpus: int | None) -> tuple[np.ndarray, dict[int, str]]:
    if isinstance(m, LM) and design is m.design and design.weights is None and all(len(t) == 1 for t in folds.test):
        h, e = g.hatvalues(m).to_numpy(), g.residuals(m).to_numpy()
        if (h < 1 - 1e-10).all():  # closed form: e / (1 - h)
            return m.design.y - e / (1 - h), {}
    if what == "rows" and isinstance(m, (LMM, GLMM)):
        return _known_levels(m, design, folds)
    return held_out_means(m, design, folds, ncpus)


def _known_levels(m: LMM | GLMM, design: Design, folds: Folds) -> tuple[np.ndarray, dict[int, str]]:
    """Rows held out of groups that the fit knows: predicted with their random effects."""
    out, causes = np.full(design.n, np.nan), {}
    for i, (test, train) in enumerate(zip(folds.test, folds.train, strict=True)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", MereWarning)
                out[test] = _conditional(m, design, test, train)
        except (MereError, np.linalg.LinAlgError) as error:
            causes[i] = str(error)
    return out, causes


def _conditional(m: LMM | GLMM, design: Design, test: np.ndarray, train: np.ndarray) -> np.ndarray:
    own, held = take_rows(design, train), take_rows(design, test)
    refuse_deficient(own.X, own.names, own.weights)
    s: Any
    family: Family
    if isinstance(m, LMM):
        s, family = fit_lmm(own, m.reml, m.control, m.par).state, gaussian()
    else:
        start = {"par": m.par, "fixef": m.beta} if design is m.design else None
        fit = fit_glmm(own, m.model_family, m.nAGQ, m.control, start, joint_theta=m.optinfo.joint_theta)
        s, family = fit.state, fit.family
    eta = held.X @ s.beta + (0.0 if held.offset is None else held.offset)
    unknown, at, first = np.zeros(len(test)), 0, 0
    for term, before in zip(held.random, own.random, strict=True):
        size = len(before.levels) * before.covariance.k
        b = np.asarray(s.b[at : at + size]).reshape(len(before.levels), before.covariance.k)
        at += size
        place = {level: i for i, level in enumerate(before.levels)}
        rows = np.array([place.get(level, -1) for level in term.levels])[np.asarray(term.codes)]
        z = np.ones((len(test), 1)) if term.values is None else np.asarray(term.values)
        eta = eta + np.where(rows >= 0, np.einsum("ij,ij->i", z, b[np.maximum(rows, 0)]), 0.0)
        n_theta = len(before.covariance.entries)
        own_theta = np.asarray(s.theta)[first : first + n_theta]
        first += n_theta
        unknown += np.where(rows < 0, random_variance(replace(held, random=(term,)), own_theta), 0.0)
    return integrated_mean(family, eta, unknown)


def _fold_table(held: Held, folds: Folds, causes: dict[int, str], wanted: list[str]) -> pd.DataFrame:
    rows = []
    for i, (test, train) in enumerate(zip(folds.test, folds.train, strict=True)):
        row: dict[str, float] = {"n_test": len(test), "n_train": len(train)}
        own = held.take(test)
        row |= {name: np.nan if i in causes else METRICS[name](own) for name in wanted}
        rows.append(row)
    return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="fold"))


for _kind in (LM, GLM, LMM, GLMM):
    g.cross_validate.register(_kind, _cross_validate)
