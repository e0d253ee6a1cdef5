"""The log-likelihood of a linear mixed model as a function of (beta, log standard deviations), with its gradient.

For y ~ N(X beta, V), V = sigma^2 (W^-1 + Z Lambda Lambda' Z'), with what the kernels know at theta (log determinants,
the profiled estimate beta_theta, its residual sum rho_theta and factor R):

    -2 log L = n log(2 pi sigma^2) - log|W| + log|V_0| + [rho_theta + |R (beta - beta_theta)|^2] / sigma^2

so that a value costs nothing that grows with the rows. The restricted likelihood adds log|R'R| - p log sigma^2. The
random effects enter by the Cholesky factor C = sigma Lambda of each term's covariance: logarithms of its diagonal,
which for a single effect or uncorrelated ones are logarithms of standard deviations, and what is below the diagonal as
it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from .. import _core
from .. import generics as g
from ..arguments import check_flags
from ..errors import MereValueError
from ..generalized import GLMM
from ..model import LMM
from ..objective import LMMObjective

__all__ = ["FitRecord", "LogDensity"]

#: The logarithm of a standard deviation that is as good as zero.
_FAR = -30.0


@dataclass(frozen=True, eq=False, repr=False)
class LogDensity:
    """log p(y | parameters), a callable of a vector.

    Attributes
    ----------
    model : LMM
    reml : bool
        The restricted likelihood.
    names : tuple of str
        Of the parameters: fixed effects, ``log_sigma``, then for each term ``log_sd_<effect>|<factor>``; with
        correlated effects ``log_chol_<effect>|<factor>`` and ``chol_<effect>.<effect>|<factor>``.
    """

    model: LMM
    reml: bool
    names: tuple[str, ...]

    def __repr__(self) -> str:
        kind = "restricted log-likelihood" if self.reml else "log-likelihood"
        return f"<{kind} of {self.model.design.formula} in {self.dim} parameters: {', '.join(self.names)}>"

    @property
    def dim(self) -> int:
        """How many parameters there are."""
        return len(self.names)

    @property
    def bounds(self) -> list[tuple[float, float]]:
        """All parameters are free."""
        return [(-np.inf, np.inf)] * self.dim

    @cached_property
    def _entries(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each entry of theta: is it on the diagonal, which columns of the term it belongs to."""
        rows = np.concatenate([np.asarray(t.covariance.entries) for t in self.model.design.random])
        return rows[:, 0] == rows[:, 1], rows[:, 0], rows[:, 1]

    @cached_property
    def _objective(self) -> LMMObjective:
        return LMMObjective(self.model.design, False)

    @cached_property
    def _bare(self) -> LMMObjective:
        """Without fixed effects: the response it is given is the residual."""
        design = self.model.design
        empty = np.empty((design.n, 0), order="F")
        none: dict[str, Any] = {
            "X": empty,
            "X_full": empty,
            "names": (),
            "names_full": (),
            "dropped": (),
            "offset": None,
        }
        no = np.zeros(0, dtype=int)
        return LMMObjective(replace(design, assign=no, assign_full=no, **none), False)

    def split(self, par: Any) -> tuple[np.ndarray, float, np.ndarray]:
        """beta, sigma and theta of a vector of parameters."""
        try:
            x = np.asarray(par, dtype=float)
        except (TypeError, ValueError):
            x = np.empty(0)
        if x.shape != (self.dim,) or not np.isfinite(x).all():
            raise MereValueError(
                f"par must have {self.dim} finite values ({', '.join(self.names)}), not {np.shape(par)}: {par!r}"
            )
        p = len(self.model.beta)
        sigma = float(np.exp(x[p]))
        diagonal, _, _ = self._entries
        return x[:p], sigma, np.where(diagonal, np.exp(np.where(diagonal, x[p + 1 :], 0.0)), x[p + 1 :]) / sigma

    def join(self, beta: Any, sigma: float, theta: Any) -> np.ndarray:
        """The vector of these parameters; a standard deviation of zero is -inf."""
        diagonal, _, _ = self._entries
        C = sigma * np.asarray(theta, float)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.concatenate([beta, [np.log(sigma)], np.where(diagonal, np.log(np.where(diagonal, C, 1.0)), C)])

    @property
    def estimate(self) -> pd.Series:
        """The model's own estimates."""
        m = self.model
        return pd.Series(self.join(m.beta, m.sigma, m.theta), list(self.names))

    @property
    def start(self) -> pd.Series:
        """Start values from the data: least squares, standard deviations of its residuals and of their group means."""
        design = self.model.design
        y = design.y if design.offset is None else design.y - design.offset
        beta = np.linalg.lstsq(design.X, y, rcond=None)[0]
        r = y - design.X @ beta
        sigma = max(float(np.std(r)), 1e-6)
        theta = []
        for t in design.random:
            means = np.bincount(t.codes, r) / np.maximum(np.bincount(t.codes), 1)
            size = max(float(np.std(means)), 1e-6) if len(means) > 1 else 1.0
            scale = np.ones(t.covariance.k) if t.values is None else np.sqrt(np.mean(np.asarray(t.values) ** 2, axis=0))
            for row, column in np.asarray(t.covariance.entries):
                theta.append(size / max(scale[row], 1e-12) / sigma if row == column else 0.0)
        return pd.Series(self.join(beta, sigma, np.array(theta)), list(self.names))

    def __call__(self, par: Any) -> float:
        """log p at par, (dim,)."""
        beta, sigma, theta = self.split(par)
        s = self._objective.state(theta)
        away = s.RX @ (beta - s.beta)
        rho = s.devcomp["pwrss"] + float(away @ away)
        design = self.model.design
        weights = 0.0 if design.weights is None else float(np.log(design.weights).sum())
        d = design.n * np.log(2 * np.pi * sigma**2) - weights + s.devcomp["ldL2"] + rho / sigma**2
        if self.reml:
            d += 2 * float(np.log(np.abs(np.diag(s.RX))).sum()) - len(beta) * np.log(2 * np.pi * sigma**2)
        return float(-0.5 * d)

    def gradient(self, par: Any) -> np.ndarray:
        """The gradient of log p at par, exact, (dim,)."""
        beta, sigma, theta = self.split(par)
        m, design = self.model, self.model.design
        s = self._objective.state(theta)
        away = s.RX @ (beta - s.beta)
        rho = s.devcomp["pwrss"] + float(away @ away)
        by_theta = self._slope(
            self._bare, design.y - design.X @ beta - (0 if design.offset is None else design.offset), theta, sigma
        )
        by_log_sigma = 2 * design.n - 2 * rho / sigma**2
        if self.reml:
            y = design.y if design.offset is None else design.y - design.offset
            by_theta = by_theta + self._slope(self._objective, y, theta, sigma, True)
            by_theta = by_theta - self._slope(self._objective, y, theta, sigma)
            by_log_sigma -= 2 * len(m.beta)
        diagonal, _, _ = self._entries
        by_entry = by_theta * np.where(diagonal, theta, 1 / sigma)
        by_log_sigma -= float(by_theta @ theta)
        out = np.concatenate([2 * (s.RX.T @ away) / sigma**2, [by_log_sigma], by_entry])
        return -0.5 * out

    def hessian(self, par: Any) -> np.ndarray:
        """Second derivatives of log p at par, by differences of the exact gradient, (dim, dim)."""
        self.split(par)
        x = np.asarray(par, dtype=float)
        steps = 1e-4 * np.maximum(1.0, np.abs(x))
        columns = []
        for step, e in zip(steps, np.eye(self.dim), strict=True):
            near, far = (
                (self.gradient(x + k * step * e) - self.gradient(x - k * step * e)) / (2 * k * step) for k in (1, 2)
            )
            columns.append((4 * near - far) / 3)  # the error is of the fourth order
        H = np.array(columns)
        out: np.ndarray = (H + H.T) / 2
        return out

    @property
    def standard_errors(self) -> pd.Series:
        """Of the estimates, by the observed information; NaN for a standard deviation of zero, which has no logarithm.

        The other parameters are then those of the model without it.
        """
        at = self.estimate.to_numpy()
        free = np.isfinite(at)
        H = self.hessian(np.where(free, at, _FAR))[np.ix_(free, free)]
        out = np.full(self.dim, np.nan)
        with np.errstate(invalid="ignore"):
            out[free] = np.sqrt(np.diag(np.linalg.inv(-H)))
        return pd.Series(out, list(self.names))

    def _slope(
        self, objective: LMMObjective, y: np.ndarray, theta: np.ndarray, sigma: float, reml: bool = False
    ) -> np.ndarray:
        """Gradient by theta of the criterion with sigma held."""
        work = _core.Work(objective.plan)
        work.set_response(np.ascontiguousarray(y))
        _core.fix_sigma(work, sigma)
        with objective.threads:
            work.value(theta, reml)
            out: np.ndarray = work.gradient()
        return out


@g.log_density.register(LMM)
def _log_density(m: LMM, reml: bool | None = None) -> LogDensity:
    names = [*m.design.names, "log_sigma"]
    for t in m.design.random:
        if t.covariance.name not in ("us", "diag"):
            raise MereValueError(
                f"log_density() has no parameters for the structure {t.covariance.name}() of ({t.text})"
            )
        entries = np.asarray(t.covariance.entries)
        single = (entries[:, 0] == entries[:, 1]).all()
        for row, column in entries:
            if row == column:
                names.append(f"{'log_sd' if single else 'log_chol'}_{t.names[row]}|{t.group}")
            else:
                names.append(f"chol_{t.names[row]}.{t.names[column]}|{t.group}")
    if reml is not None:
        check_flags(reml=reml)
    return LogDensity(m, m.reml if reml is None else bool(reml), tuple(names))


# -- how a fit went ------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class FitRecord:
    """How a fit went.

    Attributes
    ----------
    converged : bool
        No lower criterion is known to exist near by, and no limit was hit.
    criterion : float
    iterations : int or None
        Steps, each from a new gradient; None where the optimizer counts none.
    evaluations : int
    gradient_norm : float
        Largest component of the gradient by parameters that are not on a bound.
    decrement : float
        About how much lower the criterion could get.
    reason : str
        The optimizer's last word.
    boundary : tuple of int
        Parameters on their bound.
    warnings : tuple of str
    optimizer : str
    """

    converged: bool
    criterion: float
    iterations: int | None
    evaluations: int
    gradient_norm: float
    decrement: float
    reason: str
    boundary: tuple[int, ...]
    warnings: tuple[str, ...]
    optimizer: str


@g.fit_record.register(LMM)
@g.fit_record.register(GLMM)
def _fit_record(m: LMM | GLMM) -> FitRecord:
    o = m.optinfo
    slope = np.zeros(0) if o.gradient is None else np.asarray(o.gradient)
    free = np.setdiff1d(np.arange(len(slope)), np.asarray(o.boundary, dtype=int))
    norm = float(np.abs(slope[free]).max(initial=0.0)) if o.gradient is not None else float("nan")
    failed = [w for w in o.warnings if "singular" not in w]
    converged = not failed and not any(
        word in o.message.lower() for word in ("maxeval", "limit", "maximum", "no optim")
    )
    return FitRecord(
        converged, m.criterion, o.iterations, o.feval, norm, float(getattr(o, "decrement", np.nan)), o.message,
        o.boundary, o.warnings, o.optimizer,
    )  # fmt: skip
