"""Comparisons of a mixed model with a smaller one: Kenward-Roger, Satterthwaite, parametric bootstrap."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..arguments import count_of, numbers_of, threads_of
from ..errors import MereError, MereKeyError, MereTypeError, MereValueError, SingularFitMessage
from ..fitting import fit_lmm
from ..generalized import GLM, GLMM
from ..linear import fit_lm
from ..model import LM, LMM, linear_model, mixed_model
from ..printing.anovas import bootstrap_lines
from ..results import AnovaTable, ModelComparison
from ..simulation import read_seed
from .bootstrap_tests import positive_ratios, reference_distribution, summary_tests
from .bootstraps.parametric import drawn_response, refit_generalized
from .methods import reference_of
from .reference import JointTest, p_of_f
from .resampling import Pool, report_replicates, run_task
from .tables import read_contrasts_matrix, right_hand_side

__all__ = ["restriction"]


# -- numbers -----------------------------------------------------------------
def restriction(X: np.ndarray, X_small: np.ndarray, tolerance: float = 1e-7) -> np.ndarray:
    """Orthonormal L with {X b: L b = 0} = span(X_small).

    Examples
    --------
    >>> x = np.arange(4.0)
    >>> abs(restriction(np.column_stack([np.ones(4), x]), np.ones((4, 1)))).round(6)
    array([[0., 1.]])
    """
    scale = np.linalg.norm(X, axis=0)
    own = np.linalg.norm(X_small, axis=0)
    Q = np.linalg.qr(X_small / np.where(own > 0, own, 1.0))[0] if X_small.shape[1] else np.zeros((len(X), 0))
    big = np.linalg.qr(X / scale)[0]
    if np.linalg.norm(Q - big @ (big.T @ Q)) > tolerance * max(1.0, Q.shape[1]) ** 0.5:
        raise MereValueError("the models are not nested: fixed effects of the small one are not in the large one")
    left = X / scale
    left = left - Q @ (Q.T @ left)
    _, d, Vt = np.linalg.svd(left, full_matrices=False)
    rows = Vt[d > tolerance * max(d.max(initial=0.0), 1.0)] * scale
    basis = np.linalg.qr(rows.T)[0].T if len(rows) else rows
    basis[np.abs(basis) < 1e-12] = 0.0
    return basis


# -- models ------------------------------------------------------------------
@g.model2restriction_matrix.register(LMM)
@g.model2restriction_matrix.register(LM)
def _restriction_matrix(large: LM | LMM, small: Any) -> np.ndarray:
    if not isinstance(small, (LM, LMM)):
        raise MereTypeError(f"small must be a model, not an object of class {type(small).__name__!r}")
    if len(large.design.y) != len(small.design.y) or not np.array_equal(large.design.y, small.design.y):
        raise MereValueError("the models were not fitted to the same response")
    return restriction(large.design.X, small.design.X)


@g.restriction_matrix2model.register(LMM)
@g.restriction_matrix2model.register(LM)
def _restricted_model(large: LMM | LM, L: Any, rhs: Any = 0) -> LMM | LM:
    matrix, _ = read_contrasts_matrix(large, L)
    right = right_hand_side(rhs, len(matrix))
    _, d, Vt = np.linalg.svd(matrix)
    rank = int((d > 1e-10 * d.max(initial=0.0)).sum())
    design = large.design
    X = np.asfortranarray(design.X @ Vt[rank:].T)
    names = tuple(f"b{j + 1}" for j in range(X.shape[1]))
    shift = design.X @ np.linalg.lstsq(matrix, right, rcond=None)[0]
    offset = design.offset
    if np.any(right):
        offset = shift if offset is None else offset + shift
    assign = np.ones(X.shape[1], dtype=int)
    whole: dict[str, Any] = {"X_full": X, "names_full": names, "assign_full": assign, "dropped": ()}
    smaller = replace(design, X=X, names=names, assign=assign, offset=offset, **whole)
    if isinstance(large, LM):
        return linear_model(fit_lm(smaller), large.call)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SingularFitMessage)
        return mixed_model(fit_lmm(smaller, large.reml, large.control), large.control, large.call)


def _refit_reml(m: LMM) -> LMM:
    """The model fitted by REML."""
    if m.reml:
        return m
    arguments = {k: v for k, v in m.call.arguments.items() if k != "REML"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SingularFitMessage)
        fit = fit_lmm(m.design, True, m.control, m.par)
    return mixed_model(fit, m.control, replace(m.call, arguments=arguments))


def _hypothesis(large: LMM, small: Any, betaH: Any) -> tuple[LMM, np.ndarray, np.ndarray, str]:
    """The large model, L, its right-hand side L betaH, and how the small model is shown.

    A formula is an update of the large model; two models may come in either order.
    """
    small = g.update(large, small) if isinstance(small, str) else small
    if isinstance(small, LMM) and len(small.beta) > len(large.beta):
        large, small = small, large
    if isinstance(small, (LM, LMM)):
        L, shown = g.model2restriction_matrix(large, small), str(small.design.formula)
    else:
        L, _ = read_contrasts_matrix(large, small)
        shown = ""
    if not len(L):
        raise MereValueError("the models have the same fixed effects: there is nothing to test")
    p, value = len(large.beta), numbers_of(betaH, "betaH")
    if value.shape not in ((), (p,)) or not np.isfinite(value).all():
        raise MereValueError(
            f"betaH must be a finite number, or {p} of them, one for each of {', '.join(large.design.names)} "
            f"(the hypothesis is L beta = L betaH), not {betaH!r}"
        )
    return large, L, L @ np.broadcast_to(value, (p,)), shown


def _comparison(large: LMM, small: str, L: np.ndarray, table: pd.DataFrame, kind: str, **more: Any) -> ModelComparison:
    return ModelComparison(table, kind, str(large.design.formula), small, L, **more)


@g.KRmodcomp.register(LMM)
def _kr_modcomp(large: LMM, small: Any, betaH: Any = 0) -> ModelComparison:
    large, L, rhs, shown = _hypothesis(large, small, betaH)
    large = _refit_reml(large)
    test = reference_of(large, "Kenward-Roger").joint(L, rhs)
    unscaled = p_of_f(test.unscaled, test.ndf, test.ddf)
    rows = [
        (test.F, test.ndf, test.ddf, test.scaling, test.p_value),
        (test.unscaled, test.ndf, test.ddf, np.nan, unscaled),
    ]
    table = pd.DataFrame(rows, ["Ftest", "FtestU"], ["stat", "ndf", "ddf", "F.scaling", "p.value"], dtype=float)
    return _comparison(large, shown, L, table, "Kenward-Roger")


@g.SATmodcomp.register(LMM)
def _sat_modcomp(large: LMM, small: Any, betaH: Any = 0) -> ModelComparison:
    large, L, rhs, shown = _hypothesis(large, small, betaH)
    large = _refit_reml(large)
    test: JointTest = reference_of(large, "Satterthwaite").joint(L, rhs)
    row = [(test.F, test.ndf, test.ddf, test.p_value)]
    table = pd.DataFrame(row, ["Ftest"], ["statistic", "ndf", "ddf", "p.value"], dtype=float)
    return _comparison(large, shown, L, table, "Satterthwaite")


@g.PBmodcomp.register(LMM)
def _pb_modcomp(
    large: LMM, small: Any, nsim: int = 1000, seed: Any = None, ref: Any = None, ncpus: int | None = None
) -> ModelComparison:
    small = g.update(large, small) if isinstance(small, str) else small
    if not isinstance(small, (LM, LMM)):
        small = g.restriction_matrix2model(large, small)
    if not np.array_equal(large.design.y, small.design.y):
        raise MereValueError("the models were not fitted to the same response")
    full, restricted = g.refitML(large), g.refitML(small)
    observed, df = _likelihood_ratio(full, restricted)
    restriction(large.design.X, small.design.X)  # an error where they are not nested
    if ref is None:
        ref = reference_distribution(full, restricted, count_of(nsim), np.random.default_rng(read_seed(seed)), ncpus)
    return _bootstrap_comparison(large, small, observed, df, ref)


@g.PBmodcomp.register(LM)
def _pb_linear(
    large: LM, small: Any, nsim: int = 1000, seed: Any = None, ref: Any = None, ncpus: int | None = None
) -> ModelComparison:
    small = g.update(large, small) if isinstance(small, str) else small
    if not isinstance(small, LM):
        small = g.restriction_matrix2model(large, small)
    if not np.array_equal(large.design.y, small.design.y):
        raise MereValueError("the models were not fitted to the same response")
    restriction(large.design.X, small.design.X)  # an error where they are not nested
    observed, df = _likelihood_ratio(large, small)
    if ref is None:
        ref = _linear_ratios(large, small, count_of(nsim), np.random.default_rng(read_seed(seed)))
    return _bootstrap_comparison(large, small, observed, df, ref)


def _linear_ratios(large: LM, small: LM, nsim: int, rng: np.random.Generator) -> np.ndarray:
    """n log(RSS_0 / RSS_1) of responses drawn from the small model: neither its coefficients nor sigma enter."""
    w = large.design.weights
    root = np.ones(len(large.design.y)) if w is None else np.sqrt(w)
    used = root > 0
    bases = [np.linalg.qr(m.design.X[used] * root[used, None])[0] for m in (small, large)]
    n, out = int(used.sum()), np.empty(nsim)
    for first in range(0, nsim, 1000):
        e = rng.standard_normal((n, min(1000, nsim - first)))
        rest = [(e * e).sum(axis=0) - ((Q.T @ e) ** 2).sum(axis=0) for Q in bases]
        out[first : first + e.shape[1]] = n * np.log(rest[0] / rest[1])
    return out


def _likelihood_ratio(large: Any, small: Any) -> tuple[float, float]:
    """2 log of the ratio of two maximized likelihoods, and its degrees of freedom."""
    both = [g.logLik(m) for m in (large, small)]
    df = float(both[0].df - both[1].df)
    if not df > 0:
        raise MereValueError(
            f"small must have fewer parameters than large; it has {both[1].df}, large {both[0].df}: exchange them?"
        )
    return 2 * (float(both[0]) - float(both[1])), df


def _bootstrap_comparison(large: Any, small: Any, observed: float, df: float, ratios: Any) -> ModelComparison:
    ref = numbers_of(ratios, "ref").ravel()
    used = positive_ratios(ref)
    if not len(used):
        raise MereValueError("ref has no positive likelihood ratio")
    rows = summary_tests(observed, df, ref)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["stat", "df", "ddf", "p.value"])
    brief = table.loc[["LRT", "PBtest"], ["stat", "df", "p.value"]]
    return ModelComparison(
        brief, "bootstrap", str(large.design.formula), str(small.design.formula), None,
        summary=table, ref=ref, extremes=int((used >= observed).sum()), used=len(used),
    )  # fmt: skip


@g.PBmodcomp.register(GLMM)
@g.PBmodcomp.register(GLM)
def _pb_generalized(
    large: GLMM | GLM, small: Any, nsim: int = 1000, seed: Any = None, ref: Any = None, ncpus: int | None = 1
) -> ModelComparison:
    small = g.update(large, small) if isinstance(small, str) else small
    if not isinstance(small, (GLM, GLMM)) or small.model_family.name != large.model_family.name:
        raise MereTypeError("small must be a model of the same family, fitted by glm() or glmer()")
    if not np.array_equal(large.response.y, small.response.y):
        raise MereValueError("the models were not fitted to the same response")
    large.model_family.need_likelihood("PBmodcomp()", "use anova(small, large, test='F')")
    nsim = count_of(nsim)
    observed, df = _likelihood_ratio(large, small)
    restriction(large.design.X, small.design.X)  # an error where they are not nested
    if ref is None:
        number = read_seed(seed)

        def task(first: int, count: int) -> tuple[np.ndarray, dict[int, str]]:
            out, causes = np.full((count, 1), np.nan), {}
            for i in range(count):
                y = drawn_response(small, np.random.Generator(np.random.Philox(key=[number, first + i])))
                try:
                    ratio = [float(g.logLik(refit_generalized(m, y))) for m in (large, small)]
                except MereError as error:
                    causes[first + i] = str(error)
                else:
                    out[i] = 2 * (ratio[0] - ratio[1])
            return out, causes

        workers = threads_of(ncpus)
        pool = Pool("no" if workers == 1 else "threads", workers)
        found = run_task(task, nsim, 1, pool, {})
        report_replicates("PBmodcomp", int(found.done.sum()), nsim, ())
        ref = found.values[found.done, 0]
    return _bootstrap_comparison(large, small, observed, df, ref)


@g.summary.register(ModelComparison)
def _summary(c: ModelComparison) -> AnovaTable:
    """All tests of a comparison: the unscaled F too, the bootstrap's fitted reference distributions."""
    titles = bootstrap_lines(c) if c.kind == "bootstrap" else [f"F-test with {c.kind} approximation"]
    small = f"small : {c.small}" if c.small else "small (restriction matrix)"
    return AnovaTable(c.to_frame(), (*titles, f"large : {c.large}", small))


@g.vcovAdj.register(LMM)
def _vcov_adj(m: LMM) -> pd.DataFrame:
    names = list(m.design.names)
    return pd.DataFrame(reference_of(_refit_reml(m), "Kenward-Roger").V, names, names)


@g.get_Lb_ddf.register(LMM)
def _get_lb_ddf(m: LMM, L: Any) -> Any:
    matrix, _ = read_contrasts_matrix(m, L)
    df = reference_of(_refit_reml(m), "Kenward-Roger").df(matrix)
    return float(df[0]) if np.ndim(L) == 1 else df


@g.getKR.register(ModelComparison)
def _get_kr(comparison: ModelComparison, name: str | None = None) -> Any:
    if comparison.kind != "Kenward-Roger":
        raise MereTypeError("getKR() takes the result of KRmodcomp()")
    scaled, unscaled = comparison.test.loc["Ftest"], comparison.test.loc["FtestU"]
    parts = {
        "ndf": scaled["ndf"], "ddf": scaled["ddf"], "Fstat": scaled["stat"], "p.value": scaled["p.value"],
        "F.scaling": scaled["F.scaling"], "FstatU": unscaled["stat"], "p.valueU": unscaled["p.value"],
    }  # fmt: skip
    if name is None:
        return {key: float(value) for key, value in parts.items()}
    if not isinstance(name, str) or name not in parts:
        raise MereKeyError(f"getKR() knows no part {name!r}; it knows {', '.join(parts)}")
    return float(parts[name])
