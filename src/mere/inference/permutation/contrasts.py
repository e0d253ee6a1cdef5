"""Permutation tests of linear functions of the coefficients: L beta = 0 as a coefficient of other columns.

With T square, its first row l and the rest orthogonal to it, X beta = (X T^-1)(T beta): l'beta is the coefficient of
the first column of X T^-1, and is tested as any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ...design import Design
from ...errors import MereValueError
from ...simulation import read_seed
from .arguments import read_method, refuse_saturated
from .arrangements import Arrangements, make_plan
from .drawing import draw_values
from .methods import INVERTIBLE, METHODS, estimated, geometry
from .nulls import null_rows
from .pvalues import inverted_limits, p_row

__all__ = ["permute_contrasts"]

_COLUMNS = [
    "estimate", "std.error", "statistic", "p.value", "p.low", "p.high", "conf.low", "conf.high", "n_perm",
]  # fmt: skip


def _turned(design: Design, row: np.ndarray) -> Design:
    """The design in which row'beta is the first coefficient."""
    size = np.linalg.norm(row)
    if not size > 0:
        raise MereValueError("a linear function without coefficients cannot be tested")
    _, _, Vt = np.linalg.svd(row[None] / size)
    T = np.vstack([row, Vt[1:]])
    X = np.asfortranarray(design.X @ np.linalg.inv(T))
    names = tuple(f"v{j}" for j in range(X.shape[1]))
    assign = np.arange(X.shape[1])
    return replace(
        design, X=X, names=names, assign=assign, X_full=X, names_full=names, assign_full=assign, dropped=()
    )  # fmt: skip


def permute_contrasts(
    m: Any,
    L: np.ndarray,
    labels: Sequence[str],
    n_perm: int = 1000,
    alternative: str = "two-sided",
    method: str = "score",
    seed: Any = None,
    conf_level: float = 0.95,
    ncpus: int | None = 1,
) -> pd.DataFrame:
    """Each row of L by itself: ``estimate, std.error, statistic, p.value, p.low, p.high, conf`` ... of the null fit.

    Parameters
    ----------
    m : LM, GLM, LMM, GLMM
    L : (r, p) array
    labels : sequence of str
    n_perm : int
    alternative, method, seed, conf_level, ncpus
        As in `permutation_test`.
    """
    method = read_method(m, method, "t")[0]
    if method in ("pql-fixed", "sign-flip"):
        raise MereValueError(f"method={method!r} is for terms, not for linear functions of coefficients; use 'score'")
    refuse_saturated(m)
    arrangements = Arrangements.of(make_plan(m.design.n), n_perm, read_seed(seed))
    rows = []
    for row in np.atleast_2d(L):
        turned = replace(m, design=_turned(m.design, np.asarray(row, float)))
        tested = np.array([0])
        null = null_rows(turned, tested)
        f = geometry(null.X, null.y, tested, null.arranged)
        s = METHODS[method](f)
        draws = draw_values([s], [alternative], arrangements, None, ncpus, False)[:, 0]
        estimate, se = estimated(f)
        found = p_row(s.observed, draws, alternative, exact=arrangements.exact)
        if method in INVERTIBLE:
            ends = inverted_limits(estimate, se, draws, alternative, conf_level)
            found |= dict(zip(("conf.low", "conf.high"), ends, strict=True))
        rows.append(found | {"estimate": estimate, "std.error": se})
    return pd.DataFrame(rows, list(labels))[_COLUMNS]
