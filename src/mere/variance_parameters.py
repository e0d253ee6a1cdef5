"""Standard deviations and correlations of the random effects as a vector: names, order, values from theta.

The order is lme4 2's: term by term, all standard deviations, then the correlations by columns; then sigma. A structured
term has the parameters of its structure: ``sd|g`` where one standard deviation is common, and ``rho|g``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .reterms import RandomTerm

__all__ = ["VarianceParameter", "VarianceParameters", "variance_parameters"]


@dataclass(frozen=True)
class VarianceParameter:
    """One of them.

    Attributes
    ----------
    name : str
        ``"sd_(Intercept)|Subject"``, ``"cor_Days.(Intercept)|Subject"``, ``"sigma"``.
    kind : {"sd", "cor", "sigma"}
    term : int
        Its random-effects term; -1 for sigma.
    row, column : int
        The columns of the term that it belongs to; equal for a standard deviation.
    lower, upper : float
    """

    name: str
    kind: str
    term: int
    row: int
    column: int
    lower: float
    upper: float


@dataclass(frozen=True)
class VarianceParameters:
    """The variance parameters of random-effects terms.

    Attributes
    ----------
    random : tuple of RandomTerm
    items : tuple of VarianceParameter
        sigma is the last.
    """

    random: tuple[RandomTerm, ...]
    items: tuple[VarianceParameter, ...]

    @cached_property
    def names(self) -> list[str]:
        return [item.name for item in self.items]

    @cached_property
    def signames(self) -> list[str]:
        """``.sig01``, ``.sig02``, ..., ``.sigma``."""
        return [".sigma" if item.kind == "sigma" else f".sig{i + 1:02d}" for i, item in enumerate(self.items)]

    @cached_property
    def correlations(self) -> dict[int, tuple[int, int]]:
        """Position of each correlation of an unstructured term -> positions of its two standard deviations."""
        place = {(p.term, p.row): i for i, p in enumerate(self.items) if p.kind == "sd"}
        return {
            i: (place[p.term, p.row], place[p.term, p.column])
            for i, p in enumerate(self.items)
            if p.kind == "cor" and self.random[p.term].covariance.name == "us"
        }

    def grams(self, theta: np.ndarray) -> list[np.ndarray]:
        """Per term T T' (..., k, k), from theta (..., n_theta), the entries of the relative factors T."""
        theta = np.asarray(theta, dtype=float)
        grams, at = [], 0
        for t in self.random:
            entries = np.asarray(t.covariance.entries)
            T = np.zeros((*theta.shape[:-1], t.covariance.k, t.covariance.k))
            T[..., entries[:, 0], entries[:, 1]] = theta[..., at : at + len(entries)]
            at += len(entries)
            grams.append(T @ np.swapaxes(T, -1, -2))
        return grams

    def values(self, theta: np.ndarray, sigma: np.ndarray | float) -> np.ndarray:
        """The parameters (..., n) at theta (..., n_theta) and sigma (...)."""
        return self.of_grams(self.grams(theta), sigma)

    def of_grams(self, grams: Sequence[np.ndarray], sigma: np.ndarray | float) -> np.ndarray:
        """The parameters (..., n) of relative covariances; a correlation with a standard deviation of zero is NaN."""
        scale = np.asarray(sigma, dtype=float)
        out = np.empty((*scale.shape, len(self.items)))
        for j, p in enumerate(self.items):
            if p.kind == "sigma":
                out[..., j] = scale
                continue
            gram = grams[p.term]
            sd = np.sqrt(gram[..., p.row, p.row])
            if p.kind == "sd":
                out[..., j] = scale * sd
            else:
                with np.errstate(invalid="ignore", divide="ignore"):
                    out[..., j] = gram[..., p.row, p.column] / (sd * np.sqrt(gram[..., p.column, p.column]))
        return out


def variance_parameters(random: Sequence[RandomTerm]) -> VarianceParameters:
    """The variance parameters of these terms and sigma.

    Examples
    --------
    >>> from mere.design import build_design
    >>> from mere.datasets import sleepstudy
    >>> variance_parameters(build_design("Reaction ~ (Days | Subject)", sleepstudy).random).names
    ['sd_(Intercept)|Subject', 'sd_Days|Subject', 'cor_Days.(Intercept)|Subject', 'sigma']
    """
    items = []
    for t, term in enumerate(random):
        names, group, covariance = term.names, term.group, term.covariance
        k = len(names)
        if getattr(covariance, "hom", False) and k > 1:
            items.append(VarianceParameter(f"sd|{group}", "sd", t, 0, 0, 0.0, np.inf))
        else:
            items += [
                VarianceParameter(f"sd_{name}|{group}", "sd", t, i, i, 0.0, np.inf) for i, name in enumerate(names)
            ]
        if covariance.name == "us":
            items += [
                VarianceParameter(f"cor_{names[i]}.{names[j]}|{group}", "cor", t, i, j, -1.0, 1.0)
                for j in range(k)
                for i in range(j + 1, k)
            ]
        elif covariance.name != "diag" and k > 1:
            low, high = float(covariance.lower()[-1]), float(covariance.upper()[-1])
            items.append(VarianceParameter(f"rho|{group}", "cor", t, 1, 0, low, high))
    items.append(VarianceParameter("sigma", "sigma", -1, 0, 0, 0.0, np.inf))
    return VarianceParameters(tuple(random), tuple(items))
