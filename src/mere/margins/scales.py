"""Scales of a response: a transform or a link, its inverse, and two derivatives of the inverse.

With h the inverse, a mean on the transformed scale eta becomes h(eta) on the response scale; its
standard error is |h'(eta)| SE (the delta method) and the second-order bias correction adds
h''(eta) sigma^2 / 2.

A new scale is one line of `SCALES`, or a `Scale` of your own wherever the name of one is accepted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from ..errors import MereKeyError, MereTypeError, MereValueError

__all__ = ["SCALES", "Scale", "find_scale", "make_tran"]

Map = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False, repr=False)
class Scale:
    """A scale: ``link`` goes to it, ``inverse`` comes back.

    Attributes
    ----------
    name : str
        As it is printed.
    link, inverse, slope, curvature : callable
        g, h = g^-1, h', h''.
    label : str
        Column name of back-transformed means.
    kind : str
        ``"log"`` and ``"logit"`` make contrasts ratios and odds ratios.
    ratio : str or None
        Column name of back-transformed contrasts.
    valid : callable
        Where eta has an inverse.
    unit : float
        Of a log scale: the log of its base.
    made : tuple or None
        The function that makes such a scale, with its arguments: what is
        pickled in place of the functions.

    Examples
    --------
    >>> import numpy as np
    >>> from mere import Scale
    >>> slope, bend = lambda x: np.cbrt(x) ** -2 / 3, lambda x: -2 / 9 * np.cbrt(x) ** -5
    >>> cube = Scale("cube", lambda mu: mu**3, np.cbrt, slope, bend)
    >>> round(float(cube.back(27.0)), 10)
    3.0
    """

    name: str
    link: Map
    inverse: Map
    slope: Map
    curvature: Map
    label: str = "response"
    kind: str = ""
    ratio: str | None = None
    valid: Callable[[np.ndarray], np.ndarray] | None = None
    unit: float = 1.0
    made: tuple[Any, ...] | None = None

    def __repr__(self) -> str:
        return f"<Scale: {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        if self.made is None:
            return Scale, tuple(getattr(self, f.name) for f in fields(self))
        return _made_again, (self.made, {name: getattr(self, name) for name in _WORDS})

    @property
    def linkfun(self) -> Map:
        """``link`` under R's name."""
        return self.link

    @property
    def linkinv(self) -> Map:
        """``inverse`` under R's name."""
        return self.inverse

    @property
    def mu_eta(self) -> Map:
        """``slope`` under R's name (``mu.eta``)."""
        return self.slope

    def renamed(self, name: str) -> Scale:
        """The same scale under another name."""
        return replace(self, name=name)

    def labelled(self, label: str) -> Scale:
        """The same scale with another name for back-transformed means."""
        return replace(self, label=label)

    def back(self, eta: np.ndarray) -> np.ndarray:
        """h(eta); NaN where there is none."""
        eta = np.asarray(eta, dtype=float)
        with np.errstate(all="ignore"):
            mu = self.inverse(eta)
            return mu if self.valid is None else np.where(self.valid(eta), mu, np.nan)


_WORDS = ("name", "label", "kind", "ratio", "unit")


def _made_again(made: tuple[Any, ...], words: dict[str, Any]) -> Scale:
    """A scale from what made it, under the names that it had."""
    return replace(made[0](*made[1:]), **words)


def _one(x: np.ndarray) -> np.ndarray:
    return np.ones_like(x)


def _zero(x: np.ndarray) -> np.ndarray:
    return np.zeros_like(x)


def _logit_inverse(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def _logistic_slope(x: np.ndarray) -> np.ndarray:
    p = _logit_inverse(x)
    return p * (1 - p)


def _logistic_curvature(x: np.ndarray) -> np.ndarray:
    p = _logit_inverse(x)
    return p * (1 - p) * (1 - 2 * p)


def _normal_cdf(x: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    return ndtr(x)


def _normal_quantile(p: np.ndarray) -> np.ndarray:
    from scipy.special import ndtri

    return ndtri(p)


def _normal_density(x: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)


def log_scale(name: str, unit: float = 1.0) -> Scale:
    """Logs to the base exp(unit)."""
    return Scale(
        name,
        lambda mu: np.log(mu) / unit,
        lambda x: np.exp(x * unit),
        lambda x: unit * np.exp(x * unit),
        lambda x: unit**2 * np.exp(x * unit),
        kind="log",
        ratio="ratio",
        unit=unit,
        made=(log_scale, name, unit),
    )


def _power_scale(name: str, power: float) -> Scale:
    """mu^power; eta must not be negative."""
    q = 1.0 / power
    return Scale(
        name,
        lambda mu: mu**power,
        lambda x: np.maximum(x, 0.0) ** q if q > 0 else x**q,
        lambda x: q * x ** (q - 1),
        lambda x: q * (q - 1) * x ** (q - 2),
        valid=(lambda x: x >= 0) if q > 0 else (lambda x: x > 0),
    )


def _inverse_scale(name: str) -> Scale:
    return Scale(name, lambda mu: 1 / mu, lambda x: 1 / x, lambda x: -(x**-2), lambda x: 2 * x**-3)


def _arcsine(name: str, top: float = 1.0) -> Scale:
    return Scale(
        name,
        lambda mu: np.arcsin(np.sqrt(mu / top)),
        lambda x: top * np.sin(np.clip(x, 0, np.pi / 2)) ** 2,
        lambda x: top * np.sin(2 * x),
        lambda x: 2 * top * np.cos(2 * x),
    )


def _sqrt_scale(name: str) -> Scale:
    return Scale(name, np.sqrt, lambda x: x**2, lambda x: 2 * x, lambda x: 2 * _one(x), valid=lambda x: x >= 0)


def _logit(name: str) -> Scale:
    return Scale(
        name,
        lambda mu: np.log(mu / (1 - mu)),
        _logit_inverse,
        _logistic_slope,
        _logistic_curvature,
        kind="logit",
        ratio="odds.ratio",
    )


SCALES: dict[str, Scale] = {
    "identity": Scale("identity", lambda mu: mu, lambda x: x, _one, _zero),
    "log": log_scale("log"),
    "log10": log_scale("log10", float(np.log(10.0))),
    "log2": log_scale("log2", float(np.log(2.0))),
    "log1p": Scale("log1p", np.log1p, np.expm1, np.exp, np.exp),
    "sqrt": _sqrt_scale("sqrt"),
    "inverse": _inverse_scale("inverse"),
    "1/mu^2": _power_scale("1/mu^2", -2.0),
    "logit": _logit("logit"),
    "probit": Scale("probit", _normal_quantile, _normal_cdf, _normal_density, lambda x: -x * _normal_density(x)),
    "cauchit": Scale(
        "cauchit",
        lambda mu: np.tan(np.pi * (mu - 0.5)),
        lambda x: 0.5 + np.arctan(x) / np.pi,
        lambda x: 1 / (np.pi * (1 + x * x)),
        lambda x: -2 * x / (np.pi * (1 + x * x) ** 2),
    ),
    "cloglog": Scale(
        "cloglog",
        lambda mu: np.log(-np.log1p(-mu)),
        lambda x: -np.expm1(-np.exp(x)),
        lambda x: np.exp(x - np.exp(x)),
        lambda x: np.exp(x - np.exp(x)) * (1 - np.exp(x)),
    ),
    "loglog": Scale(
        "loglog",
        lambda mu: -np.log(-np.log(mu)),
        lambda x: np.exp(-np.exp(-x)),
        lambda x: np.exp(-x - np.exp(-x)),
        lambda x: np.exp(-x - np.exp(-x)) * (np.exp(-x) - 1),
    ),
    "asin(sqrt)": _arcsine("asin(sqrt)"),
    "asinh": Scale("asinh", np.arcsinh, np.sinh, np.cosh, np.sinh),
    "atanh": Scale(
        "atanh",
        np.arctanh,
        np.tanh,
        lambda x: 1 - np.tanh(x) ** 2,
        lambda x: -2 * np.tanh(x) * (1 - np.tanh(x) ** 2),
    ),
    "exp": Scale("exp", np.exp, np.log, lambda x: 1 / x, lambda x: -1 / x**2, valid=lambda x: x > 0),
}
_OTHER_NAMES = {
    "asin.sqrt": "asin(sqrt)", "arcsin": "asin(sqrt)", "log.1p": "log1p", "reciprocal": "inverse",
    "1/mu": "inverse", "clog-log": "cloglog", "none": "identity",
}  # fmt: skip


def find_scale(name: str | Scale) -> Scale:
    """A scale by its name.

    Examples
    --------
    >>> find_scale("log").back([0.0, 1.0]).round(3)
    array([1.   , 2.718])
    """
    if isinstance(name, Scale):
        return name
    key = _OTHER_NAMES.get(name, name)
    if key not in SCALES:
        raise MereKeyError(f"there is no transform {name!r}; there are {', '.join(SCALES)}, and make_tran()")
    return SCALES[key]


for _key in SCALES:
    SCALES[_key] = replace(SCALES[_key], made=(find_scale, _key))


def make_tran(type: str = "genlog", param: Any = 1.0, y: Any = None) -> Scale:
    """A response transform with parameters (emmeans' ``make.tran``).

    ==============  =========================================================
    ``genlog``      log(y + p); with ``[p, b]`` to the base b
    ``power``       y^p, log(y) for p = 0
    ``boxcox``      ((y - b)^p - 1) / p with ``[p, b]``, log(y - b) for p = 0
    ``sympower``    sign(y - b) abs(y - b)^p with ``[p, b]``
    ``asin.sqrt``   asin(sqrt(y / p)); p is the largest possible value
    ``atanh``       atanh(y / p)
    ``scale``       (y - mean) / SD with ``[mean, SD]``, or those of `y`
    ==============  =========================================================

    Parameters
    ----------
    type : str
    param : float or pair of float
        The parameter(s) p (and b) above.
    y : array, optional
        For ``"scale"``.

    Returns
    -------
    Scale
        For ``tran=`` of `update` and `ref_grid`, and `regrid`.

    References
    ----------
    Box and Cox (1964), An analysis of transformations, JRSS B 26.

    Examples
    --------
    >>> from mere import make_tran
    >>> half = make_tran("power", 0.5)
    >>> float(half.link(9.0)), float(half.back(3.0))
    (3.0, 9.0)
    """
    if not isinstance(type, str):
        raise MereTypeError(f"make_tran: type must be the name of a transform such as 'power', not {type!r:.60}")
    if type == "scale" and y is not None:
        values = np.asarray(y, dtype=float)
        param = (float(values.mean()), float(values.std(ddof=1)))
    numbers = [float(v) for v in np.atleast_1d(param)]
    p, b = numbers[0], (numbers[1] if len(numbers) > 1 else None)
    if type not in _MAKERS:
        raise MereValueError(f"type must be one of {', '.join(_MAKERS)}, not {type!r}")
    return replace(_MAKERS[type](p, b), made=(make_tran, type, numbers))


def _g(x: float) -> str:
    return f"{x:.3g}"


def _genlog(p: float, base: float | None) -> Scale:
    unit = 1.0 if base is None else float(np.log(base))
    name = f"log(mu + {_g(p)})" if base is None else f"log(mu + {_g(p)}, base {_g(base)})"
    if p == 0 and base is None:
        return SCALES["log"]
    return Scale(
        name,
        lambda mu: np.log(mu + p) / unit,
        lambda x: np.exp(x * unit) - p,
        lambda x: unit * np.exp(x * unit),
        lambda x: unit**2 * np.exp(x * unit),
        kind="log",
        ratio="ratio",
        unit=unit,
    )


def _power(p: float, origin: float | None) -> Scale:
    b = origin or 0.0
    if p == 0:
        return SCALES["log"] if b == 0 else _genlog(-b, None)
    name = f"(mu - {_g(b)})^{_g(p)}" if b else f"mu^{_g(p)}"
    return _moved(_power_scale(name, p), b)


def _moved(scale: Scale, b: float) -> Scale:
    """The scale of mu - b."""
    if b == 0:
        return scale
    return replace(scale, link=lambda mu: scale.link(mu - b), inverse=lambda x: scale.inverse(x) + b)


def _boxcox(p: float, origin: float | None) -> Scale:
    b = origin or 0.0
    if p == 0:
        return _power(0.0, b)
    q = 1 / p
    inside = f"(mu - {_g(b)})" if b else "mu"
    scale = Scale(
        f"Box-Cox (lambda = {_g(p)})" + (f" of {inside}" if b else ""),
        lambda mu: (mu**p - 1) / p,
        lambda x: (p * x + 1) ** q,
        lambda x: (p * x + 1) ** (q - 1),
        lambda x: (1 - p) * (p * x + 1) ** (q - 2),
        valid=lambda x: p * x + 1 > 0,
    )
    return _moved(scale, b)


def _sympower(p: float, origin: float | None) -> Scale:
    b, q = origin or 0.0, 1 / p
    scale = Scale(
        f"symmetric power {_g(p)}",
        lambda mu: np.sign(mu) * np.abs(mu) ** p,
        lambda x: np.sign(x) * np.abs(x) ** q,
        lambda x: q * np.abs(x) ** (q - 1),
        lambda x: np.sign(x) * q * (q - 1) * np.abs(x) ** (q - 2),
    )
    return _moved(scale, b)


def _atanh(p: float, _: float | None) -> Scale:
    own = SCALES["atanh"]
    return Scale(
        f"atanh(mu/{_g(p)})" if p != 1 else "atanh",
        lambda mu: own.link(mu / p),
        lambda x: p * own.inverse(x),
        lambda x: p * own.slope(x),
        lambda x: p * own.curvature(x),
    )


def _standardized(p: float, sd: float | None) -> Scale:
    s = 1.0 if sd is None else sd
    return Scale(
        f"scale({_g(p)}, {_g(s)})",
        lambda mu: (mu - p) / s,
        lambda x: p + s * x,
        lambda x: s * _one(x),
        _zero,
    )


_MAKERS: dict[str, Callable[[float, float | None], Scale]] = {
    "genlog": _genlog,
    "power": _power,
    "boxcox": _boxcox,
    "sympower": _sympower,
    "asin.sqrt": lambda p, _: _arcsine("asin(sqrt)" if p == 1 else f"asin(sqrt(mu/{_g(p)}))", p),
    "atanh": _atanh,
    "scale": _standardized,
}
