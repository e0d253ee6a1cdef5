"""The text of tables of tests (R's ``print.anova``)."""

from __future__ import annotations

from .. import generics as g
from ..results import AnovaTable
from .tables import coefficient_table

__all__ = ["anova_text"]


@g.to_text.register(AnovaTable)
def anova_text(a: AnovaTable, digits: int = 5, signif_stars: bool = True) -> str:
    """Heading and table: statistics to fixed decimals, other columns without rounding noise."""
    columns = [str(c) for c in a.table.columns]
    p_value = len(columns) - 1 if columns and columns[-1].startswith("Pr(") else None
    tests = [j for j, c in enumerate(columns) if c[1:].startswith(" value") or c in ("F", "Cp", "Chisq")]
    counts = {j for j, c in enumerate(columns) if c.endswith("Df")}
    zap = [j for j in range(len(columns)) if j not in {*tests, *counts, p_value}]
    table = coefficient_table(
        a.table.to_numpy(dtype=float), [str(i) for i in a.table.index], columns, digits,
        statistics=tests, p_value=p_value, zap=zap, signif_stars=signif_stars, na="",
    )  # fmt: skip
    return "\n".join([*a.heading, table])
