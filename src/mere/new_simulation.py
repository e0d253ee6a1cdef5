"""Responses of models that were never fitted: a formula, a table, all parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from . import generics as g
from .accessors.blocks import relative_factors
from .arguments import count_of
from .conditioning import kept_columns, random_rows
from .design import Design, build_design
from .errors import MereTypeError, MereValueError
from .families import Family, make_family
from .frame import as_frame
from .generalized_simulation import GeneralizedSimulator, check_trials
from .language.formulas import parse_formula
from .language.parser import parse_expression
from .language.syntax import names_in
from .prediction import row_index
from .simulation import Parameters, linear_simulator, read_seed, replaced_parameters, table_of_responses

__all__: list[str] = []


@g.simulate.register(str)
def _simulate(
    formula: str,
    newdata: Any = None,
    newparams: Mapping[str, Any] | None = None,
    nsim: int = 1,
    seed: Any = None,
    weights: Any = None,
    contrasts: Any = None,
    family: Any = None,
) -> pd.DataFrame:
    if newdata is None or newparams is None:
        raise MereValueError("simulate(formula) needs newdata= and newparams=")
    if not isinstance(newparams, Mapping):
        raise MereTypeError(f"newparams must be a mapping with beta, theta (or par) and sigma, not {newparams!r}")
    model_family = None if family is None else make_family(family)
    if model_family is not None:
        model_family.need_likelihood("simulate()")
    if model_family is not None and model_family.name == "gaussian" and model_family.link.name == "identity":
        model_family = None
    design = _design(formula, newdata, weights, contrasts)
    needs_sigma = model_family is None or model_family.has_scale
    missing = {"beta", "sigma"} - set(newparams) if needs_sigma else {"beta"} - set(newparams)
    if missing or not {"theta", "par"} & set(newparams):
        wanted = "beta, theta (or par) and sigma" if needs_sigma else "beta and theta (or par)"
        raise MereValueError(f"newparams must have {wanted}; there are {', '.join(newparams)}")
    values = replaced_parameters(Parameters(np.zeros(0), np.zeros(0), 1.0), design, newparams)
    mean = design.X @ values.beta + (0.0 if design.offset is None else design.offset)
    rows, kept = random_rows(design, None), kept_columns(design, False)
    simulator: Any
    if model_family is None:
        simulator = linear_simulator(mean, values, rows, kept, design.weights, None)
    else:
        w = np.ones(design.n) if design.weights is None else np.asarray(design.weights, dtype=np.float64)
        check_trials(model_family, w)
        factors = relative_factors(design.random, values.theta)
        terms = [(r.values, r.codes, len(r.term.levels), T) for r, T in zip(rows, factors, strict=True)]
        simulator = GeneralizedSimulator(mean, terms, model_family, w, values.sigma**2, _counts(model_family, w))
    number = read_seed(seed)
    return table_of_responses(simulator.draw(number, 0, count_of(nsim)), row_index(newdata), number)


def _counts(family: Family, weights: np.ndarray) -> bool:
    """Are the responses numbers of successes: a binomial family with numbers of trials as weights?"""
    return family.name == "binomial" and bool((weights != 1).any())


def _design(formula: str, newdata: Any, weights: Any, contrasts: Any) -> Design:
    right = formula.partition("~")[2] if "~" in formula else formula
    table = as_frame(newdata)
    name = "response"
    while name in table:
        name = "." + name
    used = _names(right) | ({weights} if isinstance(weights, str) and weights in table else set())
    data = {c: newdata[c] for c in table.names if c in used}
    data[name] = np.zeros(table.nrow)
    return build_design(f"`{name}` ~ {right}", data, weights=weights, contrasts=contrasts, na_action="fail")


def _names(right: str) -> set[str]:
    parse_formula(f"~ {right}")
    return set(names_in(parse_expression(right)))
