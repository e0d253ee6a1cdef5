"""Serial correlation inside panels: autoregressive errors, estimated from a null model and made independent.

Within a panel the errors e_t = phi_1 e_(t-1) + ... + phi_p e_(t-p) + innovation are stationary, with the correlation R
of the distances of their times; between panels they are independent. With L L' = R the rows of a panel become L^-1 of
them: the first as it is, each later one less what those before it predict. The parameters are the partial
autocorrelations, all between -1 and 1, and minimize the criterion of the null model's restricted likelihood,

    (n - p_0) log r'R^-1 r + log|R| + log|X_0'R^-1 X_0|,

for a mixed model that of the random effects with the errors: moments of the residuals would be far too small in short
panels, whose means are fitted.

References: Barndorff-Nielsen and Schou (1973), J. Multivar. Anal. 3, 408-419 (partial autocorrelations); Cheang and
Reinsel (2000), J. Am. Stat. Assoc. 95, 1173-1184 (restricted likelihood of autoregressive errors).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...design import Design
from ...errors import MereValueError
from ...fitting import fit_lmm
from ..clusters import group_codes, is_nested
from .whitening import Whitening

__all__ = ["Panels", "Serial", "SerialWhitening", "ar_coefficients", "estimate_serial", "read_order", "read_panels"]

_LONGEST = 3000
_WIDEST = 4.0  # of arctanh of a partial autocorrelation: .9993


@dataclass(frozen=True, eq=False)
class Panels:
    """Rows of panels in the order of time, panels with the same times together.

    Attributes
    ----------
    patterns : tuple of (times (T,), rows (k, T))
    codes : (n,) array
        The panel of each row.
    longest : int
        The largest distance.
    """

    patterns: tuple[tuple[np.ndarray, np.ndarray], ...]
    codes: np.ndarray
    longest: int


@dataclass(frozen=True, eq=False)
class Serial:
    """R at given partial autocorrelations.

    Attributes
    ----------
    phi : (p,) array
        Coefficients of the autoregression.
    parts : tuple of (L (T, T), rows (k, T))
    logdet : float
        log|R|.
    """

    phi: np.ndarray
    parts: tuple[tuple[np.ndarray, np.ndarray], ...]
    logdet: float

    @classmethod
    def at(cls, panels: Panels, partial: np.ndarray) -> Serial:
        phi, r = ar_coefficients(partial), autocorrelations(partial, panels.longest)
        parts, logdet = [], 0.0
        for times, rows in panels.patterns:
            L = np.linalg.cholesky(r[np.abs(times[:, None] - times)])
            parts.append((L, rows))
            logdet += 2.0 * len(rows) * float(np.log(np.diag(L)).sum())
        return cls(phi, tuple(parts), logdet)

    def __call__(self, M: np.ndarray) -> np.ndarray:
        """L^-1 M by panels, M (n,) or (n, k)."""
        from scipy.linalg import solve_triangular

        return self._each(M, lambda L, B: solve_triangular(L, B, lower=True, check_finite=False))

    def back(self, M: np.ndarray) -> np.ndarray:
        """L M by panels."""
        return self._each(M, lambda L, B: L @ B)

    def _each(self, M: np.ndarray, product: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
        M = np.asarray(M, dtype=float)
        out = np.empty_like(M)
        for L, rows in self.parts:
            block = np.moveaxis(M[rows], 1, 0)  # (T, k, ...)
            out[rows] = np.moveaxis(product(L, block.reshape(len(L), -1)).reshape(block.shape), 0, 1)
        return out


@dataclass(frozen=True, eq=False)
class SerialWhitening(Whitening):
    """First R^(-1/2) by panels, then W of the random effects that are left: U is theirs, already times R^(-1/2)."""

    serial: Serial

    def __call__(self, M: np.ndarray) -> np.ndarray:
        return super().__call__(self.serial(M))

    def back(self, M: np.ndarray) -> np.ndarray:
        return self.serial.back(super().back(M))


# -- autoregressions -----------------------------------------------------------------
def ar_coefficients(partial: np.ndarray) -> np.ndarray:
    """Coefficients of a stationary autoregression from its partial autocorrelations.

    Examples
    --------
    >>> ar_coefficients(np.array([0.5, 0.2])).tolist()
    [0.4, 0.2]
    """
    phi = np.zeros(0)
    for a in np.asarray(partial, dtype=float):
        phi = np.append(phi - a * phi[::-1], a)
    return phi


def autocorrelations(partial: np.ndarray, longest: int) -> np.ndarray:
    """Correlations at distances 0, ..., longest.

    Examples
    --------
    >>> autocorrelations(np.array([0.5]), 3).tolist()
    [1.0, 0.5, 0.25, 0.125]
    >>> autocorrelations(np.array([0.5, 0.2]), 2).round(3).tolist()
    [1.0, 0.5, 0.4]
    """
    p, r = len(partial), np.ones(1)
    for k in range(1, max(longest, p) + 1):
        phi = ar_coefficients(partial[: min(k, p)])
        r = np.append(r, phi @ r[::-1][: len(phi)])
    return r[: longest + 1]


# -- what the user gave ----------------------------------------------------------------
def read_order(errors: str) -> int:
    """The order of ``"ar1"``, ``"ar2"``, ...; 0 for ``"iid"``."""
    if errors == "iid":
        return 0
    found = re.fullmatch(r"ar([1-9])", errors) if isinstance(errors, str) else None
    if found is None:
        raise MereValueError(f"errors must be 'iid', 'ar1', 'ar2', ... or 'ar9', not {errors!r}")
    return int(found[1])


def read_panels(codes: np.ndarray, times: np.ndarray | None = None) -> Panels:
    """The panels of rows.

    Parameters
    ----------
    codes : (n,) array of int
    times : (n,) array of whole numbers, optional
        By default rows of a panel follow each other as they are.
    """
    by_pattern: dict[tuple[int, ...], list[np.ndarray]] = defaultdict(list)
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        own = np.arange(len(rows)) if times is None else times[rows]
        order = np.argsort(own, kind="stable")
        own = own[order] - own[order[0]]
        if (np.diff(own) == 0).any():
            raise MereValueError("times: a panel has two rows of the same time")
        by_pattern[tuple(own.astype(int).tolist())].append(rows[order])
    longest = max(pattern[-1] for pattern in by_pattern)
    if longest == 0:
        raise MereValueError("panels: every panel has one row, which has no serial correlation")
    if longest > _LONGEST:
        raise MereValueError(f"a panel spans {longest} times; errors= are for panels of at most {_LONGEST}")
    return Panels(tuple((np.array(t), np.array(rows)) for t, rows in by_pattern.items()), codes, longest)


def whole_times(values: Any) -> np.ndarray:
    """Times as whole numbers."""
    try:
        numbers = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise MereValueError("times must be numbers") from None
    if not np.isfinite(numbers).all() or (numbers != np.round(numbers)).any():
        raise MereValueError(
            "times must be whole numbers, such as the number of the wave; count them in units of a step"
        )
    return numbers


# -- estimates --------------------------------------------------------------------------
def serial_design(design: Design, serial: Serial, root: np.ndarray) -> Design:
    """The design with rows times root weights and R^(-1/2): its errors are independent with equal variances."""
    offset = 0.0 if design.offset is None else np.asarray(design.offset)
    X = np.asfortranarray(serial(root[:, None] * design.X))
    terms = []
    for term in design.random:
        values = np.ones((len(root), 1)) if term.values is None else np.asarray(term.values)
        terms.append(replace(term, values=np.asfortranarray(serial(root[:, None] * values))))
    y = serial(root * (design.y - offset))
    return replace(design, X=X, X_full=X, y=y, random=tuple(terms), weights=None, offset=None)


def estimate_serial(design: Design, panels: Panels, order: int, root: np.ndarray, reml: bool, control: Any) -> Serial:
    """R of a null model's errors.

    Parameters
    ----------
    design : Design
        Of the null model.
    panels : Panels
    order : int
    root : (n,) array
        Roots of the prior weights.
    reml : bool
        Of a mixed model: the criterion.
    control : LmerControl or None
    """
    from scipy.optimize import minimize

    for name, codes in group_codes(design).items():
        if not is_nested(panels.codes, codes):
            raise MereValueError(
                f"errors: a panel has rows of several levels of {name}; it must lie in one of each factor"
            )

    def criterion(x: np.ndarray) -> float:
        serial = Serial.at(panels, np.tanh(x))
        own = serial_design(design, serial, root)
        if design.random:
            return float(fit_lmm(own, reml, control).state.criterion) + serial.logdet
        return _restricted(own.X, own.y) + serial.logdet

    bounds = [(-_WIDEST, _WIDEST)] * order
    found = minimize(criterion, np.full(order, 0.2), method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12})
    return Serial.at(panels, np.tanh(found.x))


def _restricted(X: np.ndarray, y: np.ndarray) -> float:
    """(n - p) log rss + log|X'X|."""
    if not X.shape[1]:
        return len(y) * float(np.log(y @ y))
    Q, R = np.linalg.qr(X)
    e = y - Q @ (Q.T @ y)
    return (len(y) - X.shape[1]) * float(np.log(e @ e)) + 2.0 * float(np.log(np.abs(np.diag(R))).sum())
