"""The linear mixed model by the textbook's dense formulas: the slow reference.

The model, given a :class:`mere.design.Design` with response y, prior weights w
and offset o, is

    y = o + X beta + Z b + e,   b = Lambda u,
    u ~ N(0, sigma^2 I),        e ~ N(0, sigma^2 W^-1),   W = diag(w),

so that Var(y) = sigma^2 V with V = W^-1 + Z Lambda Lambda' Z'. With n rows, p
columns of X and r(beta) = y - o - X beta,

    beta  = (X' V^-1 X)^-1 X' V^-1 (y - o)
    s2    = r' V^-1 r                      (= pwrss)
    ML    : log|V| + n     (1 + log(2 pi s2 / n))
    REML  : log|V| + log|X' V^-1 X| + (n - p)(1 + log(2 pi s2 / (n - p)))
    u     = Lambda' Z' V^-1 r
    var(b | y) = sigma^2 Lambda (Lambda' Z' W Z Lambda + I)^-1 Lambda'

Everything is an n x n or q x q dense matrix and nothing is shared with the
kernels of ``csrc``: what the two agree on is right. Only for small data.

Reference: Bates, Maechler, Bolker and Walker (2015), J. Stat. Soft. 67(1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg as sla
import scipy.optimize as opt


@dataclass(frozen=True)
class State:
    """What the criterion knows at one point: the fields of `mere.objective.LMMState`."""

    par: np.ndarray
    theta: np.ndarray
    beta: np.ndarray
    u: np.ndarray
    b: np.ndarray
    sigma: float
    criterion: float
    devcomp: dict[str, float]
    RX: np.ndarray


class DenseObjective:
    """The profiled criterion of a design, with the verbs of `mere.objective.LMMObjective`.

    Parameters
    ----------
    design : Design
    reml : bool
    """

    def __init__(self, design: Any, reml: bool = True):
        self.design, self.reml = design, reml
        self.n, self.p = design.X.shape
        self.w = np.ones(self.n) if design.weights is None else np.asarray(design.weights)
        self.y = design.y - (0.0 if design.offset is None else design.offset)
        self.Z = dense_Z(design)

    # -- the model's matrices ------------------------------------------------
    def split(self, par: np.ndarray) -> list[np.ndarray]:
        """`par` term by term."""
        ends = np.cumsum([t.covariance.n_par for t in self.design.random])
        return np.split(np.asarray(par, float), ends[:-1])

    def factors(self, par: np.ndarray) -> list[np.ndarray]:
        """The k x k lower-triangular relative factor of each term."""
        out = []
        for term, own in zip(self.design.random, self.split(par), strict=True):
            T = np.zeros((term.covariance.k,) * 2)
            T[tuple(np.asarray(term.covariance.entries).T)] = term.covariance.theta(own)
            out.append(T)
        return out

    def theta(self, par: np.ndarray) -> np.ndarray:
        """All entries of the relative factors, term after term."""
        pairs = zip(self.design.random, self.split(par), strict=True)
        return np.concatenate([t.covariance.theta(own) for t, own in pairs])

    def Lambda(self, par: np.ndarray) -> np.ndarray:
        """Block-diagonal relative factor, (q, q)."""
        terms = zip(self.design.random, self.factors(par), strict=True)
        return sla.block_diag(*(np.kron(np.eye(len(t.levels)), T) for t, T in terms))

    def V(self, par: np.ndarray) -> np.ndarray:
        """Marginal covariance of y divided by sigma^2, (n, n)."""
        ZL = self.Z @ self.Lambda(par)
        return np.diag(1 / self.w) + ZL @ ZL.T

    def start(self) -> np.ndarray:
        """Where an optimizer begins: identity relative factors."""
        return np.concatenate([t.covariance.start() for t in self.design.random])

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bounds of `par`."""
        lower = np.concatenate([t.covariance.lower() for t in self.design.random])
        upper = np.concatenate([t.covariance.upper() for t in self.design.random])
        return lower, upper

    # -- the criterion -------------------------------------------------------
    def _pieces(self, par: np.ndarray) -> dict[str, Any]:
        V = self.V(par)
        chol = sla.cho_factor(V, lower=True)
        X, y = self.design.X, self.y
        ViX = sla.cho_solve(chol, X)
        A = X.T @ ViX
        beta = np.linalg.solve(A, ViX.T @ y) if self.p else np.zeros(0)
        r = y - X @ beta
        Vir = sla.cho_solve(chol, r)
        s2 = float(r @ Vir)
        logdet_V = 2 * float(np.log(np.diag(chol[0])).sum())
        logdet_A = float(np.linalg.slogdet(A)[1]) if self.p else 0.0
        df = self.n - self.p if self.reml else self.n
        value = logdet_V + df * (1 + math.log(2 * math.pi * s2 / df))
        if self.reml:
            value += logdet_A
        return {
            "chol": chol, "ViX": ViX, "A": A, "beta": beta, "r": r, "Vir": Vir, "s2": s2,
            "logdet_V": logdet_V, "logdet_A": logdet_A, "df": df, "value": value,
        }  # fmt: skip

    def value(self, par: np.ndarray) -> float:
        """-2 log L, or the REML criterion, with beta and sigma profiled out."""
        return float(self._pieces(par)["value"])

    def gradient(self, par: np.ndarray) -> np.ndarray:
        """Derivative of `value`: tr(P dV) or tr(V^-1 dV), minus df r'V^-1 dV V^-1 r / s2."""
        at = self._pieces(par)
        Vi = sla.cho_solve(at["chol"], np.eye(self.n))
        P = Vi - at["ViX"] @ np.linalg.solve(at["A"], at["ViX"].T) if self.reml else Vi
        Lambda = self.Lambda(par)
        ZLam, ZPZ = self.Z @ Lambda, self.Z.T @ P
        Ztr = self.Z.T @ at["Vir"]
        out, first = [], 0
        for term, own in zip(self.design.random, self.split(par), strict=True):
            cov, q = term.covariance, len(term.levels)
            entries, jacobian = np.asarray(cov.entries), np.asarray(cov.jacobian(own))
            d_theta = np.zeros(len(entries))
            for m, (i, j) in enumerate(entries):
                rows, cols = first + np.arange(q) * cov.k + i, first + np.arange(q) * cov.k + j
                trace = float(np.einsum("an,na->", ZPZ[rows], ZLam[:, cols]))
                quad = float(Ztr[rows] @ (ZLam[:, cols].T @ at["Vir"]))
                d_theta[m] = 2 * (trace - at["df"] * quad / at["s2"])
            out.append(d_theta @ jacobian)
            first += q * cov.k
        return np.concatenate(out)

    def hessian(self, par: np.ndarray, step: float = 1e-4) -> np.ndarray:
        """Second derivative of `value`, by central differences of `gradient`."""
        par = np.asarray(par, float)
        m = len(par)
        H = np.zeros((m, m))
        for i, e in enumerate(np.eye(m) * step):
            near = (self.gradient(par + e) - self.gradient(par - e)) / (2 * step)
            far = (self.gradient(par + 2 * e) - self.gradient(par - 2 * e)) / (4 * step)
            H[i] = (4 * near - far) / 3
        return (H + H.T) / 2

    # -- the state at a point ------------------------------------------------
    def state(self, par: np.ndarray) -> State:
        """beta, u, b, sigma and R's table of deviance components at `par`."""
        par = np.array(par, float)
        at = self._pieces(par)
        Lambda = self.Lambda(par)
        u = Lambda.T @ (self.Z.T @ at["Vir"])
        b = Lambda @ u
        e = at["r"] - self.Z @ b
        n, p, s2 = self.n, self.p, at["s2"]
        wrss, ussq = float(self.w @ e**2), float(u @ u)
        reml_value = dev = math.nan
        if self.reml:
            reml_value = at["value"]
        else:
            dev = at["value"]
        devcomp = {
            "ldL2": at["logdet_V"] + float(np.log(self.w).sum()),
            "ldRX2": at["logdet_A"], "wrss": wrss, "ussq": ussq, "pwrss": wrss + ussq,
            "drsum": math.nan, "REML": reml_value, "dev": dev,
            "sigmaML": math.sqrt(s2 / n), "sigmaREML": math.sqrt(s2 / (n - p)),
        }  # fmt: skip
        sigma = devcomp["sigmaREML" if self.reml else "sigmaML"]
        RX = sla.cholesky(at["A"]) if p else np.zeros((0, 0))
        return State(
            par, self.theta(par), at["beta"], u, b, sigma, float(at["value"]), devcomp, RX
        )  # fmt: skip

    def unscaled_variance(self, par: np.ndarray) -> np.ndarray:
        """Lambda (Lambda' Z' W Z Lambda + I)^-1 Lambda', (q, q)."""
        Lambda = self.Lambda(par)
        ZL = self.Z @ Lambda
        M = ZL.T @ (self.w[:, None] * ZL) + np.eye(ZL.shape[1])
        return Lambda @ np.linalg.solve(M, Lambda.T)

    def conditional_variances(self, par: np.ndarray) -> tuple[np.ndarray, ...]:
        """Blocks (levels, k, k) of `unscaled_variance`, one array a term."""
        S = self.unscaled_variance(par)
        out = []
        for term, index in zip(self.design.random, self._index(), strict=True):
            out.append(np.array([S[np.ix_(row, row)] for row in index]).reshape(
                len(term.levels), term.covariance.k, term.covariance.k))  # fmt: skip
        return tuple(out)

    def conditional_variances_by_factor(self, par: np.ndarray) -> dict[str, np.ndarray]:
        """The same with the terms of one grouping factor joined."""
        S = self.unscaled_variance(par)
        joined: dict[str, list[np.ndarray]] = {}
        for term, index in zip(self.design.random, self._index(), strict=True):
            joined.setdefault(term.group, []).append(index)
        return {group: np.array([S[np.ix_(row, row)] for row in np.hstack(parts)]) for group, parts in joined.items()}

    def _index(self) -> list[np.ndarray]:
        """Positions in b of each term, (levels, k)."""
        out, first = [], 0
        for term in self.design.random:
            q = len(term.levels) * term.covariance.k
            out.append(np.arange(first, first + q).reshape(len(term.levels), -1))
            first += q
        return out

    def leverage(self, par: np.ndarray) -> np.ndarray:
        """Diagonal of d fitted / d y, (n,)."""
        at = self._pieces(par)
        Vi = sla.cho_solve(at["chol"], np.eye(self.n))
        P = Vi - at["ViX"] @ np.linalg.solve(at["A"], at["ViX"].T)
        return 1 - np.diag(P) / self.w

    # -- the optimum ---------------------------------------------------------
    def optimum(self, start: np.ndarray | None = None) -> tuple[np.ndarray, int]:
        """The minimizing `par`: the best of several L-BFGS-B runs, then Newton steps."""
        lower, upper = self.bounds()
        first = self.start() if start is None else np.array(start, float)
        feval, par, best = 0, first, math.inf
        starts = [first, first * 0.3, first * 4.0]
        while starts:
            found = opt.minimize(
                self.value, np.clip(starts.pop(0), lower, upper), jac=self.gradient,
                method="L-BFGS-B", bounds=list(zip(lower, upper, strict=True)),
                options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 500},
            )  # fmt: skip
            feval += int(found.nfev)
            if found.fun < best - 1e-9:
                par, best = found.x, float(found.fun)
                edge = par <= lower + 1e-8  # the slope is zero there, by symmetry: try inside
                if edge.any():
                    starts.append(np.where(edge, lower + 0.5, par))
        for _ in range(5):
            free = (par > lower + 1e-8) & (par < upper - 1e-8)
            if not free.any():
                break
            step = np.zeros_like(par)
            H = self.hessian(par)[np.ix_(free, free)]
            step[free] = np.linalg.lstsq(H, self.gradient(par)[free], rcond=1e-10)[0]
            trial = np.clip(par - step, lower, upper)
            value = self.value(trial)
            if not value <= best + 1e-10:
                break
            par, best = trial, value
            if np.abs(step).max() < 1e-10:
                break
        return par, feval


def dense_Z(design: Any) -> np.ndarray:
    """The random-effects model matrix, (n, q): term, then level, then coefficient."""
    n = len(design.y)
    blocks = [np.zeros((n, 0))]
    for term in design.random:
        values = np.ones((n, 1)) if term.values is None else np.asarray(term.values)
        k = values.shape[1]
        block = np.zeros((n, len(term.levels) * k))
        for c in range(k):
            block[np.arange(n), np.asarray(term.codes) * k + c] = values[:, c]
        blocks.append(block)
    return np.hstack(blocks)


def fit(design: Any, reml: bool = True, call: Any = None, start: Any = None) -> Any:
    """A complete `LMM` whose numbers all come from :class:`DenseObjective`."""
    from mere.control import LmerControl
    from mere.fitting import LMMFit, OptInfo
    from mere.model import Call, mixed_model

    objective = DenseObjective(design, reml and design.X.shape[1] > 0)
    par, feval = objective.optimum(start)
    lower, _ = objective.bounds()
    boundary = tuple(int(i) for i in np.flatnonzero(par <= lower + 1e-8))
    singular = bool((par[np.isfinite(lower)] - lower[np.isfinite(lower)] < 1e-4).any())
    optinfo = OptInfo(
        optimizer="oracle", feval=feval, message="", gradient=objective.gradient(par),
        decrement=0.0, boundary=boundary,
        warnings=("boundary (singular) fit: see help('isSingular')",) if singular else (),
        _par=par, _objective=objective,
    )  # fmt: skip
    found = LMMFit(design, objective, objective.state(par), optinfo)
    return mixed_model(found, LmerControl(), call or Call("lmer", {}))


def dense_laplace(y, w, codes, shape, mean, start):
    """Laplace by the book: the mode by a general least-squares solver, G by differences, dense determinants.

    shape : (sum of k, ...) list of (codes, levels, parameter index, factor T); mean(phi) of rows.
    """
    n, root = len(y), np.sqrt(w)
    sizes = [levels * len(place) for _, levels, place, _ in shape]
    at = np.concatenate([[0], np.cumsum(sizes)])

    def phi_of(u):
        phi = np.tile(start, (n, 1)).astype(float)
        for t, (code, levels, place, T) in enumerate(shape):
            b = u[at[t] : at[t + 1]].reshape(levels, len(place)) @ np.asarray(T).T
            for c, j in enumerate(place):
                phi[:, j] += b[code, c]
        return phi

    def residual(u):
        return np.concatenate([root * (y - mean(phi_of(u))), u])

    u = np.zeros(at[-1])
    for _ in range(3):
        u = opt.least_squares(residual, u, xtol=1e-15, ftol=1e-15, gtol=1e-15, jac="3-point").x
    M = np.empty((n, at[-1]))
    for j in range(at[-1]):
        e = np.zeros(at[-1])
        e[j] = 1e-5
        M[:, j] = -(residual(u + e)[:n] - residual(u - e)[:n]) / 2e-5
    pwrss = float(np.sum(residual(u) ** 2))
    logdet = np.linalg.slogdet(np.eye(at[-1]) + M.T @ M)[1]
    return logdet + n * (1 + np.log(2 * np.pi * pwrss / n)) - np.log(w).sum()
