"""Fits of one design to drawn responses: in C where the statistics are the parameters of a linear mixed model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ... import generics as g
from ...model import LM, LMM
from ...refitting import theta_rows
from ...replicates import ChunkFitter, failure_text
from ...variance_parameters import variance_parameters
from .scheme import Request, Task, replicate_rng, run_replicates

__all__ = ["fit_responses"]

Draw = Callable[[np.random.Generator], np.ndarray]


def fit_responses(request: Request, draw: Draw) -> Task:
    """The task of a scheme that draws responses."""
    m = request.model
    if request.is_default and not request.errors:
        if isinstance(m, LMM) and m.objective.layout.linear:
            return _mixed(request, m, draw)
        if isinstance(m, LM):
            return _linear(request, m, draw)
    return run_replicates(request, lambda rng: g.refit(m, draw(rng)))


def _responses(request: Request, draw: Draw, first: int, count: int, offset: Any) -> np.ndarray:
    """Drawn responses less the offset, a column each."""
    Y = np.column_stack([draw(replicate_rng(request.seed, first + i)) for i in range(count)])
    return np.asfortranarray(Y if offset is None else Y - offset[:, None])


def _mixed(request: Request, m: LMM, draw: Draw) -> Task:
    parameters = variance_parameters(m.design.random)

    def task(first: int, count: int) -> tuple[np.ndarray, dict[int, str]]:
        Y = _responses(request, draw, first, count, m.design.offset)
        with m.objective.threads:
            status, _, sigma, par, beta = ChunkFitter(m.objective, m.par, responses=Y)(0, count)
        values = np.hstack([parameters.values(theta_rows(m.objective, par), sigma), beta])
        return values, {first + i: failure_text(status[i]) for i in np.flatnonzero(status).tolist()}

    return task


def _linear(request: Request, m: LM, draw: Draw) -> Task:
    root = np.ones(m.design.n) if m.design.weights is None else np.sqrt(m.design.weights)
    Q, R = np.linalg.qr(m.design.X * root[:, None])

    def task(first: int, count: int) -> tuple[np.ndarray, dict[int, str]]:
        Y = root[:, None] * _responses(request, draw, first, count, m.design.offset)
        inside = Q.T @ Y
        rss = np.einsum("nb,nb->b", Y, Y) - np.einsum("pb,pb->b", inside, inside)
        beta = np.linalg.solve(R, inside)
        return np.vstack([beta, np.sqrt(np.maximum(rss, 0.0) / m.df)]).T, {}

    return task
