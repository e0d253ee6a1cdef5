"""Coordinates in which one quantity of a generalized mixed model is held: x = x(value, z), z all that is free.

x holds the terms' parameters and the fixed effects. Where T is the relative factor of an unstructured term, with the
columns of interest first, a standard deviation is T_11, a correlation that of the row (T_21, T_22) = r (rho, sqrt(1 -
rho^2)), and a covariance T_11 T_21.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

__all__ = ["Chart", "Coordinate", "Correlation", "Covariance"]


def _less(x: np.ndarray, i: int) -> np.ndarray:
    """x without position i."""
    return np.concatenate((x[:i], x[i + 1 :]))


def _more(z: np.ndarray, i: int, value: float) -> np.ndarray:
    """z with a value put in at position i."""
    return np.concatenate((z[:i], (value,), z[i:]))


class Chart(Protocol):
    """One quantity and the rest."""

    @property
    def without(self) -> int:
        """The position of x that z has not."""
        ...

    def proper(self, z: np.ndarray) -> bool:
        """Is the value at z that of the quantity, and not its opposite?"""
        ...

    def split(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """The value and z at x."""
        ...

    def join(self, value: float, z: np.ndarray) -> np.ndarray:
        """x."""
        ...

    def slopes(self, value: float, z: np.ndarray, gradient: np.ndarray) -> tuple[float, np.ndarray]:
        """The derivatives by the value and by z, from the gradient by x."""
        ...


@dataclass(frozen=True)
class Coordinate:
    """A coordinate of x itself.

    Examples
    --------
    >>> value, z = Coordinate(1).split(np.array([1.0, 2.0, 3.0]))
    >>> value, z
    (2.0, array([1., 3.]))
    """

    i: int

    @property
    def without(self) -> int:
        return self.i

    def proper(self, z: np.ndarray) -> bool:
        return True

    def split(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        return float(x[self.i]), _less(x, self.i)

    def join(self, value: float, z: np.ndarray) -> np.ndarray:
        return _more(z, self.i, value)

    def slopes(self, value: float, z: np.ndarray, gradient: np.ndarray) -> tuple[float, np.ndarray]:
        return float(gradient[self.i]), _less(gradient, self.i)


@dataclass(frozen=True)
class Correlation:
    """The correlation of x[a] to the row (x[a], x[b]), x[d] the other diagonal; z has the row's length for x[a].

    Examples
    --------
    >>> value, z = Correlation(0, 1, 2).split(np.array([7.0, 3.0, 4.0]))
    >>> value, z
    (0.6, array([7., 5.]))
    """

    d: int
    a: int
    b: int

    @property
    def without(self) -> int:
        return self.b

    def proper(self, z: np.ndarray) -> bool:
        return bool(z[self.d] * z[self.a] >= 0)  # they change sign at zero, and the correlation with them

    def split(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        length = math.hypot(x[self.a], x[self.b])
        z = x.copy()
        z[self.a] = length
        return float(x[self.a] / length), _less(z, self.b)

    def join(self, value: float, z: np.ndarray) -> np.ndarray:
        x = _more(z, self.b, 0.0)
        length = x[self.a]
        x[self.a], x[self.b] = length * value, length * math.sqrt(max(1 - value**2, 0.0))
        return x

    def slopes(self, value: float, z: np.ndarray, gradient: np.ndarray) -> tuple[float, np.ndarray]:
        rest = math.sqrt(max(1 - value**2, 0.0))
        a, b, length = gradient[self.a], gradient[self.b], z[self.a]
        out = gradient.copy()
        out[self.a] = value * a + rest * b
        by_value = length * (a - b * value / rest) if rest > 0 else math.nan
        return float(by_value), _less(out, self.b)


@dataclass(frozen=True)
class Covariance:
    """The product x[d] x[a], d before a; z has no x[a].

    Examples
    --------
    >>> value, z = Covariance(0, 1).split(np.array([2.0, 3.0, 7.0]))
    >>> value, z
    (6.0, array([2., 7.]))
    """

    d: int
    a: int

    @property
    def without(self) -> int:
        return self.a

    def proper(self, z: np.ndarray) -> bool:
        return True

    def split(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        return float(x[self.d] * x[self.a]), _less(x, self.a)

    def join(self, value: float, z: np.ndarray) -> np.ndarray:
        first = z[self.d]
        return _more(z, self.a, value / first if first else math.inf)

    def slopes(self, value: float, z: np.ndarray, gradient: np.ndarray) -> tuple[float, np.ndarray]:
        first, out = z[self.d], gradient.copy()
        out[self.d] -= gradient[self.a] * value / first**2
        return float(gradient[self.a] / first), _less(out, self.a)
