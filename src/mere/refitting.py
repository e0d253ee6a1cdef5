"""Fits again: by maximum likelihood, to another response, to many, with another formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from . import generics as g
from .arguments import numbers_of
from .design import Design
from .errors import MereKeyError, MereTypeError, MereValueError
from .fitting import optimize, settle
from .frame import Factor
from .language.formulas import Formula
from .language.updating import update_formula
from .linear import fit_lm
from .model import LM, LMM, Call, linear_model, mixed_model
from .objective import LMMObjective
from .replicates import ChunkFitter, Replicates, failure_text, fit_replicates
from .variance_parameters import VarianceParameters, variance_parameters

__all__ = ["FITTERS", "Refits", "fitted_again", "with_design"]

#: The public function behind a model, by the name in its call: what `update` calls with changed arguments.
FITTERS: dict[str, Callable[..., Any]] = {}


@dataclass(frozen=True, eq=False)
class Refits:
    """One model fitted to many responses.

    Attributes
    ----------
    model : LMM or GLMM
    responses : ndarray (n, count)
    labels : Index
        Of the responses.
    fits : Replicates
    parameters : VarianceParameters
    """

    model: Any
    responses: np.ndarray
    labels: pd.Index
    fits: Replicates
    parameters: VarianceParameters

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> Any:
        """The model of response `i`, by position, as `refit` gives it."""
        if not -len(self) <= i < len(self):
            raise MereKeyError(f"there are {len(self)} responses, not {i + 1}")
        return g.refit(self.model, self.responses[:, i])

    def to_frame(self) -> pd.DataFrame:
        """A row a response: ``logLik``, variance parameters, fixed effects; NaN where the fit failed."""
        objective = self.model.objective
        theta = theta_rows(objective, self.fits.par)
        values = np.hstack([self.parameters.values(theta, self.fits.sigma), self.fits.beta])
        out = pd.DataFrame(values, self.labels, [*self.parameters.names, *self.model.design.names])
        out.insert(0, "logLik", -0.5 * self.fits.criterion)
        return out

    @property
    def failures(self) -> pd.Series:
        """Why fits failed, by label."""
        bad = np.flatnonzero(self.fits.status != 0)
        return pd.Series([failure_text(self.fits.status[i]) for i in bad], self.labels[bad], dtype=object)

    def __repr__(self) -> str:
        failed = int((self.fits.status != 0).sum())
        return f"<{len(self)} refits of {self.model.call.function}(), {failed} failed>"


def theta_rows(objective: Any, par: np.ndarray) -> np.ndarray:
    """theta (count, n_theta) of rows of par."""
    if objective.layout.linear:
        return np.asarray(par[:, objective.layout.entries[:, 3]])
    return np.array([objective.theta(x) for x in par]).reshape(len(par), -1)


# -- the same design, another response -------------------------------------------
def with_response(design: Design, y: np.ndarray) -> Design:
    """The design with another response."""
    frame = design.frame
    variables = dict(frame.variables)
    if isinstance(variables[design.response], (np.ndarray, Factor)):
        variables[design.response] = y
    return replace(design, y=y, frame=replace(frame, variables=variables))


def with_design(objective: LMMObjective, design: Design) -> LMMObjective:
    """The objective of a design that differs in its response only, on the same plan."""
    out = objective.with_response(design.y)
    out.design, out._y = design, None
    return out


def read_responses(design: Design, newresp: Any) -> np.ndarray:
    """New responses (n,) or (n, count): a value a row used, or a row of the table of the fit."""
    y = numbers_of(newresp, "newresp")
    frame = design.frame
    if y.ndim not in (1, 2):
        raise MereValueError(f"newresp must be a vector, or a matrix with a response a column, not of shape {y.shape}")
    if y.ndim == 2 and not y.shape[1]:
        raise MereValueError("newresp has no columns")
    if len(y) != design.n and len(y) == frame.nrow and frame.rows is not None:
        y = y[frame.rows]
    if len(y) != design.n:
        raise MereValueError(f"newresp has {len(y)} values, but the model has {design.n} rows (of {frame.nrow})")
    if not np.isfinite(y).all():
        raise MereValueError("newresp has missing or infinite values in rows that the model uses")
    return np.asfortranarray(y)


@g.refit.register(LMM)
def _refit(m: LMM, newresp: Any = None, ncpus: int | None = None) -> LMM | Refits:
    if newresp is None:
        newresp = m.design.y
    y = read_responses(m.design, newresp)
    if y.ndim == 1:
        design = with_response(m.design, y)
        objective = with_design(m.objective, design)
        optimum = optimize(objective, m.control, m.par)
        return mixed_model(settle(objective, optimum, m.control), m.control, m.call)
    labels = newresp.columns if isinstance(newresp, pd.DataFrame) else pd.RangeIndex(y.shape[1])
    offset = m.design.offset
    bare = y if offset is None else np.asfortranarray(y - offset[:, None])
    fits = fit_replicates(ChunkFitter(m.objective, m.par, responses=bare), y.shape[1], ncpus)
    return Refits(m, y, labels, fits, variance_parameters(m.design.random))


@g.refit.register(LM)
def _refit_lm(m: LM, newresp: Any = None) -> LM | pd.DataFrame:
    y = read_responses(m.design, m.design.y if newresp is None else newresp)
    if y.ndim == 1:
        return linear_model(fit_lm(with_response(m.design, y)), m.call)
    labels = newresp.columns if isinstance(newresp, pd.DataFrame) else pd.RangeIndex(y.shape[1])
    fits = [_refit_lm(m, np.ascontiguousarray(y[:, i])) for i in range(y.shape[1])]
    values = [[*f.beta, f.sigma] for f in fits if isinstance(f, LM)]
    return pd.DataFrame(values, labels, [*m.design.names, "sigma"])


@g.refitML.register(LMM)
def _refit_ml(m: LMM) -> LMM:
    if not m.reml:
        return m
    objective = m.objective.by_ml()
    optimum = optimize(objective, m.control, m.par)
    call = replace(m.call, arguments={**m.call.arguments, "REML": False})
    return mixed_model(settle(objective, optimum, m.control), m.control, call)


# -- another formula ----------------------------------------------------------------
@g.update.register(LMM)
@g.update.register(LM)
def _update(m: LMM | LM, formula: str | None = None, **changes: Any) -> Any:
    if m.call.function not in FITTERS:
        raise MereTypeError(f"update() does not know how {m.call.function}() fits")
    arguments = dict(m.call.arguments)
    data = changes.pop("data", m.call.data)
    if data is None:
        raise MereValueError("the model keeps no data: give update(m, …, data=)")
    if formula is not None:
        if not isinstance(formula, (str, Formula)):
            raise MereTypeError(f"formula must be a text such as '. ~ . - x', not {formula!r}")
        new = update_formula(m.design.formula, str(formula))
        was_mixed, mixed = bool(m.design.random), "|" in new
        arguments["formula"] = new
        if was_mixed and not mixed:
            raise MereValueError(f"update: no random effects are left in {new!r}; fit it by lm()")
    arguments.update(changes)
    text = arguments.pop("formula")
    return fitted_again(m.call, text, data, arguments)


def fitted_again(call: Call, formula: Any, data: Any, arguments: Mapping[str, Any]) -> Any:
    """A call with other arguments; the same data keep their name."""
    model = FITTERS[call.function](formula, data, **arguments)
    if data is not call.data or model.call.data_name == call.data_name:
        return model
    return replace(model, call=replace(model.call, data_name=call.data_name))
