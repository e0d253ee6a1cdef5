"""Formulas without a term, or without a variable, and all that depends on it."""

from __future__ import annotations

import re

from ..errors import MereValueError
from .formulas import parse_formula
from .updating import update_formula

__all__ = ["drop_term"]


def drop_term(formula: str, term: str) -> str:
    """A formula without a term, hierarchically: a main effect takes its interactions with it, random terms stay.

    Parameters
    ----------
    formula : str
    term : str
        A term of the fixed part as R labels it, such as ``"x"`` or ``"x:z"``, or a variable that occurs in terms by a
        function, such as ``"x"`` for ``"log(x)"``.

    Returns
    -------
    str
        With ``~ 1`` where nothing is left.

    Examples
    --------
    >>> drop_term("y ~ x * z", "x"), drop_term("y ~ x * z", "x:z"), drop_term("y ~ x + (1 | g)", "x")
    ('y ~ z', 'y ~ x + z', 'y ~ (1 | g)')
    >>> drop_term("y ~ factor(x) + z", "x")
    'y ~ z'
    """
    if not isinstance(term, str) or not term.strip():
        raise MereValueError("term must be the label of a term, such as 'x' or 'x:z'")
    terms = parse_formula(formula).terms()
    sets = [frozenset(terms.variables[v] for v in t) for t in terms.terms]
    parts = frozenset(part.strip() for part in term.split(":"))
    gone = [label for label, own in zip(terms.labels, sets, strict=True) if parts <= own]
    if parts not in sets:  # a variable inside functions
        word = re.compile(rf"(?<![\w.]){re.escape(term.strip())}(?![\w.(])")
        gone = [label for label, own in zip(terms.labels, sets, strict=True) if any(word.search(v) for v in own)]
    if not gone:
        raise MereValueError(f"{term!r} is no term of {formula!r}; there are {', '.join(terms.labels)}")
    return update_formula(formula, f". ~ . - {' - '.join(gone)}")
