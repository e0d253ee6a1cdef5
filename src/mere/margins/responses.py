"""The scale of a transformed response, read from its expression.

``log(y)``, ``sqrt(y + 0.5)``, ``2 * sqrt(y)``, ``asin(sqrt(y / 100))``: any composition of known functions
and arithmetic with constants has an inverse, and its derivatives follow by the chain rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..language.parser import parse_expression
from ..language.syntax import Call, Constant, Name, Node, deparse
from .scales import SCALES, Scale, make_tran

__all__ = ["response_scale"]

Map = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class _Step:
    """One function of the composition: its inverse with two derivatives."""

    link: Map
    inverse: Map
    slope: Map
    curvature: Map


_FUNCTIONS = {
    "log": "log", "log10": "log10", "log2": "log2", "log1p": "log1p", "sqrt": "sqrt", "exp": "exp", "logit": "logit",
    "qlogis": "logit", "probit": "probit", "qnorm": "probit", "cloglog": "cloglog", "asinh": "asinh", "atanh": "atanh",
    "reciprocal": "inverse", "inverse": "inverse", "cauchit": "cauchit",
}  # fmt: skip


def response_scale(node: Node | None, design: Any = None) -> Scale | None:
    """The scale of a response, None for the identity or what cannot be inverted.

    Examples
    --------
    >>> from mere.language.parser import parse_expression
    >>> scale = response_scale(parse_expression("log(y + 2)"))
    >>> scale.name, round(float(scale.back(scale.link(5.0))), 10)
    ('log(mu + 2)', 5.0)
    """
    if node is None or isinstance(node, Name):
        return None
    inner = _unwrapped(node)
    if isinstance(inner, Name):
        return None
    if isinstance(inner, Call) and inner.function == "scale":
        return _scaled(inner, design)
    steps: list[_Step] = []
    if not _walk(inner, steps):
        return None
    scale = _simple(inner) or _composed(_name(inner), steps)
    return scale if scale.made is not None else replace(scale, made=(_of_text, deparse(inner)))


def _of_text(text: str) -> Scale | None:
    """The scale of a response from its text: a pickled scale is made again so."""
    return response_scale(parse_expression(text))


def _unwrapped(node: Node) -> Node:
    while isinstance(node, Call) and node.fn in ("(", "I") and len(node.args) == 1:
        node = node.args[0]
    return node


def _simple(node: Node) -> Scale | None:
    """The forms with a name of their own in R: a function of y, or of y plus a constant."""
    if not isinstance(node, Call):
        return None
    if node.function in ("asin", "arcsin") and len(node.args) == 1:
        inner = _unwrapped(node.args[0])
        if isinstance(inner, Call) and inner.function == "sqrt" and isinstance(_unwrapped(inner.args[0]), Name):
            return SCALES["asin(sqrt)"]
        return None
    if node.function not in _FUNCTIONS or len(node.args) != 1:
        return None
    scale, inner = SCALES[_FUNCTIONS[node.function]], _unwrapped(node.args[0])
    if isinstance(inner, Name):
        return scale
    if node.function == "log" and isinstance(inner, Call) and inner.is_binary("+", "-"):
        number = _number(inner.args[1])
        if number is not None and isinstance(_unwrapped(inner.args[0]), Name):
            return make_tran("genlog", number if inner.fn == "+" else -number)
    if scale.ratio is not None and _proportional(inner):
        steps: list[_Step] = []
        _walk(node, steps)
        made = _composed(node.function, steps)
        return Scale(scale.name, made.link, made.inverse, made.slope, made.curvature, kind=scale.kind,
                     ratio=scale.ratio, unit=scale.unit)  # fmt: skip
    return None


def _proportional(node: Node) -> bool:
    """Is it y times or divided by a constant: ratios are then the same."""
    node = _unwrapped(node)
    if isinstance(node, Name):
        return True
    if isinstance(node, Call) and node.is_binary("*", "/"):
        left, right = node.args
        if _number(right) is not None:
            return _proportional(left)
        return node.fn == "*" and _number(left) is not None and _proportional(right)
    return False


def _name(node: Node) -> str:
    text = deparse(node)
    found = _variable(node)
    if isinstance(node, Call) and node.fn == "*" and _number(node.args[0]) is not None:
        inner = _unwrapped(node.args[1])
        if isinstance(inner, Call) and len(inner.args) == 1 and isinstance(inner.args[0], Name):
            return f"{deparse(node.args[0])}*{inner.fn}"
    return text if found is None else text.replace(found, "mu")


def _variable(node: Node) -> str | None:
    if isinstance(node, Name):
        return node.name
    if isinstance(node, Call):
        for arg in node.args:
            found = _variable(arg)
            if found is not None:
                return found
    return None


def _number(node: Node) -> float | None:
    node = _unwrapped(node)
    if isinstance(node, Name):
        return float(np.pi) if node.name == "pi" else None
    if isinstance(node, Constant):
        return float(node.value) if isinstance(node.value, (int, float)) and not isinstance(node.value, bool) else None
    if len(node.args) == 1 and node.fn in "+-":
        value = _number(node.args[0])
        return None if value is None else (-value if node.fn == "-" else value)
    if len(node.args) == 2 and node.fn in "+-*/^":
        a, b = _number(node.args[0]), _number(node.args[1])
        if a is None or b is None:
            return None
        return {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else None, "^": a**b}[node.fn]
    return None


def _walk(node: Node, steps: list[_Step]) -> bool:
    """The functions from the outside in; False where one is not known."""
    node = _unwrapped(node)
    if isinstance(node, Name):
        return True
    if not isinstance(node, Call):
        return False
    if len(node.args) == 1 and node.fn == "-":
        steps.append(_affine(-1.0, 0.0))
        return _walk(node.args[0], steps)
    if len(node.args) == 1 and node.function == "asin":
        steps.append(_Step(np.arcsin, np.sin, np.cos, lambda x: -np.sin(x)))
        return _walk(node.args[0], steps)
    if len(node.args) == 1 and node.function in _FUNCTIONS:
        own = SCALES[_FUNCTIONS[node.function]]
        steps.append(_Step(own.link, own.back, own.slope, own.curvature))
        return _walk(node.args[0], steps)
    if node.function == "log" and len(node.args) == 2:
        base = _number(node.args[1])
        if base is None or base <= 0:
            return False
        own = make_tran("genlog", [0.0, base])
        steps.append(_Step(own.link, own.back, own.slope, own.curvature))
        return _walk(node.args[0], steps)
    return _arithmetic(node, steps)


def _arithmetic(node: Call, steps: list[_Step]) -> bool:
    """y and a constant under + - * / ^."""
    if len(node.args) != 2 or node.fn not in ("+", "-", "*", "/", "^"):
        return False
    left, right = node.args
    a, b = _number(left), _number(right)
    if b is not None:
        if node.fn in ("*", "/", "^") and b == 0:
            return False
        if node.fn == "^":
            own = make_tran("power", b)
            steps.append(_Step(own.link, own.back, own.slope, own.curvature))
        else:
            steps.append(
                {"+": _affine(1, b), "-": _affine(1, -b), "*": _affine(b, 0), "/": _affine(1 / b if b else 1, 0)}[
                    node.fn
                ]
            )
        return _walk(left, steps)
    if a is None or (a == 0 and node.fn in "*/") or node.fn == "^":
        return False
    if node.fn == "/":
        own = SCALES["inverse"]
        steps.extend([_affine(a, 0), _Step(own.link, own.back, own.slope, own.curvature)])
    else:
        steps.append({"+": _affine(1, a), "-": _affine(-1, a), "*": _affine(a, 0)}[node.fn])
    return _walk(right, steps)


def _affine(a: float, b: float) -> _Step:
    return _Step(
        lambda y: a * y + b,
        lambda x: (np.asarray(x, dtype=float) - b) / a,
        lambda x: np.full(np.shape(x), 1 / a),
        lambda x: np.zeros(np.shape(x)),
    )


def _composed(name: str, steps: list[_Step]) -> Scale:
    """The inverse of a composition, outermost function first, with its derivatives."""

    def link(mu: np.ndarray) -> np.ndarray:
        for step in reversed(steps):
            mu = step.link(mu)
        return mu

    def through(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        x = np.asarray(x, dtype=float)
        first, second = np.ones_like(x), np.zeros_like(x)
        with np.errstate(all="ignore"):
            for step in steps:
                s, c = step.slope(x), step.curvature(x)
                first, second = s * first, c * first**2 + s * second
                x = step.inverse(x)
        return x, first, second

    return Scale(name, link, lambda x: through(x)[0], lambda x: through(x)[1], lambda x: through(x)[2])


def _scaled(node: Call, design: Any) -> Scale | None:
    """``scale(y)``: its centre and spread are those of the fit."""
    state = None if design is None else design.frame.states.get(deparse(node))
    if state is None:
        return None
    centre = np.atleast_1d(np.asarray(state.center if state.center is not None else 0.0, dtype=float))
    spread = np.atleast_1d(np.asarray(state.scale if state.scale is not None else 1.0, dtype=float))
    return make_tran("scale", [float(centre[0]), float(spread[0])])
