"""The parametric bootstrap of generalized mixed models under lme4's name."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..arguments import check_function, count_of
from ..errors import MereError, MereValueError
from ..generalized import GLMM
from ..generalized_refits import GeneralizedFitter
from ..generalized_simulation import generalized_simulator
from ..simulation import given_effects, read_seed
from .bootstrapping import Bootstrap, Draw, ParameterTask, _FunctionTask, _signature, model_parameters, named
from .resampling import Pool, report_replicates, run_task

__all__: list[str] = []


@dataclass(frozen=True, eq=False)
class GeneralizedDraw(Draw):
    """Draws responses of a generalized mixed model."""

    def simulator(self, with_offset: bool) -> Any:
        return generalized_simulator(self.model, self.kept or [])


class _ParameterTask(ParameterTask):
    """Standard deviations, correlations and fixed effects of refits, without a record of each."""

    @cached_property
    def simulator(self) -> Any:
        return self.draw.simulator(True)

    def __call__(self, first: int, count: int) -> tuple[np.ndarray, dict[int, str]]:
        m = self.draw.model
        n_re, p = len(m.par), len(m.beta)
        fitter = GeneralizedFitter(m, np.empty((m.design.n, 0)))
        out = np.full((count, len(self.parameters.items) - 1 + p), np.nan)
        causes: dict[int, str] = {}
        for i in range(count):
            try:
                y = self.simulator.draw(self.seed, first + i, 1)[:, 0]
                objective, par, _ = fitter.optimum(y)
            except MereError as error:
                causes[first + i] = str(error)
            else:
                variance = self.parameters.values(objective.theta(par[:n_re]), 1.0)[:-1]
                out[i] = np.append(variance, par[n_re : n_re + p])
        return out, causes


def _is_short(task: Any) -> bool:
    """Would threads wait for the interpreter more than they compute? So it is where a replicate takes 2 ms."""
    task(0, 1)
    began = time.perf_counter()
    task(0, 2)
    return time.perf_counter() - began < 4e-3


@g.bootMer.register(GLMM)
def _boot(
    m: GLMM,
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
    if type != "parametric":
        raise MereValueError(f"bootMer() of a generalized model is parametric, not {type!r}; see bootstrap()")
    nsim = count_of(nsim)
    check_function(FUN)
    kept = given_effects(m.design, use_u, re_form)
    draw, number = GeneralizedDraw(m, kept, False), read_seed(seed)
    statistic = model_parameters if FUN is None else FUN
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        t0 = named(statistic(m))
        task: Any = _ParameterTask(draw, number)
        if FUN is not None:
            task = _FunctionTask(draw, number, statistic, len(t0))
        signature = _signature(m, draw, number, use_u, type, t0)
        if ncpus is None and parallel == "threads" and _is_short(task):
            ncpus = 1
        out = run_task(task, nsim, len(t0), Pool(parallel, ncpus), signature, checkpoint, progress)
    t = pd.DataFrame(out.values[out.done], pd.Index(np.flatnonzero(out.done)), t0.index)
    failures = pd.Series(dict(sorted(out.causes.items())), dtype=object)
    report_replicates("bootMer", len(t), nsim, failures)
    return Bootstrap(m, t0, t, failures, number, nsim, type, use_u, FUN)
