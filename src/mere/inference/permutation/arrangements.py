"""Arrangements of rows: which permutations, or signs, a null hypothesis allows, drawn or enumerated.

A `Plan` of n rows is global, or keeps exchangeability cells: *within* permutes the rows of each cell, *between* swaps
whole cells of the same size, *two-stage* does both. A plan knows how many arrangements there are. If no more than
wanted, all are taken, each once: the test is then exact. Otherwise draw number i is a function of the seed and i alone,
so that it does not matter who draws it; where few arrangements exist, draws are made without repeats, the identity
left out.

Reference: Phipson and Smyth (2010), Stat. Appl. Genet. Mol. Biol. 9, 39 (why the identity counts, and exhaustive sets).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations, product

import numpy as np

from ... import _core
from ...arguments import count_of
from ...errors import DataMessage, MereValueError, tell

__all__ = ["STRATEGIES", "Arrangements", "Plan", "make_plan", "make_signs"]

STRATEGIES = ("global", "within", "between", "two-stage")
_ENUMERATE = 200_000
_RARE = 10**9
_BITS = 20  # a million sign flips: made when they are needed


@dataclass(frozen=True, eq=False)
class Plan:
    """How rows may change places, or signs.

    Attributes
    ----------
    n : int
    strategy : str
        One of `STRATEGIES`, or ``"signs"``.
    cells : tuple of arrays
        Rows of each cell; one cell with all rows for ``"global"``.
    size : int or inf
        How many arrangements there are, the identity among them.
    """

    n: int
    strategy: str
    cells: tuple[np.ndarray, ...]
    size: float

    @property
    def identity(self) -> np.ndarray:
        """The arrangement that was observed, (n,)."""
        return np.ones(self.n) if self.strategy == "signs" else np.arange(self.n)

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """One arrangement: row numbers (n,), or signs (n,)."""
        if self.strategy == "signs":
            signs = rng.integers(0, 2, len(self.cells)) * 2.0 - 1.0
            return self._spread(signs)
        if self.strategy == "global":
            return rng.permutation(self.n)
        out = np.arange(self.n)
        source = self.cells if self.strategy == "within" else self._swapped(rng)
        for target, rows in zip(self.cells, source, strict=True):
            out[target] = rng.permutation(rows) if self.strategy != "between" else rows
        return out

    def _swapped(self, rng: np.random.Generator) -> list[np.ndarray]:
        sizes = np.array([len(c) for c in self.cells])
        order = np.arange(len(self.cells))
        for size in np.unique(sizes):
            own = np.flatnonzero(sizes == size)
            order[own] = own[rng.permutation(len(own))]
        return [self.cells[i] for i in order]

    @cached_property
    def _cell(self) -> np.ndarray:
        """The cell of each row, (n,)."""
        out = np.empty(self.n, dtype=np.int64)
        out[np.concatenate(self.cells)] = np.repeat(np.arange(len(self.cells)), [len(rows) for rows in self.cells])
        return out

    def _spread(self, signs: np.ndarray) -> np.ndarray:
        out: np.ndarray = signs[self._cell]
        return out

    def signs(self, numbers: np.ndarray) -> np.ndarray:
        """Sign flips by number, (b, n): the bits of a number, the last cell's first, say which cells change sign."""
        bits = (numbers[:, None] >> (len(self.cells) - 1 - np.arange(len(self.cells)))) & 1
        out: np.ndarray = (1.0 - 2.0 * bits)[:, self._cell]
        return out

    def everything(self) -> Iterator[np.ndarray]:
        """All arrangements, the identity first."""
        if self.strategy == "signs":
            for signs in product((1.0, -1.0), repeat=len(self.cells)):
                yield self._spread(np.array(signs))
            return
        outer: Iterator[tuple[int, ...]] = iter([tuple(range(len(self.cells)))])
        if self.strategy in ("between", "two-stage"):
            outer = self._cell_orders()
        for order in outer:
            source = [self.cells[i] for i in order]
            inner = product(*(permutations(rows) for rows in source)) if self.strategy != "between" else [source]
            for choice in inner:
                out = np.arange(self.n)
                for target, rows in zip(self.cells, choice, strict=True):
                    out[target] = np.asarray(rows)
                yield out

    def _cell_orders(self) -> Iterator[tuple[int, ...]]:
        sizes = np.array([len(c) for c in self.cells])
        groups = [np.flatnonzero(sizes == s) for s in np.unique(sizes)]
        for choice in product(*(permutations(g) for g in groups)):
            order = np.arange(len(self.cells))
            for own, new in zip(groups, choice, strict=True):
                order[own] = new
            yield tuple(order.tolist())


def make_plan(n: int, cells: np.ndarray | None = None, strategy: str | None = None) -> Plan:
    """The plan of a strategy.

    Parameters
    ----------
    n : int
        Rows.
    cells : (n,) array of labels, optional
    strategy : {"global", "within", "between", "two-stage"}, optional
        Default global, with cells within.

    Examples
    --------
    >>> make_plan(5).size
    120
    >>> make_plan(6, np.array([0, 0, 0, 1, 1, 1]), "within").size
    36
    >>> make_plan(20, np.repeat(np.arange(10), 2), "two-stage").size == math.factorial(10) * 2**10
    True
    """
    strategy = strategy or ("global" if cells is None else "within")
    if strategy not in STRATEGIES:
        raise MereValueError(f"strategy must be one of {', '.join(map(repr, STRATEGIES))}, not {strategy!r}")
    if strategy == "global":
        return Plan(n, strategy, (np.arange(n),), _product([n]))
    if cells is None:
        raise MereValueError(f"strategy={strategy!r} needs cells=, a grouping factor, a column or labels of the rows")
    codes = np.unique(np.asarray(cells), return_inverse=True)[1].ravel()
    if len(codes) != n:
        raise MereValueError(f"cells has {len(codes)} labels for {n} rows")
    rows = tuple(np.flatnonzero(codes == k) for k in range(int(np.max(codes)) + 1))
    sizes = np.array([len(r) for r in rows])
    counts = np.unique(sizes, return_counts=True)[1]
    own, swaps = _product(sizes), _product(counts)
    if strategy != "between" and (sizes == 1).any():
        tell(f"{int((sizes == 1).sum())} cells have one row, which stays where it is", DataMessage)
    if strategy == "within":
        if own == 1:
            raise MereValueError("cells: every cell has one row, so nothing can be permuted within cells")
        return Plan(n, strategy, rows, own)
    if len(rows) < 5:
        raise MereValueError(f"strategy={strategy!r} swaps cells, and there are only {len(rows)}; it needs 5")
    if swaps == 1:
        raise MereValueError(f"strategy={strategy!r} swaps cells of the same size, and all {len(rows)} sizes differ")
    if swaps < 100:
        tell(f"cells can be swapped in only {swaps} ways", DataMessage)
    if strategy == "two-stage" and sizes.max() > 3 * sizes.min():
        tell(f"cells have {sizes.min()} to {sizes.max()} rows: only cells of the same size change places", DataMessage)
    return Plan(n, strategy, rows, swaps if strategy == "between" else _product([*sizes, *counts]))


def _product(sizes: Iterable[int]) -> float:
    """The product of factorials, exact; infinity where it has thousands of digits."""
    sizes = [int(s) for s in sizes]
    return math.prod(math.factorial(s) for s in sizes) if sum(sizes) <= 2000 else math.inf


def make_signs(n: int, cells: np.ndarray | None = None) -> Plan:
    """Signs of rows, or of whole cells.

    Examples
    --------
    >>> make_signs(3).size, make_signs(4, np.array([0, 0, 1, 1])).size
    (8, 4)
    """
    if cells is None:
        return Plan(n, "signs", tuple(np.arange(n)[:, None]), _signs(n))
    codes = np.unique(np.asarray(cells), return_inverse=True)[1].ravel()
    rows = tuple(np.flatnonzero(codes == k) for k in range(int(np.max(codes)) + 1))
    return Plan(n, "signs", rows, _signs(len(rows)))


def _signs(units: int) -> float:
    return 2**units if units <= 2000 else math.inf


@dataclass(frozen=True, eq=False)
class Arrangements:
    """The arrangements of one test.

    Attributes
    ----------
    plan : Plan
    count : int
        How many are used, the identity not counted.
    exact : bool
        Are these all there are?
    seed : int
    stored : (count, n) array or None
        Those that were made beforehand.
    """

    plan: Plan
    count: int
    exact: bool
    seed: int
    stored: np.ndarray | None = None

    @classmethod
    def of(
        cls, plan: Plan, count: int, seed: int, keep: Callable[[np.ndarray], np.ndarray] | None = None
    ) -> Arrangements:
        """`count` draws, or all arrangements where there are no more than that."""
        count_of(count, "n_perm")
        if keep is not None:
            if not callable(keep):
                raise MereValueError(f"constraints must be a function of arrangements (k, n), not {keep!r}")
            if plan.size <= _ENUMERATE:
                return cls._of_allowed(plan, int(count), seed, keep)
            stored = _filtered(plan, int(count), seed, keep)
            return cls(plan, len(stored), False, seed, stored)
        if plan.strategy == "signs" and plan.size - 1 <= count and len(plan.cells) <= _BITS:
            return cls(plan, int(plan.size) - 1, True, seed)
        if plan.size - 1 <= count and plan.size <= _ENUMERATE:
            stored = np.array(list(plan.everything()))[1:]
            return cls(plan, len(stored), True, seed, stored)
        if plan.size > _RARE * count**2:  # a repeat is out of the question
            return cls(plan, int(count), False, seed)
        return cls(plan, int(count), False, seed, _distinct(plan, int(count), seed))

    @classmethod
    def _of_allowed(cls, plan: Plan, count: int, seed: int, keep: Callable[[np.ndarray], np.ndarray]) -> Arrangements:
        """All arrangements that a user's function lets pass, or `count` of them, each once."""
        every = np.array(list(plan.everything()))[1:]
        allowed = np.unique(_passed(keep, every), axis=0)
        allowed = allowed[(allowed != plan.identity).any(axis=1)]
        if not len(allowed):
            raise MereValueError("constraints let no arrangement pass")
        if len(allowed) <= count:
            if len(allowed) < count:
                tell(f"constraints let only {len(allowed)} arrangements pass, and n_perm={count}", DataMessage)
            return cls(plan, len(allowed), True, seed, allowed)
        chosen = np.sort(_stream(seed, 0).choice(len(allowed), count, replace=False))
        return cls(plan, count, False, seed, allowed[chosen])

    def block(self, first: int, last: int) -> np.ndarray:
        """Arrangements first, ..., last - 1, a row each."""
        if self.stored is not None:
            return self.stored[first:last]
        if self.exact:
            return self.plan.signs(np.arange(first + 1, last + 1))
        if self.plan.strategy == "global":
            return _core.permutations(self.seed, first, last - first, self.plan.n)
        return np.array([self.plan.draw(_stream(self.seed, i)) for i in range(first, last)])


def _stream(seed: int, number: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[seed, number]))


def _distinct(plan: Plan, count: int, seed: int) -> np.ndarray:
    """Draws without repeats and without the identity."""
    seen, number = {plan.identity.tobytes()}, 0
    out: list[np.ndarray] = []
    while len(out) < count and number < 50 * count + 1000:
        drawn = plan.draw(_stream(seed, number))
        number += 1
        key = drawn.tobytes()
        if key not in seen:
            seen.add(key)
            out.append(drawn)
    return np.array(out)


def _passed(keep: Callable[[np.ndarray], np.ndarray], drawn: np.ndarray) -> np.ndarray:
    """The arrangements that a user's function lets pass."""
    passed = np.asarray(keep(drawn))
    if passed.ndim != 2 or passed.shape[1] != drawn.shape[1] or len(passed) > len(drawn):
        raise MereValueError(
            f"constraints must return some rows of the {drawn.shape} array it is given, not {passed.shape}"
        )
    if passed.dtype != drawn.dtype or not (np.sort(np.abs(passed), axis=1) == np.sort(np.abs(drawn[0]))).all():
        raise MereValueError("constraints must return rows as they are given to it; these are no arrangements")
    return passed


def _filtered(plan: Plan, count: int, seed: int, keep: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Draws that a user's function lets pass, each once; more are drawn to make up, for at most 50 rounds."""
    seen, number = {plan.identity.tobytes()}, 0
    out: list[np.ndarray] = []
    for _ in range(50):
        passed = _passed(keep, np.array([plan.draw(_stream(seed, number + i)) for i in range(count)]))
        number += count
        for row in passed:
            key = row.tobytes()
            if key not in seen:
                seen.add(key)
                out.append(row)
        if len(out) >= count:
            break
    if not out:
        raise MereValueError("constraints let no arrangement pass")
    if len(out) < count:
        tell(f"constraints let only {len(out)} of {count} arrangements pass", DataMessage)
    return np.array(out[:count])
