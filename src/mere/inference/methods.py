"""Degrees of freedom by name: which `Reference` a model's tests use.

A method is a function of a model, registered in `METHODS`; what it returns is kept with the model, so that a summary,
an analysis of variance and marginal means of one model compute it once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..errors import MereTypeError, MereValueError
from ..generalized import GLM, GLMM
from ..model import LM, LMM
from .algebra import unscaled_covariance
from .kenward_roger import KenwardRoger, kenward_roger
from .reference import Asymptotic, Reference, Residual
from .robust import WithCovariance
from .robust_models import robust_reference
from .satterthwaite import Satterthwaite, satterthwaite

__all__ = ["METHODS", "method_name", "reference_of", "satterthwaite_of", "title_of"]


def satterthwaite_of(m: LMM) -> Satterthwaite:
    """Satterthwaite's method for a fitted model."""
    return satterthwaite(m.objective, m.par, m.beta, m.sigma, unscaled_covariance(m.RX))


def _asymptotic(m: Any) -> Asymptotic:
    R = m.RX if isinstance(m, LMM) else m.R
    C = unscaled_covariance(R)
    return Asymptotic(m.beta, m.sigma**2 * C, None)


def kenward_roger_of(m: LMM) -> KenwardRoger:
    """Kenward and Roger's method for a model fitted by REML."""
    if not m.reml:
        raise MereValueError("Kenward and Roger's method is for models fitted by REML: fit this one with REML=True")
    return kenward_roger(m.objective, m.par, m.beta, m.sigma, unscaled_covariance(m.RX))


METHODS: dict[str, Callable[[LMM], Reference]] = {
    "Satterthwaite": satterthwaite_of,
    "Kenward-Roger": kenward_roger_of,
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
    m : LMM, LM, GLM, GLMM
    ddf : str, optional
        Of linear models; generalized ones have normal tests, or t tests where the dispersion of a `glm` is estimated.
    vcov : str, (name, cluster), (p, p) array or function of the model, optional
        A covariance that replaces the model's. A name such as ``"CR2"`` brings its own degrees of freedom.
    """
    if not isinstance(m, (LM, LMM, GLM, GLMM)):
        raise MereTypeError(f"there are no tests for an object of class {type(m).__name__!r}")
    if vcov is not None:
        return _with_covariance(m, ddf, vcov)
    cache = m.__dict__.setdefault("_references", {})
    name = method_name(ddf)
    if isinstance(m, (GLM, GLMM)) and ddf is not None and name not in ("lme4", "asymptotic"):
        raise MereValueError(f"ddf={ddf!r} is for linear models: tests of generalized ones are normal; leave ddf out")
    if name not in cache:
        if isinstance(m, (GLM, GLMM)):
            cache[name] = _generalized(m, estimated=ddf is None)
        elif isinstance(m, LM):
            cache[name] = _residual(m) if name not in ("lme4", "asymptotic") else _asymptotic(m)
        else:
            cache[name] = METHODS[name](m)
    return cache[name]  # type: ignore[no-any-return]


def _generalized(m: GLM | GLMM, estimated: bool) -> Reference:
    """Wald tests; t and F where the dispersion of a model without random effects is estimated."""
    V = g.vcov(m, full=False).to_numpy()
    if isinstance(m, GLM) and m.model_family.has_scale and estimated:
        return Residual(m.beta, V, V, m.df if m.df > 0 else np.nan)
    return Asymptotic(m.beta, V, V)


def _residual(m: LM) -> Residual:
    C = unscaled_covariance(m.R)
    return Residual(m.beta, m.sigma**2 * C, C, m.df if m.df > 0 else np.nan)


def title_of(reference: Reference, vcov: Any = None) -> str:
    """What tests use, in words, with the name of a robust covariance."""
    kind = vcov if isinstance(vcov, str) else vcov[0] if isinstance(vcov, tuple) else None
    if not isinstance(kind, str):
        return reference.title
    robust = "standard errors" in reference.title
    return f"{reference.title} [{kind}]" if robust else f"{kind} standard errors and {reference.title}"


def _with_covariance(m: Any, ddf: str | None, vcov: Any) -> Reference:
    """A named robust covariance, such a name with its clusters, a matrix or what makes one, or a reference as it is."""
    if isinstance(vcov, Reference):
        return vcov
    if isinstance(vcov, str):
        return robust_reference(m, vcov)
    if isinstance(vcov, tuple) and len(vcov) == 2 and isinstance(vcov[0], str):
        return robust_reference(m, *vcov)
    V = _covariance_matrix(m, vcov(m) if callable(vcov) else vcov)
    inner = reference_of(m, ddf)
    metric = inner.metric if inner.metric is not None else inner.V
    return WithCovariance(m.beta, V, metric, inner)


def _covariance_matrix(m: Any, given: Any) -> np.ndarray:
    """A covariance as numbers, a row for each estimated coefficient; a labelled one is matched by its labels."""
    names, every = list(m.design.names), list(m.design.names_full)
    p = len(names)
    if isinstance(given, pd.DataFrame) and set(names) <= set(given.index) & set(given.columns):
        given = given.loc[names, names]
    try:
        V = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        V = np.zeros(0)
    if V.shape == (len(every), len(every)):  # aliased coefficients have no variance
        kept = [every.index(name) for name in names]
        V = V[np.ix_(kept, kept)]
    if V.shape != (p, p) or not np.isfinite(V).all():
        raise MereValueError(
            f"vcov must be a name such as 'CR2', a pair (name, cluster), a {p} x {p} matrix of finite numbers, or a "
            "function of the model that gives one"
        )
    size = np.sqrt(np.abs(np.diag(V)))
    if (np.abs(V - V.T) > 1e-6 * np.outer(size, size)).any():
        raise MereValueError("vcov is not symmetric: it is no covariance")
    if (np.diag(V) < 0).any():
        raise MereValueError(f"vcov has a negative variance, of {names[int(np.argmin(np.diag(V)))]}")
    out: np.ndarray = (V + V.T) / 2
    return out
