"""Estimates that run off to infinity: fixed or random effects that separate the outcomes."""

from __future__ import annotations

import numpy as np

from .generalized_objective import GLMMObjective

__all__ = ["culprit", "is_separating", "separated_rows", "wide_terms"]

# |eta| beyond which a probability is 0 or 1: to 11 digits, but for the cauchit, whose tails are those of 1 / eta
_LIMITS = {"logit": 25.0, "probit": 7.0, "cloglog": 25.0, "cauchit": 1e5}
_ABOVE = {"cloglog": 3.2}  # exp(-exp(3.2)) = 2e-11
_MOST_WIDE = {"cloglog": 7.0, "cauchit": 1e4}  # in place of the limit, for a standard deviation
_LOG_RATIO = 25.0  # of a fitted count to the largest one


def separated_rows(objective: GLMMObjective, beta: np.ndarray) -> int:
    """How many rows have a fixed part with probability 0 or 1, or a mean count of 0."""
    family, eta = objective.family, objective.design.X @ beta
    link = family.link.name
    if not len(eta):
        return 0
    if family.name == "binomial" and link in _LIMITS:
        at = eta if objective.design.offset is None else eta + objective.design.offset
        above, below = _ABOVE.get(link, _LIMITS[link]), -_LIMITS[link]
        return 0 if at.max() <= above and at.min() >= below else int(((at > above) | (at < below)).sum())
    if family.name in ("poisson", "Negative Binomial") and link == "log":
        least = eta.max() - _LOG_RATIO
        return 0 if eta.min() >= least else int((eta < least).sum())
    return 0


def wide_terms(objective: GLMMObjective, theta: np.ndarray) -> str:
    """The random effects, `(Intercept) | g`, whose standard deviation alone makes probabilities 0 or 1."""
    link = objective.family.link.name
    if objective.family.name != "binomial" or link not in _LIMITS:
        return ""
    limit, names, at = 0.4 * min(_LIMITS[link], _MOST_WIDE.get(link, np.inf)), [], 0
    for term in objective.design.random:
        entries = term.covariance.entries
        own, at = theta[at : at + len(entries)], at + len(entries)
        if term.values is None and abs(own[0]) <= limit:
            continue
        for i, name in enumerate(term.names):
            size = 1.0 if term.values is None else float(np.sqrt(np.mean(term.values[:, i] ** 2)))
            if size * np.sqrt((own[entries[:, 0] == i] ** 2).sum()) > limit:
                names.append(f"{name} | {term.group}")
    return ", ".join(names)


def is_separating(objective: GLMMObjective, par: np.ndarray) -> bool:
    """Is par on its way to infinity, so that no optimizer will arrive?"""
    beta = par[objective.n_re : objective.n_re + objective.p]
    return bool(separated_rows(objective, beta)) or bool(wide_terms(objective, objective.theta(par[: objective.n_re])))


def culprit(objective: GLMMObjective, beta: np.ndarray) -> str:
    """The predictor with the largest contribution to the linear predictor, the intercept if there is no other."""
    spread = np.abs(beta) * np.abs(objective.design.X).max(axis=0)
    names = objective.design.names
    order = np.argsort(-spread)
    best = next((j for j in order if names[j] != "(Intercept)"), order[0])
    return repr(names[best])
