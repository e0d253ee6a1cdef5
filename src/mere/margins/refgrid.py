"""The reference grid: all combinations of the levels of factors and chosen values of covariates."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from ..design import matrix_of
from ..errors import MarginsMessage, MereTypeError, MereValueError, tell
from ..frame import Factor
from ..language.formulas import parse_formula
from .basis import Basis, check_shapes, constant_df, is_factor
from .grid import About, EmmGrid, Estimates
from .nesting import existing, find_nesting, read_nesting
from .rescaling import materialized
from .scales import Scale, find_scale

__all__ = ["build_grid", "meanint"]


def build_grid(
    basis: Basis,
    at: Mapping[str, Any] | None = None,
    cov_reduce: Any = None,
    cov_keep: Any = ("2",),
    nesting: Any = None,
    offset: float | None = None,
    nuisance: Sequence[str] = (),
    non_nuisance: Sequence[str] | None = None,
    wt_nuis: str = "equal",
    counterfactuals: Sequence[str] | str | None = None,
    df: float | None = None,
    tran: Any = None,
    sigma: float | None = None,
    rg_limit: int = 10_000,
    mult_names: str | None = None,
    on_link: bool = False,
    **defaults: Any,
) -> EmmGrid:
    """The reference grid of a basis; see `mere.ref_grid` for the arguments."""
    check_shapes(basis)
    levels, models, factors = _choose_levels(basis, at or {}, cov_reduce, cov_keep)
    derived: dict[str, np.ndarray] = {}
    aside = _nuisance(basis, levels, factors, nuisance, non_nuisance)
    _check_limit(levels, aside, basis, rg_limit)
    own = _scale(basis.scale, tran)
    averages: tuple[np.ndarray, np.ndarray] | None = None
    if counterfactuals:
        table, L, shift, weight, averages = _counterfactual(basis, levels, _names(counterfactuals), own)
    elif aside:
        table, L, shift, weight = _reduced(basis, levels, factors, aside, wt_nuis, models)
    else:
        table, codes = _expand(levels)
        values = _values(basis, levels, codes, models)
        L, shift = basis.build(values), _offset(basis, values)
        derived = {name: np.asarray(values[name]) for name in models}
        weight = _frequencies(basis, levels, factors, table)
    if basis.mult:
        table, L, shift, weight = _multivariate(basis, table, L, shift, weight, mult_names)
    if offset is not None:
        shift = np.full(len(L), float(offset))
    frame = _as_frame(table, levels, factors, basis).assign(**{k: v for k, v in derived.items() if len(v) == len(L)})
    structure = _structure(basis, nesting, frame, weight, factors)
    shown = existing(frame, weight, structure) if structure else None
    estimates = Estimates(basis.beta, basis.V, basis.df if df is None else constant_df(df), basis.null)
    about = About(
        scale=own,
        notes=tuple(basis.notes) if df is None else ("Degrees-of-freedom method: user-specified",),
        averaged=_set_aside(aside, counterfactuals),
        shown=shown,
        nesting=structure,
        sigma=basis.sigma if sigma is None else sigma,
        bias_sigma=basis.bias_sigma if sigma is None else sigma,
        total_sd=basis.total_sd,
        terms=tuple((label, tuple(v)) for label, v in basis.terms),
        is_grid=True,
        primary=tuple(frame.columns),
        derived=tuple(models),
        mult=tuple(n for n in frame.columns if basis.mult and n not in basis.predictors),
        **defaults,
    )
    grid = EmmGrid(estimates, frame, L, weight, shift, about)
    return grid if averages is None or on_link else _on_response(grid, *averages)


def meanint(x: np.ndarray) -> np.ndarray:
    """The mean minus and plus one: the covariate values of `joint_tests`.

    Examples
    --------
    >>> meanint(np.array([1.0, 3.0]))
    array([1., 3.])
    """
    centre = float(np.mean(x))
    return np.array([centre - 1.0, centre + 1.0])


_REDUCERS: dict[str, Callable[[np.ndarray], Any]] = {
    "mean": np.mean, "median": np.median, "meanint": meanint, "range": lambda x: np.array([np.min(x), np.max(x)]),
}  # fmt: skip


# -- levels ------------------------------------------------------------------
def _choose_levels(
    basis: Basis, at: Mapping[str, Any], cov_reduce: Any, cov_keep: Any
) -> tuple[dict[str, list[Any]], dict[str, Callable[[Mapping[str, Any]], np.ndarray]], list[str]]:
    """The levels of each predictor, the covariates that follow others, and what counts as a factor."""
    unknown = [name for name in at if name not in basis.predictors]
    if unknown:
        raise MereValueError(f"at: there is no predictor {unknown[0]!r}; there are {', '.join(basis.predictors)}")
    levels: dict[str, list[Any]] = {}
    models: dict[str, Callable[[Mapping[str, Any]], np.ndarray]] = {}
    factors: list[str] = []
    keep = _names(cov_keep)
    most = max((int(k) for k in keep if str(k).isdigit()), default=0)
    for name, value in basis.predictors.items():
        if is_factor(value):
            factors.append(name)
            levels[name] = _factor_levels(name, value, at.get(name))
            continue
        numbers = np.asarray(value, dtype=float)
        unique = np.unique(numbers)
        if name in at:
            levels[name] = [float(v) for v in np.atleast_1d(np.asarray(at[name], dtype=float))]
        rule = _rule(cov_reduce, name)
        kept = name in basis.coerced or name in keep or len(unique) <= most
        if kept or (rule is False and name not in at):
            factors.append(name)
        if name in at:
            continue
        if kept or rule is False:
            levels[name] = [float(v) for v in unique]
        elif isinstance(rule, str):
            models[name], levels[name] = _follow(rule, basis), [math.nan]
        elif callable(rule):
            levels[name] = [float(v) for v in np.atleast_1d(rule(numbers))]
        else:
            levels[name] = [float(v) for v in np.atleast_1d(np.asarray(rule, dtype=float))]
    return levels, models, factors


def _factor_levels(name: str, value: Any, wanted: Any) -> list[Any]:
    if isinstance(value, Factor):
        known: list[Any] = list(value.levels)
    else:
        known = [bool(v) for v in np.unique(np.asarray(value))]
    if wanted is None:
        return known
    asked = [wanted] if isinstance(wanted, (str, bool, int, float)) else list(wanted)
    text = {_level_text(k): k for k in known}
    unknown = [a for a in asked if _level_text(a) not in text]
    if unknown:
        raise MereValueError(f"at: {name!r} has no level {unknown[0]!r}; it has {', '.join(map(str, known))}")
    return [text[t] for t in dict.fromkeys(map(_level_text, asked))]


def _level_text(level: Any) -> str:
    if isinstance(level, (bool, np.bool_)):
        return "TRUE" if level else "FALSE"
    return f"{level:.15g}" if isinstance(level, (float, np.floating)) else str(level)


def _rule(cov_reduce: Any, name: str) -> Any:
    """What to do with a covariate: a function, False (all values), a formula or values."""
    if isinstance(cov_reduce, Mapping):
        return cov_reduce.get(name, np.mean)
    if isinstance(cov_reduce, str) and cov_reduce in _REDUCERS:
        return _REDUCERS[cov_reduce]
    if isinstance(cov_reduce, str):
        cov_reduce = [cov_reduce]
    if isinstance(cov_reduce, (list, tuple)):
        for text in cov_reduce:
            if parse_formula(text).response is not None and text.split("~")[0].strip() == name:
                return text
        return np.mean
    if cov_reduce is None or cov_reduce is True:
        return np.mean
    return cov_reduce


def _follow(text: str, basis: Basis) -> Callable[[Mapping[str, Any]], np.ndarray]:
    """A covariate predicted from the others by least squares: ``cov_reduce="x ~ a"``."""
    from ..design import build_design
    from ..linear import fit_lm
    from ..newdata import fixed_matrix

    design = build_design(text, {k: _column(v) for k, v in basis.predictors.items()}, weights=basis.weights)
    fit = fit_lm(design)
    return lambda values: fixed_matrix(design, values) @ fit.solution.beta


def _column(value: Any) -> Any:
    """A predictor as the language wants its columns."""
    if isinstance(value, Factor):
        return _categorical(np.asarray(value.codes), list(value.levels), ordered=value.ordered)
    return np.asarray(value)


def _categorical(codes: Any, categories: Any, ordered: bool = False) -> pd.Categorical:
    """Categories from level numbers."""
    out: pd.Categorical = pd.Categorical.from_codes(np.asarray(codes, dtype=np.int64), categories, ordered=ordered)
    return out


# -- the grid ----------------------------------------------------------------
def _names(names: Any) -> list[str]:
    if names is None:
        return []
    return [str(names)] if isinstance(names, (str, int)) else [str(n) for n in names]


def _check_limit(levels: Mapping[str, list[Any]], aside: Sequence[str], basis: Basis, limit: int) -> None:
    size = math.prod(len(v) for k, v in levels.items() if k not in aside)
    size *= math.prod(len(v) for v in (basis.mult or {}).values())
    if size > limit:
        raise MereValueError(
            f"the reference grid would have {size} rows, more than rg_limit = {limit}; raise rg_limit, "
            "fix factors with at=, or name factors that need not be shown in nuisance="
        )


def _expand(levels: Mapping[str, list[Any]]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Row by row the level numbers of each variable, the first varying fastest."""
    n = math.prod(len(v) for v in levels.values())
    codes, inner = {}, 1
    for name, values in levels.items():
        codes[name] = (np.arange(n) // inner) % len(values)
        inner *= len(values)
    return dict(codes), codes


def _values(
    basis: Basis,
    levels: Mapping[str, list[Any]],
    codes: Mapping[str, np.ndarray],
    models: Mapping[str, Callable[[Mapping[str, Any]], np.ndarray]],
) -> dict[str, Any]:
    """The columns that the model's matrix is built from."""
    out: dict[str, Any] = {}
    for name, value in basis.predictors.items():
        if name in models:
            continue
        code = np.asarray(codes[name])
        if isinstance(value, Factor):
            place = [value.levels.index(v) for v in levels[name]]
            out[name] = _categorical(np.asarray(place)[code], list(value.levels), ordered=value.ordered)
        elif is_factor(value):
            out[name] = np.asarray(levels[name], dtype=bool)[code]
        else:
            out[name] = np.asarray(levels[name], dtype=float)[code]
    for name, predict in models.items():
        out[name] = predict(out)
    return out


def _offset(basis: Basis, values: Mapping[str, Any]) -> np.ndarray | None:
    return None if basis.offset is None else basis.offset(values)


def _data_codes(basis: Basis, name: str, known: Sequence[Any]) -> np.ndarray:
    """The level number of each row of the data, -1 if it is not in the grid."""
    value = basis.predictors[name]
    place = {_level_text(v): i for i, v in enumerate(known)}
    if isinstance(value, Factor):
        table = np.array([place.get(_level_text(v), -1) for v in value.levels] + [-1])
        return table[np.asarray(value.codes)]
    unique, inverse = np.unique(np.asarray(value), return_inverse=True)
    codes = np.array([place.get(_level_text(v), -1) for v in unique.tolist()])
    out: np.ndarray = codes[inverse]
    return out


def _row_weights(basis: Basis) -> np.ndarray:
    n = len(next(iter(basis.predictors.values()))) if basis.predictors else 1
    return np.ones(n) if basis.weights is None else np.asarray(basis.weights, dtype=float)


def _frequencies(
    basis: Basis, levels: Mapping[str, list[Any]], factors: Sequence[str], codes: Mapping[str, np.ndarray]
) -> np.ndarray:
    """The total weight of the data in each cell of the factors."""
    w = _row_weights(basis)
    n = math.prod(len(v) for v in levels.values())
    if not factors:
        return np.full(n, w.sum())
    cell_data = np.zeros(len(w), dtype=np.int64)
    cell_grid = np.zeros(n, dtype=np.int64)
    outside = np.zeros(len(w), dtype=bool)
    size = 1
    for name in factors:
        found = _data_codes(basis, name, levels[name])
        outside |= found < 0
        cell_data += size * np.maximum(found, 0)
        cell_grid += size * np.asarray(codes[name])
        size *= len(levels[name])
    inside = ~outside
    return np.bincount(cell_data[inside], w[inside], minlength=size)[cell_grid]


def _as_frame(
    table: Mapping[str, np.ndarray], levels: Mapping[str, list[Any]], factors: Sequence[str], basis: Basis
) -> pd.DataFrame:
    """The table of the grid: categories for factors, numbers for covariates."""
    out: dict[str, Any] = {}
    for name, code in table.items():
        mult = dict(basis.mult or {})
        known = mult[name] if name in mult else levels[name]
        value = basis.predictors.get(name)
        if name in mult or (value is not None and is_factor(value)):
            labels = [_level_text(v) for v in known]
            out[name] = _categorical(np.asarray(code, dtype=np.int64), labels)
        else:
            out[name] = np.asarray(known, dtype=float)[code]
    n = len(next(iter(table.values()))) if table else 1
    if not out:
        out["1"] = pd.Categorical(["overall"] * n)
    return pd.DataFrame(out)


# -- nuisance factors, counterfactuals, several responses ---------------------
def _nuisance(
    basis: Basis,
    levels: Mapping[str, list[Any]],
    factors: Sequence[str],
    nuisance: Sequence[str],
    non_nuisance: Sequence[str] | None,
) -> list[str]:
    """Factors to be averaged at once: they must not interact."""
    wanted = _names(nuisance)
    if non_nuisance is not None:
        keep = set(_names(non_nuisance))
        wanted = [f for f in factors if f not in keep]
    interacting = {v for _, names in basis.terms if len(names) > 1 for v in names}
    out = [f for f in wanted if f in factors and f not in interacting]
    return [f for f in out if len(levels[f]) > 1]


def _reduced(
    basis: Basis,
    levels: Mapping[str, list[Any]],
    factors: Sequence[str],
    aside: Sequence[str],
    weights: str,
    models: Mapping[str, Callable[[Mapping[str, Any]], np.ndarray]],
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray | None, np.ndarray]:
    """The grid of the other variables, with the rows of X averaged over the nuisance factors one by one."""
    rest = {k: v for k, v in levels.items() if k not in aside}
    table, codes = _expand(rest)
    n = math.prod(len(v) for v in rest.values())
    first = {k: np.zeros(n, dtype=np.int64) for k in aside}
    start = _values(basis, levels, {**codes, **first}, models)
    X0, o0 = basis.build(start), _offset(basis, start)
    X, shift = X0.copy(), None if o0 is None else o0.copy()
    w = _row_weights(basis)
    for name in aside:
        k = len(levels[name])
        share = np.full(k, 1 / k)
        if weights == "proportional":
            found = _data_codes(basis, name, levels[name])
            share = np.bincount(found[found >= 0], w[found >= 0], minlength=k)
            share = share / share.sum()
        for j in range(1, k):
            here = _values(basis, levels, {**codes, **first, name: np.full(n, j)}, models)
            X += share[j] * (basis.build(here) - X0)
            other = _offset(basis, here)
            if shift is not None and other is not None and o0 is not None:
                shift += share[j] * (other - o0)
    own = [f for f in factors if f not in aside]
    return dict(table), X, shift, _frequencies(basis, rest, own, codes)


def _counterfactual(
    basis: Basis, levels: Mapping[str, list[Any]], names: Sequence[str], scale: Scale | None
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray | None, np.ndarray, tuple[np.ndarray, np.ndarray] | None]:
    """The rows of X averaged over the data, with some factors set to each of their levels.

    With a scale also the averages of the predictions h(eta) themselves, and their gradient by beta.
    """
    unknown = [n for n in names if n not in basis.predictors]
    if unknown:
        raise MereValueError(f"counterfactuals: there is no predictor {unknown[0]!r}")
    w = _row_weights(basis)
    rows, shifts, means, slopes = [], [], [], []
    kept = np.isfinite(basis.beta)
    chosen = {name: levels[name] for name in names}
    table, codes = _expand(chosen)
    own = {k: _column(v) for k, v in basis.predictors.items()}
    for i in range(math.prod(len(v) for v in chosen.values())):
        values = dict(own)
        for name in names:
            original = basis.predictors[name]
            level = chosen[name][int(codes[name][i])]
            if isinstance(original, Factor):
                code = np.full(len(w), original.levels.index(level))
                values[name] = _categorical(code, list(original.levels), ordered=original.ordered)
            else:
                values[name] = np.full(len(w), level)
        X, other = basis.build(values), _offset(basis, values)
        rows.append(w @ X / w.sum())
        if scale is not None:
            eta = X[:, kept] @ basis.beta[kept] + (0.0 if other is None else other)
            means.append(float(w @ scale.back(eta) / w.sum()))
            slopes.append((w * scale.slope(eta)) @ X[:, kept] / w.sum())
        shifts.append(0.0 if other is None else float(w @ other / w.sum()))
    shift = np.array(shifts) if basis.offset is not None and any(shifts) else None
    averages = None if scale is None else (np.array(means), np.array(slopes))
    return dict(table), np.array(rows), shift, np.full(len(rows), w.sum()), averages


def _on_response(grid: EmmGrid, means: np.ndarray, slopes: np.ndarray) -> EmmGrid:
    """Averages of predictions on the response scale, by the delta method."""
    value, _, df = grid.evaluate()
    scale = grid.about.scale
    assert scale is not None
    means = np.where(np.isfinite(value), means, np.nan)
    return materialized(grid, means, slopes @ grid.estimates.V @ slopes.T, df, scale=None, name=scale.label)


def _multivariate(
    basis: Basis,
    table: dict[str, np.ndarray],
    L: np.ndarray,
    shift: np.ndarray | None,
    weight: np.ndarray,
    name: str | None,
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray | None, np.ndarray]:
    """One block of rows for each response: I ⊗ X."""
    mult = dict(basis.mult or {})
    sizes = [len(v) for v in mult.values()]
    m, n = math.prod(sizes), len(L)
    places = list(product(*(range(s) for s in reversed(sizes))))
    out = {k: np.tile(v, m) for k, v in table.items()}
    for j, key in enumerate(mult):
        out[key] = np.repeat([p[len(sizes) - 1 - j] for p in places], n)
    return out, np.kron(np.eye(m), L), None if shift is None else np.tile(shift, m), np.tile(weight, m)


# -- what else a grid knows ---------------------------------------------------
def _structure(
    basis: Basis, nesting: Any, frame: pd.DataFrame, weight: np.ndarray, factors: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    if nesting is not None:
        return read_nesting(nesting)
    names = [f for f in factors if f in frame.columns]
    found = find_nesting(frame, weight, names, basis.nested)
    if found:
        text = ", ".join(f"{a} %in% {'*'.join(b) if len(b) < 2 else '(' + '*'.join(b) + ')'}" for a, b in found.items())
        tell(f"A nesting structure was detected in the fitted model: {text}", MarginsMessage)
    return found


def _set_aside(aside: Sequence[str], counterfactuals: Any) -> tuple[str, ...]:
    """What the grid itself has averaged over, as R words it."""
    if counterfactuals:
        return (".obs.no.",)
    return (f"{len(aside)} nuisance factors",) if aside else ()


def _scale(own: Scale | None, given: Any) -> Scale | None:
    if given is None:
        return own
    if given is False:
        return None
    if not isinstance(given, (str, Scale)):
        raise MereTypeError("tran must be the name of a transform, or one from make_tran()")
    return find_scale(given)


def model_rows(formula: str, data: Any) -> np.ndarray:
    """The model matrix of a one-sided formula at a table."""
    return matrix_of(formula, data).X
