"""`vcov` of models, and robust covariances of mixed and linear ones by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..accessors.blocks import relative_factors, term_matrix
from ..accessors.effects import correlation_of, vcov_lmm
from ..accessors.linear import expanded, vcov_lm
from ..errors import MereValueError
from ..frame import as_frame
from ..model import LM, LMM
from .algebra import unscaled_covariance
from .reference import Reference, Residual
from .robust import Cluster, ClusterRobust, cluster_robust, heteroscedastic, singletons

__all__ = ["robust_reference"]

CLUSTERED = ("CR0", "CR1", "CR1S", "CR2", "CR3")
HETEROSCEDASTIC = ("HC0", "HC1", "HC2", "HC3")


def robust_reference(m: LM | LMM, type: str, cluster: Any = None) -> Reference:
    """The reference of a robust covariance.

    Parameters
    ----------
    m : LM, LMM
    type : str
        ``"CR0"`` ... ``"CR3"``; for a linear model also ``"HC0"`` ... ``"HC3"``.
    cluster : str or array, optional
        A grouping factor, a column of the data, or labels of the rows; by default the grouping factor of the mixed
        model that all others are nested in.
    """
    by_name = cluster is None or isinstance(cluster, str)
    cache = m.__dict__.setdefault("_references", {}) if by_name else {}
    key = (type, cluster) if by_name else None
    if key in cache:
        return cache[key]  # type: ignore[no-any-return]
    if isinstance(m, LM) and type in HETEROSCEDASTIC:
        out = _heteroscedastic(m, type)
    elif type in CLUSTERED:
        out = _clustered(m, type, cluster)
    else:
        known = [*CLUSTERED, *(HETEROSCEDASTIC if isinstance(m, LM) else ())]
        raise MereValueError(f"type must be one of {', '.join(map(repr, known))}, not {type!r}")
    cache[key] = out
    return out


def _heteroscedastic(m: LM, type: str) -> Reference:
    root = np.ones(len(m.design.y)) if m.design.weights is None else np.sqrt(m.design.weights)
    X = m.design.X * root[:, None]
    C = unscaled_covariance(m.R)
    e = root * _residuals(m)
    leverage = np.einsum("ij,jk,ik->i", X, C, X)
    V = heteroscedastic(X, e, C, leverage, type)
    if type == "HC2":  # the same matrix as CR2 with a row a cluster, and its df
        found = cluster_robust(singletons(X, e, np.full(len(e), m.sigma**2)), m.beta, m.sigma**2 * C, "CR2")
        return ClusterRobust(m.beta, V, None, found.M, found.Omega, found.U)
    return Residual(m.beta, V, C, m.df if m.df > 0 else np.nan)


def _residuals(m: LM | LMM) -> np.ndarray:
    design = m.design
    fit = design.X @ m.beta
    out: np.ndarray = design.y - fit if design.offset is None else design.y - fit - design.offset
    return out


def _clustered(m: LM | LMM, type: str, cluster: Any) -> ClusterRobust:
    codes = _codes(m, cluster)
    C = unscaled_covariance(m.RX if isinstance(m, LMM) else m.R)
    n, p = m.design.X.shape
    return cluster_robust(_clusters(m, codes), m.beta, m.sigma**2 * C, type, (n, p))


def _clusters(m: LM | LMM, codes: np.ndarray) -> Iterator[Cluster]:
    """Rows and marginal covariance of each cluster."""
    order = np.argsort(codes, kind="stable")
    ends = np.flatnonzero(np.diff(codes[order], append=codes.max() + 1)) + 1
    e = _residuals(m)
    variance = np.full(len(e), m.sigma**2)
    if m.design.weights is not None:
        variance = variance / m.design.weights
    random = m.design.random if isinstance(m, LMM) else ()
    factors = relative_factors(random, m.theta) if isinstance(m, LMM) else []
    columns = [term_matrix(term) @ T * m.sigma for term, T in zip(random, factors, strict=True)]
    start = 0
    for end in ends.tolist():
        rows = order[start:end]
        V = np.diag(variance[rows])
        for term, z in zip(random, columns, strict=True):
            own = np.asarray(term.codes)[rows]
            V += (z[rows] @ z[rows].T) * (own[:, None] == own)
        yield Cluster(m.design.X[rows], e[rows], V)
        start = end


def _codes(m: LM | LMM, cluster: Any) -> np.ndarray:
    """The cluster of each row as a number."""
    random = m.design.random if isinstance(m, LMM) else ()
    groups = {term.group: np.asarray(term.codes) for term in random}
    if cluster is None:
        if not groups:
            raise MereValueError("a cluster-robust covariance of a linear model needs cluster=")
        outer = [codes for codes in groups.values() if all(_nested(other, codes) for other in groups.values())]
        if not outer:
            raise MereValueError(
                f"the grouping factors {', '.join(groups)} are crossed: no one of them makes independent clusters; "
                "give cluster="
            )
        return min(outer, key=lambda codes: codes.max())
    if isinstance(cluster, str):
        codes = groups[cluster] if cluster in groups else _column(m, cluster)
    else:
        codes = _labels(m, cluster)
    for group, own in groups.items():
        if not _nested(own, codes):
            raise MereValueError(f"levels of {group} are in several clusters: clusters must be independent")
    return codes


def _column(m: LM | LMM, name: str) -> np.ndarray:
    table = as_frame(m.call.data)
    if name not in table:
        raise MereValueError(f"cluster={name!r} is neither a grouping factor of the model nor a column of the data")
    codes = np.asarray(table.factor(name).codes)
    rows = m.design.frame.rows
    codes = codes if rows is None else codes[rows]
    if (codes < 0).any():
        raise MereValueError(f"cluster={name!r} has missing values")
    return codes


def _labels(m: LM | LMM, labels: Any) -> np.ndarray:
    values = pd.factorize(np.asarray(labels))[0]
    rows = m.design.frame.rows
    if rows is not None and len(values) == m.design.frame.nrow:
        values = values[rows]
    if len(values) != len(m.design.y) or (values < 0).any():
        raise MereValueError(f"cluster needs {len(m.design.y)} labels without missing values, not {len(values)}")
    return np.asarray(values)


def _nested(inner: np.ndarray, outer: np.ndarray) -> bool:
    """Is each level of `inner` in one level of `outer`?"""
    first = np.zeros(inner.max() + 1, dtype=outer.dtype)
    first[inner] = outer
    return bool((first[inner] == outer).all())


# -- vcov ----------------------------------------------------------------------
@g.vcov.register(LMM)
def _vcov(
    m: LMM, type: str | None = None, correlation: bool = False, full: bool = False, cluster: Any = None
) -> pd.DataFrame:
    if type is None:
        return vcov_lmm(m, correlation, full)
    V, names = robust_reference(m, type, cluster).V, list(m.design.names)
    return pd.DataFrame(correlation_of(V) if correlation else V.copy(), names, names)


@g.vcov.register(LM)
def _vcov_linear(
    m: LM, type: str | None = None, correlation: bool = False, full: bool = True, cluster: Any = None
) -> pd.DataFrame:
    if type is None:
        return vcov_lm(m, correlation, full)
    V = robust_reference(m, type, cluster).V
    V = correlation_of(V) if correlation else V
    names = list(m.design.names_full if full else m.design.names)
    return pd.DataFrame(expanded(m.design, V) if full else V.copy(), names, names)
