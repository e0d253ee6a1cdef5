"""Polynomial contrasts: of whole numbers for equal spacing, or orthonormal."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import Any

import numpy as np

from .made import ContrastSet

__all__ = ["integer_polynomials", "orthonormal_polynomials"]

_NAMES = ("linear", "quadratic", "cubic", "quartic")


def integer_polynomials(
    labels: Sequence[str], max_degree: int | None = None, scores: Any = None, **_: Any
) -> ContrastSet:
    """Orthogonal polynomials in 1 .. k (or rational scores), scaled to the smallest whole numbers.

    Gram-Schmidt on 1, x, x^2, ... in rational arithmetic; each contrast is divided by the
    greatest common divisor and its last coefficient is positive.

    References
    ----------
    Fisher and Yates (1963), Statistical Tables, 6th ed., table XXIII.

    Examples
    --------
    >>> integer_polynomials(["a", "b", "c", "d"]).coefficients
    array([[-3., -1.,  1.,  3.],
           [ 1., -1., -1.,  1.],
           [-1.,  3., -3.,  1.]])
    """
    k = len(labels)
    degree = _degree(k, max_degree)
    x = [Fraction(i) for i in range(1, k + 1)] if scores is None else [Fraction(str(s)) for s in scores]
    found: list[list[Fraction]] = [[Fraction(1)] * k]
    for d in range(1, degree + 1):
        v = [xi**d for xi in x]
        for u in found:
            share = Fraction(sum(a * b for a, b in zip(u, v))) / sum(a * a for a in u)
            v = [b - share * a for a, b in zip(u, v)]
        found.append(v)
    rows = [_whole(v) for v in found[1:]]
    coefficients = np.array(rows, dtype=float).reshape(degree, k)
    return ContrastSet(_degree_names(degree), coefficients, "none", False, "polynomial contrasts")


def _whole(v: list[Fraction]) -> list[float]:
    common = lcm(*(f.denominator for f in v))
    whole = [int(f * common) for f in v]
    divisor = gcd(*whole) or 1
    if whole[-1] < 0:
        divisor = -divisor
    return [w / divisor for w in whole]


def orthonormal_polynomials(
    labels: Sequence[str], max_degree: int | None = None, scores: Any = None, **_: Any
) -> ContrastSet:
    """Orthogonal polynomials of unit length, as ``contr.poly``."""
    k = len(labels)
    degree = _degree(k, max_degree)
    x = np.arange(1.0, k + 1) if scores is None else np.asarray(scores, dtype=float)
    Q, R = np.linalg.qr(np.vander(x - x.mean(), degree + 1, increasing=True))
    rows = (Q * np.sign(np.diag(R)))[:, 1:].T
    return ContrastSet(_degree_names(degree), rows, "none", False, "orthonormal polynomial contrasts")


def _degree(k: int, max_degree: int | None) -> int:
    return min(k - 1, 6 if max_degree is None else int(max_degree))


def _degree_names(degree: int) -> tuple[str, ...]:
    return tuple(_NAMES[d] if d < len(_NAMES) else f"degree {d + 1}" for d in range(degree))
