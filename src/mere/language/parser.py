"""Tokens to syntax tree: R's operator precedence, nothing else is accepted and nothing is run."""

from __future__ import annotations

from functools import lru_cache

from ..errors import FormulaError, MereTypeError
from .lexer import Token, tokenize
from .syntax import Call, Constant, Name, Node, format_number, quote_string

__all__ = ["MAX_DEPTH", "parse_expression"]

MAX_DEPTH = 60  # of nesting; R itself gives up at 50 parentheses in one another

# binary operators: (binding power on the left, on the right); larger binds tighter
_BINARY = {
    "~": (10, 11),
    "|": (20, 21),
    "||": (20, 21),
    "&": (30, 31),
    "&&": (30, 31),
    **dict.fromkeys(("==", "!=", "<", ">", "<=", ">="), (50, 51)),
    "+": (60, 61),
    "-": (60, 61),
    "*": (70, 71),
    "/": (70, 71),
    "%": (80, 81),
    ":": (90, 91),
    "^": (110, 109),
}
_PREFIX = {"~": 11, "!": 40, "-": 100, "+": 100}
_CONSTANTS: dict[str, float | bool | None] = {
    "TRUE": True,
    "FALSE": False,
    "NULL": None,
    "Inf": float("inf"),
    "NaN": float("nan"),
    "NA": float("nan"),
    "NA_real_": float("nan"),
    "NA_integer_": float("nan"),
    "NA_character_": float("nan"),
}
_PYTHONS = {"True": "TRUE", "False": "FALSE", "None": "NULL"}  # what a Python user writes: poly(x, 2, raw=True)
_STATEMENTS = frozenset(["if", "else", "repeat", "while", "function", "for", "next", "break", "in"])


@lru_cache(maxsize=1024)
def parse_expression(text: str) -> Node:
    """Read an R expression or formula into a syntax tree; cached by its text.

    Parameters
    ----------
    text : str
        Such as ``"log(x, base = 2) + I(x^2)"`` or ``"y ~ a * b + (1 | g)"``.

    Returns
    -------
    Node
        ``str(node)`` is R's deparse of it.

    Examples
    --------
    >>> parse_expression("y~a*b+(1|g)")
    <y ~ a * b + (1 | g)>
    """
    if not isinstance(text, str):
        raise MereTypeError(f"a formula is a string such as 'y ~ x + (1 | g)', not {text!r}")
    return _Parser(text).whole()


class _Parser:
    """A precedence-climbing parser over the tokens of one text."""

    def __init__(self, text: str):
        self.text, self.tokens = text, tokenize(text)
        self.index, self.depth = 0, 0

    def whole(self) -> Node:
        if self.peek().kind == "end":
            raise FormulaError("the formula is empty", self.text, 0)
        node = self.expression(0)
        if self.peek().kind != "end":
            self.fail("unexpected")
        return node

    def peek(self) -> Token:
        return self.tokens[self.index]

    def next(self) -> Token:
        token = self.tokens[self.index]
        self.index += 1
        return token

    def fail(self, what: str) -> None:
        token = self.peek()
        shown = "end of the formula" if token.kind == "end" else repr(token.value)
        raise FormulaError(f"{what} {shown}", self.text, token.position)

    def expect(self, value: str) -> None:
        token = self.peek()
        if token.kind != "op" or token.value != value:
            self.fail(f"expected {value!r} but found")
        self.index += 1

    def is_op(self, value: str) -> bool:
        token = self.peek()
        return token.kind == "op" and token.value == value

    def expression(self, power: int) -> Node:
        """An expression whose operators all bind at least as tightly as `power`."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            message = f"the formula is nested more than {MAX_DEPTH} levels deep"
            raise FormulaError(message, self.text, self.peek().position)
        left = self.prefix()
        while True:
            token = self.peek()
            if token.kind != "op":
                break
            key = "%" if token.value[0] == "%" else token.value
            bind = _BINARY.get(key)
            if bind is None or bind[0] < power:
                break
            if bind[0] == 50 and isinstance(left, Call) and _BINARY.get(left.fn, (0,))[0] == 50:
                self.fail("comparisons cannot be chained: unexpected")
            self.index += 1
            right = self.expression(bind[1])
            left = Call(token.value, (left, right), position=token.position)
            if left.depth > MAX_DEPTH:
                message = f"the formula is nested more than {MAX_DEPTH} levels deep"
                raise FormulaError(message, self.text, token.position)
        self.depth -= 1
        return left

    def prefix(self) -> Node:
        token = self.next()
        if token.kind == "op" and token.value in _PREFIX:
            arg = self.expression(_PREFIX[token.value])
            return Call(token.value, (arg,), position=token.position)
        if token.kind == "op" and token.value == "(":
            inner = self.expression(0)
            self.expect(")")
            return Call("(", (inner,), position=token.position)
        if token.kind == "number":
            return self.number(token)
        if token.kind == "string":
            return Constant(token.value, quote_string(token.value), token.position)
        if token.kind == "name":
            return self.name_or_call(token)
        self.index -= 1
        self.fail("unexpected")
        raise AssertionError

    def number(self, token: Token) -> Node:
        text = token.value
        digits = text.rstrip("L")
        value = float(int(digits, 16)) if digits[:2] in ("0x", "0X") else float(digits)
        shown = f"{value:.0f}L" if text.endswith("L") else format_number(value)
        return Constant(value, shown, token.position)

    def name_or_call(self, token: Token) -> Node:
        name, quoted = token.value, self.text[token.position] == "`"
        if not quoted and name in _STATEMENTS:
            raise FormulaError(f"{name!r} cannot be used in a formula", self.text, token.position)
        if not quoted:
            name = _PYTHONS.get(name, name)
        if not quoted and name in _CONSTANTS:
            return Constant(_CONSTANTS[name], name, token.position)
        if self.is_op("::"):
            self.next()
            function = self.next()
            if function.kind != "name" or not self.is_op("("):
                self.index -= 1
                self.fail("after '::' a function call was expected, found")
            name = f"{name}::{function.value}"
        if self.is_op("("):
            return self.call(name, token)
        return Name(name, token.position)

    def call(self, name: str, token: Token) -> Node:
        self.expect("(")
        args: list[Node] = []
        names: list[str | None] = []
        while not self.is_op(")"):
            here, after = self.peek(), self.tokens[min(self.index + 1, len(self.tokens) - 1)]
            named = here.kind in ("name", "string") and after.kind == "op" and after.value == "="
            if named:
                self.index += 2
            args.append(self.expression(0))
            names.append(here.value if named else None)
            if not self.is_op(")"):
                self.expect(",")
        self.next()
        return Call(name, tuple(args), tuple(names), token.position)
