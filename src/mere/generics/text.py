"""The generic of printing: the text that R would print."""

from __future__ import annotations

from typing import Any

from .declare import generic, no_method

__all__ = ["to_html", "to_text"]


@generic
def to_text(result: Any, **options: Any) -> str:
    """The text of a result, as R prints it; ``str(result)`` with options.

    Parameters
    ----------
    result : LMM, SummaryLMM, VarianceComponents, AnovaTable, ...
    **options
        Those of R's print method, such as ``digits``, ``correlation``,
        ``comp``, ``signif_stars``.
    digits, correlation (or corr), comp, ranef_comp, ranef_corr, show_resids, signif_stars
        Among them: significant digits; the correlations of the fixed effects; columns and correlations of variance
        components (``"Variance"``, ``"Std.Dev."``); the residuals; the stars.

    Returns
    -------
    str
        Lines without a newline at the end.

    Examples
    --------
    >>> from mere import lmer, VarCorr, to_text
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (1 | Subject)", sleepstudy)
    >>> print(to_text(VarCorr(m), comp=["Variance"], digits=3))
     Groups   Name        Variance
     Subject  (Intercept) 1378
     Residual              960
    """
    raise no_method("to_text", result)


@generic
def to_html(result: Any) -> str:
    """The HTML of a result, which notebooks show: R's text, or tables.

    Parameters
    ----------
    result : any result of the package

    Returns
    -------
    str

    Examples
    --------
    >>> from mere import lmer, VarCorr, to_html
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (1 | Subject)", sleepstudy)
    >>> "<table" in to_html(VarCorr(m))
    True
    """
    raise no_method("to_html", result)
