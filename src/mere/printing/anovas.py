"""The text of tables of tests (R's ``print.anova``)."""

from __future__ import annotations

import pandas as pd

from .. import generics as g
from ..results import AnovaTable, MeansTable, ModelComparison, StepPath, StepResult
from .formulas import formula_lines
from .tables import coefficient_table

__all__ = ["anova_text", "bootstrap_lines"]


@g.to_text.register(AnovaTable)
def anova_text(a: AnovaTable, digits: int = 5, signif_stars: bool = True) -> str:
    """Heading and table: statistics to fixed decimals, other columns without rounding noise."""
    return "\n".join([*a.heading, rows_text(a.table, digits, signif_stars)])


def rows_text(frame: pd.DataFrame, digits: int = 5, signif_stars: bool = True) -> str:
    """A table of tests: statistics to fixed decimals, other columns without rounding noise."""
    columns = [str(c) for c in frame.columns]
    p_value = len(columns) - 1 if columns and columns[-1].startswith(("Pr(", "p.value")) else None
    tests = [
        j for j, c in enumerate(columns) if c[1:].startswith(" value") or c in ("F", "Cp", "Chisq", "stat", "statistic")
    ]
    counts = {j for j, c in enumerate(columns) if c.endswith("Df")}
    zap = [j for j in range(len(columns)) if j not in {*tests, *counts, p_value}]
    return coefficient_table(
        frame.to_numpy(dtype=float), [str(i) for i in frame.index], columns, digits,
        statistics=tests, p_value=p_value, zap=zap, signif_stars=signif_stars, na="",
    )  # fmt: skip


@g.to_text.register(MeansTable)
def means_text(a: MeansTable, digits: int = 5, signif_stars: bool = True) -> str:
    """Means with limits, their df to one decimal."""
    frame = a.table.copy()
    frame["df"] = frame["df"].round(1)
    columns = list(frame.columns)
    table = coefficient_table(
        frame.to_numpy(dtype=float), [str(i) for i in frame.index], columns, digits,
        estimates=[0, 1, columns.index("lower"), columns.index("upper")], statistics=[columns.index("t value")],
        p_value=len(columns) - 1, signif_stars=signif_stars,
    )  # fmt: skip
    percent = format(100 * a.level, "g")
    notes = ["", f"  Confidence level: {percent}%", f"  Degrees of freedom method: {a.method} "]
    return "\n".join([*a.heading, table, *notes])


@g.to_text.register(StepResult)
def step_text(s: StepResult, digits: int = 5, signif_stars: bool = True) -> str:
    """Both tables and the model that was found."""
    parts: list[str] = []
    if s.random is not None:
        parts += ["Backward reduced random-effect table:", "", rows_text(s.random, digits, signif_stars), ""]
    if s.fixed is not None:
        mixed = "DenDF" in s.fixed.columns  # else the random effects are gone
        method = [f"Degrees of freedom method: {s.method} ", ""] if mixed else []
        parts += ["Backward reduced fixed-effect table:", *method, rows_text(s.fixed, digits, signif_stars), ""]
    return "\n".join([*parts, "Model found:", *formula_lines(s.final)])


@g.to_text.register(StepPath)
def path_text(s: StepPath, digits: int = 5) -> str:
    """The models at both ends and the path between them."""
    heading = ["Stepwise Model Path", "Analysis of Deviance Table", "", "Initial Model:", *formula_lines(s.initial), ""]
    frame = s.table.set_index("Step")
    frame.index.name = None
    return "\n".join([*heading, "Final Model:", *formula_lines(s.final), "", rows_text(frame, digits)])


@g.to_text.register(ModelComparison)
def comparison_text(c: ModelComparison, digits: int = 5, signif_stars: bool = True) -> str:
    """The two models and the test between them."""
    small = f"small : {c.small}" if c.small else "small (restriction matrix)"
    lines = [f"large : {c.large}", small]
    frame = c.test
    if c.kind == "Kenward-Roger":
        frame = frame.iloc[:1]
    if c.kind == "bootstrap":
        lines = [*bootstrap_lines(c), *lines]
    columns = [str(name) for name in frame.columns]
    statistic = {"stat", "statistic"}
    table = coefficient_table(
        frame.to_numpy(dtype=float), [str(i) for i in frame.index], columns, digits,
        statistics=[j for j, name in enumerate(columns) if name in statistic], p_value=len(columns) - 1,
        signif_stars=signif_stars, na="",
    )  # fmt: skip
    return "\n".join([*lines, table])


def bootstrap_lines(c: ModelComparison) -> list[str]:
    """How many ratios were simulated, and used where these are fewer."""
    samples = 0 if c.ref is None else len(c.ref)
    lines = [f"Bootstrap test; samples: {samples}; extremes: {c.extremes};"]
    if c.used < samples:
        lines.append(f"Requested samples: {samples} Used samples: {c.used} Extremes: {c.extremes}")
    return lines
