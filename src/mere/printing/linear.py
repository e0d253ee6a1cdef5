"""The text of linear models, their summaries and lists of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import generics as g
from ..accessors.linear import SummaryLM
from ..model import LM, Call
from .formulas import formula_lines
from .mixed import argument_text, error_lines, fixed_effects_text
from .numbers import format_number, format_numbers, format_pvalues, general
from .tables import named_vector_text, zapped

__all__ = ["call_lines", "coefficient_lines"]


def call_lines(call: Call, formula: str) -> list[str]:
    """``lm(formula = y ~ x, data = d)``, broken as R breaks it."""
    parts = [f"formula = {formula}"]
    first = ("family",) if call.function == "glm" else ()
    for name in first:
        if call.arguments.get(name) is not None:
            parts.append(f"{name} = {argument_text(call.arguments[name])}")
    if call.data_name:
        parts.append(f"data = {call.data_name}")
    for name, value in call.arguments.items():
        if name not in ("formula", *first) and value is not None:
            parts.append(f"{name} = {argument_text(value)}")
    text = f"{call.function}({', '.join(parts)})"
    try:
        return formula_lines(text)
    except ValueError:  # an argument that is no R expression, such as an array
        return [text]


@g.to_text.register(LM)
def _model(m: LM, digits: int = 4) -> str:
    lines = ["", "Call:", *call_lines(m.call, str(m.design.formula)), ""]
    beta = g.coef(m)
    if len(beta):
        values = format_numbers(beta, digits)
        lines += ["Coefficients:", named_vector_text(values, [str(n) for n in beta.index], gap=2)]
    else:
        lines.append("No coefficients")
    return "\n".join([*lines, ""])


@g.to_text.register(SummaryLM)
def _summary(s: SummaryLM, digits: int = 4, signif_stars: bool = True) -> str:
    lines = ["", "Call:", *call_lines(s.call, s.formula), ""]
    lines.append("Weighted Residuals:" if s.weighted else "Residuals:")
    lines += [*_residual_lines(s, digits), "", *coefficient_lines(s, digits, signif_stars), *error_lines(s), ""]
    sigma = format_number(float(f"{s.sigma:.{digits - 1}e}"))
    lines.append(f"Residual standard error: {sigma} on {s.df[1]} degrees of freedom")
    if s.omitted:
        plural = "s" if s.omitted > 1 else ""
        lines.append(f"  ({s.omitted} observation{plural} deleted due to missingness)")
    if s.fstatistic is not None:
        F, df1, df2 = s.fstatistic
        lines.append(
            f"Multiple R-squared:  {general(s.r_squared, digits)},\t"
            f"Adjusted R-squared:  {general(s.adj_r_squared, digits)} "
        )
        p = format_pvalues([_upper_f(F, df1, df2)], digits)[0]
        lines.append(f"F-statistic: {general(F, digits)} on {df1:.4g} and {df2:.4g} DF,  p-value: {p}")
    return "\n".join([*lines, ""])


def _upper_f(F: float, df1: float, df2: float) -> float:
    from scipy.special import fdtrc

    return float(fdtrc(df1, df2, F)) if not math.isnan(F) else math.nan


def _residual_lines(s: SummaryLM, digits: int) -> list[str]:
    values = s.residuals.to_numpy()
    values = values[~np.isnan(values)]
    if s.df[1] > 5:
        quartiles = np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
        texts = format_numbers(zapped(quartiles, digits + 1), digits)
        return named_vector_text(texts, ["Min", "1Q", "Median", "3Q", "Max"]).split("\n")
    if s.df[1] > 0:
        names = [str(label) for label in s.residuals.dropna().index]
        return named_vector_text(format_numbers(values, digits), names).split("\n")
    return [f"ALL {s.df[0]} residuals are 0: no residual degrees of freedom!"]


def coefficient_lines(s: Any, digits: int, signif_stars: bool) -> list[str]:
    """The table of coefficients of a model without random effects, aliased ones as NA."""
    if not s.aliased:
        return ["No Coefficients"]
    count = sum(dropped for _, dropped in s.aliased)
    head = "Coefficients:"
    if count:
        head += f" ({count} not defined because of singularities)"
    full = s.coefficients.reindex([name for name, _ in s.aliased])
    return [head, fixed_effects_text(full, digits, signif_stars)]
