"""Nonlinear mixed models fitted to other responses: one, or a matrix with a response a column."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from . import generics as g
from .errors import MereError, MereKeyError
from .nonlinear import NLMM, nonlinear_mixed_model
from .nonlinear_fitting import refit_nlmm
from .nonlinear_objective import NLMMObjective
from .refitting import read_responses, with_response
from .variance_parameters import variance_parameters

__all__ = ["NonlinearRefits"]


@dataclass(frozen=True, eq=False, repr=False)
class NonlinearRefits:
    """Fits of a nonlinear model to many responses.

    Attributes
    ----------
    model : NLMM
    labels : Index
        Of the responses.
    fits : tuple of NLMM or None
        None where the fit failed.
    failures : Series
        Why fits failed, by label.
    """

    model: NLMM
    labels: pd.Index
    fits: tuple[NLMM | None, ...]
    failures: pd.Series

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> NLMM:
        """The model of response `i`, by position."""
        if not -len(self) <= i < len(self):
            raise MereKeyError(f"there are {len(self)} responses, not {i + 1}")
        fit = self.fits[i]
        if fit is None:
            raise MereKeyError(f"the fit of response {self.labels[i]!r} failed: {self.failures[self.labels[i]]}")
        return fit

    def to_frame(self) -> pd.DataFrame:
        """A row a response: ``logLik``, variance parameters, fixed effects; NaN where the fit failed."""
        parameters = variance_parameters(self.model.design.random)
        names = ["logLik", *parameters.names, *self.model.design.names]
        rows = [
            np.full(len(names), np.nan)
            if fit is None
            else np.concatenate([[-0.5 * fit.criterion], parameters.values(fit.theta, fit.sigma), fit.beta])
            for fit in self.fits
        ]
        return pd.DataFrame(np.array(rows).reshape(len(rows), len(names)), self.labels, names)

    def __repr__(self) -> str:
        return f"<{len(self)} refits of nlmer(), {len(self.failures)} failed>"


@g.refit.register(NLMM)
def _refit(m: NLMM, newresp: Any = None) -> NLMM | NonlinearRefits:
    y = read_responses(m.design, m.design.y if newresp is None else newresp)
    if y.ndim == 1:
        return _fitted_to(m, y)
    labels = newresp.columns if isinstance(newresp, pd.DataFrame) else pd.RangeIndex(y.shape[1])
    fits: list[NLMM | None] = []
    failures: dict[Any, str] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for label, column in zip(labels, y.T, strict=True):
            try:
                fits.append(_fitted_to(m, column))
            except MereError as error:
                fits.append(None)
                failures[label] = str(error)
    return NonlinearRefits(m, pd.Index(labels), tuple(fits), pd.Series(failures, dtype=object))


def _fitted_to(m: NLMM, y: np.ndarray) -> NLMM:
    design = with_response(m.design, np.ascontiguousarray(y))
    objective = NLMMObjective(design, m.nAGQ, m.control.tolPwrss, m.beta)  # type: ignore[arg-type]
    control = m.control if m.control.optimizer is not None else replace(m.control, optimizer="auto")
    start = np.where((m.par == 0) & (objective.terms_layout.start > 0), 0.1 * (np.abs(m.par).max() or 1.0), m.par)
    return nonlinear_mixed_model(refit_nlmm(objective, control, start, m.beta), m.control, m.call)
