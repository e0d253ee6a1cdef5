"""Standardized effects: contrasts divided by a standard deviation, with the uncertainty of both.

d = L beta / sigma;  Cov(d_i, d_j) = (L V L')_ij / sigma^2 + d_i d_j / (2 edf), by the delta method with
Var(log sigma) = 1 / (2 edf).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .contrasting import contrast
from .grid import EmmGrid, EmmList
from .rescaling import materialized

__all__ = ["eff_size"]


def eff_size(object: EmmGrid | EmmList, sigma: float, edf: float, method: Any = "pairwise", **options: Any) -> EmmGrid:
    """Effect sizes as Cohen's d (emmeans' ``eff_size``).

    Parameters
    ----------
    object : EmmGrid
        Means; or contrasts, with ``method="identity"``.
    sigma : float
        The standard deviation to divide by.
    edf : float
        Its degrees of freedom; infinite to take it as known.
    method : str, mapping or callable
        Of `contrast`.
    **options
        Of `contrast`.

    Returns
    -------
    EmmGrid

    References
    ----------
    Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, 2nd ed.

    Examples
    --------
    >>> from mere import lm, emmeans, eff_size
    >>> from mere.datasets import fiber
    >>> m = lm("strength ~ diameter + machine", fiber)
    >>> eff_size(emmeans(m, "machine"), sigma=m.sigma, edf=m.df).to_frame()["effect.size"].round(2).to_list()
    [-0.65, 0.99, 1.64]
    """
    if isinstance(object, EmmList):
        object = object[0]
    made = contrast(object, method, **options)
    value, _, df = made.evaluate()
    d = value / sigma
    V = made.estimates.covariance(made.L) / sigma**2
    if np.isfinite(edf):
        V = V + np.outer(d, d) / (2 * edf)
    text = f"sigma used for effect sizes: {sigma:.4g}"
    return materialized(
        made, d, V, df, name="effect.size", infer=(True, False), adjust="none", kind="contrast",
        scale=None, messages=(*(m for m in made.about.messages if not m.startswith("Note: contrasts")), text),
        coefficients=None,
    )  # fmt: skip
