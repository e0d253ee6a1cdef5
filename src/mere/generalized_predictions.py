"""Generalized mixed models away from their data: predictions, simulated responses, fits to another response."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from . import generics as g
from .accessors.blocks import relative_factors
from .accessors.rows import row_series
from .conditioning import contribution, kept_columns, random_rows
from .errors import MereValueError
from .generalized import GLM, GLMM, generalized_mixed_model
from .generalized_fitting import settle_generalized
from .generalized_optimum import optimize_generalized
from .model import LM
from .newdata import fixed_matrix
from .prediction import offset_at, row_index
from .refitting import with_response
from .response import Response
from .simulation import read_seed

__all__: list[str] = []


@g.predict.register(GLMM)
def _predict(
    m: GLMM,
    newdata: Any = None,
    re_form: Any = None,
    random_only: bool = False,
    type: str = "link",
    allow_new_levels: bool = False,
) -> pd.Series:
    if type not in ("link", "response"):
        raise MereValueError(f"type must be 'link' or 'response', not {type!r}")
    design, kept = m.design, kept_columns(m.design, re_form)
    rows = random_rows(design, newdata, kept, allow_new_levels)
    eta = contribution(design, rows, kept, m.b)
    if not random_only:
        X = design.X if newdata is None else fixed_matrix(design, newdata)
        offset = design.offset if newdata is None else offset_at(m, newdata)  # type: ignore[arg-type]
        eta = eta + X @ m.beta + (0.0 if offset is None else offset)
    values = eta if type == "link" else m.model_family.link.inverse(eta)
    return row_series(design, values) if newdata is None else pd.Series(values, row_index(newdata))


@g.simulate.register(GLMM)
def _simulate(m: GLMM, nsim: int = 1, seed: Any = None, use_u: bool = False, re_form: Any = False) -> pd.DataFrame:
    """Responses as the model holds them; of ``cbind(successes, failures)`` the successes."""
    if not isinstance(nsim, (int, np.integer)) or nsim < 1:
        raise MereValueError(f"nsim must be a positive integer, not {nsim!r}")
    design, number = m.design, read_seed(seed)
    kept = kept_columns(design, None if use_u else re_form)
    rows = random_rows(design, None)
    given = design.X @ m.beta + contribution(design, rows, kept, m.b)
    if design.offset is not None:
        given = given + design.offset
    columns = {}
    factors = relative_factors(design.random, m.theta)
    for i in range(int(nsim)):
        rng = np.random.Generator(np.random.Philox(key=[number, i]))
        eta = given.copy()
        for r, keep, T in zip(rows, kept, factors, strict=True):
            if not keep.all():
                drawn = rng.standard_normal((len(r.term.levels), len(T))) @ T.T * ~keep
                eta += np.einsum("ij,ij->i", r.values, drawn[r.codes])
        mu = m.model_family.link.inverse(eta)
        y = m.model_family.simulate(mu, m.response.weights, m.sigma**2, rng)
        columns[f"sim_{i + 1}"] = row_series(design, y * m.response.weights if m.response.counts else y)
    out = pd.DataFrame(columns)
    out.attrs["seed"] = number
    return out


@g.refit.register(GLMM)
def _refit(m: GLMM, newresp: Any = None) -> GLMM:
    design, r = m.design, m.response
    if newresp is None:
        y, response = design.y, r
    else:
        y, response = _new_response(m, np.asarray(newresp, dtype=np.float64))
    objective = m.objective.with_response(response.y)
    objective.design, objective.response = with_response(design, y), response
    start = {"par": m.par, "fixef": m.beta}
    control = m.control if m.control.optimizer is not None else replace(m.control, optimizer="auto")
    optimum = optimize_generalized(objective, control, start)
    return generalized_mixed_model(settle_generalized(objective, optimum, control), m.control, m.call)


def _new_response(m: GLMM, y: np.ndarray) -> tuple[np.ndarray, Response]:
    """The new response as the design holds it, and as numbers with the weights of the fit."""
    r, frame = m.response, m.design.frame
    if len(y) != m.design.n and len(y) == frame.nrow and frame.rows is not None:
        y = y[frame.rows]
    if len(y) != m.design.n or not np.isfinite(y).all():
        raise MereValueError(f"newresp must have {m.design.n} finite values, one per row that the model uses")
    if r.counts:
        successes = y[:, 0] if y.ndim == 2 else y
        if y.ndim == 2 and not np.allclose(y.sum(axis=1), r.weights):
            raise MereValueError("newresp must have the numbers of trials of the fit")
        share = np.where(r.weights > 0, successes / np.where(r.weights > 0, r.weights, 1.0), 0.0)
        m.model_family.check(share, "newresp")
        pairs = np.asfortranarray(np.column_stack([successes, r.weights - successes]))
        return pairs, Response(np.ascontiguousarray(share), r.weights, True)
    m.model_family.check(y, "newresp")
    return y, Response(np.ascontiguousarray(y), r.weights, False)


_update = g.update.dispatch(LM)
for _kind in (GLM, GLMM):
    g.update.register(_kind, _update)
