"""What must hold before a fit, and what the optimum is worth after it.

A check returns findings; `act` is the one place that messages, warns or raises. A finding after the fit is made only if
it is true: the gradient is exact, so "did not converge" means that a lower criterion is known to exist near by.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .control import LmerControl
from .design import Design, Finding, refuse_factor_response
from .errors import ConvergenceWarning, DataMessage, MereValueError, RankDeficiencyMessage, SingularFitMessage, tell
from .optimizers import Optimum

__all__ = ["act", "check_convergence", "check_design", "gain_left", "is_singular", "on_bounds", "tell_of_rows"]


def act(findings: Sequence[tuple[str, Finding]]) -> None:
    """Do what the control says with each (action, finding): ignore, message, warning or stop."""
    for action, finding in findings:
        if action == "stop":
            raise MereValueError(finding.message)
        if action != "ignore":
            tell(finding.message, finding.kind)


def tell_of_rows(design: Design) -> None:
    """What was found about the rows and arguments of a model without random effects; NA coefficients say the rest."""
    for finding in design.findings:
        if finding.kind is not RankDeficiencyMessage:
            tell(finding.message, finding.kind)


def check_design(design: Design, control: LmerControl) -> list[tuple[str, Finding]]:
    """Can this model be fitted at all? Errors that no control can switch off are raised here."""
    n, p = design.X.shape
    if not design.random:
        raise MereValueError(
            "No random effects terms specified in formula: add a term such as (1 | g), or use lm() for a model without"
        )
    if design.y.ndim != 1:
        raise MereValueError(f"lmer needs one response; {design.response} has {design.y.shape[1]} columns")
    if n == 0:
        raise MereValueError("no rows are left after subset, zero weights and missing values")
    if n <= p:
        raise MereValueError(f"{n} observations cannot determine {p} fixed effects and a residual variance")
    findings: list[tuple[str, Finding]] = [("message", f) for f in design.findings]
    few, all_levels = [], []
    for term in design.random:
        if len(term.levels) < 2:
            few.append(term.group)
        if len(term.levels) >= n:
            all_levels.append(term.group)
    if few:
        findings.append(
            (
                control.check_nlev_gtr_1,
                Finding(
                    f"grouping factors must have > 1 sampled level: {', '.join(dict.fromkeys(few))}",
                    DataMessage,
                    tuple(few),
                ),
            )
        )
    if all_levels:
        names = ", ".join(dict.fromkeys(all_levels))
        findings.append(
            (
                control.check_nobs_vs_nlev,
                Finding(
                    "number of levels of each grouping factor must be < number of observations "
                    f"(problems: {names}); each observation would have a random effect of its own",
                    DataMessage,
                    tuple(all_levels),
                ),
            )
        )
    elif all(term.covariance.name == "us" for term in design.random):
        for term in design.random:
            q = len(term.levels) * term.k
            if n <= q:
                text = (
                    f"number of observations (={n}) <= number of random effects (={q}) for term ({term.text}); the "
                    "random-effects parameters and the residual variance (or scale parameter) are probably "
                    "unidentifiable"
                )
                findings.append((control.check_nobs_vs_nRE, Finding(text, DataMessage, (term.group,))))
    _check_response(design)
    if control.check_scaleX != "ignore":
        findings += _check_scale(design, control)
    return findings


def _check_response(design: Design) -> None:
    refuse_factor_response(design)
    y = design.y if design.offset is None else design.y - design.offset
    if y.min() == y.max() and (y[0] == 0.0 or "(Intercept)" in design.names):
        raise MereValueError(f"the response {design.response} is constant: there is nothing to fit")


def _check_scale(design: Design, control: LmerControl) -> list[tuple[str, Finding]]:
    sd = design.X.std(axis=0)
    used = sd[sd > 0]
    if len(used) > 1 and np.max(used) > 1e3 * np.min(used):
        text = "Some predictor variables are on very different scales: consider rescaling"
        return [(control.check_scaleX, Finding(text, DataMessage))]
    return []


def is_singular(theta: np.ndarray, theta_lower: np.ndarray, tol: float) -> bool:
    """Is a bounded entry of theta within tol of its bound?"""
    return any(x < tol and bound == 0.0 for x, bound in zip(theta.tolist(), theta_lower.tolist()))


def on_bounds(par: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> tuple[int, ...]:
    """Which parameters are on (or past) a bound."""
    limits = zip(par.tolist(), lower.tolist(), upper.tolist(), strict=True)
    return tuple(i for i, (x, low, high) in enumerate(limits) if not low < x < high)


def gain_left(
    par: np.ndarray, gradient: np.ndarray, lower: np.ndarray, upper: np.ndarray, hessian: Callable[[], np.ndarray]
) -> float:
    """Newton decrement g'H^-1 g / 2 over the parameters that no bound holds: how much lower the criterion could get."""
    held = ((par <= lower) & (gradient > 0)) | ((par >= upper) & (gradient < 0)) | (gradient == 0.0)
    free = ~held
    if not free.any():
        return 0.0
    values, vectors = np.linalg.eigh(hessian()[np.ix_(free, free)])
    slope = vectors.T @ gradient[free]
    return float(0.5 * np.sum(slope**2 / np.maximum(np.abs(values), 1e-8 * np.abs(values).max())))


def check_convergence(
    optimum: Optimum, gradient: np.ndarray, decrement: float, singular: bool, control: LmerControl
) -> list[tuple[str, Finding]]:
    """Findings about the optimum."""
    findings: list[tuple[str, Finding]] = []
    if singular:
        findings.append(
            (
                control.check_conv_singular,
                Finding("boundary (singular) fit: see help('isSingular')", SingularFitMessage),
            )
        )
    if not optimum.converged:
        text = f"optimizer {optimum.optimizer} did not converge: {optimum.message}; raise optCtrl={{'maxeval': ...}}"
        findings.append((control.check_conv_grad, Finding(text, ConvergenceWarning)))
    elif decrement > 2e-3:
        worst = int(np.argmax(np.abs(gradient)))
        text = (
            f"Model failed to converge: the criterion can be lowered by about {decrement:.2g} "
            f"(max|grad| = {abs(gradient[worst]):.3g}, component {worst + 1}); "
            "try lmerControl(optimizer='auto') or another start"
        )
        findings.append((control.check_conv_grad, Finding(text, ConvergenceWarning)))
    return findings
