"""The statistics of all arrangements, by blocks of them, on any number of threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ...errors import MereValueError
from ..resampling import Pool, report_replicates, run_task
from .arrangements import Arrangements
from .methods import Statistic
from .pvalues import extreme
from .sequential import draw_until

__all__ = ["draw_values"]

_AT_ONCE = 2_000_000  # numbers held by a block of arranged rows


def draw_values(
    statistics: Sequence[Statistic],
    sides: Sequence[str],
    arrangements: Arrangements,
    stop: int | None,
    ncpus: int | None,
    progress: bool | None,
    checkpoint: Any = None,
    signature: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """The statistics (columns) under each arrangement (rows); with `stop` NaN where they were not needed."""
    if checkpoint is not None and stop is not None:
        raise MereValueError("checkpoint= is for tests that take all draws: leave stop= out")

    def run(first: int, last: int, columns: Sequence[int]) -> np.ndarray:
        own = [statistics[j] for j in columns]
        return _draws(own, arrangements, first, last, ncpus, progress, checkpoint, signature, stop is None)

    if stop is None:
        return run(0, arrangements.count, range(len(statistics)))
    extremes = [partial(extreme, s.observed, alternative=side) for s, side in zip(statistics, sides, strict=True)]
    return draw_until(stop, arrangements.count, extremes, run)


def _draws(
    statistics: Sequence[Statistic],
    arrangements: Arrangements,
    start: int,
    end: int,
    ncpus: int | None,
    progress: bool | None,
    checkpoint: Any,
    signature: Mapping[str, Any] | None,
    all_at_once: bool,
) -> np.ndarray:
    """The statistics (columns) under arrangements start, ..., end - 1 (rows)."""
    most = max(1, _AT_ONCE // arrangements.plan.n)

    def task(first: int, count: int) -> tuple[np.ndarray, Mapping[int, str]]:
        out = np.empty((count, len(statistics)))
        for at in range(0, count, most):
            last = min(count, at + most)
            block = arrangements.block(start + first + at, start + first + last)
            for j, s in enumerate(statistics):
                out[at:last, j] = s.draw(block)
        return out, {}

    pool = Pool("no" if ncpus == 1 else "threads", ncpus)
    outcome = run_task(task, end - start, len(statistics), pool, signature or {}, checkpoint, progress)
    done = int(outcome.done.sum())
    if done < end - start and (arrangements.exact or not all_at_once):
        raise KeyboardInterrupt  # some of all arrangements, or of a sequence, are no sample of them
    report_replicates("permutation_test", done, end - start, ())
    return outcome.values[outcome.done]
