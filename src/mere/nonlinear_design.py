"""The design of a nonlinear mixed model: three-part formula + data → mean, parameters' matrices, random terms.

Each row has s parameters, phi = X beta + Z b. The formula of the parameters is evaluated on the rows once for each
parameter ("long" rows, parameter after parameter), with ordinary designs; what belongs to a row of the data is then
gathered: X (n, s, p), and (n, s, k) for each random term.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .arguments import environment_of
from .design import Design, _numeric_response, build_design
from .errors import MereTypeError, MereValueError
from .frame import Factor, as_frame
from .language.formulas import parse_formula
from .language.nonlinear import RESPONSE, NonlinearFormula, nonlinear_mean, parse_nonlinear
from .language.syntax import deparse, names_in, quote_name
from .modelframe import evaluate_frame
from .nonlinear_mean import NonlinearMean, find_self_start

__all__ = ["NonlinearDesign", "build_nonlinear_design", "linearized", "long_table", "parameter_rows"]


@dataclass(frozen=True, eq=False)
class NonlinearDesign(Design):
    """A `Design` whose X and random values are those of the model linearized somewhere (at first: of the parameters).

    Attributes
    ----------
    mean : NonlinearMean
    long : Design
        Of the parameters: n s rows.
    X_par : ndarray (n, s, p)
    Z_par : tuple of ndarray (n, s, k)
    """

    mean: NonlinearMean = None  # type: ignore[assignment]
    long: Design = None  # type: ignore[assignment]
    X_par: np.ndarray = None  # type: ignore[assignment]
    Z_par: tuple[np.ndarray, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """The nonlinear parameters."""
        return self.mean.parameters


def build_nonlinear_design(
    formula: str,
    data: Any,
    parameters: Sequence[str] | None = None,
    *,
    weights: Any = None,
    subset: Any = None,
    na_action: str = "omit",
    contrasts: Any = None,
    env: Mapping[str, Any] | None = None,
) -> NonlinearDesign:
    """Make the design of a nonlinear mixed model (lme4's ``nlformula``).

    Parameters
    ----------
    formula : str
        ``"y ~ SSlogis(x, Asym, xmid, scal) ~ Asym | g"``.
    data : table
    parameters : sequence of str, optional
        Names of the nonlinear parameters; by default those of the self-starting model.
    weights, subset, na_action, contrasts, env
        As in `build_design`.

    Examples
    --------
    >>> from mere.datasets import Orange
    >>> d = build_nonlinear_design("circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree", Orange)
    >>> d.parameters, d.X_par.shape, d.Z_par[0].shape
    (('Asym', 'xmid', 'scal'), (35, 3, 3), (35, 3, 1))
    """
    env = environment_of(env)
    names = tuple(_own_parameters(formula, data, env) if parameters is None else parameters)
    parsed = parse_nonlinear(formula, names)
    table = as_frame(data)
    for name in names:
        if name in table:
            raise MereValueError(
                f"{name!r} is a parameter of the mean and also a column of the data: rename the column"
            )
    evaluated = evaluate_frame(parse_formula(_variables_formula(parsed, table, env)), data, weights, None, subset,
                               na_action, env)  # fmt: skip
    frame = evaluated.frame
    response = deparse(parsed.response)
    y = _numeric_response(frame.variables[response], response)
    if y.ndim != 1:
        raise MereTypeError(f"the response {response!r} of a nonlinear model must be one column of numbers")
    raw = {name: _column(v) for name, v in frame.variables.items() if name in table.names}
    mean = NonlinearMean(parsed.mean, names, _numbers(parsed.mean, raw, frame.n), env)
    long_data = long_table(raw, names, frame.n)
    long_data[RESPONSE] = np.tile(y, len(names))
    long = build_design(parsed.long, long_data, contrasts=contrasts, env=env)
    n, s = frame.n, len(names)
    values = tuple(_by_row(np.ones((n * s, 1)) if t.values is None else t.values, n, s) for t in long.random)
    random = tuple(
        replace(t, codes=np.ascontiguousarray(t.codes[:n]), values=np.asfortranarray(v.sum(axis=1)))
        for t, v in zip(long.random, values, strict=True)
    )
    X_par = _by_row(long.X, n, s)
    X = np.asfortranarray(X_par.sum(axis=1))
    return NonlinearDesign(
        formula=parsed,  # type: ignore[arg-type]
        response=response,
        y=np.ascontiguousarray(y),
        X=X,
        names=long.names,
        assign=long.assign,
        term_labels=long.term_labels,
        X_full=X,
        names_full=long.names,
        assign_full=long.assign,
        dropped=(),
        weights=evaluated.weights,
        offset=None,
        random=random,
        frame=frame,
        findings=(*evaluated.findings, *long.findings),
        codings=long.codings,
        contrasts=long.contrasts,
        mean=mean,
        long=long,
        X_par=X_par,
        Z_par=values,
    )


def linearized(design: NonlinearDesign, G: np.ndarray) -> NonlinearDesign:
    """The design with X and random values of the linear model that has gradient G (n, s)."""
    X = np.asfortranarray(np.einsum("ns,nsp->np", G, design.X_par))
    random = tuple(
        replace(t, values=np.asfortranarray(np.einsum("ns,nsk->nk", G, Z)))
        for t, Z in zip(design.random, design.Z_par, strict=True)
    )
    return replace(design, X=X, X_full=X, random=random)


def long_table(columns: Mapping[str, Any], parameters: Sequence[str], n: int) -> dict[str, Any]:
    """Columns repeated for each parameter, and the indicators of the parameters."""
    s = len(parameters)
    out = {name: _tiled(value, s) for name, value in columns.items()}
    for j, name in enumerate(parameters):
        indicator = np.zeros(n * s)
        indicator[j * n : (j + 1) * n] = 1.0
        out[name] = indicator
    return out


def parameter_rows(design: NonlinearDesign, data: Any) -> tuple[dict[str, Any], NonlinearMean]:
    """The long table of new data, and the mean there."""
    table = as_frame(data)
    wanted = set(names_in(design.formula.third)) | set(names_in(design.formula.mean))  # type: ignore[attr-defined]
    raw = {name: _column(table.find(name)) for name in table.names if name in wanted}
    for name in design.frame.variables:
        if name in wanted and name not in raw and name not in design.frame.env and name in names_in(_mean_of(design)):
            table.column(name)  # raises, with near matches
    return long_table(raw, design.parameters, table.nrow), design.mean.at(_numbers(_mean_of(design), raw, table.nrow))


def _mean_of(design: NonlinearDesign) -> Any:
    return design.formula.mean  # type: ignore[attr-defined]


def _by_row(matrix: np.ndarray, n: int, s: int) -> np.ndarray:
    """(s n, k), parameter after parameter, as (n, s, k)."""
    return np.ascontiguousarray(np.asarray(matrix).reshape(s, n, -1).transpose(1, 0, 2))


def _own_parameters(formula: str, data: Any, env: Mapping[str, Any] | None) -> list[str]:
    """Of a self-starting model: what its parameters depend on and the data do not have."""
    node = nonlinear_mean(formula)
    if find_self_start(node, env) is None:
        raise MereValueError(
            f"start is needed: {{name: value}} of the nonlinear parameters in {deparse(node)}; only self-starting "
            "models such as SSlogis find their own"
        )
    table, known = as_frame(data), env or {}
    return list(dict.fromkeys(n for n in names_in(node) if n not in table and n not in known and n != "pi"))


def _variables_formula(parsed: NonlinearFormula, table: Any, env: Mapping[str, Any] | None) -> str:
    """A formula with every variable of the data, from which complete rows follow."""
    known = env or {}
    groups = {n for bar in parsed.long.bars for node in bar.factors for n in names_in(node)}
    left = [n for n in names_in(parsed.mean) if n not in parsed.parameters]
    left += [n for node in parsed.long.terms().nodes[1:] for n in names_in(node) if n not in parsed.parameters]
    for bar in parsed.long.bars:
        left += [n for node in bar.terms.nodes for n in names_in(node) if n not in parsed.parameters]
    shown = [n for n in dict.fromkeys(left) if n in table or (n not in known and n not in ("pi", "T", "F"))]
    fixed = " + ".join(["1", *(quote_name(n) for n in shown)])
    bars = " + ".join(f"(1 | {quote_name(n)})" for n in dict.fromkeys(groups))
    return f"{deparse(parsed.response)} ~ {fixed} + {bars}"


def _column(value: Any) -> Any:
    """A factor as pandas has it, for tables made anew."""
    if isinstance(value, Factor):
        import pandas as pd

        kind = pd.CategoricalDtype(list(value.levels), ordered=value.ordered)
        return pd.Categorical.from_codes(value.codes.astype(np.int32), dtype=kind)
    return value


def _tiled(value: Any, s: int) -> Any:
    if hasattr(value, "codes"):
        return type(value).from_codes(np.tile(value.codes, s), dtype=value.dtype)
    return np.tile(value, s)


def _numbers(mean: Any, raw: Mapping[str, Any], n: int) -> dict[str, Any]:
    found = {name: raw[name] for name in dict.fromkeys(names_in(mean)) if name in raw}
    return found or {".row": np.arange(float(n))}
