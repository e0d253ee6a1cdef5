"""Fits of one design to many responses: in C over threads, one workspace each (csrc/refit.c).

The responses are the columns of a matrix, or replicates of a simulator, each a function of (seed, number). So the
result does not depend on how the work is divided.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _core
from .arguments import threads_of
from .errors import MereError
from .objective import LMMObjective
from .optimizers import minimize

__all__ = ["NOT_DONE", "ChunkFitter", "Replicates", "available_cpus", "failure_text", "fit_replicates", "run_chunks"]

NOT_DONE = -1


@dataclass(frozen=True, eq=False)
class Replicates:
    """Fits by number.

    Attributes
    ----------
    status : ndarray of int32 (count,)
        0 where the fit succeeded, -1 where it was not done, else a status of the kernels.
    criterion, sigma : ndarray (count,)
    par : ndarray (count, n_par)
    beta : ndarray (count, p)
    """

    status: np.ndarray
    criterion: np.ndarray
    sigma: np.ndarray
    par: np.ndarray
    beta: np.ndarray

    @classmethod
    def empty(cls, count: int, n_par: int, p: int) -> Replicates:
        nan = np.nan
        return cls(
            np.full(count, NOT_DONE, dtype=np.int32), np.full(count, nan), np.full(count, nan),
            np.full((count, n_par), nan), np.full((count, p), nan),
        )  # fmt: skip

    def put(self, first: int, part: Sequence[np.ndarray]) -> None:
        """Store the fits first, first + 1, ..."""
        own = (self.status, self.criterion, self.sigma, self.par, self.beta)
        for array, values in zip(own, part, strict=True):
            array[first : first + len(values)] = values


def failure_text(status: int) -> str:
    """Why a fit has this status."""
    return "not done" if status == NOT_DONE else _core.message(int(status))


def available_cpus() -> int:
    """The processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def run_chunks(
    work: Callable[[int, int], Any],
    todo: Iterable[tuple[int, int]],
    done: Callable[[int, int, Any], None],
    pool: Any,
    width: int,
) -> bool:
    """Run ``work(first, count)`` of each chunk in a pool and hand results to `done`; False after Ctrl-C.

    At most 2 `width` chunks wait in the pool, so that an interrupt loses little.
    """
    waiting: dict[Future[Any], tuple[int, int]] = {}
    queue = iter(todo)
    try:
        while True:
            while len(waiting) < 2 * width and (chunk := next(queue, None)) is not None:
                waiting[pool.submit(work, *chunk)] = chunk
            if not waiting:
                return True
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                first, count = waiting.pop(future)
                done(first, count, future.result())
    except KeyboardInterrupt:
        for future, (first, count) in waiting.items():
            if not future.cancel():
                done(first, count, future.result())
        return False


class ChunkFitter:
    """Fits of the responses first, first + 1, ...: a callable for any number of threads, a workspace each.

    Parameters
    ----------
    objective : LMMObjective
    start : ndarray (n_par,)
    simulator : Simulator, optional
    responses : ndarray (n, count), optional
        One of the two; without the offset.
    seed : int
    """

    def __init__(
        self,
        objective: LMMObjective,
        start: np.ndarray,
        simulator: Any = None,
        responses: np.ndarray | None = None,
        seed: int = 0,
    ):
        self.objective, self.start = objective, start
        self.simulator, self.responses, self.seed = simulator, responses, seed
        self._spare: list[Any] = []

    def __call__(self, first: int, count: int) -> tuple[np.ndarray, ...]:
        """status, criterion, sigma (count,), par (count, n_par), beta (count, p)."""
        y = None if self.responses is None else self.responses[:, first : first + count]
        if not self.objective.layout.linear:
            return self._one_by_one(first, count, y)
        work = self._spare.pop() if self._spare else _core.Work(self.objective.plan)
        try:
            return _core.refit(work, self.start, self.objective.reml, self.simulator, y, self.seed, first, count)
        finally:
            self._spare.append(work)

    def _one_by_one(self, first: int, count: int, y: np.ndarray | None) -> tuple[np.ndarray, ...]:
        """Structured covariances: the optimizer is in Python."""
        objective = self.objective
        part = Replicates.empty(count, objective.layout.n_par, objective.design.X.shape[1])
        values = self.simulator.draw(self.seed, first, count) if y is None else y
        offset = objective.design.offset
        for i in range(count):
            try:
                own = objective.with_response(values[:, i] if offset is None else values[:, i] + offset)
                state = own.state(minimize(own, "auto", self.start, {}).par)
            except _core.KernelError as error:
                part.status[i] = error.status
            except MereError:
                part.status[i] = _core.OPTIMIZER
            else:
                scalars = [np.atleast_1d(v) for v in (0, state.criterion, state.sigma)]
                part.put(i, [*scalars, state.par[None], state.beta[None]])
        return part.status, part.criterion, part.sigma, part.par, part.beta


def fit_replicates(fit: Any, count: int, threads: int | None = None) -> Replicates:
    """All responses 0, ..., count - 1 over threads, by default on all processors; after Ctrl-C what is done."""
    objective = fit.objective
    threads = max(1, min(threads_of(threads) or available_cpus(), count))
    result = Replicates.empty(count, objective.layout.n_par, objective.design.X.shape[1])
    size = max(1, min(256, count // (4 * threads) or 1))
    chunks = [(i, min(size, count - i)) for i in range(0, count, size)]

    def store(first: int, _: int, part: Any) -> None:
        result.put(first, part)

    with objective.threads, ThreadPoolExecutor(threads) as pool:
        run_chunks(fit, chunks, store, pool, threads)
    return result
