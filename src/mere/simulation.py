"""Responses drawn from a fitted model.

One stream of random numbers a replicate, a function of the seed and the replicate's number (csrc/random.c): the same
seed gives the same responses, whoever draws them and in whatever order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from . import _core
from . import generics as g
from .accessors.blocks import relative_factors
from .accessors.rows import fitted_values, row_labels, row_series
from .arguments import check_flags, count_of, numbers_of
from .conditioning import RandomRows, contribution, kept_columns, random_rows
from .design import Design
from .errors import MereTypeError, MereValueError
from .model import LM, LMM
from .newdata import fixed_matrix
from .prediction import offset_at, row_index, weights_at

__all__ = [
    "Parameters",
    "linear_simulator",
    "parameters_of",
    "read_seed",
    "replaced_parameters",
    "simulator_of",
    "table_of_responses",
]


@dataclass(frozen=True)
class Parameters:
    """Values of a model's parameters: fixed effects, entries of the relative factors, residual standard deviation."""

    beta: np.ndarray
    theta: np.ndarray
    sigma: float


def read_seed(seed: Any) -> int:
    """A seed as 64 bits: an int, a `numpy.random.Generator` (one draw of it), or None for a fresh one.

    Examples
    --------
    >>> read_seed(1), read_seed(-1) == 2**64 - 1
    (1, True)
    """
    if seed is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(0, 2**64, dtype=np.uint64))
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
        return int(seed) & (2**64 - 1)
    raise MereValueError(f"seed must be an integer or a numpy.random.Generator, not {seed!r}")


def parameters_of(m: Any, newparams: Mapping[str, Any] | None) -> Parameters:
    """The parameters of a model, some of them replaced: ``beta``, ``theta`` or ``par``, ``sigma``."""
    return replaced_parameters(Parameters(m.beta, m.theta, m.sigma), m.design, newparams)


def replaced_parameters(old: Parameters, design: Design, new: Mapping[str, Any] | None) -> Parameters:
    """Parameters with those of a mapping in their place."""
    if new is None:
        return old
    if not isinstance(new, Mapping):
        raise MereTypeError(f"newparams must be a mapping such as {{'beta': …, 'theta': …, 'sigma': …}}, not {new!r}")
    unknown = set(new) - {"beta", "fixef", "theta", "par", "sigma"}
    if unknown:
        raise MereValueError(f"newparams knows beta, theta, par and sigma, not {', '.join(map(repr, sorted(unknown)))}")
    beta = _vector(new.get("beta", new.get("fixef", old.beta)), len(design.names), "beta")
    theta = new.get("theta", old.theta)
    if "par" in new:
        from .objective import layout_of

        at = layout_of(tuple(t.covariance for t in design.random)).par_at
        par = _vector(new["par"], at[-1], "par")
        theta = np.concatenate([t.covariance.theta(par[at[i] : at[i + 1]]) for i, t in enumerate(design.random)])
    size = sum(len(t.covariance.entries) for t in design.random)
    sigma = float(_vector(new.get("sigma", old.sigma), 1, "sigma")[0])
    if sigma < 0:
        raise MereValueError(f"newparams: sigma must not be negative, not {sigma!r}")
    return Parameters(beta, _vector(theta, size, "theta"), sigma)


def _vector(values: Any, n: int, name: str) -> np.ndarray:
    out = np.ascontiguousarray(numbers_of(values, f"newparams: {name}")).ravel()
    if len(out) != n or not np.isfinite(out).all():
        raise MereValueError(f"newparams: {name} must have {n} finite numbers, not {values!r}")
    return out


def simulator_of(
    m: LMM,
    kept: list[np.ndarray],
    newdata: Any = None,
    parameters: Parameters | None = None,
    allow_new_levels: bool = False,
    residual: np.ndarray | None = None,
    with_offset: bool = True,
) -> Any:
    """What draws responses of a model, given the kept random effects; the others are drawn.

    `residual`: values to draw the errors from, in place of the normal distribution. Without the offset for refits in C.
    """
    values = parameters or parameters_of(m, None)
    design = m.design
    rows = random_rows(design, newdata, kept if newdata is not None else None, allow_new_levels)
    if newdata is None:
        X, offset, w = design.X, design.offset, design.weights
    else:
        X, offset, w = fixed_matrix(design, newdata), offset_at(m, newdata), weights_at(m, newdata)
        if any(not k.all() for k in kept):
            rows = [
                r if k.all() else drawn
                for r, k, drawn in zip(rows, kept, random_rows(design, newdata, None, True), strict=True)
            ]
    mean = X @ values.beta + contribution(design, rows, kept, m.b)
    mean = mean if offset is None or not with_offset else mean + offset
    return linear_simulator(mean, values, rows, kept, w, residual)


def linear_simulator(
    mean: np.ndarray,
    values: Parameters,
    rows: list[RandomRows],
    kept: list[np.ndarray],
    w: np.ndarray | None,
    residual: np.ndarray | None,
) -> Any:
    """What draws responses around a mean: random effects that are not kept, and errors."""
    if np.isnan(mean).any():
        raise MereValueError("simulate: newdata has missing values")
    terms = []
    for r, keep, T in zip(rows, kept, relative_factors([r.term for r in rows], values.theta), strict=True):
        if keep.all():
            continue
        codes, levels = r.codes, len(r.term.levels)
        if r.labels is not None:  # any levels: they are drawn
            if any(label is None for label in r.labels.tolist()):
                raise MereValueError(f"simulate: the grouping factor '{r.term.group}' has missing values in newdata")
            known, codes = np.unique(r.labels.astype(str), return_inverse=True)
            levels = len(known)
        factor = np.asfortranarray(values.sigma * np.where(keep[:, None], 0.0, T))
        matrix = None if r.term.values is None else np.asfortranarray(r.values)
        terms.append((matrix, np.ascontiguousarray(codes, dtype=np.int32), levels, factor))
    unit = 1.0 if residual is not None else values.sigma
    scale = np.full(len(mean), unit) if w is None else unit / np.sqrt(w)
    return _core.Simulator(np.ascontiguousarray(mean), np.ascontiguousarray(scale), terms, residual)


def given_effects(design: Design, use_u: bool, re_form: Any) -> list[np.ndarray]:
    """The random effects that a simulation keeps."""
    check_flags(use_u=use_u)
    if use_u:
        if re_form not in (False, None):
            raise MereValueError("use_u=True keeps all random effects: leave re_form out, or use_u")
        re_form = None
    return kept_columns(design, re_form)


def table_of_responses(values: np.ndarray, index: pd.Index, seed: int) -> pd.DataFrame:
    """Responses with R's names ``sim_1``, ...; the seed is among the attributes."""
    out = pd.DataFrame(values, index, [f"sim_{i + 1}" for i in range(values.shape[1])])
    out.attrs["seed"] = seed
    return out


def _own_table(design: Design, values: np.ndarray, seed: int) -> pd.DataFrame:
    if design.frame.na_action == "exclude" and len(design.frame.omitted):
        columns = [row_series(design, values[:, j]) for j in range(values.shape[1])]
        return table_of_responses(np.column_stack(columns), columns[0].index, seed)
    return table_of_responses(values, row_labels(design), seed)


# -- methods -----------------------------------------------------------------
@g.simulate.register(LMM)
def _simulate(
    m: LMM,
    nsim: int = 1,
    seed: Any = None,
    use_u: bool = False,
    re_form: Any = False,
    newdata: Any = None,
    newparams: Mapping[str, Any] | None = None,
    allow_new_levels: bool = False,
) -> pd.DataFrame:
    kept, number = given_effects(m.design, use_u, re_form), read_seed(seed)
    simulator = simulator_of(m, kept, newdata, parameters_of(m, newparams), allow_new_levels)
    values = simulator.draw(number, 0, count_of(nsim))
    if newdata is None:
        return _own_table(m.design, values, number)
    return table_of_responses(values, row_index(newdata), number)


@g.simulate.register(LM)
def _simulate_lm(m: LM, nsim: int = 1, seed: Any = None, newdata: Any = None) -> pd.DataFrame:
    number = read_seed(seed)
    if newdata is None:
        mean, w = fitted_values(m), m.design.weights
    else:
        offset = offset_at(m, newdata)
        mean = fixed_matrix(m.design, newdata) @ m.beta + (0.0 if offset is None else offset)
        w = weights_at(m, newdata)
    scale = np.full(len(mean), m.sigma) if w is None else m.sigma / np.sqrt(w)
    simulator = _core.Simulator(np.ascontiguousarray(mean), np.ascontiguousarray(scale), [])
    values = simulator.draw(number, 0, count_of(nsim))
    return (
        _own_table(m.design, values, number)
        if newdata is None
        else table_of_responses(values, row_index(newdata), number)
    )
