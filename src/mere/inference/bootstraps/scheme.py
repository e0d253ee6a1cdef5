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
import pandas as pd

from ... import generics as g
from ...errors import MereError
from ...generalized import GLMM
from ...model import LM, LMM
from ...variance_parameters import variance_parameters
from ..bootstrapping import named

__all__ = [
    "OfCoefficients",
    "Replicate",
    "Request",
    "Task",
    "coefficient_columns",
    "parameter_errors",
    "replicate_rng",
    "run_replicates",
]

Task = Callable[[int, int], tuple[np.ndarray, Mapping[int, str]]]
Replicate = Callable[[np.random.Generator], Any]


@dataclass(frozen=True, eq=False)
class OfCoefficients:
    """A statistic that is a function of the fixed effects: replicates of the parameters are all it needs.

    Attributes
    ----------
    function : callable
        Coefficients (b, p) -> values (b, r).
    names : list of str
        Of the r values.
    """

    function: Callable[[np.ndarray], np.ndarray]
    names: list[str]

    def __call__(self, m: Any) -> pd.Series:
        return pd.Series(self.function(np.asarray(m.beta)[None])[0], self.names, dtype=float)

    def of(self, m: Any, parameters: pd.DataFrame) -> pd.DataFrame:
        """The values of rows of the model's parameters."""
        beta = parameters.to_numpy(float)[:, coefficient_columns(m, parameters.shape[1])]
        return pd.DataFrame(self.function(beta), parameters.index, self.names)


def coefficient_columns(m: Any, size: int) -> slice:
    """Where the fixed effects are among the parameters of a model: behind those of random effects, before sigma."""
    p = len(m.beta)
    return slice(size - p, size) if isinstance(m, (LMM, GLMM)) else slice(0, p)


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


def _parameters(m: Any) -> Callable[[Any], np.ndarray]:
    """`model_parameters` of fits of one kind, without names."""
    if not isinstance(m, (LMM, GLMM)):
        return lambda fit: np.append(fit.beta, fit.sigma) if isinstance(m, LM) else fit.beta
    parameters = variance_parameters(m.design.random)
    if isinstance(m, GLMM):
        return lambda fit: np.append(parameters.values(fit.theta, 1.0)[:-1], fit.beta)
    return lambda fit: np.append(parameters.values(fit.theta, fit.sigma), fit.beta)


def run_replicates(request: Request, make: Replicate) -> Task:
    """The task that fits one model a replicate."""

    values = _parameters(request.model) if request.is_default else None

    def task(first: int, count: int) -> tuple[np.ndarray, dict[int, str]]:
        out, causes = np.full((count, request.width), np.nan), {}
        for i in range(count):
            try:
                fit = make(replicate_rng(request.seed, first + i))
                own = values(fit) if values else named(request.statistic(fit)).to_numpy(dtype=float)
                out[i, : request.size] = own
                if request.errors:
                    out[i, request.size :] = parameter_errors(fit)
            except Exception as error:  # a failed replicate is a result
                causes[first + i] = str(error) if isinstance(error, MereError) else f"{type(error).__name__}: {error}"
        return out, causes

    return task
