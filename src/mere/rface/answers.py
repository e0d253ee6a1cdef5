"""The answers of `infer`: each calls the function that does the work and gives its table the columns of `infer`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..errors import MereStateError, MereValueError
from ..families import Family
from ..generalized import GLM, GLMM
from ..inference.bootstrapping import model_parameters
from ..inference.bootstraps.scheme import OfCoefficients
from ..inference.methods import reference_of
from ..inference.permutation.contrasts import permute_contrasts
from ..inference.profile_results import Profile
from ..inference.reference import p_of_t, quantile_of_t
from ..inference.robust_models import KINDS
from ..margins.grid import EmmGrid
from ..model import LM, LMM
from ..newdata import fixed_matrix, new_offset
from .margins import joint_tests

__all__ = ["ANSWERS", "profiled"]


def _errors(m: Any, errors: str) -> Any:
    """The covariance that a kind of errors means for a model."""
    known = KINDS[m.__class__]
    if errors == "iid":
        return None
    if errors == "hetero":
        return "CR2" if isinstance(m, (LMM, GLMM)) else "HC3" if isinstance(m, LM) else "HC0"
    name = str(errors)
    name = name.upper() if name.upper().startswith(("HC", "CR")) else "Welch" if name == "unequal_var" else name
    if isinstance(m, (LMM, GLMM)) and name.startswith("HC"):
        name = "CR" + name[2:]
    if name not in known:
        more = "" if "Welch" in known else " ('unequal_var' is for lm())"
        raise MereValueError(
            f"errors must be 'iid', 'hetero' or one of {', '.join(map(repr, known))}, not {errors!r}{more}"
        )
    return name


def limits(estimate: np.ndarray, se: np.ndarray, df: np.ndarray, level: float, alternative: str) -> np.ndarray:
    """Lower and upper limits, (r, 2); one-sided ones have an infinite end."""
    if alternative == "two-sided":
        width = quantile_of_t(level, df) * se
        return np.column_stack([estimate - width, estimate + width])
    width = quantile_of_t(2 * level - 1, df) * se
    infinite = np.full(len(estimate), np.inf)
    return np.column_stack([estimate - width, infinite] if alternative == "greater" else [-infinite, estimate + width])


def _tests(estimate: np.ndarray, se: np.ndarray, df: np.ndarray, names: Any, a: dict[str, Any]) -> pd.DataFrame:
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (estimate - a["null"]) / se
    p = p_of_t(t, df)
    if a["alternative"] != "two-sided":
        right = (t > 0) == (a["alternative"] == "greater")
        p = np.where(right, p / 2, 1 - p / 2)
    ends = limits(estimate, se, df, a["level"], a["alternative"])
    columns = {"estimate": estimate, "se": se, "ci_lower": ends[:, 0], "ci_upper": ends[:, 1], "statistic": t, "df": df,
               "p_value": p}  # fmt: skip
    return pd.DataFrame(columns, pd.Index(list(names), name="term"), dtype=float)


def _fit_asymp(m: Any, a: dict[str, Any]) -> tuple[pd.DataFrame, Any]:
    reference = reference_of(m, None, _errors(m, a["errors"]))
    se = np.sqrt(np.diag(reference.V))
    return _tests(np.asarray(reference.beta), se, reference.df(np.eye(len(se))), m.design.names, a), reference


def _renamed(table: pd.DataFrame, df: float) -> pd.DataFrame:
    names = {"std.error": "se", "conf.low": "ci_lower", "conf.high": "ci_upper", "p.value": "p_value"}
    out = table.rename(columns=names).assign(df=df)
    out.index.name = "term"
    return out[["estimate", "se", "ci_lower", "ci_upper", "statistic", "df", "p_value"]]


def _boot(m: Any, a: dict[str, Any], FUN: Any = None) -> Any:
    mixed = isinstance(m, (LMM, GLMM))
    ci = a["ci_type"] or ("percentile" if mixed or FUN is not None else "bca")
    return g.bootstrap(
        m, FUN, nsim=a["n_boot"], ci=ci, conf_level=a["level"], null=a["null"], alternative=a["alternative"],
        seed=a["seed"], **({"type": "parametric"} if mixed else {}) | a["options"],
    )  # fmt: skip


def _fit_boot(m: Any, a: dict[str, Any]) -> tuple[pd.DataFrame, Any]:
    b = _boot(m, a)
    return _renamed(b.table, np.nan), b


def _fit_perm(m: Any, a: dict[str, Any]) -> tuple[pd.DataFrame, Any]:
    if a["null"]:
        raise MereValueError("null: a permutation test is of zero; shift the response to test another value")
    t = g.permutation_test(
        m, n_perm=a["n_perm"], alternative=a["alternative"], conf_level=a["level"], seed=a["seed"], **a["options"]
    )
    return _renamed(t.table, np.nan), t


def _fit_cv(m: Any, a: dict[str, Any]) -> tuple[pd.DataFrame, Any]:
    cv = g.cross_validate(m, k=a["k"], importance=True, seed=a["seed"], **a["options"])
    labels = ["(Intercept)", *m.design.term_labels]
    terms = [labels[j] for j in np.asarray(m.design.assign)]
    pre = [0.0 if t == "(Intercept)" else float(cv.importance["pre"].get(t, np.nan)) for t in terms]
    sd = [0.0 if t == "(Intercept)" else float(cv.importance["pre_se"].get(t, np.nan)) for t in terms]
    table = pd.DataFrame({"estimate": m.beta, "pre": pre, "pre_se": sd}, pd.Index(m.design.names, name="term"))
    return table, cv


def _joint(x: Any, a: dict[str, Any]) -> tuple[pd.DataFrame, Any]:
    given = {}
    if not isinstance(x, EmmGrid):
        vcov = _errors(x, a["errors"])
        given = {"vcov": vcov} if vcov is not None else {}
        if isinstance(x, LMM):
            given["lmer_df"] = "satterthwaite"
    found = joint_tests(x, **given)
    frame = found.to_frame()
    table = pd.DataFrame(
        {
            "df1": frame["df1"].to_numpy(float), "df2": frame["df2"].to_numpy(float),
            "f_ratio": frame["F.ratio"].to_numpy(float), "p_value": frame["p.value"].to_numpy(float),
        },
        pd.Index(frame.iloc[:, 0].astype(str), name="term"),
    )  # fmt: skip
    infinite = np.isinf(table["df2"])
    if infinite.all():
        table = table.assign(Chisq=table["f_ratio"] * table["df1"])[["df1", "Chisq", "p_value"]]
    return table, found


def _fit_profile(m: Any, a: dict[str, Any]) -> tuple[pd.DataFrame, Any]:
    table = profiled(m, a)
    return table, None


def profiled(m: Any, a: dict[str, Any]) -> pd.DataFrame:
    """Intervals of standard deviations, correlations and variances."""
    if not isinstance(m, (LMM, GLMM)):
        raise MereStateError("how='profile' is about variance components, and this model has no random effects")
    limits_of = g.confint(m, "theta_", level=a["level"])
    estimates = model_parameters(m)
    rows = []
    for name, (low, high) in zip(limits_of.index, limits_of.to_numpy(), strict=True):
        sd = not str(name).startswith("cor_")
        ends = (low == 0) if sd else (low == -1 or high == 1)
        method = "profile, boundary" if ends else "profile"
        rows.append((name, "std_dev" if sd else "corr", estimates[name], low, high, method))
        if sd:
            rows.append((name, "variance", estimates[name] ** 2, low**2, high**2, method))
    columns = ["term", "metric", "estimate", "ci_lower", "ci_upper", "ci_method"]
    return pd.DataFrame(rows, columns=columns).set_index("term")


def _grid_asymp(grid: EmmGrid, a: dict[str, Any]) -> tuple[pd.DataFrame, Any]:
    side = {"two-sided": 0, "greater": 1, "less": -1}[a["alternative"]]
    found = g.summary(grid, infer=(True, True), level=a["level"], null=a["null"], side=side)
    return found.to_frame(), found


def _behind(grid: EmmGrid, a: dict[str, Any], how: str) -> tuple[Any, np.ndarray, list[str]]:
    m = a["model"]
    if m is not None and not isinstance(m, (LM, GLM, LMM, GLMM)):
        raise MereValueError(f"model must be the fitted model of these marginal means, not {m!r}")
    if m is None:
        raise MereStateError(f"how={how!r} of marginal means needs the model: infer(means, {how!r}, model=m)")
    L = np.asarray(grid.L)[grid.shown]
    if L.shape[1] != len(m.beta):
        raise MereValueError("model= is not the model of these marginal means")
    labels = grid.table.iloc[grid.shown].astype(str).agg(" ".join, axis=1).to_list()
    return m, L, labels


def _grid_boot(grid: EmmGrid, a: dict[str, Any]) -> tuple[pd.DataFrame, Any]:
    m, L, labels = _behind(grid, a, "boot")
    b = _boot(m, a, OfCoefficients(lambda beta: beta @ L.T, labels))
    return _renamed(b.table, np.nan), b


def _grid_perm(grid: EmmGrid, a: dict[str, Any]) -> tuple[pd.DataFrame, Any]:
    m, L, labels = _behind(grid, a, "perm")
    if a["null"]:
        raise MereValueError("null: a permutation test is of zero; shift the response to test another value")
    given = {"seed": a["seed"], "conf_level": a["level"], **a["options"]}
    t = permute_contrasts(m, L, labels, a["n_perm"], a["alternative"], **given)
    return _renamed(t, np.nan), t


def _family(m: Any) -> Family | None:
    """The family of a generalized model."""
    return m.model_family if isinstance(m, (GLM, GLMM)) else None


def _predict_asymp(m: Any, a: dict[str, Any]) -> tuple[pd.DataFrame, Any]:
    mixed, family = isinstance(m, (LMM, GLMM)), _family(m)
    fixed = {"re_form": False} if mixed else {}
    link = g.predict(m, a["newdata"], se_fit=True, **({"type": "link"} if family else {}), **fixed)
    eta, se = np.asarray(link.fit, float), np.asarray(link.se_fit, float)
    df = np.full(len(eta), np.inf if mixed or (family and not family.has_scale) else float(m.df))
    ends = limits(eta, se, df, a["level"], a["alternative"])
    if family:
        slope = np.abs(np.asarray(family.link.derivative(eta)))
        with np.errstate(over="ignore"):
            ends = np.sort(np.asarray(family.link.inverse(ends)), axis=1)
        fitted, se = np.asarray(family.link.inverse(eta)), se * slope
    else:
        fitted = eta
    table = pd.DataFrame({"fitted": fitted, "se": se, "ci_lower": ends[:, 0], "ci_upper": ends[:, 1]}, link.fit.index)
    return (table.assign(link=eta) if family else table), link


def _predict_boot(m: Any, a: dict[str, Any]) -> tuple[pd.DataFrame, Any]:
    X, offset, family = fixed_matrix(m.design, a["newdata"]), new_offset(m.design, a["newdata"]), _family(m)
    base = np.zeros(len(X)) if offset is None else offset

    def predicted(beta: np.ndarray) -> np.ndarray:
        eta = beta @ X.T + base
        return eta if family is None else np.asarray(family.link.inverse(eta))

    statistic = OfCoefficients(predicted, [f"t{i + 1}" for i in range(len(X))])
    b = _boot(m, a | {"ci_type": a["ci_type"] or "percentile"}, statistic)
    names = {"estimate": "fitted", "std.error": "se", "conf.low": "ci_lower", "conf.high": "ci_upper"}
    return b.table.rename(columns=names)[list(names.values())].reset_index(drop=True), b


def _predict_cv(m: Any, a: dict[str, Any]) -> tuple[pd.DataFrame, Any]:
    cv = g.cross_validate(m, k=a["k"], seed=a["seed"], **a["options"])
    return cv.predictions[["cv_fitted", "cv_residual", "cv_fold"]], cv


def _simulated(x: pd.DataFrame, a: dict[str, Any]) -> tuple[pd.DataFrame, Any]:
    values = x.to_numpy(float)
    values = values[:, ::2] if x.columns.nlevels == 2 else values  # of successes and failures the successes
    low, middle, high = np.quantile(values, [0.025, 0.5, 0.975], axis=1)
    sd = values.std(axis=1, ddof=1) if values.shape[1] > 1 else np.full(len(values), np.nan)
    columns = {"sim_mean": values.mean(axis=1), "sim_sd": sd, "q025": low, "q500": middle, "q975": high}
    return pd.DataFrame(columns, x.index), x


def _profile_limits(x: Profile, a: dict[str, Any]) -> tuple[pd.DataFrame, Any]:
    table = pd.DataFrame(g.confint(x, level=a["level"]))
    table.columns = pd.Index(["ci_lower", "ci_upper"])
    return table, x


ANSWERS: dict[tuple[str, str], Callable[[Any, dict[str, Any]], tuple[pd.DataFrame, Any]]] = {
    ("fit", "asymp"): _fit_asymp,
    ("fit", "boot"): _fit_boot,
    ("fit", "perm"): _fit_perm,
    ("fit", "cv"): _fit_cv,
    ("fit", "joint"): _joint,
    ("fit", "profile"): _fit_profile,
    ("explore", "asymp"): _grid_asymp,
    ("explore", "boot"): _grid_boot,
    ("explore", "perm"): _grid_perm,
    ("explore", "joint"): _joint,
    ("predict", "asymp"): _predict_asymp,
    ("predict", "boot"): _predict_boot,
    ("predict", "cv"): _predict_cv,
    ("simulate", "summary"): _simulated,
    ("profile", "profile"): _profile_limits,
}
