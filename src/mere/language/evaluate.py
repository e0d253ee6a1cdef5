"""Values of expressions over the columns of a frame. Nothing outside the registry can be called.

A value is a float64 array, a logical (bool, or int8 with -1 = missing), a `Factor`/`Text`, a
`Matrix`, or a constant (float, bool, str, None, tuple of str). Missing values follow R.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import FormulaError, MereError, MereTypeError, MissingColumnError
from ..frame import Factor, Frame, Matrix, as_factor, as_frame, text_of
from ..transforms import TRANSFORMS
from .functions import FUNCTIONS, NEEDS_NODES
from .syntax import Call, Constant, Name, Node, deparse, spine
from .values import compare, to_logical, to_number

__all__ = ["Evaluator"]

_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
    "%%": np.mod,
    "%/%": np.floor_divide,
}
_COMPARISONS = ("==", "!=", "<", ">", "<=", ">=")


class Evaluator:
    """Evaluates expressions over one frame.

    Parameters
    ----------
    frame : Frame
    states : dict
        The states of the transforms by the text of their calls. An empty one is filled; with
        `fitted` the transforms only read it (new data).
    env : mapping
        Further functions and arrays of the user.

    Examples
    --------
    >>> from mere.frame import as_frame
    >>> from mere.language.parser import parse_expression
    >>> Evaluator(as_frame({"x": [1.0, 2.0]})).value(parse_expression("x^2 + 1"))
    array([2., 5.])
    """

    def __init__(
        self,
        frame: Frame,
        states: dict[str, Any] | None = None,
        env: Mapping[str, Any] | None = None,
        fitted: bool = False,
    ):
        self.frame, self.env, self.fitted = frame, env or {}, fitted
        self.states = {} if states is None else states
        self.read: dict[str, Any] = {}  # columns that were asked for before

    def value(self, node: Node) -> Any:
        """The value of an expression."""
        if isinstance(node, Name):
            return self.name(node)
        if isinstance(node, Constant):
            return node.value
        if node.is_binary("+", "-"):
            first, tail = spine(node, "+", "-")
            total = self.value(first)
            for op, operand in tail:
                total = self.arithmetic(op, total, self.value(operand))
            return total
        return self.call(node)

    def name(self, node: Name) -> Any:
        name = node.name
        found = self.read.get(name)
        if found is None:
            found = self.frame.find(name)
            self.read[name] = found
        if found is not None:
            return found
        if name in self.env:
            return _from_user(self.env[name], name)
        if name == "pi":
            return float(np.pi)
        if name in ("T", "F"):
            return name == "T"
        return self.frame.column(name)  # raises, with near matches

    def factor(self, node: Node) -> Factor:
        """The value of an expression as a factor."""
        if isinstance(node, Name) and node.name in self.frame:
            return self.frame.factor(node.name)
        value = self.value(node)
        if not isinstance(value, (np.ndarray, Factor, Matrix)):
            raise FormulaError(f"{deparse(node)} is a constant, not a grouping factor")
        return as_factor(value)

    def call(self, node: Call) -> Any:
        fn, args = node.fn, node.args
        if fn == "(" and len(args) == 1:
            return self.value(args[0])
        if len(args) == 2 and fn in _ARITHMETIC:
            return self.arithmetic(fn, self.value(args[0]), self.value(args[1]))
        if len(args) == 1 and fn in ("-", "+"):
            return self.arithmetic(fn, 0.0, self.value(args[0]))
        if len(args) == 2 and fn in _COMPARISONS:
            return compare(fn, self.value(args[0]), self.value(args[1]))
        if len(args) == 2 and fn in ("&", "&&", "|", "||"):
            return _junction(fn[0], self.value(args[0]), self.value(args[1]))
        if fn == "!" and len(args) == 1:
            flags = to_logical(self.value(args[0]))
            return ~flags if flags.dtype == bool else np.where(flags < 0, flags, 1 - flags)
        if fn == ":" and len(args) == 2:
            return self.colon(node)
        return self.function(node)

    def colon(self, node: Call) -> Any:
        """``a:b`` of factors is their interaction, of numbers a sequence."""
        left, right = self.value(node.args[0]), self.value(node.args[1])
        if isinstance(left, Factor) and isinstance(right, Factor):
            return FUNCTIONS["interaction"](left, right, sep=":", lex_order=True)
        if isinstance(left, float) and isinstance(right, float):
            return FUNCTIONS["seq"](left, right)
        raise FormulaError(f"{deparse(node)} needs two factors or two numbers", None, node.position)

    def arithmetic(self, op: str, left: Any, right: Any) -> Any:
        columns = None
        for value in (left, right):
            if isinstance(value, Matrix):
                columns = value.columns or columns
        matrix = isinstance(left, Matrix) or isinstance(right, Matrix)
        a, b = _number(left, op), _number(right, op)
        if matrix and a.ndim != b.ndim and a.ndim and b.ndim:
            a, b = (a[:, None], b) if a.ndim == 1 else (a, b[:, None])
        with np.errstate(all="ignore"):
            out = _ARITHMETIC[op](a, b)
        if matrix:
            return Matrix(np.asfortranarray(out), columns)
        return out if out.ndim else float(out)

    def function(self, node: Call) -> Any:
        """A call of a registered function, of a transform with state, or of the user's."""
        name = node.function
        if name in self.env and callable(self.env[name]):
            args, named = self.arguments(node)
            bare = [_to_user(a) for a in args]
            keys = {k: _to_user(v) for k, v in named.items()}
            return _from_user(self.env[name](*bare, **keys), name)
        if name in TRANSFORMS:
            return self.transform(node)
        if name not in FUNCTIONS:
            raise FormulaError(
                f"there is no function {name}() in the formula language; pass your own with env={{{name!r}: function}}",
                None,
                node.position,
            )
        fn = FUNCTIONS[name]
        if name in NEEDS_NODES:
            return fn(self, node)
        args, named = self.arguments(node)
        return _apply(fn, name, args, named, node)

    def transform(self, node: Call) -> Any:
        """poly, ns, bs, scale: fit the state at first sight, use it afterwards."""
        transform, text = TRANSFORMS[node.function], deparse(node)
        args, named = self.arguments(node)
        if self.fitted and text in self.states:
            return transform.apply(self.states[text], *_data_arguments(transform, args, named))
        state, value = _apply(transform.fit, node.function, args, named, node)
        self.states[text] = state
        return value

    def arguments(self, node: Call) -> tuple[list[Any], dict[str, Any]]:
        args, named = [], {}
        for name, arg in zip(node.names, node.args):
            if name is None:
                args.append(self.value(arg))
            else:
                named[name.replace(".", "_")] = self.value(arg)
        return args, named


def _data_arguments(transform: Any, args: list[Any], named: Mapping[str, Any]) -> list[Any]:
    """The arguments of a transform that are data: the leading arrays and ``x``."""
    found = [named["x"]] if "x" in named else []
    for arg in args:
        if isinstance(arg, (Factor, Matrix)) or (isinstance(arg, np.ndarray) and arg.ndim):
            found.append(arg)
    return found if transform.multivariate else found[:1]


def _number(value: Any, op: str) -> np.ndarray:
    if isinstance(value, (Factor, str, tuple)) or value is None:
        raise MereTypeError(f"'{op}' is not meaningful for factors and strings; use == or as.numeric()")
    return value.values if isinstance(value, Matrix) else to_number(value)


def _junction(op: str, left: Any, right: Any) -> np.ndarray:
    """Three-valued and, or."""
    a, b = to_logical(left), to_logical(right)
    if a.dtype == bool and b.dtype == bool:
        return a & b if op == "&" else a | b
    a, b = a.astype(np.int8), b.astype(np.int8)
    decided = (a == 0) | (b == 0) if op == "&" else (a == 1) | (b == 1)
    missing = (a < 0) | (b < 0)
    verdict = np.int8(op == "|")
    return np.where(decided, verdict, np.where(missing, np.int8(-1), np.int8(1) - verdict))


@lru_cache(maxsize=256)
def _parameters(fn: Callable[..., Any]) -> tuple[tuple[str, ...], bool]:
    """The parameters of a function and whether it takes any number of arguments."""
    found = inspect.signature(fn).parameters.values()
    free = any(p.kind is p.VAR_POSITIONAL for p in found)
    return tuple(p.name for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)), free


def _apply(fn: Callable[..., Any], name: str, args: list[Any], named: dict[str, Any], node: Call) -> Any:
    """Call with R's argument matching: exact names, unique beginnings, then places."""
    parameters, free = _parameters(fn)
    chosen = {}
    for key, value in named.items():
        exact = [p for p in parameters if p.rstrip("_") == key]
        matches = exact or [p for p in parameters if p.startswith(key) and not free]
        if len(matches) != 1 and free and name in ("cbind", "c", "data.frame", "interaction"):
            chosen[key] = value
            continue
        if len(matches) != 1:
            raise FormulaError(f"{name}() has no argument {key!r}", None, node.position)
        chosen[matches[0]] = value
    if not free:
        places = [p for p in parameters if p not in chosen]
        if len(args) > len(places):
            message = f"{name}() takes at most {len(parameters)} arguments"
            raise FormulaError(message, None, node.position)
        chosen.update(zip(places, args))
        args = []
    try:
        return fn(*args, **chosen)
    except MereError:
        raise
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise FormulaError(f"{deparse(node)}: {error}") from error


def _to_user(value: Any) -> Any:
    """What a function of the user gets: plain arrays and constants."""
    if isinstance(value, Factor):
        return value.strings()
    return value.values if isinstance(value, Matrix) else value


def _from_user(value: Any, name: str) -> Any:
    """What a function or array of the user is here."""
    if isinstance(value, (Factor, Matrix, bool, str)) or value is None:
        return value
    if isinstance(value, (int, float, np.integer, np.floating)):
        return float(value)
    from_column = _column_of(value, name)
    if from_column is None:
        raise MissingColumnError(f"env={name!r} is neither an array nor a number")
    return from_column


def _column_of(value: Any, name: str) -> Any:
    if callable(value) and not hasattr(value, "__len__"):
        return None
    if isinstance(value, (list, tuple)) and all(isinstance(v, str) for v in value):
        return text_of(value)
    return as_frame({name: value}).column(name)
