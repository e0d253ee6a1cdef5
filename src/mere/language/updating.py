"""Changing formulas: R's ``update.formula``."""

from __future__ import annotations

from collections.abc import Sequence

from .algebra import expand_terms
from .formulas import Formula, parse_formula
from .parser import parse_expression
from .syntax import Call, Name, Node, deparse, operand_text, spine

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
    >>> update_formula("y ~ x + (1 | g)", "~ . + .:z")
    'y ~ x + (1 | g) + x:z + (1 | g:z)'
    """
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
    labels = [_label([terms.nodes[v] for v in term]) for term in terms.terms]
    pieces = [*labels, *offsets]
    if not terms.intercept:
        text = (" + ".join(pieces) or "1") + " - 1"
    else:
        text = " + ".join(pieces) or "1"
    return f"~{text}" if left is None else f"{deparse(left)} ~ {text}"


def _label(variables: Sequence[Node]) -> str:
    """A term; bars are put back into parentheses, around all that was crossed with them, as R has it.

    So are comparisons and other operators, which R forgets: ``y ~ (x > 0) + a`` becomes ``y ~ x > 0 + a`` there.
    """
    if any(isinstance(v, Call) and v.is_binary("|", "||") for v in variables):
        return f"({':'.join(deparse(v) for v in variables)})"
    return ":".join(operand_text(v) for v in variables)


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
