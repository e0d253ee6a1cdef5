"""Multivariate tests of contrasts: Hotelling's T^2 across the levels of some factors.

For the q estimates of a contrast, one at each level, T^2 = d' S^-1 d and F = T^2 (nu - q + 1) / (nu q) on
q and nu - q + 1 degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..errors import MereValueError
from .adjustments.scheffe import f_tail
from .adjustments.stepwise import adjust_pvalues
from .contrasting import contrast
from .grid import EmmGrid, EmmList, by_groups, for_grids, levels_of, names_tuple
from .results import JointTests

__all__ = ["mvcontrast"]


@for_grids
def mvcontrast(
    object: EmmGrid,
    method: Any = "eff",
    mult_name: str | list[str] | None = None,
    null: float | Sequence[float] = 0.0,
    by: Any = None,
    adjust: str = "sidak",
    show_ests: bool = False,
    **options: Any,
) -> Any:
    """Multivariate contrasts (emmeans' ``mvcontrast``).

    Parameters
    ----------
    object : EmmGrid
    method : str, mapping or callable
        Of `contrast`.
    mult_name : str or list, optional
        The factors that make the response multivariate; default those of a
        multivariate model.
    null : float or array
    by : str or sequence, optional
    adjust : {"sidak", "bonferroni", "holm", "hochberg", "hommel", "BH", "BY", "fdr", "none"}
    show_ests : bool
        Also the contrasts themselves.
    **options
        Of `contrast`.

    Returns
    -------
    JointTests, or with ``show_ests=True`` a listing of estimates and tests

    References
    ----------
    Hotelling (1931), The generalization of Student's ratio, Ann. Math. Statist. 2.

    Examples
    --------
    >>> from mere import lm, emmeans, mvcontrast
    >>> from mere.datasets import warpbreaks
    >>> means = emmeans(lm("breaks ~ wool * tension", warpbreaks), ["wool", "tension"])
    >>> mvcontrast(means, "pairwise", mult_name="wool").to_frame()["T.square"].round(3).to_list()
    [15.898, 18.392, 3.771]
    """
    mult = names_tuple(mult_name) or object.about.mult
    if not mult:
        raise MereValueError("mult_name: name the factors whose levels make the response multivariate")
    outer = tuple(b for b in (object.about.by if by is None else names_tuple(by)) if b not in mult)
    made = contrast(object, method, by=[*outer, *mult], **options)
    value, _, df = made.evaluate()
    rows, out = [], []
    for mine in by_groups(made.table, [*outer, made.about.primary[0]], np.arange(len(made.table))):
        V = made.estimates.covariance(made.L[mine])
        d = value[mine] - np.asarray(null, dtype=float)
        q, nu = len(mine), float(np.min(df[mine]))
        T2 = float(d @ np.linalg.solve(V, d))
        df2 = nu - q + 1
        F = T2 / q if np.isinf(nu) else T2 * df2 / (nu * q)
        p = float(f_tail(np.array([F]), q, np.array([df2]))[0])
        rows.append(made.table.iloc[mine[0]])
        out.append((T2, q, df2, F, p))
    table = _table(made, rows, out, outer)
    table["p.value"] = _adjusted(table, outer, adjust)
    notes = () if adjust == "none" else (f"P value adjustment: {adjust}",)
    tests = JointTests(table, outer, notes)
    if not show_ests:
        return tests
    estimates = made.with_about(adjust="none", by=(made.about.primary[0],))
    parts: list[tuple[str, Any]] = [("estimates", estimates), ("tests", tests)]
    return EmmList(parts)


def _table(
    made: EmmGrid, rows: Sequence[pd.Series], out: Sequence[tuple[float, ...]], outer: tuple[str, ...]
) -> pd.DataFrame:
    label = made.about.primary[0]
    columns: dict[str, Any] = {}
    for name in (label, *outer):
        values = [r[name] for r in rows]
        column = made.table[name]
        categorical = isinstance(column.dtype, pd.CategoricalDtype)
        columns[name] = pd.Categorical(values, levels_of(column)) if categorical else np.array(values)
    for j, name in enumerate(("T.square", "df1", "df2", "F.ratio", "p.value")):
        columns[name] = [o[j] for o in out]
    return pd.DataFrame(columns)


def _adjusted(table: pd.DataFrame, outer: tuple[str, ...], adjust: str) -> np.ndarray:
    from .adjustments import ADJUSTMENTS
    from .adjustments.stepwise import RULES

    p = table["p.value"].to_numpy(dtype=float)
    out = p.copy()
    for mine in by_groups(table, outer, np.arange(len(table))):
        m = len(mine)
        if adjust == "sidak":
            out[mine] = 1 - (1 - p[mine]) ** m
        elif adjust == "bonferroni":
            out[mine] = np.minimum(1, m * p[mine])
        elif adjust in RULES:
            out[mine] = adjust_pvalues(p[mine], RULES[adjust])
        elif adjust != "none":
            raise MereValueError(f"adjust must be 'sidak' or one of {', '.join(ADJUSTMENTS)}, not {adjust!r}")
    return out
