"""Changing formulas: R's ``update.formula``."""

from __future__ import annotations

from ..errors import MereTypeError
from .algebra import expand_terms
from .formulas import Formula, parse_formula
from .parser import parse_expression
from .syntax import Call, Name, Node, deparse, spine

__all__ = ["update_formula"]


def update_formula(old: str | Formula, new: str) -> str:
    """The text of a formula after a change (R's ``update.formula``).

    Parameters
    ----------
    old : str or Formula
    new : str
        A formula in which ``.`` stands for the same side of the old one.

    Returns
    -------
    str
        Simplified: terms by degree, random terms among the first.

    Examples
    --------
    >>> update_formula("y ~ x * z + (1 | g)", "log(.) ~ . - x:z")
    'log(y) ~ x + z + (1 | g)'
    >>> update_formula("y ~ x + (1 | g)", "~ . - (1 | g) + (x | g)")
    'y ~ x + (x | g)'
    """
    if not isinstance(new, str):
        raise MereTypeError(f"the new formula must be a text such as '. ~ . + x', not {new!r}")
    before = parse_expression(str(parse_formula(old)))
    after = parse_expression(new if "~" in new else f"~ {new}")
    assert isinstance(before, Call) and isinstance(after, Call)
    old_left = before.args[0] if len(before.args) == 2 else None
    left = old_left
    if len(after.args) == 2:
        left = after.args[0] if old_left is None else _replace_dot(after.args[0], old_left)
    right = _replace_dot(after.args[-1], Call("(", (before.args[-1],)))
    terms = expand_terms(right, left)
    offsets = [terms.variables[v] for v in terms.offsets]
    labels = [":".join(_label(terms.nodes[v]) for v in term) for term in terms.terms]
    pieces = [*labels, *offsets]
    if not terms.intercept:
        text = (" + ".join(pieces) or "1") + " - 1"
    else:
        text = " + ".join(pieces) or "1"
    return f"~{text}" if left is None else f"{deparse(left)} ~ {text}"


def _label(node: Node) -> str:
    """A variable of a term; bars are put back into parentheses."""
    is_bar = isinstance(node, Call) and node.is_binary("|", "||")
    return f"({deparse(node)})" if is_bar else deparse(node)


def _replace_dot(node: Node, by: Node) -> Node:
    if isinstance(node, Name):
        return by if node.name == "." else node
    if not isinstance(node, Call):
        return node
    if node.is_binary("+", "-"):
        first, tail = spine(node, "+", "-")
        out = _replace_dot(first, by)
        for op, operand in tail:
            out = Call(op, (out, _replace_dot(operand, by)), position=node.position)
        return out
    args = tuple(_replace_dot(a, by) for a in node.args)
    return Call(node.fn, args, node.names, node.position)
