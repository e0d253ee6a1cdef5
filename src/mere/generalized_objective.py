"""The criterion of a generalized linear mixed model as a Python object.

``GLMMObjective(design, family)`` answers the questions that `LMMObjective` answers: ``value(par)``, ``state(par)``,
``with_response(y)``, and derivatives. `par` holds the parameters of the random-effects terms, then the fixed effects,
then, when the size of a negative binomial is estimated with them, its logarithm. The criterion is -2 log L with all
constants: by Laplace's approximation (``nAGQ=1``), by adaptive Gauss-Hermite quadrature (more), or that of Laplace with
the fixed effects found together with the random effects (0).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import _core
from .blas import one_thread
from .design import Design
from .errors import ConvergenceError, MereValueError
from .families import Family
from .families.negative_binomial import NegativeBinomial
from .objective import TermBlocks, layout_of
from .quadrature import check_quadrature, gauss_hermite
from .response import Response, read_response

__all__ = ["GLMMObjective", "GLMMState", "generalized_kernel_error"]

_NOTHING: AbstractContextManager[Any] = nullcontext()


@dataclass(frozen=True, eq=False)
class GLMMState:
    """The fit at given parameters; the fields are those of `mere.generalized.GLMM`."""

    par: np.ndarray
    theta: np.ndarray
    beta: np.ndarray
    u: np.ndarray
    b: np.ndarray
    eta: np.ndarray
    mu: np.ndarray
    working: np.ndarray
    sigma: float
    criterion: float
    devcomp: Mapping[str, float]
    RX: np.ndarray


@dataclass(frozen=True, eq=False)
class FullLayout:
    """Bounds and start of all parameters, as optimizers read them."""

    n_par: int
    linear: bool
    lower: np.ndarray
    upper: np.ndarray
    start: np.ndarray


class GLMMObjective(TermBlocks):
    """-2 log L of a generalized linear mixed model, with its derivatives and its solution.

    Parameters
    ----------
    design : Design
    family : Family
    response : Response, optional
        Another response for the same design.
    nAGQ : int
    tolPwrss : float
        The conditional modes are found when a step would lower the penalized deviance by less.
    joint_theta : bool
        Is the logarithm of a negative binomial's size the last parameter?

    Notes
    -----
    Not to be shared between threads: it holds one workspace, and the conditional modes found last start the next
    search. Pickling keeps design and response and makes the plan anew.

    Examples
    --------
    >>> from mere.design import build_design
    >>> from mere.datasets import cbpp
    >>> from mere.families import binomial
    >>> design = build_design("cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp)
    >>> f = GLMMObjective(design, binomial())
    >>> round(f.value([0.6421, -1.3985, -0.9923, -1.1287, -1.5803]), 4)
    184.0526
    """

    def __init__(
        self,
        design: Design,
        family: Family,
        response: Response | None = None,
        nAGQ: int = 1,
        tolPwrss: float = 1e-18,
        joint_theta: bool = False,
    ):
        self.design, self.family, self.nAGQ = design, family, nAGQ
        self.response = read_response(design, family) if response is None else response
        self.tolPwrss, self.joint_theta = tolPwrss, joint_theta
        self.structures = tuple(term.covariance for term in design.random)
        self.terms_layout = layout_of(self.structures)
        factors: dict[str, int] = {}
        terms = [(t.values, t.codes, len(t.levels), factors.setdefault(t.group, len(factors))) for t in design.random]
        layout, n, p = self.terms_layout, len(self.response.y), design.X.shape[1]
        self.n_kernel = layout.n_par if layout.linear else layout.n_theta
        self.plan = _core.Plan(_core.Rows(np.empty((n, 0), order="F"), None, terms), layout.entries, self.n_kernel)
        self.work = self._workspace()
        self.rule: Any = gauss_hermite(nAGQ) if nAGQ > 1 else 1
        self._check_quadrature()
        self.n_re, self.p = layout.n_par, p
        free = p + int(joint_theta)
        self.layout = FullLayout(
            layout.n_par + free,
            False,
            _extended(layout.lower, free, -np.inf),
            _extended(layout.upper, free, np.inf),
            _extended(self._theta_start(), free, 0.0),
        )
        if isinstance(family, NegativeBinomial) and joint_theta:
            self.layout.start[-1] = np.log(family.theta)
        self.threads = one_thread if self.plan.blas else _NOTHING

    def _workspace(self) -> Any:
        family, r = self.family, self.response
        rows_of, constant, canonical = None, r.constant, False
        code, link = family.code, family.link.code
        if code < 0 or link < 0:
            rows = _Rows(family, r)
            rows_of, canonical, code, link = rows, False, code if code >= 0 else 6, 0
            ones = np.array(r.y, dtype=np.float64)
            constant += family.minus_2_loglik(r.y, ones, r.weights, 0.0) if not family.has_scale else 0.0
        work = _core.Glmm(
            self.plan, np.asfortranarray(self.design.X), r.y, r.weights, self.design.offset, code, link,
            getattr(family, "theta", 1.0), self.joint_theta, self.tolPwrss, 100, rows_of, constant, canonical,
        )  # fmt: skip
        if rows_of is not None:
            rows_of.sort(work.rows())
        return work

    def _check_quadrature(self) -> None:
        if self.nAGQ <= 1:
            return
        check_quadrature(self.design.random, len(self.response.y), self.nAGQ)
        if self.family.has_scale:
            raise MereValueError(
                f"nAGQ > 1 is not available for the {self.family.name} family, whose dispersion is free"
            )

    def _theta_start(self) -> np.ndarray:
        """Identity in units of each column: start / its root mean square."""
        layout, out = self.terms_layout, np.array(self.terms_layout.start)
        if layout.linear:
            for t, term in enumerate(self.design.random):
                if term.values is None:
                    continue
                scale = np.sqrt(np.mean(np.asarray(term.values) ** 2, axis=0))
                rows = layout.entries[layout.entries[:, 0] == t]
                for _, row, column, par in rows:
                    if row == column and scale[row] > 0:
                        out[par] = layout.start[par] / scale[row]
        return out

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.design, self.family, self.response, self.nAGQ, self.tolPwrss, self.joint_theta))

    def with_response(self, y: np.ndarray) -> GLMMObjective:
        """The same objective for another response (n,)."""
        return self.twin(replace(self.response, y=np.ascontiguousarray(y, dtype=np.float64)))

    def twin(self, response: Response | None = None) -> GLMMObjective:
        """The same objective with a workspace of its own, for another thread or another response; plans are shared."""
        out = copy(self)
        out.response = self.response if response is None else response
        out.work = out._workspace()
        return out

    # ------------------------------------------------------------------ parameters

    def theta(self, par: Any) -> np.ndarray:
        """The entries of the covariance factors, term after term, at par (those of the terms suffice)."""
        par, at = np.asarray(par, dtype=np.float64), self.terms_layout.par_at
        return np.concatenate([c.theta(par[at[t] : at[t + 1]]) for t, c in enumerate(self.structures)])

    def kernel_par(self, par: Any) -> np.ndarray:
        """par as the kernels take it."""
        par = np.asarray(par, dtype=np.float64)
        if par.shape != (self.layout.n_par,):
            raise MereValueError(f"par must have {self.layout.n_par} values, not {par.size}")
        if self.terms_layout.linear:
            return par
        return np.concatenate([self.theta(par[: self.n_re]), par[self.n_re :]])

    def jacobian(self, par: Any) -> np.ndarray:
        """d theta / d par of the terms, (n_theta, n_par)."""
        par, layout = np.asarray(par, dtype=np.float64), self.terms_layout
        out = np.zeros((layout.n_theta, layout.n_par))
        for t, c in enumerate(self.structures):
            rows, columns = slice(*layout.theta_at[t : t + 2]), slice(*layout.par_at[t : t + 2])
            out[rows, columns] = c.jacobian(par[columns])
        return out

    # ------------------------------------------------------------------ the criterion

    def value(self, par: Any) -> float:
        """-2 log L at par, (n_par,)."""
        with self.threads:
            return self._value(par)

    def _value(self, par: Any) -> float:
        try:
            return float(self.work.value(self.kernel_par(par), self.rule))
        except _core.KernelError as error:
            raise generalized_kernel_error(error) from None

    def gradient(self, par: Any) -> np.ndarray:
        """The exact gradient at par, (n_par,)."""
        with self.threads:
            return self._gradient_at(par)

    def _gradient_at(self, par: Any) -> np.ndarray:
        return self._both(par)[1]

    def _both(self, par: Any) -> tuple[float, np.ndarray]:
        g: np.ndarray
        if self.nAGQ > 1:
            try:
                value, g = self.work.quadrature(self.kernel_par(par), self.rule)
            except _core.KernelError as error:
                raise generalized_kernel_error(error) from None
        else:
            value = self._value(par)
            g = self.work.gradient()
        if self.terms_layout.linear:
            return value, g
        own_par = np.asarray(par, dtype=np.float64)[: self.n_re]
        if self.nAGQ > 1:  # a function of Lambda, by its nodes, not of Lambda Lambda' alone
            own = g[: self.n_kernel] @ self.jacobian(own_par)
            self._slopes_at_edges(np.array(par, dtype=np.float64), value, own)
        else:
            own = self._by_par(g[: self.n_kernel], own_par, self.terms_layout)
        return value, np.concatenate([own, g[self.n_kernel :]])

    def _slopes_at_edges(self, par: np.ndarray, value: float, slopes: np.ndarray) -> None:
        """By correlations of +-1, where Lambda has no derivative: differences inward."""
        lower, upper = self.terms_layout.lower, self.terms_layout.upper
        for i, x in enumerate(par[: self.n_re]):
            if upper[i] - x < 1e-5 or (x - lower[i] < 1e-5 and np.isfinite(upper[i])):
                h = 1e-3 if x - lower[i] < 1e-5 else -1e-3
                near, far = (self._value(np.r_[par[:i], x + s * h, par[i + 1 :]]) for s in (1.0, 2.0))
                slopes[i] = (4.0 * (near - value) - (far - value)) / (2.0 * h)

    def value_and_gradient(self, par: Any, gradient: bool = True) -> tuple[float, np.ndarray | None]:
        """Both at once; infinity where the conditional modes are not found."""
        with self.threads:
            try:
                return self._both(par) if gradient else (self._value(par), None)
            except ConvergenceError:
                return float("inf"), np.zeros(len(par)) if gradient else None

    def hessian(self, par: Any) -> np.ndarray:
        """The Hessian at par, (n_par, n_par): central differences of the gradient, symmetrized."""
        par = np.array(par, dtype=np.float64)
        out = np.empty((len(par), len(par)))
        steps = self._difference_steps(par)
        with self.threads:
            for i, (x, h) in enumerate(zip(par, steps, strict=True)):
                slopes = []
                for step in (h, -h):
                    par[i] = x + step
                    slopes.append(self._gradient_at(par))
                par[i] = x
                out[i] = (slopes[0] - slopes[1]) / (2 * h)
        return (out + out.T) / 2

    def _difference_steps(self, par: np.ndarray) -> np.ndarray:
        """1e-4 of each parameter, and for fixed effects no more than a twentieth of a standard error."""
        steps: np.ndarray = 1e-4 * np.maximum(np.abs(par), 0.1)
        if self.p:
            try:
                inverse = np.linalg.inv(self.state(par).RX)
            except (np.linalg.LinAlgError, ConvergenceError):
                return steps
            fixed = slice(self.n_re, self.n_re + self.p)
            error = np.sqrt((inverse**2).sum(axis=1))
            steps[fixed] = np.minimum(steps[fixed], 0.05 * np.where(error > 0, error, np.inf))
        return steps

    def joint(self, par: Any, rough: bool = False) -> tuple[np.ndarray, float]:
        """par with the fixed effects that lower the penalized deviance most (nAGQ=0), and -2 log L there.

        With `rough` they are found to a few digits, as a start for other methods, and the criterion is not computed.
        """
        try:
            with self.threads:
                out, value = self.work.joint(self.kernel_par(par), rough)
        except _core.KernelError as error:
            raise generalized_kernel_error(error) from None
        found = np.array(par, dtype=np.float64)
        found[self.n_re :] = out[self.n_kernel :]
        return found, value

    # ------------------------------------------------------------------ the solution

    def state(self, par: Any) -> GLMMState:
        """Random effects, means, dispersion and the parts of the criterion at par."""
        par = np.array(par, dtype=np.float64)
        with self.threads:
            criterion = self._value(par)
            u, b, eta, mu, working, rx, sums = self.work.state()
        wrss = sums["pearson"]
        pwrss = wrss + sums["ussq"]
        sigma = float(np.sqrt(pwrss / len(eta))) if self.family.has_scale else 1.0
        devcomp = {
            "ldL2": sums["ldL2"],
            "ldRX2": sums["ldRX2"],
            "wrss": wrss,
            "ussq": sums["ussq"],
            "pwrss": pwrss,
            "drsum": sums["deviance"],
            "REML": float("nan"),
            "dev": criterion,
            "sigmaML": sigma if self.family.has_scale else float("nan"),
            "sigmaREML": float("nan"),
            "tolPwrss": self.tolPwrss,
        }
        own = par[: self.n_re]
        return GLMMState(
            own, self.theta(own), par[self.n_re : self.n_re + self.p], self._term_order(u), self._term_order(b),
            eta, mu, working, sigma, criterion, devcomp, rx,
        )  # fmt: skip

    def family_at(self, par: Any) -> Family:
        """The family at par: a negative binomial whose size is estimated has that of par."""
        if self.joint_theta and isinstance(self.family, NegativeBinomial):
            return NegativeBinomial(float(np.exp(par[-1])), self.family.link)
        return self.family

    def _flat_blocks(self, par: Any) -> np.ndarray:
        with self.threads:
            self._value(par)
            out: np.ndarray = self.work.conditional()
            return out


def _extended(values: np.ndarray, n: int, by: float) -> np.ndarray:
    out = np.empty(len(values) + n)
    out[: len(values)], out[len(values) :] = values, by
    return out


class _Rows:
    """What the kernels ask of a family without a kernel: per row mu, score, curvatures, deviance."""

    def __init__(self, family: Family, response: Response):
        self.family, self.y, self.wt = family, response.y, response.weights

    def sort(self, rows: np.ndarray) -> None:
        """Take on the kernels' order of the rows."""
        self.y, self.wt = self.y[rows], self.wt[rows]

    def __call__(self, eta: np.ndarray) -> tuple[np.ndarray, ...] | None:
        family, link, y, wt = self.family, self.family.link, self.y, self.wt
        with np.errstate(all="ignore"):
            mu = link.inverse(eta)
            if not (link.valid(eta) and family.valid_mu(mu)):
                return None
            m1, m2, v, v1 = link.derivative(eta), link.second(eta), family.variance(mu), family.variance_slope(mu)
            ratio = m1 / v
            second = m2 / v - ratio**2 * v1
            w = wt * m1 * ratio
            out = (
                mu,
                wt * (y - mu) * ratio,
                w,
                wt * family.unit_deviance(y, mu),
                w - wt * (y - mu) * second,
                wt * m1 * (m2 / v + second),
            )
        return out if all(np.isfinite(x).all() for x in out) else None


def generalized_kernel_error(error: _core.KernelError) -> Exception:
    """A status of the kernels as the error that a user sees."""
    if error.status == _core.DIVERGED:
        return ConvergenceError(
            "the conditional modes of the random effects were not found (PIRLS does not settle): the linear predictor "
            "leaves the range of the family, or a predictor separates the outcomes; rescale the predictors, give "
            "start={'theta': ..., 'fixef': ...}, or choose another link"
        )
    return MereValueError(str(error))
