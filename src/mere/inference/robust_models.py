"""`vcov` of models, and robust covariances of models by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..accessors.blocks import relative_factors, term_matrix
from ..accessors.effects import correlation_of, vcov_lmm
from ..accessors.generalized_linear import dispersion, vcov_glm
from ..accessors.generalized_mixed import vcov_glmm
from ..accessors.linear import expanded, vcov_lm
from ..design import Design
from ..errors import MereValueError
from ..frame import Factor
from ..generalized import GLM, GLMM
from ..model import LM, LMM
from .algebra import unscaled_covariance
from .cluster_scores import score_covariance
from .clusters import cluster_codes, cluster_rows
from .reference import Asymptotic, Reference, Residual
from .robust import Cluster, ClusterRobust, cluster_robust, heteroscedastic, singletons
from .welch import Welch, WelchMoments, welch

__all__ = ["KINDS", "robust_reference"]

CLUSTERED = ("CR0", "CR1", "CR1S", "CR2", "CR3")
HETEROSCEDASTIC = ("HC0", "HC1", "HC2", "HC3")
#: Other names of a kind.
_SAME = {"unequal_var": "Welch", "welch": "Welch"}

#: What each class of model has.
KINDS: dict[type, tuple[str, ...]] = {
    LM: (*HETEROSCEDASTIC, *CLUSTERED, "Welch", "Welch-FC"),
    GLM: (*HETEROSCEDASTIC, *CLUSTERED),
    LMM: CLUSTERED,
    GLMM: CLUSTERED,
}


def robust_reference(m: Any, type: str, cluster: Any = None) -> Reference:
    """The reference of a robust covariance.

    Parameters
    ----------
    m : LM, GLM, LMM, GLMM
    type : str
        ``"CR0"`` ... ``"CR3"``; without random effects also ``"HC0"`` ... ``"HC3"``; for a linear model ``"Welch"``,
        and ``"Welch-FC"`` with Fai and Cornelius's joint tests in place of Johansen's.
    cluster : str or array, optional
        A grouping factor, a column of the data, or labels of the rows; by default the grouping factor of the mixed
        model that all others are nested in.
    """
    type = _SAME.get(str(type), str(type))
    known = KINDS[m.__class__]
    if type not in known:
        raise MereValueError(f"type must be one of {', '.join(map(repr, known))}, not {type!r}")
    if cluster is not None and type not in CLUSTERED:
        raise MereValueError(f"cluster= is for {', '.join(map(repr, CLUSTERED))}: {type!r} has no clusters")
    by_name = cluster is None or isinstance(cluster, str)
    cache = m.__dict__.setdefault("_references", {}) if by_name else {}
    key = (type, cluster) if by_name else None
    if key not in cache:
        try:
            cache[key] = _made(m, type, cluster)
        except np.linalg.LinAlgError as error:
            raise MereValueError(
                f"type={type!r}: the fit has rows whose variance is zero or infinite to working precision (do fitted "
                f"means lie on the edge of their range?), so that it has no robust covariance: {error}"
            ) from error
    return cache[key]  # type: ignore[no-any-return]


def _made(m: Any, type: str, cluster: Any) -> Reference:
    if type == "Welch":
        return _welch(m)
    if type == "Welch-FC":
        w = _welch(m)
        return WelchMoments(w.beta, w.V, w.metric, w.parts, w.cell_df)
    rows = _working_rows(m)
    n, p = rows.X.shape
    if p and n <= p:
        raise MereValueError(f"{type} is made of residuals, and {n} rows for {p} coefficients leave none")
    if type in HETEROSCEDASTIC:
        return _heteroscedastic(rows, type, _degrees(m))
    codes = cluster_codes(m.design, m.call.data, cluster)
    if (codes == codes[0]).all():
        raise MereValueError(f"all rows are in one cluster: {type} needs two or more")
    found = cluster_robust(rows.clusters(codes), rows.beta, rows.M, type, rows.X.shape)
    if isinstance(m, GLMM) and type in ("CR0", "CR1", "CR1S") and m.nAGQ > 0 and not m.model_family.has_scale:
        V = score_covariance(m, codes, type)
        return ClusterRobust(m.beta, V, None, found.M, found.Omega, found.U)
    return found


# -- the linear model behind a fit -------------------------------------------------
@dataclass(frozen=True, eq=False)
class _WorkingRows:
    """A fit as least squares with known variances: itself, or a generalized model linearized at its estimates.

    Attributes
    ----------
    X, e : (n, p), (n,) arrays
        Rows dmu/dbeta, and response minus mean (at random effects of zero, to first order).
    variance : (n,) array
        Of a row given the random effects.
    slope : (n,) array
        dmu/deta, 1 for a linear model. CR2 depends on this scale; it is clubSandwich's.
    M : (p, p) array
        Covariance of the estimates under the model.
    design, theta, sigma
        Of the random effects: their covariance is sigma^2 Lambda Lambda'.
    """

    X: np.ndarray
    e: np.ndarray
    variance: np.ndarray
    slope: np.ndarray
    beta: np.ndarray
    M: np.ndarray
    design: Design
    theta: np.ndarray
    sigma: float

    def clusters(self, codes: np.ndarray) -> Iterator[Cluster]:
        """Rows and marginal covariance of each cluster."""
        random = self.design.random
        factors = relative_factors(random, self.theta) if random else []
        scale = self.slope[:, None] * self.sigma
        columns = [scale * (term_matrix(term) @ T) for term, T in zip(random, factors, strict=True)]
        for rows in cluster_rows(codes):
            V = np.diag(self.variance[rows])
            for term, z in zip(random, columns, strict=True):
                own = np.asarray(term.codes)[rows]
                V += (z[rows] @ z[rows].T) * (own[:, None] == own)
            yield Cluster(self.X[rows], self.e[rows], V)


def _working_rows(m: Any) -> _WorkingRows:
    design, none = m.design, np.zeros(0)
    if isinstance(m, (LM, LMM)):
        mean = design.X @ m.beta + (0.0 if design.offset is None else design.offset)
        variance = np.full(len(design.y), m.sigma**2)
        if design.weights is not None:
            variance = variance / design.weights
        R, theta = (m.RX, m.theta) if isinstance(m, LMM) else (m.R, none)
        M = m.sigma**2 * unscaled_covariance(R)
        ones = np.ones(len(variance))
        return _WorkingRows(design.X, design.y - mean, variance, ones, m.beta, M, design, theta, m.sigma)
    fit, theta, R = (m, m.theta, m.RX) if isinstance(m, GLMM) else (m.fit, none, m.fit.R)
    phi = m.sigma**2 if isinstance(m, GLMM) else dispersion(m)
    mean = design.X @ m.beta + (0.0 if design.offset is None else design.offset)
    slope = np.asarray(m.model_family.link.derivative(fit.eta))
    e = slope * (fit.eta - mean) + (m.response.y - fit.mu)
    variance = phi * slope**2 / np.maximum(fit.working, 1e-300)
    M = phi * unscaled_covariance(R)
    return _WorkingRows(
        design.X * slope[:, None], e, variance, slope, m.beta, M, design, theta, float(np.sqrt(phi))
    )  # fmt: skip


@dataclass(frozen=True)
class _Degrees:
    """Degrees of freedom of tests, infinite for a known dispersion."""

    df: float
    clustered: bool


def _degrees(m: LM | GLM) -> _Degrees:
    if isinstance(m, GLM):
        return _Degrees(m.df if m.model_family.has_scale and m.df > 0 else np.inf, False)
    return _Degrees(m.df if m.df > 0 else np.nan, True)


def _heteroscedastic(rows: _WorkingRows, type: str, degrees: _Degrees) -> Reference:
    """White's covariances of rows scaled to variance one."""
    root = 1 / np.sqrt(rows.variance)
    X, e = rows.X * root[:, None], rows.e * root
    leverage = np.einsum("ij,jk,ik->i", X, rows.M, X)
    if type in ("HC2", "HC3") and (leverage > 1 - 1e-10).any():
        at = int(np.argmax(leverage))
        raise MereValueError(f"row {at} has leverage 1, where {type} divides by zero: use 'HC1', or leave the row out")
    V = heteroscedastic(X, e, rows.M, leverage, type)
    if type == "HC2" and degrees.clustered:  # the same matrix as CR2 with a row a cluster, and its df
        found = cluster_robust(singletons(rows.X, rows.e, rows.variance), rows.beta, rows.M, "CR2")
        return ClusterRobust(rows.beta, V, None, found.M, found.Omega, found.U)
    if np.isinf(degrees.df):
        return Asymptotic(rows.beta, V, rows.M)
    return Residual(rows.beta, V, rows.M, degrees.df)


def _welch(m: LM) -> Welch:
    """Cells are the combinations of all factors of the formula."""
    design = m.design
    if design.weights is not None:
        raise MereValueError("Welch's covariance has no prior weights: its variances come from the cells")
    factors = {
        name: value
        for name, value in design.frame.variables.items()
        if isinstance(value, Factor) and name in design.terms.variables
    }
    if not factors:
        raise MereValueError("Welch's covariance needs a factor in the formula: variances differ between its levels")
    codes = np.column_stack([np.asarray(f.codes) for f in factors.values()])
    found, cells = np.unique(codes, axis=0, return_inverse=True)
    labels = [
        ", ".join(f"{name} = {f.levels[c]}" for (name, f), c in zip(factors.items(), row, strict=True)) for row in found
    ]
    rows = _working_rows(m)
    return welch(design.X, rows.e, m.beta, unscaled_covariance(m.R), cells.ravel(), labels)


# -- vcov ----------------------------------------------------------------------
def _framed(V: np.ndarray, design: Design, correlation: bool, full: bool) -> pd.DataFrame:
    V = correlation_of(V) if correlation else V
    names = list(design.names_full if full else design.names)
    return pd.DataFrame(expanded(design, V) if full else V.copy(), names, names)


@g.vcov.register(LMM)
def _vcov(
    m: LMM, type: str | None = None, correlation: bool = False, full: bool = False, cluster: Any = None
) -> pd.DataFrame:
    if type is None:
        return vcov_lmm(m, correlation, full)
    return _framed(robust_reference(m, type, cluster).V, m.design, correlation, False)


@g.vcov.register(GLMM)
def _vcov_generalized_mixed(
    m: GLMM,
    type: str | None = None,
    correlation: bool = False,
    full: bool = False,
    cluster: Any = None,
    use_hessian: bool | None = None,
) -> pd.DataFrame:
    if full:
        raise MereValueError("vcov(full=True), with the random effects, is for linear mixed models")
    if type is None:
        return vcov_glmm(m, correlation, use_hessian)
    return _framed(robust_reference(m, type, cluster).V, m.design, correlation, False)


@g.vcov.register(LM)
def _vcov_linear(
    m: LM, type: str | None = None, correlation: bool = False, full: bool = True, cluster: Any = None
) -> pd.DataFrame:
    if type is None:
        return vcov_lm(m, correlation, full)
    return _framed(robust_reference(m, type, cluster).V, m.design, correlation, full)


@g.vcov.register(GLM)
def _vcov_generalized(
    m: GLM, type: str | None = None, correlation: bool = False, full: bool = True, cluster: Any = None
) -> pd.DataFrame:
    if type is None:
        return vcov_glm(m, correlation, full)
    return _framed(robust_reference(m, type, cluster).V, m.design, correlation, full)
