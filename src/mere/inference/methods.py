"""Degrees of freedom by name: which `Reference` a model's tests use.

A method is a function of a model, registered in `METHODS`; what it returns is kept with the model, so that a summary,
an analysis of variance and marginal means of one model compute it once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import MereTypeError, MereValueError
from ..model import LM, LMM
from .reference import Asymptotic, Reference, Residual
from .satterthwaite import Satterthwaite, satterthwaite

__all__ = ["METHODS", "method_name", "reference_of", "satterthwaite_of"]


def unscaled_covariance(R: np.ndarray) -> np.ndarray:
    """(R'R)^-1 of a triangular R."""
    if not len(R):
        return np.zeros((0, 0))
    inverse = np.linalg.inv(R)
    C = inverse @ inverse.T
    out: np.ndarray = (C + C.T) / 2
    return out


def satterthwaite_of(m: LMM) -> Satterthwaite:
    """Satterthwaite's method for a fitted model."""
    hessian = m.optinfo.hessian if m.optinfo._par is m.par else None
    return satterthwaite(m.objective, m.par, m.beta, m.sigma, unscaled_covariance(m.RX), hessian)


def _asymptotic(m: Any) -> Asymptotic:
    R = m.RX if isinstance(m, LMM) else m.R
    C = unscaled_covariance(R)
    return Asymptotic(m.beta, m.sigma**2 * C, None)


METHODS: dict[str, Callable[[LMM], Reference]] = {
    "Satterthwaite": satterthwaite_of,
    "lme4": _asymptotic,
    "asymptotic": _asymptotic,
}

_SHORT = {"s": "Satterthwaite", "sat": "Satterthwaite", "kr": "Kenward-Roger", "kenwardroger": "Kenward-Roger"}


def method_name(ddf: str | None) -> str:
    """The full name of a method; R's names in any case, and short ones.

    Examples
    --------
    >>> method_name("satterthwaite"), method_name(None)
    ('Satterthwaite', 'Satterthwaite')
    """
    if ddf is None:
        return "Satterthwaite"
    names = {name.lower(): name for name in METHODS}
    found = names.get(str(ddf).lower()) or _SHORT.get(str(ddf).lower().replace("-", "").replace(" ", ""))
    if found not in METHODS:
        raise MereValueError(f"ddf must be {', '.join(map(repr, METHODS))}, not {ddf!r}")
    return str(found)


def reference_of(m: Any, ddf: str | None = None, vcov: Any = None) -> Reference:
    """The reference of a model's tests.

    Parameters
    ----------
    m : LMM, LM
    ddf : str, optional
    vcov : str or (p, p) array, optional
        A covariance that replaces the model's. A name such as ``"CR2"`` brings its own degrees of freedom.
    """
    if not isinstance(m, (LM, LMM)):
        raise MereTypeError(f"there are no tests for an object of class {type(m).__name__!r}")
    if vcov is not None:
        return _with_covariance(m, ddf, vcov)
    cache = m.__dict__.setdefault("_references", {})
    name = method_name(ddf)
    if name not in cache:
        if isinstance(m, LM):
            cache[name] = _residual(m) if name not in ("lme4", "asymptotic") else _asymptotic(m)
        else:
            cache[name] = METHODS[name](m)
    return cache[name]  # type: ignore[no-any-return]


def _residual(m: LM) -> Residual:
    C = unscaled_covariance(m.R)
    return Residual(m.beta, m.sigma**2 * C, C, m.df if m.df > 0 else np.nan)


def _with_covariance(m: Any, ddf: str | None, vcov: Any) -> Reference:
    raise MereValueError("vcov= is not there yet")
