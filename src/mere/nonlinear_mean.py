"""The mean of a nonlinear model: an expression in parameters and covariates, with its derivatives.

The expression is turned once into a tree of small functions that carry value and derivatives by the parameters (forward
mode); what does not depend on parameters is evaluated once. Self-starting models, and functions of the user, bring
their own derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from scipy.special import expit, ndtr

from .errors import FormulaError, MereTypeError, MereValueError
from .frame import Factor, Matrix, as_frame
from .language.evaluate import Evaluator
from .language.syntax import Call, Constant, Name, Node, deparse, names_in
from .selfstarts import SELF_STARTS, SelfStart

__all__ = ["NonlinearMean", "find_self_start"]

Dual: TypeAlias = tuple[Any, dict[int, Any]]  # value; derivative by each parameter it depends on
Step: TypeAlias = Callable[[np.ndarray], Dual]

_STEP = 6e-6  # of central differences: the cube root of the machine epsilon
# function -> value and derivative
_FUNCTIONS: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "exp": lambda v: (np.exp(v), np.exp(v)),
    "expm1": lambda v: (np.expm1(v), np.exp(v)),
    "log": lambda v: (np.log(v), 1 / v),
    "log1p": lambda v: (np.log1p(v), 1 / (1 + v)),
    "log2": lambda v: (np.log2(v), 1 / (v * np.log(2))),
    "log10": lambda v: (np.log10(v), 1 / (v * np.log(10))),
    "sqrt": lambda v: (np.sqrt(v), 0.5 / np.sqrt(v)),
    "sin": lambda v: (np.sin(v), np.cos(v)),
    "cos": lambda v: (np.cos(v), -np.sin(v)),
    "tan": lambda v: (np.tan(v), 1 / np.cos(v) ** 2),
    "sinh": lambda v: (np.sinh(v), np.cosh(v)),
    "cosh": lambda v: (np.cosh(v), np.sinh(v)),
    "tanh": lambda v: (np.tanh(v), 1 / np.cosh(v) ** 2),
    "atan": lambda v: (np.arctan(v), 1 / (1 + v**2)),
    "plogis": lambda v: (expit(v), expit(v) * expit(-v)),
    "pnorm": lambda v: (ndtr(v), np.exp(-(v**2) / 2) / np.sqrt(2 * np.pi)),
    "dnorm": lambda v: (
        np.exp(-(v**2) / 2) / np.sqrt(2 * np.pi),
        -v * np.exp(-(v**2) / 2) / np.sqrt(2 * np.pi),
    ),
}


_MOST_ROWS = 20_000  # of differences that are evaluated together: more gain nothing


class NonlinearMean:
    """f(phi) over rows of data, and its gradient.

    Parameters
    ----------
    node : Node
        The expression.
    parameters : sequence of str
    data : table
        The covariates.
    env : mapping, optional
        Functions, `SelfStart` models and numbers of the user.

    Examples
    --------
    >>> from mere.language.parser import parse_expression
    >>> f = NonlinearMean(parse_expression("a * exp(-k * x)"), ("a", "k"), {"x": [0.0, 1.0]})
    >>> f(np.array([[2.0, 1.0], [2.0, 1.0]]))[1].round(4)
    array([[ 1.    , -0.    ],
           [ 0.3679, -0.7358]])
    """

    def __init__(self, node: Node, parameters: Any, data: Any, env: Mapping[str, Any] | None = None):
        self.node, self.parameters, self.data, self.env = node, tuple(parameters), data, dict(env or {})
        self.frame = as_frame(data)
        self.n, self.place = self.frame.nrow, {name: j for j, name in enumerate(self.parameters)}
        bare = {k: v for k, v in self.env.items() if not isinstance(v, SelfStart)}
        self._evaluator = Evaluator(self.frame, {}, bare)
        self._root = self._compile(node)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.node, self.parameters, self.data, self.env)

    def at(self, data: Any) -> NonlinearMean:
        """The same mean at other rows."""
        return type(self)(self.node, self.parameters, data, self.env)

    def __call__(self, phi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values (n,) and gradient (n, s) at the parameters phi (n, s) of each row."""
        with np.errstate(all="ignore"):
            value, slopes = self._root(phi)
            mean = np.empty(self.n)
            mean[:] = value
            G = np.zeros(phi.shape)
            for j, slope in slopes.items():
                G[:, j] = slope
        return mean, G

    def second(self, phi: np.ndarray) -> np.ndarray:
        """Second derivatives (n, s, s), by central differences of the gradient."""
        n, s = phi.shape
        steps = 1e-4 * np.maximum(np.abs(phi).mean(axis=0), 1e-3)
        moved = phi + np.array([1.0, -1.0])[:, None, None, None] * np.diag(steps)[:, None, :]  # (2, s, n, s)
        if self._repeated is None:
            slopes = np.array([[self(x)[1] for x in side] for side in moved])
        else:
            slopes = self._repeated(moved.reshape(-1, s))[1].reshape(2, s, n, s)
        out = (slopes[0] - slopes[1]) / (2 * steps[:, None, None])
        return np.asarray(out.transpose(1, 2, 0) + out.transpose(1, 0, 2)) / 2

    @cached_property
    def _repeated(self) -> NonlinearMean | None:
        """The mean with the rows repeated for all differences at once, where nothing of the user's may count them."""
        copies = 2 * len(self.parameters)
        if self.env or self.n * copies > _MOST_ROWS:
            return None
        columns: dict[str, np.ndarray] = {}
        for name in names_in(self.node):
            column = self.frame.column(name) if name in self.frame else None
            if isinstance(column, np.ndarray):
                columns[name] = np.tile(column, copies)
        return type(self)(self.node, self.parameters, columns) if columns else None

    # -- compilation ---------------------------------------------------------
    def _free(self, node: Node) -> bool:
        return any(name in self.place for name in names_in(node))

    def _compile(self, node: Node) -> Step:
        if not self._free(node):
            value = self._constant(node)
            return lambda phi: (value, {})
        if isinstance(node, Name):
            j = self.place[node.name]
            return lambda phi: (phi[:, j], {j: 1.0})
        assert isinstance(node, Call)
        fn = node.function
        if fn in ("(", "I") and len(node.args) == 1:
            return self._compile(node.args[0])
        model = self.env.get(fn, SELF_STARTS.get(fn))
        if isinstance(model, SelfStart):
            return self._self_start(node, model)
        if fn in self.env and callable(self.env[fn]):
            return self._function(node, self.env[fn])
        args = [self._compile(a) for a in node.args]
        if fn in _OPERATORS and len(args) == 2:
            operator = _OPERATORS[fn]
            return lambda phi: operator(args[0](phi), args[1](phi))
        if fn in ("-", "+") and len(args) == 1:
            sign = -1.0 if fn == "-" else 1.0
            return lambda phi: _chain(args[0](phi), lambda v: (sign * v, sign))
        if fn in _FUNCTIONS and len(args) == 1:
            return lambda phi: _chain(args[0](phi), _FUNCTIONS[fn])
        known = ", ".join([*_FUNCTIONS, *SELF_STARTS])
        raise FormulaError(
            f"no derivative of {fn}() by a parameter is known, only of {known}; pass a function of your own with "
            f"env={{{fn!r}: function}}",
            None,
            node.position,
        )

    def _constant(self, node: Node) -> Any:
        if isinstance(node, Constant) and not isinstance(node.value, (int, float)):
            raise FormulaError(f"{deparse(node)} is not a number", None, node.position)
        value = self._evaluator.value(node)
        if isinstance(value, (Factor, Matrix, str)) or value is None:
            raise MereTypeError(f"{deparse(node)} must be a numeric column to be part of the nonlinear mean")
        return np.asarray(value, dtype=np.float64) if isinstance(value, np.ndarray) else float(value)

    def _ordered(self, node: Call, names: tuple[str, ...]) -> list[Node]:
        """Arguments by name, then by place."""
        found = {k: a for k, a in zip(node.names, node.args, strict=True) if k is not None}
        rest = iter([a for k, a in zip(node.names, node.args, strict=True) if k is None])
        unknown = [k for k in found if k not in names]
        ordered = [found[k] if k in found else next(rest, None) for k in names]
        if unknown or None in ordered or next(rest, None) is not None:
            raise FormulaError(f"{node.fn}() takes {', '.join(names)}", None, node.position)
        return [a for a in ordered if a is not None]

    def _self_start(self, node: Call, model: SelfStart) -> Step:
        arguments = self._ordered(node, (*model.inputs, *model.parameters))
        n_inputs, n = len(model.inputs), self.n
        for a in arguments[:n_inputs]:
            if self._free(a):
                raise FormulaError(f"{model.name}(): {deparse(a)} must be data, not a parameter", None, node.position)
        inputs = [np.broadcast_to(self._constant(a), n) for a in arguments[:n_inputs]]
        if all(isinstance(a, Name) and a.name in self.place for a in arguments[n_inputs:]):
            places = [self.place[a.name] for a in arguments[n_inputs:] if isinstance(a, Name)]
            if len(set(places)) == len(places):

                def direct(phi: np.ndarray) -> Dual:
                    value, slopes = model.evaluate(*inputs, *(phi[:, j] for j in places))
                    return value, dict(zip(places, slopes, strict=True))

                return direct
        steps = [self._compile(a) for a in arguments[n_inputs:]]

        def composed(phi: np.ndarray) -> Dual:
            parts = [step(phi) for step in steps]
            value, slopes = model.evaluate(*inputs, *(np.broadcast_to(v, n) for v, _ in parts))
            return value, _total(parts, slopes)

        return composed

    def _function(self, node: Call, function: Callable[..., Any]) -> Step:
        """A function of the user: it returns the mean, or (mean, gradient by its free arguments in order)."""
        free = [self._free(a) for a in node.args]
        steps = [self._compile(a) for a in node.args]
        keys, n, name = node.names, self.n, node.fn

        def call(values: list[Any]) -> Any:
            places = [v for k, v in zip(keys, values, strict=True) if k is None]
            named = {k: v for k, v in zip(keys, values, strict=True) if k is not None}
            return function(*places, **named)

        def step(phi: np.ndarray) -> Dual:
            parts = [s(phi) for s in steps]
            values = [np.array(np.broadcast_to(v, n)) if f else v for (v, _), f in zip(parts, free, strict=True)]
            out = call(values)
            moving = [i for i, f in enumerate(free) if f]
            if isinstance(out, tuple):
                G = np.asarray(out[1], dtype=np.float64)
                if G.shape != (n, len(moving)):
                    raise MereValueError(f"{name}() must return a gradient of shape {(n, len(moving))}, not {G.shape}")
                return _rows(out[0], n, name), _total([parts[i] for i in moving], list(G.T))
            slopes = []
            for i in moving:
                h = _STEP * np.maximum(np.abs(values[i]), 1e-3)
                high = call([*values[:i], values[i] + h, *values[i + 1 :]])
                low = call([*values[:i], values[i] - h, *values[i + 1 :]])
                slopes.append((_rows(high, n, name) - _rows(low, n, name)) / (2 * h))
            return _rows(out, n, name), _total([parts[i] for i in moving], slopes)

        return step


def find_self_start(node: Node, env: Mapping[str, Any] | None = None) -> SelfStart | None:
    """The self-starting model that the expression is a call of."""
    if not isinstance(node, Call):
        return None
    model = (env or {}).get(node.function, SELF_STARTS.get(node.function))
    return model if isinstance(model, SelfStart) else None


def _rows(value: Any, n: int, name: str) -> np.ndarray:
    out = np.asarray(value, dtype=np.float64)
    if out.shape not in ((), (n,)):
        raise MereValueError(f"{name}() must return {n} values, one a row, not an array of shape {out.shape}")
    return out


# -- derivatives -------------------------------------------------------------
def _total(parts: list[Dual], slopes: Any) -> dict[int, Any]:
    out: dict[int, Any] = {}
    for (_, inner), slope in zip(parts, slopes, strict=True):
        for j, d in inner.items():
            out[j] = out[j] + slope * d if j in out else slope * d
    return out


def _chain(part: Dual, f: Callable[[Any], tuple[Any, Any]]) -> Dual:
    value, slope = f(part[0])
    return value, {j: slope * d for j, d in part[1].items()}


def _plus(a: Dual, b: Dual) -> Dual:
    return a[0] + b[0], _total([a, b], (1.0, 1.0))


def _minus(a: Dual, b: Dual) -> Dual:
    return a[0] - b[0], _total([a, b], (1.0, -1.0))


def _times(a: Dual, b: Dual) -> Dual:
    return a[0] * b[0], _total([a, b], (b[0], a[0]))


def _over(a: Dual, b: Dual) -> Dual:
    value = a[0] / b[0]
    return value, _total([a, b], (1 / b[0], -value / b[0]))


def _power(a: Dual, b: Dual) -> Dual:
    value = a[0] ** b[0]
    by_base = b[0] * a[0] ** (b[0] - 1) if a[1] else 0.0
    by_exponent = value * np.log(np.where(a[0] > 0, a[0], 1.0)) if b[1] else 0.0
    return value, _total([a, b], (by_base, by_exponent))


_OPERATORS: dict[str, Callable[[Dual, Dual], Dual]] = {"+": _plus, "-": _minus, "*": _times, "/": _over, "^": _power}
