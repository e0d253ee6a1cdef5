"""What a nonlinear mean with a start of its own is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import MereValueError

__all__ = ["SelfStart", "line", "pooled_least_squares", "sorted_means"]


@dataclass(frozen=True, eq=False, repr=False)
class SelfStart:
    """A mean f(inputs, parameters) that knows its gradient, and a start from data.

    Called as a function it gives values: ``SSlogis(x, 200, 700, 350)``.

    Attributes
    ----------
    name : str
    inputs, parameters : tuple of str
        The arguments: inputs first.
    evaluate : callable
        ``evaluate(*inputs, *parameters)`` → values and a list of their derivatives by each parameter; all arguments
        are arrays of one length.
    candidates : callable
        ``candidates(*inputs, y)`` → a list of parameter vectors; least squares starts from the best of them.
    text : str
        The formula of the mean.

    Notes
    -----
    The models are R's: `SSlogis`, `SSfpl`, `SSmicmen`, `SSasymp`, `SSasympOff`, `SSasympOrig`, `SSbiexp`, `SSfol`,
    `SSgompertz`, `SSweibull`. An object of your own goes to `nlmer` by ``env={"name": it}``.

    Examples
    --------
    >>> from mere import SSfpl, SSlogis
    >>> SSlogis([0.0, 725.0], 200, 725, 350).round(3)
    array([ 22.381, 100.   ])
    >>> SSfpl
    <SSfpl(input, A, B, xmid, scal): A + (B - A)/(1 + exp((xmid - input)/scal))>
    """

    name: str
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    evaluate: Callable[..., tuple[np.ndarray, list[Any]]]
    candidates: Callable[..., list[Any]]
    text: str = ""

    def __call__(self, *args: Any) -> np.ndarray:
        return self._at(args)[0]

    def __repr__(self) -> str:
        return f"<{self.name}({', '.join([*self.inputs, *self.parameters])}): {self.text}>"

    def __reduce__(self) -> Any:
        from . import SELF_STARTS

        if SELF_STARTS.get(self.name) is self:
            return _registered, (self.name,)
        return type(self), (self.name, self.inputs, self.parameters, self.evaluate, self.candidates, self.text)

    def _at(self, args: Any) -> tuple[np.ndarray, list[Any]]:
        if len(args) != len(self.inputs) + len(self.parameters):
            raise MereValueError(f"{self.name}() takes {', '.join([*self.inputs, *self.parameters])}")
        arrays = np.broadcast_arrays(*[np.asarray(a, dtype=np.float64) for a in args])
        with np.errstate(all="ignore"):
            return self.evaluate(*arrays)

    def gradient(self, *args: Any) -> np.ndarray:
        """Derivatives by the parameters, with the parameters as the last axis.

        Examples
        --------
        >>> from mere import SSlogis
        >>> SSlogis.gradient([725.0], 200, 725, 350).round(4)
        array([[ 0.5   , -0.1429, -0.    ]])
        """
        value, slopes = self._at(args)
        return np.stack([np.broadcast_to(s, value.shape) for s in slopes], axis=-1)

    def start(self, *inputs_and_y: Any) -> dict[str, float]:
        """Parameters that fit all rows at once by least squares: ``start(x, y)``.

        Examples
        --------
        >>> from mere import SSlogis
        >>> from mere.datasets import Orange
        >>> {k: round(v, 1) for k, v in SSlogis.start(Orange["age"], Orange["circumference"]).items()}
        {'Asym': 192.7, 'xmid': 728.8, 'scal': 353.5}
        """
        if len(inputs_and_y) != len(self.inputs) + 1:
            raise MereValueError(f"{self.name}.start() takes {', '.join(self.inputs)} and the response")
        *inputs, y = (np.asarray(a, dtype=np.float64) for a in inputs_and_y)

        def f(par: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            with np.errstate(all="ignore"):
                value, slopes = self.evaluate(*inputs, *(np.full(len(y), p) for p in par))
            return value, np.stack([np.broadcast_to(s, value.shape) for s in slopes], axis=-1)

        with np.errstate(all="ignore"):
            first = [np.asarray(c, dtype=np.float64) for c in self.candidates(*inputs, y)]
        best = pooled_least_squares(f, y, first)
        if best is None:
            raise MereValueError(f"{self.name} finds no start for these data: give start={{...}}")
        return dict(zip(self.parameters, best.tolist(), strict=True))


def _registered(name: str) -> SelfStart:
    from . import SELF_STARTS

    return SELF_STARTS[name]


def pooled_least_squares(f: Callable[..., Any], y: np.ndarray, starts: list[np.ndarray]) -> np.ndarray | None:
    """The best of the Levenberg-Marquardt fits from several starts; None if none is finite."""
    best, lowest = None, np.inf
    for start in starts:
        if not np.isfinite(start).all():
            continue
        par, value = _levenberg(f, y, start)
        if value < lowest:
            best, lowest = par, value
    return best


def _levenberg(f: Callable[..., Any], y: np.ndarray, par: np.ndarray) -> tuple[np.ndarray, float]:
    mean, G = f(par)
    rss, damping = float(np.sum((y - mean) ** 2)), 1e-3
    if not np.isfinite(rss) or not np.isfinite(G).all():
        return par, np.inf
    for _ in range(200):
        A, slope = G.T @ G, G.T @ (y - mean)
        D = np.diag(np.maximum(np.diag(A), 1e-12 * np.diag(A).max() + 1e-300))
        step = np.linalg.lstsq(A + damping * D, slope, rcond=None)[0]
        trial = f(par + step)
        value = float(np.sum((y - trial[0]) ** 2))
        if np.isfinite(value) and np.isfinite(trial[1]).all() and value <= rss:
            done = rss - value <= 1e-12 * rss
            par, (mean, G), rss, damping = par + step, trial, value, damping / 10
            if done:
                break
        else:
            damping *= 10
            if damping > 1e12:
                break
    return par, rss


def sorted_means(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct x in order, and the mean of y at each."""
    points, index = np.unique(x, return_inverse=True)
    return points, np.bincount(index, y) / np.bincount(index)


def line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Intercept and slope of the least-squares line through the finite points."""
    ok = np.isfinite(x) & np.isfinite(y)
    if ok.sum() < 2:
        return float("nan"), float("nan")
    slope, intercept = np.polyfit(x[ok], y[ok], 1)
    return float(intercept), float(slope)
