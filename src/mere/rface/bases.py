"""What our own models tell `margins` about themselves: `lm` and `lmer`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import generics as g
from ..design import Design
from ..errors import MarginsMessage, MereKeyError, MereValueError, tell
from ..frame import Factor, as_frame
from ..generalized import GLM, GLMM
from ..inference.methods import reference_of, title_of
from ..inference.reference import Asymptotic, Residual
from ..language.algebra import Terms
from ..language.syntax import Call, Name, Node, names_in
from ..margins import Basis, emm_basis, null_space
from ..margins.responses import response_scale
from ..margins.scales import SCALES, Scale
from ..model import LM, LMM
from ..newdata import fixed_matrix, new_offset

__all__ = ["design_basis", "family_scale"]

_MAKES_FACTORS = ("factor", "as.factor", "ordered", "as.ordered")


def design_basis(
    design: Design,
    data: Any,
    beta: np.ndarray,
    V: np.ndarray,
    df: Callable[[np.ndarray], np.ndarray],
    **more: Any,
) -> Basis:
    """The basis of a model with a `Design`: its predictors, and X for new values of them.

    Parameters
    ----------
    design : Design
    data : table
        What the model was fitted to.
    beta : (r,) array
        The coefficients that were estimated.
    V : (r, r) array
    df : callable
    **more
        Other fields of `Basis`.
    """
    terms = design.terms
    p = len(design.names_full)
    full = np.full(p, np.nan)
    full[[j for j in range(p) if j not in set(design.dropped)]] = beta
    predictors = _predictors(design, terms, data)

    def build(values: Mapping[str, Any]) -> np.ndarray:
        return fixed_matrix(design, dict(values) if values else {"(none)": np.zeros(1)}, full=True)

    return Basis(
        predictors=predictors,
        build=build,
        beta=full,
        V=V,
        df=df,
        null=null_space(design.X_full, design.dropped),
        terms=[(label, _term_predictors(terms, j, predictors)) for j, label in enumerate(terms.labels)],
        nested=_declared_nesting(terms, predictors),
        scale=more.pop("scale", None) or response_scale(terms.nodes[0] if terms.has_response else None, design),
        weights=design.weights,
        offset=_offset_at(design, terms),
        coerced=_coerced(terms),
        **more,
    )


def _predictors(design: Design, terms: Terms, data: Any) -> dict[str, Any]:
    """The variables of the data that the fixed part uses, at the rows used, in order of appearance."""
    table, rows = as_frame(data), design.frame.rows
    out: dict[str, Any] = {}
    for node in terms.nodes[1:] if terms.has_response else terms.nodes:
        for name in names_in(node):
            if name in out or name not in table:
                continue
            fitted = design.frame.variables.get(name)
            if isinstance(fitted, Factor):
                out[name] = fitted
                continue
            value = table.column(name)
            if isinstance(value, Factor):
                value = value if rows is None else value.take(rows)
                out[name] = value.drop_unused()
            elif isinstance(value, np.ndarray):
                value = value if rows is None else value[rows]
                out[name] = value.astype(bool) if value.dtype == np.int8 else value
            else:
                raise MereValueError(f"{name!r} is a matrix; emmeans needs plain variables")
    return out


def _term_predictors(terms: Terms, j: int, predictors: Mapping[str, Any]) -> tuple[str, ...]:
    names = [n for v in terms.terms[j] for n in names_in(terms.nodes[v]) if n in predictors]
    return tuple(dict.fromkeys(names))


def _declared_nesting(terms: Terms, predictors: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Factors without a main effect that stand below others: b in ``a / b`` or ``b %in% a``."""
    sets = [set(term) for term in terms.terms]
    out: dict[str, tuple[str, ...]] = {}
    for v in {v for term in terms.terms for v in term}:
        name = terms.variables[v]
        if not isinstance(terms.nodes[v], Name) or not isinstance(predictors.get(name), Factor):
            continue
        smallest = min((s for s in sets if v in s), key=len)
        outer = smallest - {v}
        if outer and any(s == outer for s in sets):
            names = [terms.variables[o] for o in sorted(outer)]
            if all(isinstance(predictors.get(o), Factor) for o in names):
                out[name] = tuple(names)
    return out


def _coerced(terms: Terms) -> tuple[str, ...]:
    out: list[str] = []

    def walk(node: Node) -> None:
        if isinstance(node, Call):
            if node.function in _MAKES_FACTORS:
                out.extend(names_in(node.args[0]))
            for arg in node.args:
                walk(arg)

    for node in terms.nodes[int(terms.has_response) :]:
        walk(node)
    return tuple(dict.fromkeys(out))


def _offset_at(design: Design, terms: Terms) -> Callable[[Mapping[str, Any]], np.ndarray | None] | None:
    """The offset at new values: its terms, and the mean of an ``offset=`` argument."""
    if design.offset is None:
        return None
    mean = 0.0
    own = new_offset(design, {}) if not terms.offsets else None
    if not terms.offsets:
        mean = float(np.mean(design.offset))

    def offset(values: Mapping[str, Any]) -> np.ndarray | None:
        n = len(next(iter(values.values()))) if values else 1
        part = new_offset(design, values) if terms.offsets else own
        return np.full(n, mean) if part is None else part + mean

    return offset


@emm_basis.register(LM)
def _linear(model: LM, *, vcov: Any = None, data: Any = None, **_: Any) -> Basis:
    reference = reference_of(model, vcov=vcov)
    return design_basis(
        model.design, model.call.data if data is None else data, model.beta, reference.V, reference.df,
        sigma=model.sigma, bias_sigma=model.sigma, total_sd=model.sigma, notes=_named(reference, vcov),
    )  # fmt: skip


@emm_basis.register(LMM)
def _mixed(
    model: LMM, *, lmer_df: str | None = None, mode: str | None = None, vcov: Any = None, data: Any = None, **_: Any
) -> Basis:
    method = _df_method(lmer_df or mode or "kenward-roger")
    if vcov is not None and method == "kenward-roger":
        method = "satterthwaite"  # an adjusted covariance would be replaced
    if method == "kenward-roger" and not model.reml:
        tell("Kenward-Roger needs a REML fit; Satterthwaite's method is used", MarginsMessage)
        method = "satterthwaite"
    reference = reference_of(model, method, vcov)
    return design_basis(
        model.design, model.call.data if data is None else data, model.beta, reference.V, reference.df,
        sigma=model.sigma, bias_sigma=model.sigma, total_sd=float(np.hypot(_random_sd(model), model.sigma)),
        notes=_named(reference, vcov) or [f"Degrees-of-freedom method: {method}"],
    )  # fmt: skip


@emm_basis.register(GLM)
def _generalized(model: GLM, *, vcov: Any = None, data: Any = None, **_: Any) -> Basis:
    reference = reference_of(model, vcov=vcov)
    if isinstance(reference, Residual) and not model.model_family.has_likelihood:  # emmeans' z tests
        reference = Asymptotic(reference.beta, reference.V, reference.metric)
    return design_basis(
        model.design, model.call.data if data is None else data, model.beta, reference.V, reference.df,
        scale=family_scale(model.model_family), sigma=g.sigma(model), notes=_named(reference, vcov),
    )  # fmt: skip


@emm_basis.register(GLMM)
def _generalized_mixed(model: GLMM, *, vcov: Any = None, data: Any = None, **_: Any) -> Basis:
    reference, spread = reference_of(model, vcov=vcov), _random_sd(model)
    return design_basis(
        model.design, model.call.data if data is None else data, model.beta, reference.V, reference.df,
        scale=family_scale(model.model_family), bias_sigma=spread, total_sd=spread,
        notes=_named(reference, vcov),
    )  # fmt: skip


def family_scale(family: Any) -> Scale | None:
    """The link of a family as a scale, with R's name for means on the response scale."""
    link = family.link
    if link.name == "identity":
        return None
    names = {"binomial": "prob", "poisson": "rate", "quasibinomial": "prob", "quasipoisson": "rate"}
    label = names.get(family.name, "response")
    if link.name in SCALES:
        return SCALES[link.name].labelled(label)

    def bend(x: np.ndarray) -> np.ndarray:
        step = 1e-4 * np.maximum(1.0, np.abs(x))
        out: np.ndarray = (link.derivative(x + step) - link.derivative(x - step)) / (2 * step)
        return out

    return Scale(link.name, link.link, link.inverse, link.derivative, bend, label=label)


def _named(reference: Any, vcov: Any) -> list[str]:
    """What is said under tables of a robust covariance by name; a matrix is not mentioned, as in R."""
    return [f"Tests use {title_of(reference, vcov)}"] if isinstance(vcov, (str, tuple)) else []


def _df_method(name: str) -> str:
    for known in ("kenward-roger", "satterthwaite", "asymptotic"):
        if known.startswith(name.lower()):
            return known
    raise MereKeyError(f"lmer_df must be 'kenward-roger', 'satterthwaite' or 'asymptotic', not {name!r}")


def _random_sd(model: Any) -> float:
    """The standard deviation of the random part: the square root of the mean over the rows of z' Sigma z."""
    total = 0.0
    for term, part in zip(model.design.random, g.VarCorr(model).terms, strict=True):
        if term.values is None:
            total += float(part.covariance[0, 0])
        else:
            total += float(np.einsum("ij,jk,ik->i", term.values, part.covariance, term.values).mean())
    return float(np.sqrt(total))
