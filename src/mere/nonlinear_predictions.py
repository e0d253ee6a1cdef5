"""Nonlinear mixed models away from their data: predictions, simulated responses, fits to another response."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from . import generics as g
from .accessors.blocks import relative_factors
from .accessors.rows import row_series
from .conditioning import contribution, kept_columns, random_rows
from .errors import MereTypeError, MereValueError
from .newdata import fixed_matrix
from .nonlinear import NLMM, nonlinear_mixed_model
from .nonlinear_design import parameter_rows
from .nonlinear_fitting import refit_nlmm
from .nonlinear_objective import NLMMObjective
from .prediction import row_index
from .refitting import FITTERS, read_responses, with_response
from .simulation import read_seed

__all__ = ["draw_responses"]


def _by_row(values: np.ndarray, s: int) -> np.ndarray:
    """Values of long rows, parameter after parameter, as (n, s)."""
    return np.ascontiguousarray(values.reshape(s, -1).T)


@g.predict.register(NLMM)
def _predict(
    m: NLMM,
    newdata: Any = None,
    re_form: Any = None,
    type: str = "response",
    allow_new_levels: bool = False,
) -> pd.Series:
    """The mean at the parameters phi = X beta + Z b of each row; ``type="parameters"`` gives these."""
    if type not in ("response", "link", "parameters"):
        raise MereValueError(f"type must be 'response' or 'parameters', not {type!r}")
    long, s = m.design.long, m.phi.shape[1]
    kept = kept_columns(long, re_form)
    if newdata is None:
        mean, X, rows = m.design.mean, long.X, random_rows(long, None)
    else:
        table, mean = parameter_rows(m.design, newdata)
        X, rows = fixed_matrix(long, table), random_rows(long, table, kept, allow_new_levels)
    phi = _by_row(X @ m.beta + contribution(long, rows, kept, m.b), s)
    index = None if newdata is None else row_index(newdata)
    if type == "parameters":
        labels = row_series(m.design, m.mu).index if index is None else index
        return pd.DataFrame(phi, labels, list(m.design.parameters))  # type: ignore[return-value]
    values = mean(phi)[0]
    return row_series(m.design, values) if index is None else pd.Series(values, index)


def draw_responses(m: NLMM, kept: list[np.ndarray], seed: int, first: int, count: int) -> np.ndarray:
    """Responses (n, count) of replicates first, first + 1, …; effects that are not kept are drawn."""
    long, n, s = m.design.long, m.design.n, m.phi.shape[1]
    rows = random_rows(long, None)
    given = long.X @ m.beta + contribution(long, rows, kept, m.b)
    scale = m.sigma if m.design.weights is None else m.sigma / np.sqrt(m.design.weights)
    factors = relative_factors(long.random, m.theta)
    out = np.empty((n, count), order="F")
    for i in range(count):
        rng = np.random.Generator(np.random.Philox(key=[seed, first + i]))
        values = given.copy()
        for r, keep, T in zip(rows, kept, factors, strict=True):
            if not keep.all():
                drawn = m.sigma * rng.standard_normal((len(r.term.levels), len(T))) @ T.T * ~keep
                values += np.einsum("ij,ij->i", r.values, drawn[r.codes])
        out[:, i] = m.design.mean(_by_row(values, s))[0] + scale * rng.standard_normal(n)
    return out


@g.simulate.register(NLMM)
def _simulate(m: NLMM, nsim: int = 1, seed: Any = None, use_u: bool = False, re_form: Any = False) -> pd.DataFrame:
    if not isinstance(nsim, (int, np.integer)) or nsim < 1:
        raise MereValueError(f"nsim must be a positive integer, not {nsim!r}")
    number = read_seed(seed)
    kept = kept_columns(m.design.long, None if use_u else re_form)
    y = draw_responses(m, kept, number, 0, int(nsim))
    out = pd.DataFrame({f"sim_{i + 1}": row_series(m.design, y[:, i]) for i in range(int(nsim))})
    out.attrs["seed"] = number
    return out


@g.refit.register(NLMM)
def _refit(m: NLMM, newresp: Any = None) -> NLMM:
    y = read_responses(m.design, m.design.y if newresp is None else newresp)
    if y.ndim != 1:
        raise MereValueError("refit() of a nonlinear mixed model takes one response at a time")
    design = with_response(m.design, np.ascontiguousarray(y))
    objective = NLMMObjective(design, m.nAGQ, m.control.tolPwrss, m.beta)  # type: ignore[arg-type]
    control = m.control if m.control.optimizer is not None else replace(m.control, optimizer="auto")
    start = np.where((m.par == 0) & (objective.terms_layout.start > 0), 0.1 * (np.abs(m.par).max() or 1.0), m.par)
    return nonlinear_mixed_model(refit_nlmm(objective, control, start, m.beta), m.control, m.call)


@g.update.register(NLMM)
def _update(m: NLMM, formula: str | None = None, **changes: Any) -> Any:
    """Another whole formula of three parts, or other arguments."""
    arguments = dict(m.call.arguments)
    if formula is not None:
        if str(formula).count("~") != 2 or "." in str(formula).replace(" ", "").split("~"):
            raise MereTypeError("update() of a nonlinear mixed model takes a whole formula, 'y ~ mean ~ random terms'")
        arguments["formula"] = str(formula)
    data = changes.pop("data", m.call.data)
    if data is None:
        raise MereValueError("the model keeps no data: give update(m, …, data=)")
    arguments.update(changes)
    return FITTERS["nlmer"](arguments.pop("formula"), data, **arguments)
