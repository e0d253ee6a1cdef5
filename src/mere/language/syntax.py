"""The syntax tree of R expressions: three kinds of nodes, immutable, with their positions.

Operators are calls too, as in R: ``a + b`` is ``Call("+", (a, b))``, parentheses are
``Call("(", (a,))``. Long chains ``a + b + c …`` nest to the left;
`spine` walks them without recursion, so that only real nesting counts towards the depth
limit of the parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TypeAlias

__all__ = ["Call", "Constant", "Name", "Node", "deparse", "format_number", "names_in", "operand_text", "spine"]


class _Base:
    """What all nodes share: equality, hash and repr go by R's text."""

    __slots__ = ("position",)
    position: int
    depth: int = 0  # of nesting below this node; chains of + and - count once

    def __str__(self) -> str:
        return deparse(self)  # type: ignore[arg-type]

    def __repr__(self) -> str:
        return f"<{self!s}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Base) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


class Name(_Base):
    """A variable: ``Days`` or a backquoted ``my var`` (stored without the quotes)."""

    __slots__ = ("name",)

    def __init__(self, name: str, position: int = 0):
        self.name, self.position = name, position


class Constant(_Base):
    """A number, a string, TRUE, FALSE, or NULL (value None); `text` is how R writes it."""

    __slots__ = ("text", "value")

    def __init__(self, value: float | str | bool | None, text: str, position: int = 0):
        self.value, self.text, self.position = value, text, position


class Call(_Base):
    """A call of a function or an operator; `names` holds the argument names (None = by place)."""

    __slots__ = ("args", "depth", "fn", "names")

    def __init__(
        self,
        fn: str,
        args: tuple[Node, ...],
        names: tuple[str | None, ...] | None = None,
        position: int = 0,
    ):
        self.fn, self.args, self.position = fn, args, position
        self.names = names if names is not None else (None,) * len(args)
        self.depth = 1 + max((a.depth for a in args), default=0)
        if self.is_binary("+", "-") and isinstance(args[0], Call) and args[0].is_binary("+", "-"):
            self.depth = max(args[0].depth, args[1].depth + 1)

    @property
    def function(self) -> str:
        """The name of the function without a package: ``splines::ns`` is ``ns``."""
        return self.fn.rpartition("::")[2]

    def is_binary(self, *fns: str) -> bool:
        """Is this one of the operators `fns` with two operands?"""
        return self.fn in fns and len(self.args) == 2


Node: TypeAlias = Name | Constant | Call

RESERVED = frozenset(
    "if else repeat while function for next break TRUE FALSE NULL Inf NaN NA NA_integer_ "
    "NA_real_ NA_complex_ NA_character_ in".split()
)
_SYNTACTIC = re.compile(r"(?:[^\W\d_]|\.(?!\d))[\w.]*\Z")
# operators that R writes with blanks around them, and those it writes without
_SPACED = frozenset(["+", "-", "*", "<", ">", "<=", ">=", "==", "!=", "&", "&&", "|", "||", "~", "<-", "=", "|>"])
_TIGHT = frozenset(["/", ":", "^", "%%", "%/%"])
_UNARY = frozenset(["-", "+", "!", "~"])


def spine(node: Node, *fns: str) -> tuple[Node, list[tuple[str, Node]]]:
    """Take a chain of left-nested binary operators apart, first operand and (operator, operand)s.

    Examples
    --------
    >>> from mere.language.parser import parse_expression
    >>> spine(parse_expression("a + b - c"), "+", "-")
    (<a>, [('+', <b>), ('-', <c>)])
    """
    tail: list[tuple[str, Node]] = []
    while isinstance(node, Call) and len(node.args) == 2 and node.fn in fns:
        tail.append((node.fn, node.args[1]))
        node = node.args[0]
    tail.reverse()
    return node, tail


def names_in(node: Node) -> Iterator[str]:
    """The variables of an expression in order of appearance, repeated (R's ``all.vars``)."""
    stack: list[Node] = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, Name):
            yield item.name
        elif isinstance(item, Call):
            stack.extend(reversed(item.args))


@lru_cache(maxsize=4096)
def quote_name(name: str) -> str:
    """A name as R prints it: in backquotes unless it is syntactic."""
    if _SYNTACTIC.match(name) and name not in RESERVED:
        return name
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def quote_string(value: str) -> str:
    """A string as R prints it, in double quotes."""
    out = value.replace("\\", "\\\\").replace('"', '\\"')
    for char, escape in (("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        out = out.replace(char, escape)
    return f'"{out}"'


def format_number(value: float) -> str:
    """A number with at most 15 significant digits, fixed or scientific by width as in R.

    Examples
    --------
    >>> format_number(100000.0), format_number(123456.0), format_number(0.1)
    ('1e+05', '123456', '0.1')
    """
    if value != value:
        return "NaN"
    if abs(value) < 1e15 and value == int(value) and value % 100000:
        return str(int(value))
    if value in (float("inf"), float("-inf")):
        return "Inf" if value > 0 else "-Inf"
    for digits in range(1, 16):
        sci = f"{value:.{digits - 1}e}"
        if float(sci) == float(f"{value:.14e}"):
            break
    exponent = int(sci.partition("e")[2])
    fixed = f"{value:.{max(0, digits - 1 - exponent)}f}"
    return fixed if len(fixed) <= len(sci) else sci


def operand_text(node: Node) -> str:
    """The text of a variable among other terms: an operator, such as a comparison, is put into parentheses.

    Examples
    --------
    >>> from mere.language.parser import parse_expression
    >>> [operand_text(parse_expression(x)) for x in ("x > 0", "!a", "log(x)", "`a b`")]
    ['(x > 0)', '(!a)', 'log(x)', '`a b`']
    """
    operator = isinstance(node, Call) and (node.fn in _SPACED | _TIGHT | _UNARY or node.fn[0] == "%")
    return f"({deparse(node)})" if operator else deparse(node)


def deparse(node: Node) -> str:
    """R's text of an expression: its spacing, its numbers, its quotes.

    Examples
    --------
    >>> from mere.language.parser import parse_expression
    >>> deparse(parse_expression("I(x**2)+log( y,base=10 )/2"))
    'I(x^2) + log(y, base = 10)/2'
    """
    if isinstance(node, Name):
        return quote_name(node.name)
    if isinstance(node, Constant):
        return node.text
    if node.is_binary("+", "-"):
        first, tail = spine(node, "+", "-")
        return deparse(first) + "".join(f" {op} {deparse(arg)}" for op, arg in tail)
    args = [deparse(a) for a in node.args]
    if node.fn == "(":
        return f"({args[0]})"
    if len(args) == 2 and (node.fn in _SPACED or (node.fn[0] == "%" and node.fn not in _TIGHT)):
        return f"{args[0]} {node.fn} {args[1]}"
    if len(args) == 2 and node.fn in _TIGHT:
        return f"{args[0]}{node.fn}{args[1]}"
    if len(args) == 1 and node.fn in _UNARY:
        return node.fn + args[0]
    named = [a if n is None else f"{quote_name(n)} = {a}" for n, a in zip(node.names, args)]
    head = "::".join(quote_name(part) for part in node.fn.split("::"))
    return f"{head}({', '.join(named)})"
