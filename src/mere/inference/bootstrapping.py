"""The parametric and the semiparametric bootstrap of fitted models."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from .. import _core
from .. import generics as g
from ..accessors.rows import fitted_values
from ..arguments import check_function, count_of, numbers_of
from ..conditioning import kept_columns
from ..errors import MereError, MereTypeError, MereValueError
from ..generalized import GLM, GLMM
from ..model import LM, LMM
from ..refitting import theta_rows
from ..replicates import ChunkFitter, failure_text
from ..results import _Printed
from ..simulation import given_effects, read_seed, simulator_of
from ..variance_parameters import VarianceParameters, variance_parameters
from .resampling import Pool, report_replicates, run_task

__all__ = ["Bootstrap", "Draw"]


@dataclass(frozen=True, eq=False, repr=False)
class Bootstrap(_Printed):
    """Replicates of statistics of a model.

    Attributes
    ----------
    model : LMM or LM
    t0 : Series
        The statistics of the fit itself.
    t : DataFrame
        A row a replicate, NaN where it failed.
    failures : Series
        Why replicates failed, by their number.
    seed : int
    nsim : int
        Replicates that were asked for; after an interrupt `t` has fewer.
    type : {"parametric", "semiparametric"}
    use_u : bool
    statistic : callable or None
        FUN; None for the parameters.
    """

    model: Any
    t0: pd.Series
    t: pd.DataFrame
    failures: pd.Series
    seed: int
    nsim: int
    type: str
    use_u: bool
    statistic: Callable[[Any], Any] | None

    def to_frame(self) -> pd.DataFrame:
        """The replicates."""
        return self.t

    confint, plot = g.confint, g.plot


@dataclass(frozen=True, eq=False)
class Draw:
    """What a bootstrap draws from a model; picklable.

    Attributes
    ----------
    model : LMM or LM
    kept : list of ndarray or None
        The random effects that are kept.
    semiparametric : bool
    """

    model: Any
    kept: list[np.ndarray] | None
    semiparametric: bool

    def simulator(self, with_offset: bool) -> Any:
        m = self.model
        residual = None
        if self.semiparametric:
            root = 1.0 if m.design.weights is None else np.sqrt(m.design.weights)
            residual = np.ascontiguousarray((m.design.y - fitted_values(m)) * root)
        if isinstance(m, LMM):
            kept = self.kept if self.kept is not None else kept_columns(m.design, False)
            return simulator_of(m, kept, residual=residual, with_offset=with_offset)
        unit = 1.0 if self.semiparametric else m.sigma
        scale = np.full(m.design.n, unit) if m.design.weights is None else unit / np.sqrt(m.design.weights)
        return _core.Simulator(np.ascontiguousarray(fitted_values(m)), np.ascontiguousarray(scale), [], residual)


# -- tasks -----------------------------------------------------------------------
class ParameterTask:
    """What tasks have that give the parameters of refits; what they make for themselves does not travel with them."""

    def __init__(self, draw: Draw, seed: int):
        self.draw, self.seed = draw, seed

    def __getstate__(self) -> dict[str, Any]:
        return {"draw": self.draw, "seed": self.seed}

    @cached_property
    def parameters(self) -> VarianceParameters:
        return variance_parameters(self.draw.model.design.random)


class _ParameterTask(ParameterTask):
    """The parameters of refits, in C."""

    @cached_property
    def fit(self) -> ChunkFitter:
        m = self.draw.model
        return ChunkFitter(m.objective, m.par, self.draw.simulator(False), None, self.seed)

    def __call__(self, first: int, count: int) -> tuple[np.ndarray, dict[int, str]]:
        m = self.draw.model
        with m.objective.threads:
            status, _, sigma, par, beta = self.fit(first, count)
        values = np.hstack([self.parameters.values(theta_rows(m.objective, par), sigma), beta])
        return values, {first + i: failure_text(status[i]) for i in np.flatnonzero(status).tolist()}


class _FunctionTask:
    """A Python function of refits."""

    def __init__(self, draw: Draw, seed: int, statistic: Callable[[Any], Any], size: int):
        self.draw, self.seed, self.statistic, self.size = draw, seed, statistic, size

    def __getstate__(self) -> dict[str, Any]:
        return {k: self.__dict__[k] for k in ("draw", "seed", "statistic", "size")}

    @cached_property
    def simulator(self) -> Any:
        return self.draw.simulator(True)

    def __call__(self, first: int, count: int) -> tuple[np.ndarray, dict[int, str]]:
        out, causes = np.full((count, self.size), np.nan), {}
        for i in range(count):
            try:
                y = self.simulator.draw(self.seed, first + i, 1)[:, 0]
                value = named(self.statistic(g.refit(self.draw.model, y))).to_numpy(dtype=float)
                if len(value) != self.size:
                    raise MereValueError(f"FUN gave {len(value)} values, of the model itself {self.size}")
                out[i] = value
            except Exception as error:  # a failed replicate is a result
                causes[first + i] = str(error) if isinstance(error, MereError) else f"{type(error).__name__}: {error}"
        return out, causes


def named(value: Any) -> pd.Series:
    """What FUN returned as a Series of floats."""
    if isinstance(value, Mapping):
        value = pd.Series(dict(value), dtype=object)
    if value is None or np.size(value) == 0:
        raise MereTypeError(f"FUN must return numbers, not {value!r}")
    array = np.atleast_1d(numbers_of(value, "what FUN returns")).ravel()
    return pd.Series(array, value.index if isinstance(value, pd.Series) else [f"t{i + 1}" for i in range(len(array))])


def model_parameters(m: Any) -> pd.Series:
    """Standard deviations, correlations, sigma and fixed effects of a model, by name; what its family has of them."""
    if isinstance(m, LM):
        return pd.Series(np.append(m.beta, m.sigma), [*m.design.names, "sigma"])
    if isinstance(m, GLM):
        return pd.Series(m.beta, list(m.design.names))
    parameters = variance_parameters(m.design.random)
    if isinstance(m, GLMM):
        values = np.append(parameters.values(m.theta, 1.0)[:-1], m.beta)
        return pd.Series(values, [*parameters.names[:-1], *m.design.names])
    values = np.append(parameters.values(m.theta, m.sigma), m.beta)
    return pd.Series(values, [*parameters.names, *m.design.names])


# -- the bootstrap -------------------------------------------------------------------
@g.bootMer.register(LMM)
@g.bootMer.register(LM)
def _boot(
    m: LMM | LM,
    FUN: Callable[[Any], Any] | None = None,
    nsim: int = 500,
    seed: Any = None,
    use_u: bool = False,
    re_form: Any = False,
    type: str = "parametric",
    ncpus: int | None = None,
    parallel: str = "threads",
    checkpoint: Any = None,
    progress: bool | None = None,
) -> Bootstrap:
    if type not in ("parametric", "semiparametric"):
        raise MereValueError(f"type must be 'parametric' or 'semiparametric', not {type!r}")
    mixed = isinstance(m, LMM)
    if type == "semiparametric" and mixed and not use_u:
        raise MereValueError("the semiparametric bootstrap keeps the random effects: it needs use_u=True")
    nsim = count_of(nsim)
    check_function(FUN)
    kept = given_effects(m.design, use_u, re_form) if isinstance(m, LMM) else None
    draw, number = Draw(m, kept, type == "semiparametric"), read_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        statistic = model_parameters if FUN is None else FUN
        t0 = named(statistic(m))
    task: Any
    if FUN is None and mixed:
        task = _ParameterTask(draw, number)
    else:
        task = _FunctionTask(draw, number, statistic, len(t0))
    signature = _signature(m, draw, number, use_u, type, t0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = run_task(task, nsim, len(t0), Pool(parallel, ncpus), signature, checkpoint, progress)
    t = pd.DataFrame(out.values[out.done], pd.Index(np.flatnonzero(out.done)), t0.index)
    failures = pd.Series(dict(sorted(out.causes.items())), dtype=object)
    report_replicates("bootMer", len(t), nsim, failures)
    return Bootstrap(m, t0, t, failures, number, nsim, type, use_u, FUN)


def _signature(m: Any, draw: Draw, seed: int, use_u: bool, type: str, t0: pd.Series) -> dict[str, str]:
    model = hashlib.sha256()
    for array in (m.design.y, m.design.X, m.beta, np.array([m.sigma]), t0.to_numpy()):
        model.update(np.ascontiguousarray(array).tobytes())
    kept = "" if draw.kept is None else str([k.tolist() for k in draw.kept])
    names = "\n".join(map(str, t0.index))
    return {"model": model.hexdigest(), "seed": str(seed), "kept": kept, "type": type, "statistics": names}


@g.to_text.register(Bootstrap)
def _text(b: Bootstrap, digits: int = 7) -> str:
    """The layout of R's package boot."""
    table = pd.DataFrame({"original": b.t0, "bias": b.t.mean() - b.t0, "std. error": b.t.std(ddof=1)}, index=b.t0.index)
    counts = f"{len(b.t)} replicates, {len(b.failures)} failed; seed {b.seed}"
    lines = ["", f"{b.type.upper()} BOOTSTRAP", "", counts, "", "Bootstrap Statistics :"]
    with pd.option_context("display.precision", digits - 1):
        return "\n".join([*lines, table.to_string()])


@g.to_html.register(Bootstrap)
def _html(b: Bootstrap) -> str:
    return f"<pre>{escape(_text(b))}</pre>"
