"""What a bootstrap scheme is: a task that gives the statistics of replicates by number.

A scheme is made from a model and a statistic. Its task gives, for each replicate, the values of the statistic and,
where they are asked for, the standard errors of the fixed effects behind them. A replicate is a function of the seed
and its number alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import generics as g
from ...errors import MereError
from ...generalized import GLMM
from ...model import LM, LMM
from ...variance_parameters import variance_parameters
from ..bootstrapping import named

__all__ = ["Replicate", "Request", "Task", "parameter_errors", "replicate_rng", "run_replicates"]

Task = Callable[[int, int], tuple[np.ndarray, Mapping[int, str]]]
Replicate = Callable[[np.random.Generator], Any]


@dataclass(frozen=True, eq=False)
class Request:
    """What is bootstrapped.

    Attributes
    ----------
    model : LM, GLM, LMM, GLMM
    statistic : callable
        Of a model.
    is_default : bool
        Is the statistic the parameters themselves?
    size : int
    errors : bool
        Are standard errors wanted beside the values?
    seed : int
    """

    model: Any
    statistic: Callable[[Any], Any]
    is_default: bool
    size: int
    errors: bool
    seed: int

    @property
    def width(self) -> int:
        """Numbers of a replicate."""
        return self.size * (1 + int(self.errors))


def replicate_rng(seed: int, number: int) -> np.random.Generator:
    """The stream of a replicate."""
    return np.random.Generator(np.random.Philox(key=[seed, number]))


def parameter_errors(m: Any) -> np.ndarray:
    """Standard errors of the parameters: of fixed effects, NaN for variance parameters."""
    se = np.sqrt(np.diag(g.vcov(m, full=False) if not isinstance(m, (LMM, GLMM)) else g.vcov(m)))
    if isinstance(m, LM):
        return np.append(se, np.nan)
    if isinstance(m, (LMM, GLMM)):
        items = len(variance_parameters(m.design.random).items) - int(isinstance(m, GLMM))
        return np.concatenate([np.full(items, np.nan), se])
    return np.asarray(se)


def run_replicates(request: Request, make: Replicate) -> Task:
    """The task that fits one model a replicate."""

    def task(first: int, count: int) -> tuple[np.ndarray, dict[int, str]]:
        out, causes = np.full((count, request.width), np.nan), {}
        for i in range(count):
            try:
                fit = make(replicate_rng(request.seed, first + i))
                out[i, : request.size] = named(request.statistic(fit)).to_numpy(dtype=float)
                if request.errors:
                    out[i, request.size :] = parameter_errors(fit)
            except Exception as error:  # a failed replicate is a result
                causes[first + i] = str(error) if isinstance(error, MereError) else f"{type(error).__name__}: {error}"
        return out, causes

    return task
