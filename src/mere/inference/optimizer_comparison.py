"""One model by all optimizers: is the optimum the same?"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..errors import MereError, MereKeyError, MereTypeError
from ..fitting import optimize, settle
from ..generalized import GLMM, generalized_mixed_model
from ..generalized_fitting import settle_generalized
from ..generalized_optimum import optimize_generalized
from ..model import LMM, mixed_model
from ..optimizers import METHODS, check_optimizer
from ..variance_parameters import variance_parameters

__all__ = ["AllFit", "AllFitSummary"]

DEFAULT = ("auto", "nloptwrap", "Nelder_Mead", "nmkbw", *METHODS)


@dataclass(frozen=True, eq=False)
class AllFit(Mapping[str, Any]):
    """A model by each optimizer.

    Attributes
    ----------
    fits : mapping
        A model, or the error that the optimizer ended with.
    times : mapping
        Seconds.
    """

    fits: Mapping[str, Any]
    times: Mapping[str, float]

    def __getitem__(self, key: str) -> Any:
        try:
            return self.fits[key]
        except KeyError:
            raise MereKeyError(f"there is no fit by {key!r}; there are {', '.join(self.fits)}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.fits)

    def __len__(self) -> int:
        return len(self.fits)

    def to_frame(self) -> pd.DataFrame:
        """A row an optimizer: ``optimizer, logLik, feval, time, message``, then the parameters."""
        rows = []
        for name, fit in self.fits.items():
            row: dict[str, Any] = {"optimizer": name, "logLik": np.nan, "feval": np.nan, "time": self.times[name]}
            if isinstance(fit, Exception):
                rows.append({**row, "message": str(fit)})
                continue
            row.update(logLik=float(g.logLik(fit)), feval=fit.optinfo.feval, message=fit.optinfo.message)
            names, values = _parameters(fit)
            row.update(zip(names, values.tolist(), strict=True))
            row.update(g.fixef(fit).to_dict())
            rows.append(row)
        return pd.DataFrame(rows)

    summary = g.summary

    def __repr__(self) -> str:
        return str(self.to_frame())


@dataclass(frozen=True, eq=False)
class AllFitSummary:
    """Tables of fits by several optimizers, a row each; those that failed are left out.

    Attributes
    ----------
    which_OK : Series
    msgs : dict
        What the checks of each fit said.
    fixef, sdcor, theta : DataFrame
    llik, feval, times : Series
    """

    which_OK: pd.Series
    msgs: dict[str, tuple[str, ...]]
    fixef: pd.DataFrame
    llik: pd.Series
    sdcor: pd.DataFrame
    theta: pd.DataFrame
    times: pd.Series
    feval: pd.Series

    def __repr__(self) -> str:
        best = self.llik.max()
        table = pd.DataFrame({"logLik below the best": best - self.llik, "feval": self.feval, "time": self.times})
        return f"{table}\n\nFixed effects:\n{self.fixef}\n\nStandard deviations and correlations:\n{self.sdcor}"


@g.allFit.register(LMM)
def _all_fit(m: LMM, optimizers: Sequence[Any] | None = None, start_from_mle: bool = True) -> AllFit:
    def fit(control: Any) -> LMM:
        optimum = optimize(m.objective, control, m.par if start_from_mle else None)
        return mixed_model(settle(m.objective, optimum, control), control, m.call)

    return _by_each(m, optimizers, fit)


@g.allFit.register(GLMM)
def _all_fit_generalized(m: GLMM, optimizers: Sequence[Any] | None = None, start_from_mle: bool = True) -> AllFit:
    start = {"par": m.par, "fixef": m.beta} if start_from_mle else None

    def fit(control: Any) -> GLMM:
        objective = m.objective.twin()
        optimum = optimize_generalized(objective, control, start)
        return generalized_mixed_model(settle_generalized(objective, optimum, control), control, m.call)

    return _by_each(m, optimizers, fit)


def _by_each(m: Any, optimizers: Sequence[Any] | None, fit: Callable[[Any], Any]) -> AllFit:
    """The fits by each control, or their errors; seconds."""
    wanted = [optimizers] if isinstance(optimizers, str) or callable(optimizers) else optimizers
    if wanted is not None and (not isinstance(wanted, Iterable) or not (wanted := list(wanted))):
        raise MereTypeError(f"optimizers must be names of optimizers or functions, not {optimizers!r}")
    for name in wanted or ():
        check_optimizer(name)
    fits: dict[str, Any] = {}
    times: dict[str, float] = {}
    for optimizer in DEFAULT if wanted is None else wanted:
        name = optimizer if isinstance(optimizer, str) else getattr(optimizer, "__name__", repr(optimizer))
        control = replace(m.control, optimizer=optimizer, optCtrl={})
        began = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                fits[name] = fit(control)
        except (MereError, ArithmeticError, ValueError) as error:
            fits[name] = error
        times[name] = time.perf_counter() - began
    return AllFit(fits, times)


def _parameters(m: Any) -> tuple[list[str], np.ndarray]:
    """Names and values of the variance parameters; a generalized model has no sigma among them."""
    parameters = variance_parameters(m.design.random)
    if isinstance(m, GLMM):
        return parameters.names[:-1], parameters.values(m.theta, 1.0)[:-1]
    return parameters.names, parameters.values(m.theta, m.sigma)


@g.summary.register(AllFit)
def _summary(a: AllFit) -> AllFitSummary:
    good = {name: fit for name, fit in a.fits.items() if not isinstance(fit, Exception)}
    if not good:
        raise next(iter(a.fits.values()))
    first = next(iter(good.values()))
    index = list(good)
    theta = pd.DataFrame([f.theta for f in good.values()], index, list(g.getME(first, "theta").index))
    sdcor = [_parameters(f)[1] for f in good.values()]
    return AllFitSummary(
        pd.Series({name: name in good for name in a.fits}),
        {name: f.optinfo.warnings for name, f in good.items()},
        pd.DataFrame([g.fixef(f) for f in good.values()], index),
        pd.Series({name: float(g.logLik(f)) for name, f in good.items()}),
        pd.DataFrame(sdcor, index, _parameters(first)[0]),
        theta,
        pd.Series({name: a.times[name] for name in index}),
        pd.Series({name: f.optinfo.feval for name, f in good.items()}),
    )
