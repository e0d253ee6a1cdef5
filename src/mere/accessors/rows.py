"""What has a value per row, and the data and terms behind a model (mixed or linear)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..contrasts import read_contrasts
from ..design import Design
from ..errors import MereTypeError, MereValueError
from ..frame import Factor, Matrix, as_frame
from ..generalized import GLM, GLMM
from ..language.algebra import Terms
from ..language.formulas import Formula, parse_formula
from ..model import LM, LMM
from ..modelframe import evaluate_frame
from ..modelmatrix import build_matrix
from ..results import Family
from .blocks import random_design, term_matrix

__all__ = ["fitted_values", "fixed_only_variables", "omitted_rows", "residual_series", "row_series"]


# -- numbers -----------------------------------------------------------------
def random_contribution(design: Design, b: np.ndarray) -> np.ndarray:
    """Z b, (n,)."""
    out, first = np.zeros(len(design.y)), 0
    for t in design.random:
        k = t.covariance.k
        effects = b[first : first + len(t.levels) * k].reshape(len(t.levels), k)
        first += effects.size
        out += np.einsum("ij,ij->i", term_matrix(t), effects[t.codes])
    return out


def fitted_values(m: LMM | LM) -> np.ndarray:
    """offset + X beta (+ Z b), (n,)."""
    out = m.design.X @ m.beta
    if isinstance(m, LMM):
        out += random_contribution(m.design, m.b)
    if m.design.offset is not None:
        out += m.design.offset
    return np.asarray(out)


# -- rows ----------------------------------------------------------------------
def row_labels(design: Design) -> pd.Index:
    """Labels of the rows used: those of the user's table, or their numbers."""
    frame = design.frame
    if frame.row_names is not None:
        return pd.Index(frame.row_names)
    return pd.RangeIndex(frame.nrow) if frame.rows is None else pd.Index(frame.rows)


def row_series(design: Design, values: np.ndarray) -> pd.Series:
    """`values` of the rows used as a Series, NaN at omitted rows under ``na_action="exclude"``."""
    frame = design.frame
    series = pd.Series(values, row_labels(design))
    if frame.na_action != "exclude" or not len(frame.omitted):
        return series
    rows = np.arange(frame.nrow) if frame.rows is None else np.asarray(frame.rows)
    order = np.argsort(np.concatenate([rows, frame.omitted]), kind="stable")
    omitted = frame.omitted if frame.omitted_names is None else frame.omitted_names
    labels = series.index.append(pd.Index(omitted)).take(order)
    padded = np.concatenate([values, np.full(len(frame.omitted), np.nan)])
    return pd.Series(padded[order], labels)


def omitted_rows(design: Design) -> int:
    """How many rows were left out for missing values."""
    return len(design.frame.omitted)


def fixed_only_variables(design: Design) -> tuple[str, ...]:
    """R's names of the response and the variables of the fixed part."""
    return tuple(design.terms.variables)


def column_of(value: Any) -> Any:
    """A variable of the model frame as pandas holds it."""
    if isinstance(value, Factor):
        kind = pd.CategoricalDtype(list(value.levels), ordered=value.ordered)
        return pd.Categorical.from_codes(value.codes.astype(np.int32), dtype=kind)
    return value.values if isinstance(value, Matrix) else value


def frame_of(variables: Mapping[str, Any], index: pd.Index) -> pd.DataFrame:
    """Variables as a DataFrame; a matrix becomes columns ``name.1``, ``name.2``, ..."""
    columns: dict[str, Any] = {}
    for name, value in variables.items():
        column = column_of(value)
        if isinstance(column, np.ndarray) and column.ndim == 2:
            labels = getattr(value, "columns", None) or range(1, column.shape[1] + 1)
            for j, label in enumerate(labels):
                columns[f"{name}.{label}"] = column[:, j]
        else:
            columns[name] = column
    return pd.DataFrame(columns, index=index)


# -- methods -----------------------------------------------------------------
@g.fitted.register(LMM)
@g.fitted.register(LM)
def _fitted(m: LMM | LM) -> pd.Series:
    return row_series(m.design, fitted_values(m))


@g.residuals.register(LMM)
def residual_series(m: LMM | LM, type: str = "response", scaled: bool = False) -> pd.Series:
    """y less the fitted values, weighted for the types that are, as a column of the table."""
    if type not in ("response", "working", "pearson", "deviance"):
        raise MereValueError(f"type must be 'response', 'working', 'pearson' or 'deviance', not {type!r}")
    out = m.design.y - fitted_values(m)
    if type in ("pearson", "deviance") and m.design.weights is not None:
        out *= np.sqrt(m.design.weights)
    if scaled:
        out /= m.sigma
    return row_series(m.design, out)


@g.weights.register(LMM)
@g.weights.register(LM)
def _weights(m: LMM | LM, type: str = "prior") -> pd.Series:
    if type != "prior":
        raise MereValueError(f"weights(type={type!r}): a linear model has prior weights only; use type='prior'")
    given = m.design.weights
    return row_series(m.design, np.ones(len(m.design.y)) if given is None else np.array(given))


@g.hatvalues.register(LMM)
def _hatvalues(m: LMM) -> pd.Series:
    return row_series(m.design, np.asarray(m.objective.leverage(m.par)))


@g.model_frame.register(LMM)
@g.model_frame.register(LM)
@g.model_frame.register(GLM)
@g.model_frame.register(GLMM)
def _model_frame(m: LMM | LM | GLM | GLMM, fixed_only: bool = False) -> pd.DataFrame:
    design = m.design
    variables = dict(design.frame.variables)
    if fixed_only:
        kept = fixed_only_variables(design)
        variables = {name: value for name, value in variables.items() if name in kept}
    if design.weights is not None:
        variables["(weights)"] = np.asarray(design.weights)
    return frame_of(variables, row_labels(design))


@g.model_matrix.register(LMM)
@g.model_matrix.register(LM)
@g.model_matrix.register(GLM)
@g.model_matrix.register(GLMM)
def _model_matrix(m: LMM | LM | GLM | GLMM, type: str = "fixed") -> Any:
    design = m.design
    if type == "fixed":
        return _fixed_matrix(design.X, design.names, design.assign, design.term_labels, row_labels(design))
    if isinstance(m, (LM, GLM)) or type not in ("random", "randomListRaw"):
        kinds = "'fixed'" if isinstance(m, (LM, GLM)) else "'fixed', 'random' or 'randomListRaw'"
        raise MereValueError(f"type must be {kinds}, not {type!r}")
    if type == "random":
        return random_design(design.random)
    labels = row_labels(design)
    return {t.text: pd.DataFrame(term_matrix(t), labels, list(t.names)) for t in design.random}


def _fixed_matrix(X: Any, names: Any, assign: Any, term_labels: Any, index: Any) -> pd.DataFrame:
    frame = pd.DataFrame(np.asarray(X), index, list(names))
    frame.attrs["assign"] = [int(a) for a in assign]
    frame.attrs["term_labels"] = list(term_labels)
    return frame


@g.model_matrix.register(str)
@g.model_matrix.register(Formula)
def _model_matrix_of(
    formula: str | Formula, data: Any = None, contrasts: Any = None, na_action: str = "omit"
) -> pd.DataFrame:

    if data is None:
        raise MereTypeError("model_matrix(formula, data) needs the data")
    parsed = parse_formula(formula)
    frame = evaluate_frame(parsed, data, na_action=na_action).frame
    terms = parsed.terms(as_frame(data).names if parsed.has_dot else ())
    full = build_matrix(terms, frame.variables, frame.n, read_contrasts(contrasts))
    if frame.row_names is not None:
        index = pd.Index(frame.row_names)
    else:
        index = pd.RangeIndex(frame.nrow) if frame.rows is None else pd.Index(frame.rows)
    return _fixed_matrix(full.X, full.names, full.assign, full.term_labels, index)


@g.formula.register(LMM)
@g.formula.register(LM)
@g.formula.register(GLM)
@g.formula.register(GLMM)
def _formula(m: LMM | LM | GLM | GLMM, fixed_only: bool = False, random_only: bool = False) -> Formula:
    whole = m.design.formula
    if fixed_only and random_only:
        raise MereValueError("fixed_only and random_only exclude each other")
    if fixed_only:
        return parse_formula(whole.fixed_text)
    if random_only:
        response = whole.fixed_text.partition(" ~ ")[0]
        bars = (f"({bar.text})" if bar.structure == "us" else bar.whole for bar in whole.bars)
        return parse_formula(f"{response} ~ {' + '.join(bars)}")
    return whole


@g.formula.register(Terms)
def _formula_of_terms(t: Terms) -> Formula:
    right = [*([] if t.intercept else ["0"]), *t.labels, *(t.variables[i] for i in t.offsets)]
    response = f"{t.variables[0]} " if t.has_response else ""
    return parse_formula(f"{response}~ {' + '.join(right) or '1'}")


@g.terms.register(LMM)
@g.terms.register(LM)
@g.terms.register(GLM)
@g.terms.register(GLMM)
def _terms(m: LMM | LM | GLM | GLMM, fixed_only: bool = True) -> Terms:
    return m.design.terms


@g.family.register(LMM)
@g.family.register(LM)
def _family(m: LMM | LM) -> Family:
    return Family("gaussian", "identity")


@g.getData.register(LMM)
@g.getData.register(LM)
@g.getData.register(GLM)
@g.getData.register(GLMM)
def _get_data(m: LMM | LM | GLM | GLMM) -> Any:
    if m.call.data is None:
        raise MereValueError("the model keeps no data; model_frame(m) has the variables it used")
    return m.call.data
