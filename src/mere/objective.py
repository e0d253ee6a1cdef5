"""The criterion of a linear mixed model as a Python object.

``LMMObjective(design, reml)`` owns the plan (cross-products, made once) and a workspace. It answers three questions:
``value(par)``, ``state(par)``, and, for the same plan, ``with_response(y)``; derivatives come beside the value. `par`
is what an optimizer moves; `theta`, the entries of the relative covariance factors, follows from it through each term's
covariance structure. For unstructured and diagonal terms theta is a selection of par and the kernels take par as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from . import _core
from .blas import one_thread
from .covariances import Covariance
from .covariances.one_correlation import OneCorrelation
from .design import Design
from .errors import ConvergenceError, MereValueError

__all__ = ["LMMObjective", "LMMState", "Layout", "TermBlocks", "kernel_error", "layout_of"]


@dataclass(frozen=True, eq=False)
class LMMState:
    """The fit at given parameters.

    Attributes
    ----------
    par, theta : ndarray
    beta : ndarray (p,)
    u, b : ndarray (q,)
        Spherical and scaled random effects; term by term, level by level, column by column.
    sigma : float
    criterion : float
        REML criterion or -2 log L, with all constants.
    devcomp : mapping
        R's ``getME(m, "devcomp")$cmp``.
    RX : ndarray (p, p)
        Upper triangular; the covariance of beta is ``sigma² (RX'RX)⁻¹``.
    """

    par: np.ndarray
    theta: np.ndarray
    beta: np.ndarray
    u: np.ndarray
    b: np.ndarray
    sigma: float
    criterion: float
    devcomp: Mapping[str, float]
    RX: np.ndarray


@dataclass(frozen=True, eq=False)
class Layout:
    """How par is laid out over the terms: what the kernels and the optimizers must know. Depends on structures only.

    Attributes
    ----------
    entries : ndarray of int64 (n, 4)
        Term, row and column of Lambda, and the index of the parameter of the kernels that holds the entry.
    linear : bool
        The kernels' parameters are par itself; else they are theta.
    n_par, n_theta : int
    par_at, theta_at : tuple of int
        First parameter and first theta of each term, and the end.
    lower, upper, start : ndarray (n_par,)
    theta_lower : ndarray (n_theta,)
        Zero for a diagonal entry of Lambda, minus infinity elsewhere.
    """

    entries: np.ndarray
    linear: bool
    n_par: int
    n_theta: int
    par_at: tuple[int, ...]
    theta_at: tuple[int, ...]
    lower: np.ndarray
    upper: np.ndarray
    start: np.ndarray
    theta_lower: np.ndarray


@lru_cache(maxsize=256)
def layout_of(structures: tuple[Covariance, ...]) -> Layout:
    """The layout of the parameters of these terms."""
    linear = all(c.linear is not None for c in structures)
    par_at, theta_at, blocks = [0], [0], []
    for t, c in enumerate(structures):
        entries, index = np.asarray(c.entries), c.linear
        block = np.empty((len(entries), 4), dtype=np.int64)
        block[:, 0] = t
        block[:, 1:3] = entries
        block[:, 3] = par_at[-1] + index if linear and index is not None else theta_at[-1] + np.arange(len(entries))
        blocks.append(block)
        par_at.append(par_at[-1] + c.n_par)
        theta_at.append(theta_at[-1] + len(entries))
    stacked = np.ascontiguousarray(np.vstack(blocks))
    layout = Layout(
        entries=stacked,
        linear=linear,
        n_par=par_at[-1],
        n_theta=theta_at[-1],
        par_at=tuple(par_at),
        theta_at=tuple(theta_at),
        lower=np.concatenate([c.lower() for c in structures]),
        upper=np.concatenate([c.upper() for c in structures]),
        start=np.concatenate([c.start() for c in structures]),
        theta_lower=np.where(stacked[:, 1] == stacked[:, 2], 0.0, -np.inf),
    )
    for array in (layout.entries, layout.lower, layout.upper, layout.start, layout.theta_lower):
        array.flags.writeable = False
    return layout


_NOTHING: AbstractContextManager[Any] = nullcontext()


class TermBlocks:
    """What the kernels order by factor, ordered by term."""

    design: Design
    plan: _core.Plan
    work: Any
    structures: tuple[Covariance, ...]

    def _by_par(self, slopes: np.ndarray, par: np.ndarray, layout: Layout) -> np.ndarray:
        """From the gradient by theta, just computed, to that by par.

        Terms with a correlation go by d criterion / d(Lambda Lambda'): smooth where Lambda is not, at |rho| = 1.
        """
        parts = []
        for t, c in enumerate(self.structures):
            own = par[layout.par_at[t] : layout.par_at[t + 1]]
            if isinstance(c, OneCorrelation) and c.linear is None:
                factor, column, k, _, _ = self.plan.place(t)
                gamma = self.work.gamma(factor, k)[column : column + c.k, column : column + c.k]
                parts.append(np.einsum("pij,ij->p", c.covariance_slopes(own), gamma))
            else:
                parts.append(slopes[layout.theta_at[t] : layout.theta_at[t + 1]] @ c.jacobian(own))
        return np.concatenate(parts)

    def _flat_blocks(self, par: Any) -> np.ndarray:
        """The blocks of all levels of all factors at par, one after another."""
        raise NotImplementedError

    def hessian(self, par: Any) -> np.ndarray:
        """The Hessian of the criterion at par."""
        raise NotImplementedError

    def _term_order(self, values: np.ndarray) -> np.ndarray:
        """From the kernels' order (factor, level, column) to R's (term, level, column)."""
        terms = self.design.random
        if len(terms) == 1:
            return values
        parts = []
        for t, term in enumerate(terms):
            _, column, k, q, first = self.plan.place(t)
            parts.append(values[first : first + q * k].reshape(q, k)[:, column : column + term.k].ravel())
        return np.concatenate(parts)

    def _conditional(self, par: Any) -> list[tuple[int, np.ndarray]]:
        """Per factor of the kernels, its index and the blocks (q, K, K)."""
        flat = self._flat_blocks(par)
        sizes = {}
        for t in range(len(self.design.random)):
            factor, _, k, q, _ = self.plan.place(t)
            sizes[factor] = (q, k)
        out, at = [], 0
        for factor in sorted(sizes):
            q, k = sizes[factor]
            out.append((factor, flat[at : at + q * k * k].reshape(q, k, k)))
            at += q * k * k
        return out

    def conditional_variances(self, par: Any) -> tuple[np.ndarray, ...]:
        """Per term (q, k, k): conditional covariance of the random effects given data, beta and par, over sigma²."""
        blocks, out = dict(self._conditional(par)), []
        for t, term in enumerate(self.design.random):
            factor, column = self.plan.place(t)[:2]
            own = slice(column, column + term.k)
            out.append(blocks[factor][:, own, own])
        return tuple(out)

    def conditional_variances_by_factor(self, par: Any) -> dict[str, np.ndarray]:
        """The same, terms that share a grouping factor merged: (q, K, K) by the factor's name."""
        blocks, out = dict(self._conditional(par)), {}
        for t, term in enumerate(self.design.random):
            out[term.group] = blocks[self.plan.place(t)[0]]
        return out


class LMMObjective(TermBlocks):
    """The profiled ML or REML criterion of a design, with its derivatives and its solution.

    Parameters
    ----------
    design : Design
    reml : bool
    y : ndarray, optional
        Another response for the same design.

    Notes
    -----
    Not to be shared between threads: it holds one workspace. Pickling keeps design and response, not the plan.

    Examples
    --------
    >>> from mere.design import build_design
    >>> from mere.datasets import sleepstudy
    >>> f = LMMObjective(build_design("Reaction ~ Days + (Days | Subject)", sleepstudy), reml=True)
    >>> round(f.value([1.0, 0.0, 1.0]), 4)
    1773.6803
    >>> f.gradient([1.0, 0.0, 1.0]).round(3)
    array([-1.242,  0.937, 31.291])
    """

    def __init__(self, design: Design, reml: bool, y: np.ndarray | None = None):
        self.design, self.reml, self._y = design, bool(reml), y
        self.structures = tuple(term.covariance for term in design.random)
        self.layout = layout_of(self.structures)
        factors: dict[str, int] = {}
        terms = [(t.values, t.codes, len(t.levels), factors.setdefault(t.group, len(factors))) for t in design.random]
        layout = self.layout
        self.plan = _core.Plan(
            _core.Rows(design.X, design.weights, terms),
            layout.entries,
            layout.n_par if layout.linear else layout.n_theta,
        )
        self.work = _core.Work(self.plan)
        response = design.y if y is None else np.ascontiguousarray(y, dtype=np.float64)
        self.work.set_response(response if design.offset is None else response - design.offset)
        self.threads = one_thread if self.plan.blas else _NOTHING

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.design, self.reml, self._y))

    def with_response(self, y: np.ndarray) -> LMMObjective:
        """The same objective, on the same plan, for another response (n,)."""
        out = object.__new__(type(self))  # copy() would make the plan anew: see __reduce__
        out.__dict__.update(self.__dict__)
        out._y = np.ascontiguousarray(y, dtype=np.float64)
        out.work = _core.Work(self.plan)
        out.work.set_response(out._y if self.design.offset is None else out._y - self.design.offset)
        return out

    def by_ml(self) -> LMMObjective:
        """The ML criterion on the same plan."""
        out = self.with_response(self.design.y if self._y is None else self._y)
        out.reml, out._y = False, self._y
        return out

    # ------------------------------------------------------------------ parameters

    def theta(self, par: Any) -> np.ndarray:
        """The entries of the relative covariance factors, term after term, at par."""
        par, at = np.asarray(par, dtype=np.float64), self.layout.par_at
        return np.concatenate([c.theta(par[at[t] : at[t + 1]]) for t, c in enumerate(self.structures)])

    def jacobian(self, par: Any) -> np.ndarray:
        """d theta / d par, (n_theta, n_par)."""
        par, layout = np.asarray(par, dtype=np.float64), self.layout
        out = np.zeros((layout.n_theta, layout.n_par))
        for t, c in enumerate(self.structures):
            rows, columns = slice(*layout.theta_at[t : t + 2]), slice(*layout.par_at[t : t + 2])
            out[rows, columns] = c.jacobian(par[columns])
        return out

    def units(self) -> np.ndarray:
        """What a change of one is for each parameter (n_par,): standard deviations shrink as their covariates grow."""
        weights, units = self.design.weights, []
        level = 1.0 if weights is None else float(np.mean(weights)) ** 0.5
        for term, structure in zip(self.design.random, self.structures, strict=True):
            size = np.full(structure.k, level)
            if term.values is not None:
                squares = np.square(term.values) if weights is None else np.square(term.values) * weights[:, None]
                size = np.sqrt(squares.mean(axis=0))
                size[size == 0] = 1.0
            own = np.ones(structure.n_par)
            if structure.name == "us":
                own = 1 / size[np.asarray(structure.entries)[:, 0]]
            else:  # standard deviations, or one for all columns; then a correlation
                n_sd = structure.n_par if structure.k == 1 else structure.n_par - bool(structure.upper()[-1] == 1.0)
                own[:n_sd] = 1 / (size if n_sd == structure.k else np.sqrt(np.mean(size**2)))
            units.append(own)
        return np.concatenate(units)

    def _kernel(self, par: Any) -> np.ndarray:
        return par if self.layout.linear else self.theta(par)

    # ------------------------------------------------------------------ the criterion

    def value(self, par: Any) -> float:
        """The criterion at par, (n_par,)."""
        with self.threads:
            return self._value(par)

    def _value(self, par: Any) -> float:
        try:
            return self.work.value(self._kernel(par), self.reml)
        except _core.KernelError as error:
            raise kernel_error(error) from None

    def gradient(self, par: Any) -> np.ndarray:
        """The exact gradient at par, (n_par,)."""
        with self.threads:
            self._value(par)
            return self._gradient(par)

    def _gradient(self, par: Any) -> np.ndarray:
        """At the parameters of the last value."""
        gradient = self.work.gradient()
        return gradient if self.layout.linear else self._by_par(gradient, np.asarray(par), self.layout)

    def value_and_gradient(self, par: Any, gradient: bool = True) -> tuple[float, np.ndarray | None]:
        """Both at once."""
        with self.threads:
            value = self._value(par)
            return value, self._gradient(par) if gradient else None

    def hessian(self, par: Any, units: np.ndarray | None = None) -> np.ndarray:
        """The Hessian at par, (n_par, n_par): central differences of the exact gradient, symmetrized.

        `units` (n_par,) is what a change of one is for each parameter, for the steps at zero.
        """
        par = np.array(par, dtype=np.float64)
        least = 1e-2 * (np.ones(len(par)) if units is None else units)
        out = np.empty((len(par), len(par)))
        with self.threads:
            for i, x in enumerate(par):
                h = 1e-4 * max(abs(x), least[i])
                slopes = []
                for step in (h, -h):
                    par[i] = x + step
                    self._value(par)
                    slopes.append(self._gradient(par))
                par[i] = x
                out[i] = (slopes[0] - slopes[1]) / (2 * h)
        return (out + out.T) / 2

    # ------------------------------------------------------------------ the solution

    def state(self, par: Any) -> LMMState:
        """beta, u, b, sigma and the parts of the criterion at par."""
        par = np.array(par, dtype=np.float64)
        with self.threads:
            criterion = self._value(par)
            return self.current_state(par, criterion)

    def current_state(self, par: np.ndarray, criterion: float) -> LMMState:
        """`state` where the workspace already stands at par."""
        design, reml = self.design, self.reml
        beta, rx, u, b, (ldL2, ldRX2, pwrss, ussq) = self.work.state()
        n, p = len(design.y), len(beta)
        sigma_reml = (pwrss / (n - p)) ** 0.5
        sigma_ml = (pwrss / n) ** 0.5
        devcomp = {
            "ldL2": ldL2,
            "ldRX2": ldRX2,
            "wrss": pwrss - ussq,
            "ussq": ussq,
            "pwrss": pwrss,
            "drsum": float("nan"),
            "REML": criterion if reml else float("nan"),
            "dev": float("nan") if reml else criterion,
            "sigmaML": sigma_ml,
            "sigmaREML": sigma_reml,
        }
        return LMMState(
            par=par,
            theta=par if self.layout.linear and self.layout.n_par == self.layout.n_theta else self.theta(par),
            beta=beta,
            u=self._term_order(u),
            b=self._term_order(b),
            sigma=sigma_reml if reml else sigma_ml,
            criterion=criterion,
            devcomp=devcomp,
            RX=rx,
        )

    # ------------------------------------------------------------------ after the fit

    def _flat_blocks(self, par: Any) -> np.ndarray:
        with self.threads:
            self._value(par)
            return self.work.conditional()

    def leverage(self, par: Any) -> np.ndarray:
        """The diagonal of the hat matrix at par, (n,)."""
        with self.threads:
            self._value(par)
            return self.work.leverage()

    def certificate(self, par: Any) -> np.ndarray:
        """Per factor of the kernels the smallest eigenvalue of d criterion / d(Lambda Lambda')."""
        with self.threads:
            self._value(par)
            self.work.gradient()
            out = []
            for factor, k in sorted(
                {self.plan.place(t)[0]: self.plan.place(t)[2] for t in range(len(self.structures))}.items()
            ):
                out.append(np.linalg.eigvalsh(self.work.gamma(factor, k))[0])
        return np.array(out)


def kernel_error(error: _core.KernelError) -> Exception:
    """A status of the kernels as the error that a user sees."""
    if error.status == _core.PERFECT_FIT:
        return ConvergenceError(
            "the model fits the response perfectly, so the residual variance is zero and the likelihood unbounded: "
            "is the response a function of the predictors, or is there a random effect for each observation?"
        )
    return MereValueError(str(error))
