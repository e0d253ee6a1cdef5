"""Fits of a model with another formula, from the data and arguments of its call."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .. import generics as g
from ..covariances import STRUCTURES
from ..design import Design, build_design
from ..errors import MereValueError, SingularFitMessage
from ..fitting import fit_lmm
from ..generalized import GLM, GLMM, generalized_linear_model, generalized_mixed_model
from ..generalized_fitting import fit_glmm
from ..irls import fit_glm
from ..language.syntax import operand_text
from ..language.updating import update_formula
from ..linear import fit_lm
from ..model import LM, LMM, linear_model, mixed_model
from ..rank import refuse_deficient

__all__ = ["fit_as", "join_formula", "refit_formula", "without_terms"]

_DESIGN = ("weights", "offset", "subset", "na_action", "contrasts", "env")


def join_formula(fixed: str, random: Sequence[str]) -> str:
    """A fixed part and random terms ``"x | g"`` (or ``cs(…)``) as one formula."""
    return " + ".join([fixed, *(text if _is_call(text) else f"({text})" for text in random)])


def _is_call(text: str) -> bool:
    """Is the text of a random term a structure, such as ``cs(x | g)``?"""
    return text.endswith(")") and text.split("(", 1)[0] in STRUCTURES


def bar_text(bar: Any) -> str:
    """One random term: ``"x | g"``, or with its structure, ``"cs(x | g)"``."""
    if bar.structure == "us":
        return str(bar.text)
    options = "".join(f", {name} = {str(value).upper()}" for name, value in bar.options)
    return f"{bar.structure}({bar.text}{options})"


def without_terms(design: Design, dropped: Sequence[str]) -> str:
    """The formula of a design without some fixed-effects terms."""
    terms = design.terms
    texts = {
        label: ":".join(operand_text(terms.nodes[v]) for v in term)
        for label, term in zip(terms.labels, terms.terms, strict=True)
    }
    return update_formula(design.formula, f". ~ . - {' - '.join(texts[label] for label in dropped)}")


def refit_formula(m: Any, formula: str, quiet: bool = True) -> Any:
    """The same data and arguments with another formula; without random terms a linear model.

    Parameters
    ----------
    m : LM, LMM, GLM, GLMM
    formula : str
    quiet : bool
        No word about singular fits.

    Raises
    ------
    MereValueError
        If missing values in other variables change the rows in use.
    """
    if isinstance(m, (GLM, GLMM)):
        with warnings.catch_warnings():
            if quiet:
                warnings.simplefilter("ignore", SingularFitMessage)
            other = g.update(m, formula, start=None)
        _same_rows(m.design, other.design)
        return other
    given = m.call.arguments
    extra = {name: given[name] for name in _DESIGN if given.get(name) is not None}
    design = build_design(formula, m.call.data, **extra)
    _same_rows(m.design, design)
    call = replace(m.call, arguments={**given, "formula": formula})
    with warnings.catch_warnings():
        if quiet:
            warnings.simplefilter("ignore", SingularFitMessage)
        if not design.random:
            return linear_model(fit_lm(design), replace(call, function="lm"))
        fit = fit_lmm(design, m.reml, m.control)
    return mixed_model(fit, m.control, call)


def _same_rows(design: Design, smaller: Design) -> None:
    if len(smaller.y) != len(design.y) or not np.array_equal(smaller.y, design.y):
        raise MereValueError(
            f"the model without a term uses {len(smaller.y)} rows, the model {len(design.y)}: "
            "leave out incomplete rows before fitting"
        )


def fit_as(m: Any, design: Design) -> Any:
    """The model of a design, fitted as `m` was; an error where its rows do not determine all coefficients."""
    refuse_deficient(design.X, design.names, design.weights)
    if isinstance(m, LMM):
        return mixed_model(fit_lmm(design, m.reml, m.control, m.par), m.control, m.call)
    if isinstance(m, GLMM):
        start = {"par": m.par, "fixef": m.beta}
        fit = fit_glmm(design, m.model_family, m.nAGQ, m.control, start, joint_theta=m.optinfo.joint_theta)
        return generalized_mixed_model(fit, m.control, m.call)
    if isinstance(m, LM):
        return linear_model(fit_lm(design), m.call)
    response, found = fit_glm(design, m.model_family)
    return generalized_linear_model(design, m.model_family, response, found, m.call)
