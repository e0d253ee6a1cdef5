"""The resampling engine: replicates by number, in any order, on any pool; progress, interruption, checkpoints.

A task is a picklable callable ``task(first, count) -> (values (count, k), causes)``: the statistics of the replicates
first, first + 1, ... and why some failed, by number. What a replicate is, is a function of its number alone, so the
result does not depend on the pool.
"""

from __future__ import annotations

import os
import pickle
import signal
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ..arguments import threads_of
from ..errors import BootstrapWarning, MereTypeError, MereValueError, tell
from ..replicates import available_cpus, run_chunks

#: Seconds between two states of a checkpoint.
SAVE_EVERY = 2.0

__all__ = ["Outcome", "Pool", "Task", "report_replicates", "run_task"]

Task = Callable[[int, int], tuple[np.ndarray, Mapping[int, str]]]


@dataclass(eq=False)
class Outcome:
    """What a run has so far.

    Attributes
    ----------
    values : ndarray (nsim, k)
        NaN where a replicate failed or was not done.
    done : ndarray of bool (nsim,)
    causes : dict
        Why replicates failed, by number.
    """

    values: np.ndarray
    done: np.ndarray
    causes: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pool:
    """Where replicates run.

    Attributes
    ----------
    kind : str
        ``"threads"``, ``"processes"``, ``"no"``, or the name of a joblib backend.
    ncpus : int or None
        None for all processors.
    """

    kind: str = "threads"
    ncpus: int | None = None

    def __post_init__(self) -> None:
        threads_of(self.ncpus)
        if not isinstance(self.kind, str):
            raise MereTypeError(
                f"parallel must be 'threads', 'processes', 'no' or the name of a joblib backend, not {self.kind!r}"
            )

    @property
    def width(self) -> int:
        return 1 if self.kind == "no" else max(1, self.ncpus or available_cpus())


class _Serial(Executor):
    """Runs at once, in this thread."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def _executor(pool: Pool) -> AbstractContextManager[Any]:
    if pool.kind == "no" or (pool.kind == "threads" and pool.width == 1):
        return nullcontext(_Serial())
    if pool.kind == "threads":
        return ThreadPoolExecutor(pool.width)
    from concurrent.futures import ProcessPoolExecutor

    return ProcessPoolExecutor(pool.width, initializer=_leave_interrupts)


def _leave_interrupts() -> None:
    """Ctrl-C reaches every process of the terminal; the one that waits for the others answers it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@dataclass(frozen=True)
class _Quiet:
    """A task in a worker of its own, where the warnings of each replicate would be printed."""

    task: Task

    def __call__(self, first: int, count: int) -> tuple[np.ndarray, Mapping[int, str]]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.task(first, count)


def _check_picklable(task: Task, kind: str) -> None:
    try:
        pickle.dumps(task)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise MereTypeError(
            f"parallel={kind!r} sends the model and FUN to other processes, which failed ({error}): FUN must be a "
            "function of a module, no lambda; or use parallel='threads' or 'loky'"
        ) from None


def run_task(
    task: Task,
    nsim: int,
    size: int,
    pool: Pool,
    signature: Mapping[str, Any],
    checkpoint: Any = None,
    progress: bool | None = None,
) -> Outcome:
    """Run replicates 0, ..., nsim - 1 of a task with `size` statistics.

    Parameters
    ----------
    task : callable
    nsim, size : int
    pool : Pool
    signature : mapping of str to str
        What the run is, for its checkpoint: another run does not resume it.
    checkpoint : path, optional
        Written now and then, and at the end or an interrupt; read when it exists.
    progress : bool, optional
        Show a bar by tqdm; default if it is installed and the run is long.

    Returns
    -------
    Outcome
        After Ctrl-C with what is done, which `report_replicates` says.

    Raises
    ------
    KeyboardInterrupt
        Where nothing is done yet.
    """
    out = Outcome(np.full((nsim, size), np.nan), np.zeros(nsim, dtype=bool))
    file = None if checkpoint is None else _Checkpoint(checkpoint, signature)
    if file is not None:
        file.restore(out)
    if pool.kind == "processes":
        _check_picklable(task, pool.kind)
    if pool.kind not in ("no", "threads", "threading"):
        task = _Quiet(task)
    pace = _Pace(pool.width)
    bar = _Bar(nsim, int(out.done.sum()), progress)

    def store(first: int, count: int, part: tuple[np.ndarray, Mapping[int, str]]) -> None:
        out.values[first : first + count], causes = part
        out.causes.update(causes)
        out.done[first : first + count] = True
        bar.step(count)
        pace.step(count)
        if file is not None:
            file.save(out, now=False)

    finished = True
    try:
        if pool.kind in ("no", "threads", "processes"):
            with _executor(pool) as executor:
                finished = run_chunks(task, _chunks(out.done, pace.size), store, executor, pool.width)
        else:
            _run_joblib(pool, task, _chunks(out.done, pace.size), store)
    except KeyboardInterrupt:  # in this thread, between chunks
        finished = False
    finally:
        bar.close()
        if file is not None:
            file.save(out, now=True)
    if not finished and not out.done.any():
        raise KeyboardInterrupt
    return out


def report_replicates(name: str, done: int, nsim: int, failures: Iterable[str]) -> None:
    """Warn of replicates that an interrupt left undone, and of failures where they are many."""
    if done < nsim:
        tell(f"{name}: interrupted after {done} of {nsim} replicates", BootstrapWarning)
    causes = Counter(failures)
    if causes.total() > 0.1 * max(done, 1):
        most = "; ".join(f"{text} ({count})" for text, count in causes.most_common(3))
        tell(f"{name}: {causes.total()} of {done} replicates failed: {most}", BootstrapWarning)


def _run_joblib(pool: Pool, task: Task, chunks: Iterator[tuple[int, int]], store: Any) -> None:
    """Chunks by a backend of joblib, four for each worker at a time: what an interrupt may lose."""
    try:
        import joblib
    except ImportError:
        raise MereValueError(
            f"parallel={pool.kind!r} is a joblib backend, and joblib is not installed; use 'threads' or 'processes'"
        ) from None
    try:
        backend = joblib.parallel_config(backend=pool.kind, n_jobs=pool.width)
    except ValueError as error:  # no such backend, or it has no cluster to work on
        raise MereValueError(f"parallel must be 'threads', 'processes', 'no' or a joblib backend: {error}") from None
    with backend:
        run = joblib.Parallel()
        while wave := list(islice(chunks, 4 * pool.width)):
            for (first, count), part in zip(wave, run(joblib.delayed(task)(*c) for c in wave), strict=True):
                store(first, count, part)


def _chunks(done: np.ndarray, size: Callable[[], int]) -> Iterator[tuple[int, int]]:
    """What is left, in runs as long as `size` says when they are asked for."""
    left = np.flatnonzero(~done).tolist()
    at = 0
    while at < len(left):
        count, most = 1, size()
        while count < most and at + count < len(left) and left[at + count] == left[at] + count:
            count += 1
        yield left[at], count
        at += count


class _Pace:
    """Chunks of about a tenth of a second: what an interrupt may lose."""

    def __init__(self, width: int):
        self._width, self._began, self._done = width, time.monotonic(), 0

    def step(self, count: int) -> None:
        self._done += count

    def size(self) -> int:
        rate = self._done / (time.monotonic() - self._began + 1e-4)
        return int(np.clip(0.1 * rate / self._width, 4 if rate == 0 else 1, 256))


class _Bar:
    """A progress bar that appears after two seconds."""

    def __init__(self, total: int, done: int, wanted: bool | None):
        self._total, self._done, self._wanted = total, done, wanted
        self._began = time.monotonic()
        self._bar: Any = None

    def step(self, count: int) -> None:
        self._done += count
        if self._bar is not None:
            self._bar.update(count)
        elif self._wanted or (self._wanted is None and time.monotonic() - self._began > 2.0):
            try:
                from tqdm.auto import tqdm
            except ImportError:
                self._wanted = False
                return
            self._bar = tqdm(total=self._total, initial=self._done)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


class _Checkpoint:
    """The state of a run in a file, replaced as a whole, at most every `SAVE_EVERY` seconds."""

    def __init__(self, path: Any, signature: Mapping[str, Any]):
        if not isinstance(path, (str, os.PathLike)):
            raise MereTypeError(f"checkpoint must be the path of a file, not {path!r}")
        self._path, self._signature = Path(path), {k: str(v) for k, v in signature.items()}
        if self._path.is_dir() or not self._path.parent.is_dir():
            raise MereValueError(f"checkpoint: {str(path)!r} is a folder, or lies in a folder that does not exist")
        self._saved = time.monotonic()

    def restore(self, out: Outcome) -> None:
        if not self._path.exists():
            return
        try:
            stored = np.load(self._path, allow_pickle=False)
            numbers, causes = stored["numbers"].tolist(), stored["causes"].tolist()
        except (OSError, ValueError, KeyError, IndexError, TypeError, EOFError, BadZipFile):
            raise MereValueError(
                f"checkpoint: {str(self._path)!r} is not a checkpoint of mere; remove it or name another file"
            ) from None
        with stored:
            had = dict(zip(stored["keys"].tolist(), stored["texts"].tolist(), strict=True))
            if had != self._signature:
                different = sorted(k for k in {*had, *self._signature} if had.get(k) != self._signature.get(k))
                raise MereValueError(
                    f"checkpoint {str(self._path)!r} is of another run (different: {', '.join(different)}); "
                    "remove it or name another file"
                )
            n = min(len(out.done), len(stored["done"]))
            out.values[:n], out.done[:n] = stored["values"][:n], stored["done"][:n]
            out.causes.update({i: text for i, text in zip(numbers, causes, strict=True) if i < n})

    def save(self, out: Outcome, now: bool) -> None:
        if not now and time.monotonic() - self._saved < SAVE_EVERY:
            return
        temporary = self._path.with_name(self._path.name + ".tmp")
        with open(temporary, "wb") as file:
            np.savez(
                file,
                values=out.values,
                done=out.done,
                numbers=np.array(list(out.causes), dtype=np.int64),
                causes=np.array(list(out.causes.values()), dtype=np.str_),
                keys=np.array(list(self._signature), dtype=np.str_),
                texts=np.array(list(self._signature.values()), dtype=np.str_),
            )
        os.replace(temporary, self._path)
        self._saved = time.monotonic()
