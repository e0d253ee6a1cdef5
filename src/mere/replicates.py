"""Fits of one design to many responses: in C over threads, one workspace each (csrc/refit.c).

The responses are the columns of a matrix, or replicates of a simulator, each a function of (seed, number). So the result
does not depend on how the work is divided.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _core
from .errors import MereError
from .objective import LMMObjective
from .optimizers import minimize

__all__ = ["NOT_DONE", "Replicates", "available_cpus", "failure_text", "fit_replicates", "run_chunks"]

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
    todo: Sequence[tuple[int, int]],
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


def fit_replicates(
    objective: LMMObjective,
    start: np.ndarray,
    count: int,
    simulator: Any = None,
    responses: np.ndarray | None = None,
    seed: int = 0,
    threads: int | None = None,
    into: Replicates | None = None,
    todo: Sequence[tuple[int, int]] | None = None,
    done: Callable[[int, int], None] | None = None,
) -> Replicates:
    """Fit `count` responses from `start`.

    Parameters
    ----------
    objective : LMMObjective
    start : ndarray (n_par,)
    count : int
    simulator : Simulator, optional
    responses : ndarray (n, count), optional
        Without the offset.
    seed : int
    threads : int, optional
        Default all processors.
    into, todo : optional
        Where to store, and which chunks (first, count) are left.
    done : callable, optional
        Told after each chunk.
    """
    threads = max(1, min(threads or available_cpus(), count))
    result = Replicates.empty(count, objective.layout.n_par, objective.design.X.shape[1]) if into is None else into
    size = max(1, min(256, count // (4 * threads) or 1))
    chunks = [(i, min(size, count - i)) for i in range(0, count, size)] if todo is None else list(todo)
    one = _in_c if objective.layout.linear else _one_by_one
    spare: list[Any] = []

    def work(first: int, n: int) -> Any:
        workspace = spare.pop() if spare else _core.Work(objective.plan)
        part = None if responses is None else responses[:, first : first + n]
        try:
            return one(objective, workspace, start, simulator, part, seed, first, n)
        finally:
            spare.append(workspace)

    def store(first: int, n: int, part: Any) -> None:
        result.put(first, part)
        if done is not None:
            done(first, n)

    with objective.threads:
        if threads == 1:
            try:
                for first, n in chunks:
                    store(first, n, work(first, n))
            except KeyboardInterrupt:
                return result
            return result
        with ThreadPoolExecutor(threads) as pool:
            run_chunks(work, chunks, store, pool, threads)
    return result


def _in_c(
    objective: LMMObjective, work: Any, start: np.ndarray, simulator: Any, y: Any, seed: int, first: int, n: int
) -> Any:
    return _core.refit(work, start, objective.reml, simulator, y, seed, first, n)


def _one_by_one(
    objective: LMMObjective, work: Any, start: np.ndarray, simulator: Any, y: Any, seed: int, first: int, n: int
) -> Any:
    """Structured covariances: the optimizer is in Python."""
    part = Replicates.empty(n, objective.layout.n_par, objective.design.X.shape[1])
    values = simulator.draw(seed, first, n) if y is None else y
    offset = objective.design.offset
    for i in range(n):
        try:
            response = values[:, i] if offset is None else values[:, i] + offset
            own = objective.with_response(response)
            optimum = minimize(own, "auto", start, {})
            state = own.state(optimum.par)
        except _core.KernelError as error:
            part.status[i] = error.status
        except MereError:
            part.status[i] = _core.OPTIMIZER
        else:
            part.put(i, ([0], [state.criterion], [state.sigma], [state.par], [state.beta]))
    return part.status, part.criterion, part.sigma, part.par, part.beta

