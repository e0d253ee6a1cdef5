"""The random-effects language: formula → fixed part and bars ``(terms | group)``.

Every bar of the result has one grouping factor (possibly an interaction): ``(x || g)`` is split
term by term, ``(1 | a/b)`` into ``(1 | b:a) + (1 | a)``, as lme4 2.x does.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import FormulaError
from .algebra import Terms, expand_terms
from .syntax import Call, Constant, Name, Node, deparse, format_number, quote_string, spine

__all__ = ["Bar", "plus_for_bars", "split_bars"]

_OPERATORS = frozenset(["+", "-", "*", "/", ":", "^", "%in%", "("])


@dataclass(frozen=True)
class Bar:
    """One random-effects term: ``structure(lhs | group, options)``.

    Attributes
    ----------
    text : str
        ``"Days | Subject"``, as R writes it.
    terms : Terms
        The expanded left-hand side.
    group : str
        The name of the grouping factor, ``"b:a"``.
    factors : tuple of Node
        The operands of the grouping interaction, slowest first.
    structure : str
        ``"us"``, ``"diag"``, ``"cs"``, ``"ar1"``, as written round the bar; ``"us"`` if nothing.
    options : tuple of (str, value)
        Further arguments, such as ``("hom", True)``.
    """

    text: str
    terms: Terms
    group: str
    factors: tuple[Node, ...]
    structure: str = "us"
    options: tuple[tuple[str, object], ...] = ()

    @property
    def whole(self) -> str:
        """The term with its structure: ``ar1(x | g, hom = FALSE)``; ``x | g`` of an unstructured one."""
        if self.structure == "us":
            return self.text
        return f"{self.structure}({', '.join([self.text, *(f'{n} = {_written(v)}' for n, v in self.options)])})"


def _written(value: object) -> str:
    """A constant as R writes it."""
    if isinstance(value, (bool, type(None))):
        return {True: "TRUE", False: "FALSE", None: "NULL"}[value]
    return quote_string(value) if isinstance(value, str) else format_number(float(value))  # type: ignore[arg-type]


def split_bars(rhs: Node) -> tuple[Node, tuple[Bar, ...], Node]:
    """Take the random terms out of the right-hand side of a formula.

    Parameters
    ----------
    rhs : Node

    Returns
    -------
    fixed : Node
        What remains (lme4's ``nobars``); ``1`` if nothing does.
    bars : tuple of Bar
        In order of appearance (lme4's ``findbars``).
    expanded : Node
        The whole right-hand side with every ``||`` written out, as lme4 shows it.

    Examples
    --------
    >>> from mere.language.parser import parse_expression
    >>> fixed, bars, _ = split_bars(parse_expression("x + (x || g) + (1 | a/b)"))
    >>> fixed, [b.text for b in bars]
    (<x>, ['1 | g', '0 + x | g', '1 | b:a', '1 | a'])
    """
    bars: list[Bar] = []
    fixed = _remove(rhs, bars)
    return (fixed if fixed is not None else Constant(1.0, "1")), tuple(bars), _double(rhs)


def _remove(node: Node, bars: list[Bar]) -> Node | None:
    """The expression without its bars, None if nothing remains; the bars go to `bars`."""
    special = _special(node)
    if special is not None:
        bars.extend(_expand_bar(*special))
        return None
    if not isinstance(node, Call):
        return node
    if node.fn == "(":
        inner = _remove(node.args[0], bars)
        return None if inner is None else Call("(", (inner,), position=node.position)
    if node.is_binary("+", "-"):
        first, tail = spine(node, "+", "-")
        kept = _remove(first, bars)
        for op, operand in tail:
            _refuse(operand, op == "-")
            rest = _remove(operand, bars)
            if rest is not None and kept is not None:
                kept = Call(op, (kept, rest), position=node.position)
            elif rest is not None:
                kept = rest if op == "+" else Call("-", (rest,), position=node.position)
        return kept
    _refuse(node, True)
    return node


def _refuse(node: Node, everywhere: bool) -> None:
    """Complain about random terms that are not simply added."""
    stack = [node] if everywhere else []
    while stack:
        item = stack.pop()
        if _special(item) is not None:
            raise FormulaError(
                "a random term must be added with '+', not combined with other operators",
                None,
                item.position,
            )
        if isinstance(item, Call) and item.fn in _OPERATORS:
            stack.extend(item.args)


def _special(node: Node) -> tuple[Call, str, tuple[tuple[str, object], ...]] | None:
    """(bar, structure, options) if this node is a random term, else None."""
    if not isinstance(node, Call):
        return None
    if node.is_binary("|", "||"):
        return node, "us", ()
    if node.fn == "(":
        return _special(node.args[0])
    if node.fn in _STRUCTURES and node.args:
        bar = node.args[0]
        if isinstance(bar, Call) and bar.is_binary("|", "||"):
            return bar, node.fn, _options(node)
    return None


_STRUCTURES = ("us", "diag", "cs", "ar1")


def _options(node: Call) -> tuple[tuple[str, object], ...]:
    options = []
    for name, arg in zip(node.names[1:], node.args[1:]):
        if not isinstance(arg, Constant):
            message = f"the argument {deparse(arg)} of {node.fn}() must be a constant"
            raise FormulaError(message, None, arg.position)
        options.append((name or "hom", arg.value))
    return tuple(options)


def _expand_bar(bar: Call, structure: str, options: tuple[tuple[str, object], ...]) -> list[Bar]:
    lhs, group = bar.args
    groups = _groups(group)
    if bar.fn == "||" and structure == "us":
        pieces = _pieces(lhs)
    else:
        pieces = [lhs]
    return [
        Bar(
            f"{deparse(piece)} | {':'.join(map(deparse, factors))}",
            expand_terms(piece),
            name,
            factors,
            structure,
            options,
        )
        for piece in pieces
        for name, factors in groups
    ]


def _pieces(lhs: Node) -> list[Node]:
    """The left-hand sides that ``(lhs || g)`` stands for: the intercept, then ``0 + term`` each."""
    terms = expand_terms(lhs)
    one, zero = Constant(1.0, "1"), Constant(0.0, "0")
    pieces: list[Node] = [one] if terms.intercept else []
    pieces += [Call("+", (zero, _interaction([terms.nodes[v] for v in t]))) for t in terms.terms]
    if not pieces:
        raise FormulaError(f"({deparse(lhs)} || …) has no terms", None, lhs.position)
    return pieces


def _interaction(nodes: list[Node]) -> Node:
    node = nodes[0]
    for other in nodes[1:]:
        node = Call(":", (node, other))
    return node


def _groups(group: Node) -> list[tuple[str, tuple[Node, ...]]]:
    """The grouping factors that the right of a bar stands for.

    With a ``/`` anywhere the order of the terms and of the factors in each is turned round,
    so that ``a/b`` gives ``b:a`` and then ``a``.
    """
    if isinstance(group, Name):
        return [(group.name, (group,))]
    terms = expand_terms(group)
    if not terms.terms:
        message = f"'{deparse(group)}' right of the bar is no grouping factor"
        raise FormulaError(message, None, group.position)
    found = [[terms.nodes[v] for v in term] for term in terms.terms]
    if _has_slash(group):
        found = [nodes[::-1] for nodes in found[::-1]]
    return [(_label(nodes), tuple(nodes)) for nodes in found]


def _label(nodes: list[Node]) -> str:
    """The name of a grouping factor; as in R, backquotes stay inside interactions only."""
    first = nodes[0]
    return first.name if len(nodes) == 1 and isinstance(first, Name) else ":".join(map(deparse, nodes))


def _has_slash(group: Node) -> bool:
    stack = [group]
    while stack:
        node = stack.pop()
        if isinstance(node, Call) and node.fn in _OPERATORS:
            if node.fn == "/":
                return True
            stack.extend(node.args)
    return False


def _double(node: Node) -> Node:
    """The expression with each ``(x || g)`` written as ``((1 | g) + (0 + x | g))``."""
    if not isinstance(node, Call):
        return node
    if node.fn == "||":
        split: Node | None = None
        for piece in _pieces(node.args[0]):
            bar = Call("(", (Call("|", (piece, node.args[1])),))
            split = bar if split is None else Call("+", (split, bar))
        assert split is not None
        return split
    if node.is_binary("+", "-"):
        first, tail = spine(node, "+", "-")
        out = _double(first)
        for op, operand in tail:
            out = Call(op, (out, _double(operand)))
        return out
    if node.fn == "(":
        return Call("(", (_double(node.args[0]),))
    return node


def plus_for_bars(node: Node) -> Node:
    """The expression with a plus sign for the bar of each random term, so that its variables are ordinary ones.

    Examples
    --------
    >>> from mere.language.parser import parse_expression
    >>> plus_for_bars(parse_expression("x + (x || g) + diag(z | a/b)"))
    <x + (x + g) + (z + a/b)>
    """
    if isinstance(node, Call) and node.fn == "(":
        return Call("(", (plus_for_bars(node.args[0]),))
    special = _special(node)
    if special is not None:
        lhs, group = special[0].args
        plus = Call("+", (_operand(lhs, _LOOSER), _operand(group, _LOOSER | {"+", "-"})))
        return plus if special[0] is node else Call("(", (plus,))
    if not isinstance(node, Call):
        return node
    if node.is_binary("+", "-"):
        first, tail = spine(node, "+", "-")
        out = plus_for_bars(first)
        for op, operand in tail:
            out = Call(op, (out, plus_for_bars(operand)))
        return out
    return node


_LOOSER = frozenset(["<", ">", "<=", ">=", "==", "!=", "&", "&&", "|", "||", "!", "~"])  # binds less tightly than +


def _operand(node: Node, looser: frozenset[str]) -> Node:
    """An operand of a sum, in parentheses where it would fall apart without."""
    return Call("(", (node,)) if isinstance(node, Call) and node.fn in looser else node
