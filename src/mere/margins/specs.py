"""Specifications: ``"a"``, ``["a", "b"]``, ``"~ a | b"``, ``"pairwise ~ a | b"``, ``"1"``, or a mapping of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import FormulaError, MereTypeError
from ..language.parser import parse_expression
from ..language.syntax import Call, Name, Node, deparse, names_in

__all__ = ["Specs", "read_specs"]


@dataclass(frozen=True)
class Specs:
    """What is to be estimated.

    Attributes
    ----------
    factors : tuple of str
        Empty for the overall mean.
    by : tuple of str
    method : str or None
        The contrasts on the left-hand side.
    """

    factors: tuple[str, ...]
    by: tuple[str, ...] = ()
    method: str | None = None


def read_specs(specs: Any, known: Sequence[str] = ()) -> Specs:
    """Read one specification.

    Parameters
    ----------
    specs : str or sequence of str
    known : sequence of str
        What ``.`` stands for.

    Examples
    --------
    >>> read_specs("pairwise ~ a * b | c")
    Specs(factors=('a', 'b'), by=('c',), method='pairwise')
    """
    if isinstance(specs, Specs):
        return specs
    if isinstance(specs, str):
        if "~" in specs:
            return _formula(specs, known)
        if specs in known:
            return Specs((specs,))
        if specs.strip() in ("1", "overall"):
            return Specs(())
        return Specs((specs,))
    if isinstance(specs, (list, tuple)) and all(isinstance(s, str) for s in specs):
        return Specs(tuple(s for s in specs if s != "1"))
    if isinstance(specs, Mapping):
        raise MereTypeError("specs: a mapping of specifications cannot stand inside another")
    raise MereTypeError(f"specs must be a name, a list of names or a formula, not {specs!r}")


def _formula(text: str, known: Sequence[str]) -> Specs:
    left, _, right = text.partition("~")
    if not right.strip():
        raise FormulaError("specs: nothing to the right of ~", text, len(text))
    tree = parse_expression(right.strip())
    by: tuple[str, ...] = ()
    if isinstance(tree, Call) and tree.is_binary("|"):
        by = _names(tree.args[1], known)
        tree = tree.args[0]
    factors = tuple(f for f in _names(tree, known) if f not in by)
    return Specs(factors, by, left.strip() or None)


def _names(tree: Node, known: Sequence[str]) -> tuple[str, ...]:
    if isinstance(tree, Name):
        return tuple(known) if tree.name == "." else (tree.name,)
    if isinstance(tree, Call) and tree.fn not in ("+", "*", ":", "/", "-", "%in%", "("):
        raise FormulaError(f"specs: {deparse(tree)} is not a variable; transforms have no place here")
    out: list[str] = []
    for name in names_in(tree):
        out.extend(known if name == "." else [name])
    return tuple(dict.fromkeys(out))
