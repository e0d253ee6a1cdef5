"""Likelihood ratios under the small model: simulate, fit both models, compare.

Both models keep their plans; a replicate costs a new response and two optimizations, over threads.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..accessors.blocks import random_design, relative_covariance
from ..accessors.linear import gaussian_log_likelihood
from ..design import Design
from ..errors import MereValueError
from ..model import LM, LMM
from ..replicates import ChunkFitter, fit_replicates

__all__ = ["criteria", "positive_ratios", "reference_distribution", "simulated_responses", "summary_tests"]

_ZERO = 1e-6  # where a variance is estimated as zero the ratio is zero up to the rounding of two criteria
_AT_ONCE = 10_000_000  # numbers of simulated responses held at a time


def simulated_responses(m: LM | LMM, nsim: int, rng: np.random.Generator) -> np.ndarray:
    """Responses from the fitted model with new random effects and errors, (nsim, n)."""
    design = m.design
    n = len(design.y)
    mean = design.X @ m.beta + (0.0 if design.offset is None else design.offset)
    noise = rng.standard_normal((nsim, n))
    if design.weights is not None:
        noise /= np.sqrt(design.weights)
    if isinstance(m, LMM):
        ZL = random_design(design.random) @ relative_covariance(design.random, m.theta)
        noise += (ZL @ rng.standard_normal((len(m.u), nsim))).T
    out: np.ndarray = mean + m.sigma * noise
    return out


def criteria(m: LM | LMM, Y: np.ndarray, ncpus: int | None = None) -> np.ndarray:
    """-2 log L, maximized, of each response (row of Y); NaN where a fit failed."""
    design = m.design
    bare = Y if design.offset is None else Y - design.offset
    if isinstance(m, LM):
        value = _linear_criterion(design)
        return np.array([value(y) for y in bare])
    objective = m.objective.by_ml() if m.reml else m.objective
    fits = fit_replicates(ChunkFitter(objective, m.par, responses=np.asfortranarray(bare.T)), len(bare), ncpus)
    return np.where(fits.status == 0, fits.criterion, np.nan)


def _linear_criterion(design: Design) -> Callable[[np.ndarray], float]:
    root = np.ones(len(design.y)) if design.weights is None else np.sqrt(design.weights)
    Q = np.linalg.qr(design.X * root[:, None])[0]
    log_weights = 2 * float(np.log(root).sum())

    def value(y: np.ndarray) -> float:
        z = root * y
        rss = float(z @ z - np.sum((Q.T @ z) ** 2))
        return -2 * gaussian_log_likelihood(rss, len(y), log_weights)

    return value


def reference_distribution(
    large: LMM, small: LM | LMM, nsim: int, rng: np.random.Generator, ncpus: int | None = None
) -> np.ndarray:
    """Likelihood ratios of `nsim` responses simulated from the small model; NaN where a fit failed."""
    if nsim < 1:
        raise MereValueError(f"nsim must be at least 1, not {nsim}")
    step = max(1, _AT_ONCE // len(large.design.y))
    out = np.empty(nsim)
    for start in range(0, nsim, step):
        end = min(nsim, start + step)
        Y = simulated_responses(small, end - start, rng)
        out[start:end] = criteria(small, Y, ncpus) - criteria(large, Y, ncpus)
    return out


def positive_ratios(ref: np.ndarray) -> np.ndarray:
    """The ratios that are larger than zero: not those of failed fits, nor of fits on the boundary.

    Examples
    --------
    >>> positive_ratios(np.array([np.nan, -1e-11, 1e-11, 0.3]))
    array([0.3])
    """
    return ref[np.isfinite(ref) & (ref > _ZERO)]


def summary_tests(observed: float, df: float, ref: np.ndarray) -> dict[str, tuple[float, float, float, float]]:
    """Rows LRT, PBtest, Gamma, Bartlett, F: statistic, df, ddf, p-value.

    Parameters
    ----------
    observed : float
        The likelihood ratio.
    df : float
        Of its asymptotic distribution.
    ref : array
        Simulated ratios; those that are not positive are left out.

    Examples
    --------
    >>> rows = summary_tests(5.0, 1, np.array([1.0, 2.0, 6.0]))
    >>> [round(r[3], 3) for r in rows.values()]
    [0.025, 0.5, 0.179, 0.197, 0.111]
    """
    from scipy.special import chdtrc

    from .reference import p_of_f

    ref = positive_ratios(ref)
    mean = float(ref.mean()) if len(ref) else np.nan
    variance = float(ref.var(ddof=1)) if len(ref) > 1 else np.nan
    E = mean / df if df > 0 else np.nan
    ddf = 2 * E / (E - 1) if E > 1 else np.nan
    nan = np.nan
    return {
        "LRT": (observed, df, nan, float(chdtrc(df, max(observed, 0.0))) if df > 0 else nan),
        "PBtest": (observed, nan, nan, float(1 + (ref >= observed).sum()) / (1 + len(ref))),
        "Gamma": (observed, nan, nan, _gamma_p(observed, mean, variance)),
        "Bartlett": (observed / E, df, nan, float(chdtrc(df, max(observed / E, 0.0))) if df > 0 else nan),
        "F": (observed / df if df > 0 else nan, df, ddf, p_of_f(max(observed, 0.0) / df, df, ddf) if df > 0 else nan),
    }


def _gamma_p(observed: float, mean: float, variance: float) -> float:
    """Upper tail of the gamma distribution with these moments; NaN for equal ratios."""
    from scipy.special import gammaincc

    if not variance > 0:
        return float("nan")
    return float(gammaincc(mean**2 / variance, max(observed, 0.0) * mean / variance))
