"""Text to tokens: the part of R's lexical grammar that formulas need."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..errors import FormulaError

__all__ = ["Token", "tokenize"]

MAX_LENGTH = 1_000_000

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|\#[^\n]*)
  | (?P<number>0[xX][0-9a-fA-F]+L? | (?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?L?)
  | (?P<name>(?:[^\W\d_]|\.(?!\d))[\w.]*)
  | (?P<quoted>`(?:[^`\\]|\\.)+`)
  | (?P<string>"(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*')
  | (?P<op>%[^%\n]*% | \*\* | \|\| | && | <= | >= | == | != | :: | [-+*/^:~|&!<>=(),])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{1,4})|x([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


class Token(NamedTuple):
    """One token: kind is "number", "name", "string", "op" or "end"."""

    kind: str
    value: str
    position: int


def tokenize(text: str) -> list[Token]:
    """Cut the text of a formula into tokens; anything unknown is a FormulaError with its place.

    Examples
    --------
    >>> [t.value for t in tokenize("y ~ `my var` + x1**2")][:-1]
    ['y', '~', 'my var', '+', 'x1', '^', '2']
    """
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"a formula may have {MAX_LENGTH} characters, this one has {len(text)}")
    tokens, position = [], 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise FormulaError(_complaint(text, position), text, position)
        kind, value = str(match.lastgroup), match.group()
        if kind == "quoted":
            kind, value = "name", _unescape(value[1:-1])
        elif kind == "string":
            value = _unescape(value[1:-1])
        elif value == "**":
            value = "^"
        if kind != "space":
            tokens.append(Token(kind, value, position))
        position = match.end()
    tokens.append(Token("end", "", len(text)))
    return tokens


def _unescape(value: str) -> str:
    if "\\" not in value:
        return value

    def one(match: re.Match[str]) -> str:
        code = match[1] or match[2] or match[3]
        if code:
            point = int(code, 16)
            return chr(point) if point < 0x110000 else "\ufffd"
        return _ESCAPES.get(match[4], match[4])

    return _ESCAPE.sub(one, value)


def _complaint(text: str, position: int) -> str:
    char = text[position]
    if char in "\"'`":
        return f"the quote {char} is never closed"
    if char in "[$@":
        return f"'{char}' (indexing) is not part of formulas: make it a column, or pass it by env="
    return f"unexpected character {char!r} in a formula"
