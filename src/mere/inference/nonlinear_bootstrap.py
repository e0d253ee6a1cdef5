"""The parametric bootstrap of nonlinear mixed models."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..arguments import check_function, count_of
from ..conditioning import kept_columns
from ..nonlinear import NLMM
from ..nonlinear_predictions import draw_responses
from ..simulation import read_seed
from .bootstrapping import Bootstrap, Draw, _FunctionTask, _signature, model_parameters, named
from .resampling import Pool, report_replicates, run_task

__all__: list[str] = []


@dataclass(frozen=True, eq=False)
class NonlinearDraw(Draw):
    """Draws responses of a nonlinear model."""

    def simulator(self, with_offset: bool) -> Any:
        return self

    def draw(self, seed: int, first: int, count: int) -> np.ndarray:
        """Responses (n, count)."""
        return draw_responses(self.model, self.kept or [], seed, first, count)


@g.bootMer.register(NLMM)
def _boot(
    m: NLMM,
    FUN: Callable[[Any], Any] | None = None,
    nsim: int = 500,
    seed: Any = None,
    use_u: bool = False,
    re_form: Any = False,
    ncpus: int | None = None,
    parallel: str = "threads",
    checkpoint: Any = None,
    progress: bool | None = None,
) -> Bootstrap:
    nsim = count_of(nsim)
    check_function(FUN)
    kept = kept_columns(m.design.long, None if use_u else re_form)
    draw, number = NonlinearDraw(m, kept, False), read_seed(seed)
    statistic = model_parameters if FUN is None else FUN
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        t0 = named(statistic(m))
        task = _FunctionTask(draw, number, statistic, len(t0))
        signature = _signature(m, draw, number, use_u, "parametric", t0)
        out = run_task(task, nsim, len(t0), Pool(parallel, ncpus), signature, checkpoint, progress)
    t = pd.DataFrame(out.values[out.done], pd.Index(np.flatnonzero(out.done)), t0.index)
    failures = pd.Series(dict(sorted(out.causes.items())), dtype=object)
    report_replicates("bootMer", len(t), nsim, failures)
    return Bootstrap(m, t0, t, failures, number, nsim, "parametric", use_u, FUN)
