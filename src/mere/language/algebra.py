"""The algebra of terms: what R's ``terms.formula`` makes of the right-hand side of a formula.

A term is a set of variables, held as the bits of an integer; an expression is a list of terms.
With L, R the lists of the operands:

    a + b     L, R                       a : b     l | r for all l, r
    a * b     L, R, a : b                a %in% b  l | (all of R) for all l
    a / b     L, (all of L) | r          (a)^n     a : a : … without repeats
    a - b     L without R                1, 0      the intercept, on and off

The terms are then sorted by their number of variables, keeping the order inside a degree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import FormulaError
from .syntax import Call, Constant, Name, Node, deparse, names_in, spine

__all__ = ["Terms", "expand_terms"]

MAX_TERMS = 10_000


@dataclass(frozen=True)
class Terms:
    """The terms of a formula.

    Attributes
    ----------
    nodes : tuple of Node
        The variables in order of appearance, the response first.
    variables : tuple of str
        Their names as R writes them.
    has_response : bool
        Is variable 0 a response?
    offsets : tuple of int
        The variables that are ``offset()``.
    intercept : bool
    terms : tuple of tuple of int
        The variables of each term, in order of appearance.
    full : tuple of tuple of bool
        For each variable of each term: does a factor need all its levels (R's 2 in
        ``attr(, "factors")``) or contrasts (1)? Before the rule for absent intercepts.
    labels : tuple of str
        R's ``term.labels``.
    """

    nodes: tuple[Node, ...]
    variables: tuple[str, ...]
    has_response: bool
    offsets: tuple[int, ...]
    intercept: bool
    terms: tuple[tuple[int, ...], ...]
    full: tuple[tuple[bool, ...], ...]
    labels: tuple[str, ...]

    @property
    def factors(self) -> list[list[int]]:
        """R's matrix of variables by terms with 0, 1 and 2."""
        table = [[0] * len(self.terms) for _ in self.variables]
        for j, (term, full) in enumerate(zip(self.terms, self.full)):
            for v, all_levels in zip(term, full):
                table[v][j] = 2 if all_levels else 1
        return table


def expand_terms(rhs: Node, response: Node | None = None, columns: tuple[str, ...] | None = None) -> Terms:
    """Expand the right-hand side of a formula into terms (R's ``terms.formula``).

    Parameters
    ----------
    rhs, response : Node
    columns : tuple of str, optional
        The names that ``.`` stands for (those of the response are left out).

    Examples
    --------
    >>> from mere.language.parser import parse_expression
    >>> expand_terms(parse_expression("a*b - a + c %in% b")).labels
    ('b', 'a:b', 'b:c')
    """
    algebra = _Algebra(response, columns)
    found = algebra.encode(rhs)
    offsets = tuple(i for i, v in enumerate(algebra.nodes) if isinstance(v, Call) and v.function == "offset")
    banned = sum(1 << i for i in offsets) | (1 if response is not None else 0)
    bits = [b for b in found if not b & banned]
    bits.sort(key=int.bit_count)
    terms = [tuple(i for i in range(b.bit_length()) if b >> i & 1) for b in bits]
    names = tuple(algebra.names)
    return Terms(
        nodes=tuple(algebra.nodes),
        variables=names,
        has_response=response is not None,
        offsets=offsets,
        intercept=algebra.intercept,
        terms=tuple(terms),
        full=tuple(_coding(bits, terms)),
        labels=tuple(":".join(names[v] for v in term) for term in terms),
    )


def _coding(bits: list[int], terms: list[tuple[int, ...]]) -> list[tuple[bool, ...]]:
    """Which variables need all their levels: those whose margin no earlier term contains."""
    coded = []
    for j, (bit, term) in enumerate(zip(bits, terms)):
        full = []
        for v in term:
            margin = bit & ~(1 << v)
            full.append(bool(margin) and all(margin & ~bits[i] for i in range(j)))
        coded.append(tuple(full))
    return coded


class _Algebra:
    """The state of one expansion: the variables met so far and the intercept."""

    def __init__(self, response: Node | None, columns: tuple[str, ...] | None):
        self.nodes: list[Node] = []
        self.names: list[str] = []
        self.place: dict[str, int] = {}
        self.intercept, self.adding = True, True
        self.columns = columns
        if response is not None:
            self.variable(response)
            used = set(names_in(response))
            self.columns = columns and tuple(c for c in columns if c not in used)

    def variable(self, node: Node) -> int:
        """The bit of a variable, entered into the list at its first appearance."""
        name = deparse(node)
        if name not in self.place:
            self.place[name] = len(self.nodes)
            self.nodes.append(node)
            self.names.append(name)
        return 1 << self.place[name]

    def encode(self, node: Node) -> list[int]:
        """The list of terms of an expression."""
        if isinstance(node, Constant):
            return self.constant(node)
        if isinstance(node, Name):
            if node.name == "." and self.columns is not None:
                return [self.variable(Name(c, node.position)) for c in self.columns]
            return [self.variable(node)]
        if node.is_binary("+", "-"):
            first, tail = spine(node, "+", "-")
            total = dict.fromkeys(self.encode(first))
            for op, operand in tail:
                if op == "+":
                    total.update(dict.fromkeys(self.encode(operand)))
                else:
                    for term in self.without(operand):
                        total.pop(term, None)
            return list(total)
        if node.fn == "(":
            return self.encode(node.args[0])
        if len(node.args) == 1 and node.fn in "+-":
            return self.without(node.args[0])[:0] if node.fn == "-" else self.encode(node.args[0])
        if len(node.args) == 2 and node.fn in _OPERATORS:
            return _distinct(_OPERATORS[node.fn](self, node), node)
        if node.fn == "~":
            raise FormulaError("a formula may have one '~' only", None, node.position)
        return [self.variable(node)]

    def constant(self, node: Constant) -> list[int]:
        if node.value not in (0.0, 1.0) or isinstance(node.value, bool):
            raise FormulaError(
                f"{node.text} is no term: only 1 and 0 (with and without an intercept) are; wrap arithmetic in I()",
                None,
                node.position,
            )
        self.intercept = (node.value == 1.0) == self.adding
        return []

    def without(self, node: Node) -> list[int]:
        """The terms to take away; inside, 1 switches the intercept off."""
        self.adding = not self.adding
        terms = self.encode(node)
        self.adding = not self.adding
        return terms

    def product(self, node: Call) -> list[int]:
        left, right = self.encode(node.args[0]), self.encode(node.args[1])
        _limit(len(left) * len(right), 100 * MAX_TERMS, node)
        return [a | b for a in left for b in right]

    def crossed(self, node: Call) -> list[int]:
        left, right = self.encode(node.args[0]), self.encode(node.args[1])
        _limit(len(left) * len(right), 100 * MAX_TERMS, node)
        # R's rule: crossing with the intercept alone on the left leaves nothing, as in 1 * a
        return [*left, *right, *(a | b for a in left for b in right)] if left else []

    def nested(self, node: Call) -> list[int]:
        left, right = self.encode(node.args[0]), self.encode(node.args[1])
        return [*left, *(_union(left) | b for b in right)] if left else []

    def within(self, node: Call) -> list[int]:
        left, right = self.encode(node.args[0]), self.encode(node.args[1])
        return [a | _union(right) for a in left]

    def power(self, node: Call) -> list[int]:
        base, times = self.encode(node.args[0]), node.args[1]
        while isinstance(times, Call) and times.fn == "(":
            times = times.args[0]
        count = times.value if isinstance(times, Constant) else None
        if not isinstance(count, float) or count < 1 or count != int(count):
            raise FormulaError(
                f"the power in {deparse(node)} must be a positive whole number; for arithmetic "
                f"write I({deparse(node)})",
                None,
                node.position,
            )
        terms = base
        for _ in range(min(int(count), len(self.nodes)) - 1):
            _limit(len(terms) * len(base), 100 * MAX_TERMS, node)
            terms = _distinct([a | b for a in terms for b in base], node)
        return terms


def _union(terms: list[int]) -> int:
    bits = 0
    for term in terms:
        bits |= term
    return bits


def _distinct(terms: list[int], node: Node) -> list[int]:
    found = [t for t in dict.fromkeys(terms) if t]
    _limit(len(found), MAX_TERMS, node)
    return found


def _limit(count: int, limit: int, node: Node) -> None:
    if count > limit:
        raise FormulaError(f"the formula has more than {MAX_TERMS} terms", None, node.position)


_OPERATORS: dict[str, Callable[[_Algebra, Call], list[int]]] = {
    ":": _Algebra.product,
    "*": _Algebra.crossed,
    "/": _Algebra.nested,
    "%in%": _Algebra.within,
    "^": _Algebra.power,
}
