"""The text of generalized models, linear and mixed, and of their summaries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import generics as g
from ..accessors.generalized_linear import SummaryGLM
from ..families import Family
from ..generalized import GLM, GLMM
from ..generalized_summaries import SummaryGLMM, generalized_criteria, generalized_title
from .linear import call_lines, coefficient_lines
from .mixed import error_lines, model_text, summary_text, title_lines
from .numbers import format_number, format_numbers
from .tables import named_vector_text, zapped

__all__: list[str] = []


@g.to_text.register(Family)
def _family(f: Family) -> str:
    return f"\nFamily: {f.label} \nLink function: {f.link.name} \n"


# -- mixed ---------------------------------------------------------------------
def _family_line(f: Family) -> str:
    return f" Family: {f.label}  ( {f.link.name} )"


@g.to_text.register(GLMM)
def _mixed(
    m: GLMM,
    digits: int = 4,
    ranef_comp: Sequence[str] | str = ("Std.Dev.",),
    ranef_corr: bool = True,
) -> str:
    head = [*title_lines(generalized_title(m), "glmerMod"), _family_line(m.model_family)]
    return model_text(m, head, generalized_criteria(m), digits, ranef_comp, ranef_corr)


@g.to_text.register(SummaryGLMM)
def _mixed_summary(
    s: SummaryGLMM,
    digits: int = 4,
    correlation: bool | None = None,
    signif_stars: bool = True,
    ranef_comp: Sequence[str] | str = ("Variance", "Std.Dev."),
    ranef_corr: bool = True,
    show_resids: bool = True,
    corr: bool | None = None,
) -> str:
    head = [*title_lines(s.title, "glmerMod"), _family_line(s.family)]
    correlation = corr if correlation is None else correlation  # scripts abbreviate it, which R allows
    return summary_text(s, head, digits, correlation, signif_stars, ranef_comp, ranef_corr, show_resids)


# -- linear ----------------------------------------------------------------------
def _rounded(x: float, digits: int) -> str:
    """`x` to significant digits, without zeros at the end."""
    return format_number(float(f"{x:.{digits - 1}e}"))


@g.to_text.register(GLM)
def _linear(m: GLM, digits: int = 4) -> str:
    lines = ["", "Call:  " + "\n".join(call_lines(m.call, str(m.design.formula))), ""]
    beta = g.coef(m)
    if len(beta):
        values = format_numbers(beta, digits)
        lines += ["Coefficients:", named_vector_text(values, [str(n) for n in beta.index], gap=2)]
    else:
        lines.append("No coefficients")
    aic = g.extractAIC(m)[1]
    lines += [
        "",
        f"Degrees of Freedom: {m.df_null} Total (i.e. Null);  {m.df} Residual",
        f"Null Deviance:\t    {_rounded(m.null_deviance, digits)} ",
        f"Residual Deviance: {_rounded(m.fit.deviance, digits)} \tAIC: {_rounded(aic, digits)}",
    ]
    return "\n".join(lines)


@g.to_text.register(SummaryGLM)
def _linear_summary(s: SummaryGLM, digits: int = 4, signif_stars: bool = True) -> str:
    lines = ["", "Call:", *call_lines(s.call, s.formula), "", "Deviance Residuals: "]
    lines += [*_deviance_lines(s, digits), "", *coefficient_lines(s, digits, signif_stars), *error_lines(s), ""]
    lines += [f"(Dispersion parameter for {s.family.label} family taken to be {format_number(s.dispersion)})", ""]
    deviances = format_numbers([s.null_deviance, s.deviance], max(5, digits + 1))
    counts = format_numbers([float(s.df[2]), float(s.df[1])])
    for name, value, df in zip(("    Null", "Residual"), deviances, counts, strict=True):
        lines.append(f"{name} deviance: {value}  on {df}  degrees of freedom")
    if s.omitted:
        plural = "s" if s.omitted > 1 else ""
        lines.append(f"  ({s.omitted} observation{plural} deleted due to missingness)")
    lines += [f"AIC: {_rounded(s.aic, max(4, digits + 1))}", ""]
    lines += [f"Number of Fisher Scoring iterations: {s.iterations}", ""]
    return "\n".join(lines)


def _deviance_lines(s: SummaryGLM, digits: int) -> list[str]:
    values = s.residuals.to_numpy()
    values = values[~np.isnan(values)]
    if s.df[1] > 5:
        quartiles = np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
        names = ["Min", "1Q", "Median", "3Q", "Max"]
    else:
        quartiles, names = values, [str(label) for label in s.residuals.dropna().index]
    texts = format_numbers(zapped(quartiles, digits + 1), digits)
    return named_vector_text(texts, names, gap=2).split("\n")
