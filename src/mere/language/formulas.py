"""The parsed formula: response, fixed part, random terms; a pure function of its text."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ..errors import FormulaError, MereTypeError
from .algebra import Terms, expand_terms
from .bars import split_bars
from .parser import parse_expression
from .syntax import Call, Constant, Node, deparse, names_in

__all__ = ["Formula", "parse_formula"]


class Formula:
    """A parsed model formula; `str` gives R's text of it, with every ``||`` written out.

    Attributes
    ----------
    source : str
        The text as the user gave it.
    response : Node or None
    fixed : Node
        The right-hand side without random terms.
    bars : tuple of Bar
        The random terms in order of appearance, one grouping factor each.
    grouping : frozenset of str
        The variables that occur as grouping factors only.
    fixed_text : str
        The formula without random terms (lme4's ``nobars``).
    """

    __slots__ = (
        "_text",
        "bars",
        "fixed",
        "fixed_text",
        "grouping",
        "has_dot",
        "response",
        "source",
    )

    def __init__(self, source: str):
        tree = parse_expression(source)
        if not isinstance(tree, Call) or tree.fn != "~":
            raise FormulaError("a formula needs a '~', as in 'y ~ x + (1 | g)'", source, 0)
        self.source = source
        self.response: Node | None = tree.args[0] if len(tree.args) == 2 else None
        if isinstance(self.response, Call) and self.response.fn == "~":
            raise FormulaError("a formula may have one '~' only", source, tree.position)
        if isinstance(self.response, Constant):
            raise FormulaError("the response is a constant", source, self.response.position)
        try:
            self.fixed, self.bars, expanded = split_bars(tree.args[-1])
        except FormulaError as error:
            raise FormulaError(str(error), source, error.position) from None
        left = "" if self.response is None else f"{deparse(self.response)} "
        self._text = f"{left}~ {deparse(expanded)}" if left else f"~{deparse(expanded)}"
        self.fixed_text = f"{left}~ {deparse(self.fixed)}" if left else f"~{deparse(self.fixed)}"
        self.grouping = self._grouping()
        self.has_dot = "." in names_in(self.fixed)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Formula({self._text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Formula) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return parse_formula, (self.source,)

    def _grouping(self) -> frozenset[str]:
        left = set(names_in(self.fixed)) | {deparse(self.fixed)}
        left |= {v for bar in self.bars for v in bar.terms.variables}
        if self.response is not None:
            left.add(deparse(self.response))
        return frozenset(deparse(f) for bar in self.bars for f in bar.factors) - left

    def terms(self, columns: tuple[str, ...] = ()) -> Terms:
        """The terms of the fixed part; `columns` are what a ``.`` stands for.

        Examples
        --------
        >>> parse_formula("y ~ . + (1 | g)").terms(("y", "x", "g")).labels
        ('x', 'g')
        """
        return _fixed_terms(self, columns if self.has_dot else None)

    def variables(self, columns: tuple[str, ...] = ()) -> dict[str, Node]:
        """Every variable of the model by R's name: response, fixed, random, groups."""
        return _variables(self, columns if self.has_dot else None)


def parse_formula(text: str | Formula) -> Formula:
    """Parse the text of a model formula; cached by the text.

    Parameters
    ----------
    text : str
        Such as ``"y ~ x + (1 + x | g)"`` or one-sided, ``"~ a * b"``.

    Examples
    --------
    >>> f = parse_formula("Reaction~Days+(Days||Subject)")
    >>> str(f)
    'Reaction ~ Days + ((1 | Subject) + (0 + Days | Subject))'
    >>> f.fixed_text, [b.text for b in f.bars]
    ('Reaction ~ Days', ['1 | Subject', '0 + Days | Subject'])
    """
    if isinstance(text, Formula):
        return text
    given: Any = text
    if hasattr(given, "columns") or isinstance(given, dict):
        kind = type(given).__name__
        raise MereTypeError(f"a formula is a string such as 'y ~ x + (1 | g)', not a {kind}: it comes before the data")
    return _parsed(text)


_parsed = lru_cache(maxsize=512)(Formula)


@lru_cache(maxsize=512)
def _fixed_terms(formula: Formula, columns: tuple[str, ...] | None) -> Terms:
    try:
        return expand_terms(formula.fixed, formula.response, columns)
    except FormulaError as error:
        raise FormulaError(str(error), formula.source, error.position) from None


@lru_cache(maxsize=512)
def _variables(formula: Formula, columns: tuple[str, ...] | None) -> dict[str, Node]:
    terms = _fixed_terms(formula, columns)
    found: dict[str, Node] = dict(zip(terms.variables, terms.nodes))
    for bar in formula.bars:
        found.update(zip(bar.terms.variables, bar.terms.nodes))
        found.update((deparse(node), node) for node in bar.factors)
    return found
