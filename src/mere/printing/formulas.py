"""Formulas over several lines, as R's deparse breaks them.

R breaks a line after an operator or a comma once it is longer than 60
characters. What follows is indented by four blanks, and by four more for each
call around it that has also been broken.
"""

from __future__ import annotations

from ..language.parser import parse_expression
from ..language.syntax import Call, Node, deparse, spine

__all__ = ["formula_lines"]

_SPACED = frozenset("+ - * ~ | || & && < > <= >= == !=".split())


def formula_lines(text: str, cutoff: int = 60) -> list[str]:
    """The lines of a formula or call.

    Examples
    --------
    >>> formula_lines("y ~ x + (1 | g)")
    ['y ~ x + (1 | g)']
    """
    if len(text) <= cutoff:
        return [text]
    writer = _Writer(cutoff)
    writer.node(parse_expression(text))
    return [*writer.lines, writer.line]


class _Writer:
    """Lines under construction."""

    def __init__(self, cutoff: int):
        self.cutoff, self.lines, self.line, self.indent = cutoff, [], "", 0
        self.fresh = False

    lines: list[str]

    def put(self, text: str) -> None:
        if self.fresh:
            self.line, self.fresh = "    " * self.indent, False
        self.line += text

    def may_break(self, broken: bool) -> bool:
        """Start a new line when this one is too long; True once a call has been broken."""
        if len(self.line) <= self.cutoff or self.fresh:
            return broken
        if not broken:
            self.indent += 1
        self.lines.append(self.line)
        self.line, self.fresh = "", True
        return True

    def node(self, node: Node) -> None:
        if not isinstance(node, Call):
            self.put(deparse(node))
        elif node.is_binary("+", "-"):
            first, tail = spine(node, "+", "-")
            self.node(first)
            for operator, operand in tail:
                self.operator(operator, operand)
        elif len(node.args) == 2 and node.fn in _SPACED:
            self.node(node.args[0])
            self.operator(node.fn, node.args[1])
        elif node.fn == "(":
            self.put("(")
            self.node(node.args[0])
            self.put(")")
        elif len(node.args) == 2 and not (node.fn[0].isalpha() or node.fn[0] in "._"):
            self.node(node.args[0])
            self.put(f" {node.fn} " if node.fn[0] == "%" else node.fn)
            self.node(node.args[1])
        elif node.fn[0].isalpha() or node.fn[0] in "._":
            self.call(node)
        else:
            self.put(deparse(node))

    def operator(self, operator: str, operand: Node) -> None:
        self.put(f" {operator} ")
        broken = self.may_break(False)
        self.node(operand)
        self.indent -= broken

    def call(self, node: Call) -> None:
        self.put(f"{node.fn}(")
        broken = False
        for i, (name, argument) in enumerate(zip(node.names, node.args, strict=True)):
            if i:
                self.put(", ")
                broken = self.may_break(broken)
            if name is not None:
                self.put(f"{name} = ")
            self.node(argument)
        self.put(")")
        self.indent -= broken
