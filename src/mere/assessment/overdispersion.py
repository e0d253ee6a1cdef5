"""Do counts vary more than their family says?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import generics as g
from ..errors import MereValueError
from ..generalized import GLM, GLMM
from .determination import is_binary

__all__ = ["pearson_dispersion"]


def pearson_dispersion(residuals: np.ndarray, df: float) -> tuple[float, float, float]:
    """Sum of squares, that over its degrees of freedom, and the upper tail of the chi-squared distribution."""
    from scipy.special import chdtrc

    total = float(np.nansum(residuals**2))
    return total, total / df, float(chdtrc(df, total))


@g.check_overdispersion.register(GLM)
@g.check_overdispersion.register(GLMM)
def _check(m: GLM | GLMM) -> pd.Series:
    if m.model_family.has_scale or not m.model_family.outcome:
        raise MereValueError(
            f"check_overdispersion() is for counts and numbers of successes; the {m.model_family.name} family has a "
            "dispersion of its own, see summary()"
        )
    if is_binary(m):
        raise MereValueError(
            "check_overdispersion() needs several trials in a row: zeros and ones cannot be overdispersed"
        )
    df = g.df_residual(m)
    if df <= 0:
        raise MereValueError(f"check_overdispersion() needs residual degrees of freedom; this model has {df}")
    total, ratio, p = pearson_dispersion(np.asarray(g.residuals(m, type="pearson"), dtype=float), df)
    return pd.Series({"chisq_statistic": total, "dispersion_ratio": ratio, "residual_df": float(df), "p_value": p})
