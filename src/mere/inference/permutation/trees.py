"""Arrangements in nested cells: pupils in classes in schools, with a rule for each level.

At each level the blocks of one parent stay where they are ("within") or change places as wholes with blocks of the same
shape ("between"); the rows of an innermost block are free with "within" and "two-stage" and stay in order with
"between". One level is the strategy of that name. The number of arrangements is the product over all blocks of c! for
each set of c children of the same shape that may change places, and n! for n free rows.

Reference: Winkler, Webster, Vidaurre, Nichols and Smith (2015), NeuroImage 123, 253-268.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations, product

import numpy as np

from ...errors import MereValueError
from .arrangements import Plan

__all__ = ["Block", "TreePlan", "make_tree"]

_RULES = ("within", "between", "two-stage", "whole")
_DIGITS = 2000
Moves = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Block:
    """Rows, or blocks.

    Attributes
    ----------
    rows : (n,) array
        Of an innermost block; else empty.
    children : tuple of Block
        By shape.
    free : bool
        May the rows, or the children of one shape, change places?
    """

    rows: np.ndarray
    children: tuple[Block, ...]
    free: bool

    @cached_property
    def shape(self) -> tuple[object, ...]:
        """What two blocks have in common that can change places."""
        return (len(self.rows), *(child.shape for child in self.children))

    @cached_property
    def classes(self) -> list[np.ndarray]:
        """Children of the same shape."""
        shapes = [child.shape for child in self.children]
        return [np.array([i for i, s in enumerate(shapes) if s == shape]) for shape in dict.fromkeys(shapes)]

    def factors(self) -> Iterator[int]:
        """The numbers whose factorials' product counts the arrangements."""
        if self.free:
            yield from [len(self.rows)] if not self.children else map(len, self.classes)
        for child in self.children:
            yield from child.factors()

    def draw(self, source: Block, rng: np.random.Generator, out: np.ndarray) -> None:
        """Fill `out` at the rows of this block with those of another of the same shape."""
        if not self.children:
            out[self.rows] = rng.permutation(source.rows) if self.free else source.rows
            return
        order = np.arange(len(self.children))
        if self.free:
            for own in self.classes:
                order[own] = own[rng.permutation(len(own))]
        for child, i in zip(self.children, order.tolist(), strict=True):
            child.draw(source.children[i], rng, out)

    def moves(self, source: Block) -> Iterator[Moves]:
        """All ways to fill this block from another of the same shape, the one that keeps the order first."""
        if not self.children:
            for rows in permutations(source.rows.tolist()) if self.free else [tuple(source.rows.tolist())]:
                yield [(self.rows, np.array(rows, dtype=np.int64))]
            return
        for order in self._orders():
            parts = [list(child.moves(source.children[i])) for child, i in zip(self.children, order, strict=True)]
            for choice in product(*parts):
                yield [move for part in choice for move in part]

    def _orders(self) -> Iterator[list[int]]:
        order = list(range(len(self.children)))
        if not self.free:
            yield order
            return
        for choice in product(*(permutations(own.tolist()) for own in self.classes)):
            new = order.copy()
            for own, placed in zip(self.classes, choice, strict=True):
                for at, i in zip(own.tolist(), placed, strict=True):
                    new[at] = i
            yield new


@dataclass(frozen=True, eq=False)
class TreePlan(Plan):
    """A plan of nested cells.

    Attributes
    ----------
    root : Block
        All rows.
    """

    root: Block

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """One arrangement, (n,)."""
        out = np.arange(self.n)
        self.root.draw(self.root, rng, out)
        return out

    def everything(self) -> Iterator[np.ndarray]:
        """All arrangements, the identity first."""
        for moves in self.root.moves(self.root):
            out = np.arange(self.n)
            for target, rows in moves:
                out[target] = rows
            yield out


def make_tree(levels: Sequence[np.ndarray], rules: Sequence[str]) -> TreePlan:
    """The plan of cells in cells.

    Parameters
    ----------
    levels : list of (n,) arrays of labels
        From the outermost to the innermost; equal labels in two outer cells are two cells.
    rules : list of {"within", "between", "two-stage"}
        Of each level; ``"whole"`` is ``"between"``.

    Examples
    --------
    >>> schools, classes = np.repeat([0, 1], 4), np.repeat([0, 1, 0, 1], 2)
    >>> make_tree([schools, classes], ["within", "between"]).size  # two classes change places in each school
    4
    >>> make_tree([schools, classes], ["between", "two-stage"]).size  # 2! 2!^2 2!^4
    128
    """
    if len(levels) != len(rules):
        raise MereValueError(f"strategy has {len(rules)} rules for {len(levels)} levels of cells")
    for rule in rules:
        if rule not in _RULES:
            raise MereValueError(f"strategy must be made of {', '.join(map(repr, _RULES))}; {rule!r} is none of them")
    n = len(levels[0])
    codes = [np.unique(np.asarray(level), return_inverse=True)[1].ravel() for level in levels]
    if any(len(c) != n for c in codes):
        raise MereValueError(f"cells has levels of {sorted({len(c) for c in codes})} labels")
    leaves: list[np.ndarray] = []
    root = _block(np.arange(n), codes, list(rules), leaves, rules[0] != "within")
    factors = list(root.factors())
    size = math.prod(map(math.factorial, factors)) if sum(factors) <= _DIGITS else math.inf
    if size == 1:
        raise MereValueError("cells: under these rules nothing can change places")
    return TreePlan(n, "nested", tuple(leaves), size, root)


def _block(rows: np.ndarray, codes: list[np.ndarray], rules: list[str], leaves: list[np.ndarray], free: bool) -> Block:
    """The block of some rows; `free` says whether its children change places."""
    if not codes:
        leaves.append(rows)
        return Block(rows, (), free)
    own = codes[0][rows]
    inner_free = rules[1] != "within" if len(rules) > 1 else rules[0] in ("within", "two-stage")
    children = [_block(rows[own == k], codes[1:], rules[1:], leaves, inner_free) for k in np.unique(own)]
    return Block(np.zeros(0, dtype=np.int64), tuple(sorted(children, key=lambda b: repr(b.shape))), free)
