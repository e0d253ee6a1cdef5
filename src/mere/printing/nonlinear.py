"""The text of nonlinear mixed models."""

from __future__ import annotations

from collections.abc import Sequence

from .. import generics as g
from ..language.nonlinear import NonlinearFormula
from ..nonlinear import NLMM
from ..nonlinear_summaries import TITLE, nonlinear_criteria
from ..summaries import fit_messages
from .mixed import call_header, components_text, criteria_lines, fit_lines, group_lines, optimizer_lines, title_lines
from .numbers import format_numbers
from .tables import named_vector_text

__all__: list[str] = []


@g.to_text.register(NLMM)
def _nonlinear(
    m: NLMM,
    digits: int = 4,
    ranef_comp: Sequence[str] | str = ("Std.Dev.",),
    ranef_corr: bool = True,
) -> str:
    lines = [
        *title_lines(TITLE, "nlmerMod"),
        *call_header(m.call, str(m.design.formula), with_control=False),
        *criteria_lines(nonlinear_criteria(m), 4),
        "Random effects:",
        components_text(g.VarCorr(m), digits, ranef_comp, ranef_corr),
        *group_lines(g.nobs(m), g.ngrps(m)),
        "Fixed Effects:",
        named_vector_text(format_numbers(m.beta, digits), list(m.design.names), gap=2),
        *fit_lines(fit_messages(m)),
        *optimizer_lines(m.optinfo, brief=True),
    ]
    return "\n".join(lines)


@g.to_html.register(NLMM)
def _html(m: NLMM) -> str:
    return g.to_html(g.summary(m))


@g.to_text.register(NonlinearFormula)
def _formula(f: NonlinearFormula) -> str:
    return str(f)
