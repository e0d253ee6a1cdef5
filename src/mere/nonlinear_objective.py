"""The criterion of a nonlinear mixed model as a Python object.

y_i = f(phi_i, x_i) + e_i, e_i ~ N(0, sigma^2 / w_i); phi = X beta + Z Lambda u, u ~ N(0, sigma^2 I). At (theta, beta)
penalized nonlinear least squares (Gauss-Newton with step halving) finds the mode of u. With G = df/dphi there,
M = W^1/2 (G Z) Lambda and sigma profiled out, Laplace's approximation is

    -2 log L = log|I + M'M| + n (1 + log(2 pi (wrss + u'u) / n)) - sum log w.

The gradient is exact: the mode moves with the parameters (implicit differentiation of its equation, one solve with the
full Hessian of the penalized sum of squares), and so does M (through second derivatives of f).

References: Lindstrom and Bates (1990), Biometrics 46, 673-687; Pinheiro and Bates (1995), J. Comput. Graph. Statist. 4,
12-35; Wolfinger and Lin (1997), Comput. Statist. Data Anal. 25, 465-490.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .errors import ConvergenceError, MereUnavailableError, MereValueError
from .nonlinear_algebra import Blocks, matrix_of_terms, rows_by, rows_into, rows_times, shared
from .nonlinear_design import NonlinearDesign, linearized
from .nonlinear_quadrature import NodeSums, node_sums, profiled_sums
from .objective import layout_of
from .quadrature import check_quadrature

__all__ = ["NLMMLayout", "NLMMObjective", "NLMMState"]


@dataclass(frozen=True, eq=False)
class NLMMState:
    """The fit at given parameters; the fields are those of `mere.nonlinear.NLMM`."""

    par: np.ndarray
    theta: np.ndarray
    beta: np.ndarray
    u: np.ndarray
    b: np.ndarray
    mu: np.ndarray
    phi: np.ndarray
    sigma: float
    criterion: float
    devcomp: Mapping[str, float]
    RX: np.ndarray
    design: NonlinearDesign


@dataclass(frozen=True, eq=False)
class NLMMLayout:
    """Bounds and start of the parameters, as optimizers read them."""

    n_par: int
    linear: bool
    lower: np.ndarray
    upper: np.ndarray
    start: np.ndarray


@dataclass(eq=False)
class _Point:
    """Penalized least squares at u (and beta): what a step needs."""

    u: np.ndarray
    phi: np.ndarray
    mu: np.ndarray
    G: np.ndarray
    r: np.ndarray  # weighted residuals
    pwrss: float


@dataclass(frozen=True)
class _Near:
    """Where a gradient was computed: the mode there, its derivatives, and the Hessian of the penalized squares."""

    T: np.ndarray
    beta: np.ndarray
    u: np.ndarray
    by_entries: np.ndarray
    by_beta: np.ndarray
    full: np.ndarray | None


_MOST_KEPT = 4_000_000  # numbers of a Hessian that starts the next search


class NLMMObjective:
    """-2 log L of a nonlinear mixed model by Laplace's approximation or adaptive quadrature.

    Parameters
    ----------
    design : NonlinearDesign
    nAGQ : int
        1: `par` holds the parameters of the random terms, then the fixed effects. 0: the former only, and the fixed
        effects are found with the random effects. More: that many points of adaptive quadrature a dimension.
    tolPwrss : float
        The mode is found when a step would lower the penalized sum of squares by less than this share of it.

    Notes
    -----
    Not to be shared between threads: the mode found last starts the next search.

    Examples
    --------
    >>> from mere.datasets import Orange
    >>> from mere.nonlinear_design import build_nonlinear_design
    >>> design = build_nonlinear_design("circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree", Orange)
    >>> round(NLMMObjective(design).value([4.0, 192.0, 728.0, 348.0]), 3)
    263.144
    """

    reml = False

    def __init__(self, design: NonlinearDesign, nAGQ: int = 1, tolPwrss: float = 1e-20, beta: np.ndarray | None = None):
        self.design, self.nAGQ, self.tolPwrss = design, nAGQ, tolPwrss
        self.mean, self.y = design.mean, design.y
        self.root = None if design.weights is None else np.sqrt(design.weights)
        self.log_weights = 0.0 if design.weights is None else float(np.log(design.weights).sum())
        self.structures = tuple(t.covariance for t in design.random)
        self.terms_layout = layout_of(self.structures)
        self.matrix, self.place = matrix_of_terms(design.random)
        self.Z = shared(np.concatenate(design.Z_par, axis=2))
        self.X = shared(design.X_par)
        self._check_quadrature()
        n, s, p = self.X.shape
        self.n, self.s, self.p, self.n_re = n, s, p, self.terms_layout.n_par
        self.u = np.zeros(self.matrix.q)
        self.near: _Near | None = None
        self.beta = np.zeros(p) if beta is None else np.array(beta, dtype=np.float64)
        t, free = self.terms_layout, p if nAGQ else 0
        self.layout = NLMMLayout(
            t.n_par + free,
            False,
            np.concatenate([t.lower, np.full(free, -np.inf)]),
            np.concatenate([t.upper, np.full(free, np.inf)]),
            np.concatenate([t.start, self.beta[:free]]),
        )
        self.sigma = math.nan
        self.nodes: NodeSums | None = None
        self.threads: AbstractContextManager[Any] = nullcontext()

    def _check_quadrature(self) -> None:
        if self.nAGQ > 1:
            if not isinstance(self.matrix, Blocks):
                raise MereUnavailableError("nAGQ > 1 of a nonlinear mixed model is for one grouping factor; use nAGQ=1")
            check_quadrature(self.design.random, self.design.n, self.nAGQ, 1e7)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.design, self.nAGQ, self.tolPwrss, self.beta)

    def with_response(self, y: np.ndarray) -> NLMMObjective:
        """The same objective for another response (n,)."""
        design = replace(self.design, y=np.ascontiguousarray(y, dtype=np.float64))
        return type(self)(design, self.nAGQ, self.tolPwrss, self.beta)

    # ------------------------------------------------------------------ parameters

    def theta(self, par: Any) -> np.ndarray:
        """The entries of the covariance factors, term after term."""
        par, at = np.asarray(par, dtype=np.float64), self.terms_layout.par_at
        return np.concatenate([c.theta(par[at[t] : at[t + 1]]) for t, c in enumerate(self.structures)])

    def _factor(self, par: np.ndarray) -> np.ndarray:
        """Lambda's blocks of all terms side by side, (K, K) block diagonal."""
        entries, theta = self.terms_layout.entries, self.theta(par)
        first = np.concatenate([[0], np.cumsum([c.k for c in self.structures])])
        T = np.zeros((first[-1], first[-1]))
        self._entries = first[entries[:, 0]] + entries[:, 1], first[entries[:, 0]] + entries[:, 2]
        T[self._entries] = theta
        return T

    def _jacobian(self, par: np.ndarray) -> np.ndarray:
        layout = self.terms_layout
        out = np.zeros((layout.n_theta, layout.n_par))
        for t, c in enumerate(self.structures):
            rows, columns = slice(*layout.theta_at[t : t + 2]), slice(*layout.par_at[t : t + 2])
            out[rows, columns] = c.jacobian(par[columns])
        return out

    # ------------------------------------------------------------------ penalized least squares

    def _point(self, fixed: np.ndarray, ZL: np.ndarray, u: np.ndarray) -> _Point:
        phi = fixed + rows_into(ZL, self.matrix.effects(u))
        mu, G = self.mean(phi)
        r = self.y - mu
        if self.root is not None:
            r = r * self.root
        pwrss = float(r @ r + u @ u)
        if not math.isfinite(pwrss) or not np.isfinite(G).all():
            pwrss = math.inf
        return _Point(u, phi, mu, G, r, pwrss)

    def _rows(self, G: np.ndarray, A: np.ndarray) -> np.ndarray:
        """W^1/2 (G A) of each row, (n, k)."""
        out = rows_by(G, A)
        return out if self.root is None else out * self.root[:, None]

    def _mode(self, beta: np.ndarray, T: np.ndarray, joint: bool = False) -> tuple[_Point, np.ndarray]:
        """The mode of u at beta, or of u and beta together; starts where the last search ended."""
        ZL = rows_times(self.Z, T)
        self.ZL = ZL
        near = None if joint else self.near
        for first in (self._guess(beta, T, near), self.u, np.zeros(self.matrix.q)):
            fixed = rows_times(self.X, beta)
            point = self._point(fixed, ZL, first)
            if math.isfinite(point.pwrss):
                break
        if not math.isfinite(point.pwrss):
            raise ConvergenceError("the nonlinear mean is not finite at these parameters: give another start")
        full, before = None if near is None else near.full, math.inf
        for turn in range(300):
            if not joint and turn >= 2 and turn % 3 == 2 and before <= 1e-2 * point.pwrss:
                full = self._full_hessian(point)  # Gauss-Newton is slow where residuals are large
            step_u, step_b, gain = self._step(point, joint, full)
            if gain <= self.tolPwrss * point.pwrss:
                break
            if gain <= 1e-12 * point.pwrss:  # a decrease that small drowns in rounding: the step is trusted
                if gain > 0.5 * before:
                    break
                beta = beta + step_b if joint else beta
                point, before = self._point(rows_times(self.X, beta) if joint else fixed, ZL, point.u + step_u), gain
                continue
            size = 1.0
            while size > 1e-9:
                new_beta = beta + size * step_b if joint else beta
                trial = self._point(rows_times(self.X, new_beta) if joint else fixed, ZL, point.u + size * step_u)
                if trial.pwrss < point.pwrss:
                    break
                size /= 2
            else:
                if full is None:
                    break
                full, before = None, math.inf
                continue
            point, beta, before = trial, new_beta, gain
        self.u = point.u
        return point, beta

    def _guess(self, beta: np.ndarray, T: np.ndarray, near: _Near | None) -> np.ndarray:
        """Where the mode has moved to, to first order, since the last gradient."""
        if near is None:
            return self.u
        A, b = T[self._entries] - near.T[self._entries], beta - near.beta
        return near.u + near.by_entries @ A + near.by_beta @ b

    def _remember(self, point: _Point, Q: np.ndarray, full: np.ndarray, T: np.ndarray, beta: np.ndarray) -> None:
        """The derivatives of the mode, from its equation (ZL)' W^1/2 G r = u."""
        matrix, u = self.matrix, self.matrix.effects(point.u)
        wr = point.r if self.root is None else point.r * self.root
        score = rows_by(point.G, self.Z) * wr[:, None]
        pull = np.ascontiguousarray(rows_times(Q, self.ZL).transpose(0, 2, 1))  # of a change of phi, by row
        moved = -matrix.cross_rows(rows_times(pull, self.X))
        rows, columns = self._entries
        by_T = -rows_times(pull, self.Z)[:, :, rows] * u[:, None, columns]
        by_T[:, columns, np.arange(len(columns))] += score[:, rows]
        both = matrix.solve(full, np.hstack([moved, matrix.cross_rows(by_T)]))
        p = len(beta)
        kept = full if full.size <= _MOST_KEPT else None
        self.near = _Near(T, beta.copy(), point.u, both[:, p:], both[:, :p], kept)

    def _full_hessian(self, point: _Point) -> np.ndarray | None:
        """Half the second derivatives of the penalized sum of squares by u; None unless positive definite."""
        H = self.mean.second(point.phi)
        full = self.matrix.plus_identity(self.matrix.sandwich(self.ZL, self._curvature(point, H)))
        try:
            np.linalg.cholesky(full)
        except np.linalg.LinAlgError:
            return None
        return full

    def _curvature(self, point: _Point, H: np.ndarray) -> np.ndarray:
        """w (G G' - r H) of each row."""
        w = np.ones(self.n) if self.root is None else self.root**2
        wr = point.r if self.root is None else self.root * point.r
        out: np.ndarray = w[:, None, None] * point.G[:, :, None] * point.G[:, None, :] - wr[:, None, None] * H
        return out

    def _step(self, point: _Point, joint: bool, full: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, float]:
        """The Gauss-Newton step, or that of a full Hessian, and the decrease that it promises."""
        matrix, M = self.matrix, self._rows(point.G, self.ZL)
        slope = matrix.cross(M, point.r) - point.u
        if full is not None:
            step = matrix.solve(full, slope)
            return step, np.zeros(0), float(slope @ step)
        A = matrix.plus_identity(matrix.gram(M))
        if not joint:
            step = matrix.solve(A, slope)
            return step, np.zeros(0), float(slope @ step)
        V = self._rows(point.G, self.X)
        B = matrix.cross(M, V)
        solved = matrix.solve(A, np.column_stack([B, slope]))
        S = V.T @ V - B.T @ solved[:, :-1]
        slope_b = V.T @ point.r
        step_b = np.linalg.lstsq(S, slope_b - B.T @ solved[:, -1], rcond=1e-14)[0]
        step_u = solved[:, -1] - solved[:, :-1] @ step_b
        return step_u, step_b, float(slope @ step_u + slope_b @ step_b)

    # ------------------------------------------------------------------ the criterion

    def _split(self, par: Any) -> tuple[np.ndarray, np.ndarray, bool]:
        par = np.asarray(par, dtype=np.float64)
        if par.shape != (self.layout.n_par,):
            raise MereValueError(f"par must have {self.layout.n_par} values, not {par.size}")
        if self.nAGQ:
            return par[: self.n_re], par[self.n_re :], False
        return par, self.beta, True

    def _evaluate(self, par: Any, sigma: float | None = None) -> tuple[float, _Point, np.ndarray, np.ndarray]:
        """-2 log L and what it was made of; sigma is profiled out unless it is given. `nodes` are kept."""
        own, beta, joint = self._split(par)
        T = self._factor(own)
        point, beta = self._mode(beta, T, joint)
        if joint:
            self.beta = beta
        M = self._rows(point.G, self.ZL)
        A = self.matrix.plus_identity(self.matrix.gram(M))
        if self.nAGQ > 1:
            fixed = rows_times(self.X, beta)
            if sigma is None:
                self.nodes = profiled_sums(self, point, fixed, T, A)
            else:
                self.nodes = node_sums(self, point, fixed, T, A, sigma)
            self.sigma, rest = self.nodes.sigma, self.nodes.value
        else:
            self.sigma = math.sqrt(point.pwrss / self.n) if sigma is None else sigma
            rest = point.pwrss / self.sigma**2
        value = self.matrix.logdet(A) + self.n * math.log(2 * math.pi * self.sigma**2) + rest
        return value - self.log_weights, point, M, A

    def with_sigma(self, par: Any, sigma: float) -> tuple[float, np.ndarray]:
        """-2 log L at par and sigma, and its gradient by par and log sigma."""
        par = np.asarray(par, dtype=np.float64)
        value, point, M, A = self._evaluate(par, sigma)
        slope = self._slope(par, point, M, A)
        by_tau = 2 * self.n - 2 * point.pwrss / sigma**2 if self.nodes is None else self.nodes.by_tau
        return value, np.append(slope, by_tau)

    def value(self, par: Any) -> float:
        """-2 log L at par."""
        return self._evaluate(par)[0]

    def value_and_gradient(self, par: Any, gradient: bool = True) -> tuple[float, np.ndarray | None]:
        """Both at once; infinity where the mode is not found."""
        try:
            value, point, M, A = self._evaluate(par)
            if not gradient:
                return value, None
            return value, self._slope(np.asarray(par, dtype=np.float64), point, M, A)
        except (ConvergenceError, np.linalg.LinAlgError):
            return float("inf"), np.zeros(self.layout.n_par) if gradient else None

    def gradient(self, par: Any) -> np.ndarray:
        """The gradient at par: exact for Laplace's approximation, by differences with ``nAGQ=0``."""
        par = np.array(par, dtype=np.float64)
        if self.nAGQ:
            _, point, M, A = self._evaluate(par)
            return self._slope(par, point, M, A)
        out = np.empty(len(par))
        for i, x in enumerate(par):
            h = 1e-4 * max(abs(x), 0.1)
            par[i] = x + h
            high = self.value(par)
            par[i] = x - h
            out[i] = (high - self.value(par)) / (2 * h)
            par[i] = x
        return out

    def _slope(self, par: np.ndarray, point: _Point, M: np.ndarray, A: np.ndarray) -> np.ndarray:
        """See the head of the file. Row quantities: raw = W^1/2 G Z, h = A^-1 M, e = W^1/2 ZL h, H = d2f."""
        matrix, ZL, u = self.matrix, self.ZL, self.matrix.effects(point.u)
        root = np.ones(self.n) if self.root is None else self.root
        H = self.mean.second(point.phi)
        inverse = matrix.inverse_rows(A) if self.nodes is None else self.nodes.inverse[matrix.codes]  # type: ignore[union-attr]
        h = np.einsum("nkl,nl->nk", inverse, M)
        e = root[:, None] * rows_into(ZL, h)
        moved = 2 * np.einsum("nst,nt->ns", H, e)  # d log|A| / d phi
        wr = root * point.r
        Q = self._curvature(point, H)
        full = matrix.plus_identity(matrix.sandwich(ZL, Q))
        ones = np.ones(self.n)
        t = matrix.cross(rows_by(moved, ZL), ones)
        if self.nodes is not None:
            t = t + self.nodes.moved
        v = matrix.effects(matrix.solve(full, t))
        if self.nAGQ:
            own, beta, _ = self._split(par)
            self._remember(point, Q, full, self._factor(own), beta)
        alpha = moved - np.einsum("nst,nt->ns", Q, rows_into(ZL, v))
        raw = self._rows(point.G, self.Z)
        D = 2 * raw.T @ h + rows_by(alpha, self.Z).T @ u + (raw * point.r[:, None]).T @ v
        if self.nodes is None:  # by phi, everything but Lambda in M and in the mode's equation
            own = (-2 / self.sigma**2) * wr[:, None] * point.G
            D += rows_by(own, self.Z).T @ u
        else:
            own = self.nodes.pull
            D += self.nodes.block
        pull = alpha + own
        by_theta = D[self._entries]
        by_par = by_theta @ self._jacobian(par[: self.n_re])
        return np.concatenate([by_par, np.einsum("nsp,ns->p", self.X, pull)])

    def hessian(self, par: Any) -> np.ndarray:
        """The Hessian at par: central differences of the gradient, symmetrized."""
        par = np.array(par, dtype=np.float64)
        scale = self.scale(par)
        out = np.empty((len(par), len(par)))
        for i, x in enumerate(par):
            h = (1e-4 if self.nAGQ else 1e-3) * scale[i]
            slopes = []
            for step in (h, -h):
                par[i] = x + step
                slopes.append(self.gradient(par))
            par[i] = x
            out[i] = (slopes[0] - slopes[1]) / (2 * h)
        return (out + out.T) / 2

    def scale(self, par: Any) -> np.ndarray:
        """About how far each parameter can move: theta by itself, fixed effects by their standard errors."""
        par = np.asarray(par, dtype=np.float64)
        own = np.maximum(np.abs(par[: self.n_re]), 0.1 * np.abs(self._start_scale()))
        if not self.nAGQ:
            return own
        _, point, M, A = self._evaluate(par)
        R = self._triangle(point, M, A)
        inverse = np.linalg.pinv(R)
        return np.concatenate([own, self.sigma * np.sqrt(np.sum(inverse**2, axis=1))])

    def _start_scale(self) -> np.ndarray:
        return np.where(self.terms_layout.start == 0, 1.0, self.terms_layout.start)

    def _triangle(self, point: _Point, M: np.ndarray, A: np.ndarray) -> np.ndarray:
        """RX, upper triangular: RX'RX = V'V - V'M A^-1 M'V."""
        V = self._rows(point.G, self.X)
        B = self.matrix.cross(M, V)
        S = V.T @ V - B.T @ self.matrix.solve(A, B)
        try:
            return np.linalg.cholesky((S + S.T) / 2).T
        except np.linalg.LinAlgError:
            raise ConvergenceError("the data do not tell the nonlinear parameters apart at these estimates") from None

    def joint(self, par: Any) -> tuple[np.ndarray, float]:
        """Fixed effects found with the random effects at the theta of par, from `beta`; and -2 log L there."""
        T = self._factor(np.asarray(par, dtype=np.float64)[: self.n_re])
        point, beta = self._mode(self.beta, T, joint=True)
        self.beta = beta
        M = self._rows(point.G, self.ZL)
        A = self.matrix.plus_identity(self.matrix.gram(M))
        value = self.matrix.logdet(A) + self.n * (1 + math.log(2 * math.pi * point.pwrss / self.n))
        return beta, value - self.log_weights

    # ------------------------------------------------------------------ the solution

    def state(self, par: Any) -> NLMMState:
        """Random effects, means, sigma and the parts of the criterion at par."""
        par = np.array(par, dtype=np.float64)
        criterion, point, M, A = self._evaluate(par)
        own, beta, _ = self._split(par)
        RX = self._triangle(point, M, A)
        sigma = self.sigma
        effects = point.u
        b = np.zeros(self.matrix.q)
        b[self.matrix.cols] = np.einsum("kl,nl->nk", self._factor(own), self.matrix.effects(effects))
        ussq = float(effects @ effects)
        devcomp = {
            "ldL2": self.matrix.logdet(A), "ldRX2": 2 * float(np.log(np.diag(RX)).sum()),
            "wrss": point.pwrss - ussq, "ussq": ussq, "pwrss": point.pwrss, "drsum": math.nan, "REML": math.nan,
            "dev": criterion, "sigmaML": sigma, "sigmaREML": math.nan, "tolPwrss": self.tolPwrss,
        }  # fmt: skip
        return NLMMState(
            own, self.theta(own), beta.copy(), effects[self.place], b[self.place], point.mu, point.phi, sigma,
            criterion, devcomp, RX, linearized(self.design, point.G),
        )  # fmt: skip
