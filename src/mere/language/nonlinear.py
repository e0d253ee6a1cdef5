"""The three-part formula of a nonlinear mixed model: ``response ~ mean(covariates, parameters) ~ random terms``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from ..errors import FormulaError
from .algebra import Terms
from .formulas import parse_formula
from .parser import parse_expression
from .syntax import Call, Constant, Node, deparse, names_in, quote_name

__all__ = ["NonlinearFormula", "parse_nonlinear"]

RESPONSE = ".response"  # the response in the formula of the parameters


class NonlinearFormula:
    """A parsed three-part formula; `str` gives R's text of it.

    Attributes
    ----------
    source : str
    response, mean : Node
        The first and the second part.
    parameters : tuple of str
        The nonlinear parameters, in the order of the fixed effects.
    long : Formula
        How parameters depend on the data: ``.response ~ 0 + Asym + xmid + (0 + Asym | Tree)``. Its rows are the rows
        of the data, once for each parameter, and a parameter is 1 in its own rows and 0 in the others.
    """

    __slots__ = ("long", "mean", "parameters", "response", "source", "third")

    def __init__(self, source: str, parameters: Sequence[str]):
        self.source = source
        self.response, self.mean, self.third = _parts(source)
        self.parameters = tuple(parameters)
        used = set(names_in(self.mean))
        for name in self.parameters:
            if name not in used:
                raise FormulaError(f"the parameter {name!r} does not occur in {deparse(self.mean)}", source, 0)
        head = " + ".join(quote_name(name) for name in self.parameters)
        self.long = parse_formula(f"{RESPONSE} ~ 0 + {head} + {deparse(_without_intercepts(self.third))}")
        if not self.long.bars:
            raise FormulaError("the third part has no random term: write '… ~ Asym | g'", source, 0)

    def __str__(self) -> str:
        return f"{deparse(self.response)} ~ {deparse(self.mean)} ~ {deparse(self.third)}"

    def __repr__(self) -> str:
        return f"NonlinearFormula({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NonlinearFormula) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __reduce__(self) -> tuple[object, tuple[str, tuple[str, ...]]]:
        return parse_nonlinear, (self.source, self.parameters)

    @property
    def bars(self) -> tuple[object, ...]:
        """The random terms."""
        return self.long.bars

    def terms(self, columns: tuple[str, ...] = ()) -> Terms:
        """The terms of the fixed part of the parameters."""
        return self.long.terms(columns)


@lru_cache(maxsize=256)
def parse_nonlinear(text: str, parameters: tuple[str, ...]) -> NonlinearFormula:
    """Parse a three-part formula with these nonlinear parameters; cached.

    Examples
    --------
    >>> f = parse_nonlinear("y~SSlogis(x,Asym,xmid,scal)~Asym|g", ("Asym", "xmid", "scal"))
    >>> str(f), str(f.long)
    ('y ~ SSlogis(x, Asym, xmid, scal) ~ Asym | g', '.response ~ 0 + Asym + xmid + scal + (0 + Asym | g)')
    """
    return NonlinearFormula(text, parameters)


def nonlinear_mean(text: str) -> Node:
    """The second part of a three-part formula."""
    return _parts(text)[1]


def _parts(source: str) -> tuple[Node, Node, Node]:
    tree = parse_expression(source)
    if isinstance(tree, Call) and tree.is_binary("~"):
        first, third = tree.args
        if isinstance(first, Call) and first.is_binary("~"):
            response, mean = first.args
            if not (isinstance(response, Call) and response.fn == "~"):
                return response, mean, third
    raise FormulaError(
        "a nonlinear model needs three parts, as in 'y ~ SSlogis(x, Asym, xmid, scal) ~ Asym | g'", source, 0
    )


def _without_intercepts(node: Node) -> Node:
    """``Asym | g`` anywhere in the third part becomes ``(0 + Asym | g)``: a parameter is its own intercept."""
    if not isinstance(node, Call):
        return node
    if node.is_binary("|", "||"):
        left = Call("+", (Constant(0.0, "0"), node.args[0]))
        return Call("(", (Call(node.fn, (left, node.args[1]), position=node.position),))
    if node.fn == "(" and isinstance(node.args[0], Call) and node.args[0].is_binary("|", "||"):
        return _without_intercepts(node.args[0])
    args = tuple(_bare(_without_intercepts(a)) if node.fn not in ("+", "-", "(") else _without_intercepts(a)
                 for a in node.args)  # fmt: skip
    return Call(node.fn, args, node.names, node.position)


def _bare(node: Node) -> Node:
    """A random term inside ``diag()`` or ``cs()`` has no parentheses of its own."""
    if isinstance(node, Call) and node.fn == "(" and isinstance(node.args[0], Call) and node.args[0].fn in ("|", "||"):
        return node.args[0]
    return node
