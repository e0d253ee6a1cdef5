"""`infer`: one function over models, marginal means, predictions, simulations and profiles; it only packs arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..errors import DataMessage, MereError, MereStateError, MereUnavailableError, MereValueError, tell
from ..families import Family
from ..generalized import GLM, GLMM
from ..inference.bootstrapping import model_parameters
from ..inference.bootstraps.scheme import OfCoefficients
from ..inference.methods import reference_of
from ..inference.permutation.contrasts import permute_contrasts
from ..inference.profile_results import Profile
from ..inference.reference import p_of_t, quantile_of_t
from ..margins.grid import EmmGrid
from ..model import LM, LMM
from ..newdata import fixed_matrix, new_offset
from .margins import joint_tests

__all__ = ["Inference", "infer"]

HOW = ("asymp", "boot", "perm", "cv", "joint", "profile", "summary")
#: What each kind of object can be asked.
TABLE = {
    "fit": ("asymp", "boot", "perm", "cv", "joint", "profile"),
    "explore": ("asymp", "boot", "perm", "joint"),
    "predict": ("asymp", "boot", "cv"),
    "simulate": ("summary",),
    "profile": ("profile",),
}


@dataclass(frozen=True, eq=False)
class Inference:
    """What `infer` found.

    Attributes
    ----------
    table : DataFrame
        ``estimate, se, ci_lower, ci_upper, statistic, df, p_value`` by term, or what the question has instead.
    variance : DataFrame or None
        Intervals of the variance components of a mixed model, beside a bootstrap or a permutation test.
    detail : object
        The result of the function that was called: a bootstrap, a permutation test, a cross-validation, ...
    how : str
    conf_level : float
    """

    table: pd.DataFrame
    variance: pd.DataFrame | None
    detail: Any
    how: str
    conf_level: float

    def to_frame(self) -> pd.DataFrame:
        """The table."""
        return self.table.copy()

    def __repr__(self) -> str:
        return g.to_text(self)

    def _repr_html_(self) -> str:
        return g.to_html(self)


@g.to_text.register(Inference)
def _text(x: Inference) -> str:
    lines = [f"Inference by {x.how!r}, confidence level {x.conf_level:g}", "", x.table.to_string()]
    if x.variance is not None:
        lines += ["", "Variance components:", x.variance.to_string()]
    return "\n".join(lines)


@g.to_html.register(Inference)
def _html(x: Inference) -> str:
    return f"<pre>{escape(_text(x))}</pre>"


# -- arguments -----------------------------------------------------------------------
def read_level(conf_level: Any) -> float:
    """.95, 95 and "95%" are the same.

    Examples
    --------
    >>> read_level(0.95), read_level(95), read_level("95%")
    (0.95, 0.95, 0.95)
    """
    value = conf_level
    try:
        if isinstance(value, str):
            value = float(value.rstrip("% ")) / (100 if value.strip().endswith("%") else 1)
        value = float(value)
    except ValueError:
        raise MereValueError(f"conf_level must be like 0.95, 95 or '95%', not {conf_level!r}") from None
    value = value / 100 if 1 < value < 100 else value
    if not 0 < value < 1:
        raise MereValueError(f"conf_level must lie between 0 and 1 (or 0 and 100 %), not {conf_level!r}")
    return value


def _errors(m: Any, errors: str) -> Any:
    """The covariance that a kind of errors means for a model."""
    if errors == "iid":
        return None
    if errors == "hetero":
        return "CR2" if isinstance(m, (LMM, GLMM)) else "HC3" if isinstance(m, LM) else "HC0"
    name = errors.upper() if errors.upper().startswith(("HC", "CR")) else errors
    if isinstance(m, (LMM, GLMM)) and name.startswith("HC"):
        return "CR" + name[2:]
    return name


def _kind(x: Any, newdata: Any) -> str:
    if isinstance(x, (LM, GLM, LMM, GLMM)):
        return "fit" if newdata is None else "predict"
    if isinstance(x, EmmGrid):
        return "explore"
    if isinstance(x, Profile):
        return "profile"
    if (
        isinstance(x, pd.DataFrame)
        and len(x.columns)
        and all(str(c).startswith("sim_") for c in x.columns.get_level_values(0))
    ):
        return "simulate"
    raise MereStateError(
        f"infer() takes a fitted model, marginal means, a profile or the table of simulate(), not "
        f"{type(x).__name__!r}; for predictions give the model and newdata="
    )


def infer(
    x: Any,
    how: str = "asymp",
    conf_level: Any = 0.95,
    null: float = 0.0,
    alternative: str = "two-sided",
    errors: str = "iid",
    model: Any = None,
    newdata: Any = None,
    n_boot: int = 1000,
    n_perm: int = 1000,
    ci_type: str | None = None,
    k: Any = 10,
    profile: bool = True,
    seed: Any = None,
    **options: Any,
) -> Inference:
    """One front door of inference.

    Parameters
    ----------
    x : LM, GLM, LMM, GLMM, EmmGrid, Profile, or the table of `simulate`
        With ``newdata=`` the question is about a model's predictions there.
    how : {"asymp", "boot", "perm", "cv", "joint", "profile", "summary"}
        Standard errors and tests; bootstrap; permutation; cross-validation with the importance of terms; joint tests of
        terms; intervals of variance components; a summary of simulated responses. Not every object has every answer.
    conf_level : float or str
        0.95, 95 or "95%".
    null, alternative
        ``"two-sided"``, ``"greater"``, ``"less"``: one-sided intervals have an infinite end.
    errors : str
        ``"iid"``; ``"HC0"`` ... ``"HC3"``, ``"CR0"`` ... ``"CR3"``, ``"hetero"``, ``"unequal_var"``.
    model : optional
        The model behind marginal means, for ``how="boot"`` and ``"perm"``.
    newdata : table, optional
    n_boot, n_perm : int
    ci_type : {"bca", "percentile", "basic", "studentized"}, optional
        Of a bootstrap; default BCa without random effects, else percentile.
    k : int or "loo"
    profile : bool
        With a bootstrap or permutation test of a mixed model, profile its variance components too.
    seed : int or numpy.random.Generator, optional
    **options
        Passed on to `bootstrap`, `permutation_test` or `cross_validate`.

    Returns
    -------
    Inference
        ``.table``, ``.variance``, ``.detail``.

    Examples
    --------
    >>> from mere import infer, lmer
    >>> from mere.datasets import sleepstudy
    >>> m = lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    >>> infer(m).table.loc["Days", ["estimate", "se", "df"]].astype(float).round(3).to_list()
    [10.467, 1.546, 17.0]
    """
    if how not in HOW:
        raise MereValueError(f"how must be one of {', '.join(map(repr, HOW))}, not {how!r}")
    if not isinstance(null, (int, float, np.number)) or not np.isfinite(null):
        raise MereValueError(f"null must be a finite number, not {null!r}")
    if alternative not in ("two-sided", "greater", "less"):
        raise MereValueError(f"alternative must be 'two-sided', 'greater' or 'less', not {alternative!r}")
    level, kind = read_level(conf_level), _kind(x, newdata)
    if how not in TABLE[kind]:
        raise MereUnavailableError(
            f"how={how!r} has no answer for {_WORDS[kind]}; there {'is' if len(TABLE[kind]) == 1 else 'are'} "
            f"{', '.join(map(repr, TABLE[kind]))}"
        )
    given = {
        "level": level, "null": float(null), "alternative": alternative, "errors": errors, "model": model,
        "newdata": newdata, "n_boot": n_boot, "n_perm": n_perm, "ci_type": ci_type, "k": k, "profile": profile,
        "seed": seed, "options": options,
    }  # fmt: skip
    table, detail = _ANSWERS[kind, how](x, given)
    variance = _variance(x, given) if kind == "fit" and how in ("boot", "perm") and profile else None
    return Inference(table, variance, detail, how, level)


_WORDS = {"fit": "a model", "explore": "marginal means", "predict": "predictions", "simulate": "simulated responses",
          "profile": "a profile"}  # fmt: skip


# -- answers -------------------------------------------------------------------------
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
    table = _profiled(m, a)
    return table, None


def _profiled(m: Any, a: dict[str, Any]) -> pd.DataFrame:
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


def _variance(m: Any, a: dict[str, Any]) -> pd.DataFrame | None:
    """The profile beside a bootstrap; if it fails, the bootstrap stays."""
    if not isinstance(m, (LMM, GLMM)):
        return None
    try:
        return _profiled(m, a)
    except (MereError, ArithmeticError, np.linalg.LinAlgError) as error:
        tell(f"infer: the variance components could not be profiled: {error}", DataMessage)
        return None


def _grid_asymp(grid: EmmGrid, a: dict[str, Any]) -> tuple[pd.DataFrame, Any]:
    side = {"two-sided": 0, "greater": 1, "less": -1}[a["alternative"]]
    found = g.summary(grid, infer=(True, True), level=a["level"], null=a["null"], side=side)
    return found.to_frame(), found


def _behind(grid: EmmGrid, a: dict[str, Any], how: str) -> tuple[Any, np.ndarray, list[str]]:
    m = a["model"]
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
    t = permute_contrasts(m, L, labels, a["n_perm"], a["alternative"], seed=a["seed"], **a["options"])
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


_ANSWERS: dict[tuple[str, str], Callable[[Any, dict[str, Any]], tuple[pd.DataFrame, Any]]] = {
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
