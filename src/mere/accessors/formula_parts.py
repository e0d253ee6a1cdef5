"""Parts of a formula as text: its random terms, what is without them, and whether one factor lies within another."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import generics as g
from ..errors import FormulaError, MereTypeError, MereValueError
from ..frame import as_frame
from ..language.bars import Bar, plus_for_bars, split_bars
from ..language.formulas import Formula
from ..language.parser import parse_expression
from ..language.syntax import Call, Node, deparse

__all__ = ["expandDoubleVerts", "findbars", "isNested", "nobars", "subbars"]


def findbars(term: Any) -> tuple[str, ...]:
    """The random terms of a formula (lme4's ``findbars``).

    Each has one grouping factor, as the model has them: ``(x || g)`` is split term by term, ``(1 | a/b)`` into
    ``1 | b:a`` and ``1 | a``.

    Parameters
    ----------
    term : str, Formula or model
        A formula, or a right-hand side alone.

    Returns
    -------
    tuple of str
        In order of appearance, without their parentheses; empty if there are none. A term with a structure keeps it:
        ``"ar1(0 + week | g)"``.

    References
    ----------
    Bates, Maechler, Bolker and Walker (2015), Fitting linear mixed-effects models using lme4, Journal of Statistical
    Software 67(1), section 2.

    Examples
    --------
    >>> from mere import findbars
    >>> findbars("y ~ x + (x || g) + (1 | a/b)")
    ('1 | g', '0 + x | g', '1 | b:a', '1 | a')
    """
    return tuple(bar.whole for bar in _parts(term)[2])


def nobars(term: Any) -> str:
    """A formula without its random terms (lme4's ``nobars``).

    Parameters
    ----------
    term : str, Formula or model
        A formula, or a right-hand side alone.

    Returns
    -------
    str
        ``~ 1`` where nothing else is left.

    References
    ----------
    Bates, Maechler, Bolker and Walker (2015), Fitting linear mixed-effects models using lme4, Journal of Statistical
    Software 67(1), section 2.

    Examples
    --------
    >>> from mere import nobars
    >>> nobars("y ~ x + offset(w) + (x | g)"), nobars("y ~ (1 | g)"), nobars("x + (1 | g)")
    ('y ~ x + offset(w)', 'y ~ 1', 'x')
    """
    head, fixed, _, _ = _parts(term)
    return head + deparse(fixed)


def subbars(term: Any) -> str:
    """A formula with ``+`` for the bar of each random term (lme4's ``subbars``).

    All the variables of a mixed model are then terms of an ordinary formula.

    Parameters
    ----------
    term : str, Formula or model
        A formula, or a right-hand side alone.

    Returns
    -------
    str

    References
    ----------
    Bates, Maechler, Bolker and Walker (2015), Fitting linear mixed-effects models using lme4, Journal of Statistical
    Software 67(1), section 2.

    Examples
    --------
    >>> from mere import subbars
    >>> subbars("y ~ x + (x || g) + (1 | a/b)")
    'y ~ x + (x + g) + (1 + a/b)'
    """
    head, _, _, right = _parts(term)
    return head + deparse(plus_for_bars(right))


def expandDoubleVerts(term: Any) -> str:
    """A formula with every ``(x || g)`` written out (lme4's ``expandDoubleVerts``).

    ``||`` splits by terms, not by columns: the columns of a factor, or of ``poly(x, 2)``, stay correlated.

    Parameters
    ----------
    term : str, Formula or model
        A formula, or a right-hand side alone.

    Returns
    -------
    str

    References
    ----------
    Bates, Maechler, Bolker and Walker (2015), Fitting linear mixed-effects models using lme4, Journal of Statistical
    Software 67(1), section 2.2.

    Examples
    --------
    >>> from mere import expandDoubleVerts
    >>> expandDoubleVerts("y ~ x + (x || g)")
    'y ~ x + ((1 | g) + (0 + x | g))'
    """
    head, _, _, right = _parts(term)
    return head + deparse(split_bars(right)[2])


def isNested(f1: Any, f2: Any) -> bool:
    """Is a factor nested in another: each of its levels within one level of the other (lme4's ``isNested``)?

    Parameters
    ----------
    f1, f2 : column of a table, array or sequence
        Of one length, without missing values. Levels that do not occur do not count.

    Returns
    -------
    bool

    References
    ----------
    Bates, Maechler, Bolker and Walker (2015), Fitting linear mixed-effects models using lme4, Journal of Statistical
    Software 67(1), section 2.

    Examples
    --------
    >>> from mere import isNested
    >>> from mere.datasets import Pastes
    >>> isNested(Pastes["sample"], Pastes["batch"]), isNested(Pastes["cask"], Pastes["batch"])
    (True, False)
    """
    inner, outer = _levels(f1, "f1"), _levels(f2, "f2")
    if len(inner) != len(outer):
        raise MereValueError(f"f1 and f2 must be of one length, not {len(inner)} and {len(outer)}")
    pairs = np.unique(np.column_stack([inner, outer]), axis=0)
    return len(np.unique(pairs[:, 0])) == len(pairs)


def _parts(term: Any) -> tuple[str, Node, tuple[Bar, ...], Node]:
    """What is left of the right-hand side, the fixed part, the random terms, and the right-hand side itself."""
    text = term if isinstance(term, str) else str(term if isinstance(term, Formula) else g.formula(term))
    tree = parse_expression(text)
    head, right = "", tree
    if isinstance(tree, Call) and tree.fn == "~":
        right = tree.args[-1]
        head = "~" if len(tree.args) == 1 else f"{deparse(tree.args[0])} ~ "
    try:
        fixed, bars, _ = split_bars(right)
    except FormulaError as error:
        raise FormulaError(str(error), text, error.position) from None
    return head, fixed, bars, right


def _levels(column: Any, name: str) -> np.ndarray:
    """The levels of a column's rows as numbers."""
    if isinstance(column, str) or not hasattr(column, "__len__"):
        raise MereTypeError(f"{name} must be a column of a table or a sequence of values, not {column!r}")
    codes = np.asarray(as_frame({name: column}).factor(name).codes)
    if (codes < 0).any():
        raise MereValueError(f"{name} has {(codes < 0).sum()} missing values: leave these rows out of both")
    return codes
