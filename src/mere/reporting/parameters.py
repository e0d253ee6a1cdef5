"""`tidy`: one row a parameter, with the columns of broom.mixed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..errors import MereValueError
from ..generalized import GLM, GLMM
from ..inference.reference import quantile_of_t
from ..model import LM, LMM

__all__: list[str] = []

_KINDS = ("fixed", "ran_pars", "ran_vals", "ran_coefs")
_COLUMNS = (
    "effect", "group", "level", "term", "estimate", "std.error", "statistic", "df", "p.value", "conf.low", "conf.high",
)  # fmt: skip
_PREFIX = {"sdcor": ("sd", "cor"), "vcov": ("var", "cov")}


@g.tidy.register(LM)
@g.tidy.register(GLM)
def _linear(
    m: LM | GLM, conf_int: bool = False, conf_level: float = 0.95, exponentiate: bool = False, vcov: Any = None
) -> pd.DataFrame:
    table = _coefficients(m, vcov=vcov)
    if conf_int:
        limits = g.confint(m, level=conf_level, vcov=vcov).loc[table["term"]]
        table["conf.low"], table["conf.high"] = limits.to_numpy().T
    return _exponentiated(table) if exponentiate else table


@g.tidy.register(LMM)
@g.tidy.register(GLMM)
def _mixed(
    m: LMM | GLMM,
    effects: str | Sequence[str] = ("fixed", "ran_pars"),
    scales: str = "sdcor",
    conf_int: bool = False,
    conf_level: float = 0.95,
    conf_method: str = "Wald",
    exponentiate: bool = False,
    ddf: str | None = None,
    vcov: Any = None,
    **kwargs: Any,
) -> pd.DataFrame:
    wanted = [effects] if isinstance(effects, str) else list(effects)
    unknown = [e for e in wanted if e not in _KINDS]
    if unknown:
        raise MereValueError(f"effects must be of {', '.join(map(repr, _KINDS))}, not {unknown[0]!r}")
    if scales not in _PREFIX:
        raise MereValueError(f"scales must be 'sdcor' or 'vcov', not {scales!r}")
    parts = []
    if "fixed" in wanted:
        parts.append(_fixed(m, conf_int, conf_level, conf_method, exponentiate, ddf, vcov, kwargs))
    if "ran_pars" in wanted:
        parts.append(_components(m, scales, conf_int, conf_level, conf_method, kwargs))
    if "ran_vals" in wanted:
        parts.append(_modes(m, conf_int, conf_level))
    if "ran_coefs" in wanted:
        parts.append(_group_coefficients(m))
    out = pd.concat(parts, ignore_index=True)
    return out[[c for c in _COLUMNS if c in out]]


def _coefficients(m: Any, **options: Any) -> pd.DataFrame:
    """The coefficients with their tests, in broom's columns."""
    table = g.summary(m, **{k: v for k, v in options.items() if v is not None}).coefficients
    statistic = next(c for c in table.columns if c.endswith(" value"))
    out = pd.DataFrame({"term": list(table.index), "estimate": table["Estimate"].to_numpy()})
    out["std.error"] = table["Std. Error"].to_numpy()
    out["statistic"] = table[statistic].to_numpy()
    if "df" in table:
        out["df"] = table["df"].to_numpy()
    p = [c for c in table.columns if c.startswith("Pr(")]
    if p:
        out["p.value"] = table[p[0]].to_numpy()
    return out


def _exponentiated(table: pd.DataFrame) -> pd.DataFrame:
    """exp of estimates and limits; standard errors by the delta method."""
    out = table.copy()
    out["estimate"] = np.exp(table["estimate"])
    out["std.error"] = table["std.error"] * out["estimate"]
    for end in ("conf.low", "conf.high"):
        if end in out:
            out[end] = np.exp(table[end])
    return out


def _fixed(
    m: LMM | GLMM, conf_int: bool, level: float, method: str, exponentiate: bool, ddf: Any, vcov: Any, more: Any
) -> pd.DataFrame:
    options = {"vcov": vcov} if isinstance(m, GLMM) else {"vcov": vcov, "ddf": ddf}
    table = _coefficients(m, **options)
    table.insert(0, "effect", "fixed")
    if conf_int:
        if vcov is not None:
            df = np.asarray(table.get("df", np.inf))
            half = quantile_of_t(level, df) * table["std.error"].to_numpy()
            limits = table["estimate"].to_numpy()[:, None] + np.outer(half, [-1.0, 1.0])
        elif method != "Wald":
            limits = g.confint(m, "beta_", level=level, method=method, **more).to_numpy()
        elif "df" in table:  # t intervals with the degrees of freedom of the tests
            from scipy.special import stdtrit

            half = stdtrit(table["df"].to_numpy(), (1 + level) / 2) * table["std.error"].to_numpy()
            limits = table["estimate"].to_numpy()[:, None] + np.outer(half, [-1.0, 1.0])
        else:
            limits = g.confint(m, "beta_", level=level, method="Wald").to_numpy()
        table["conf.low"], table["conf.high"] = limits.T
    return _exponentiated(table) if exponentiate else table


def _components(m: LMM | GLMM, scales: str, conf_int: bool, level: float, method: str, more: Any) -> pd.DataFrame:
    """Standard deviations and correlations, or variances and covariances, in the order of `confint`."""
    single, double = _PREFIX[scales]
    frame = g.VarCorr(m).to_frame()
    terms = []
    for group, one, two in zip(frame["grp"], frame["var1"], frame["var2"], strict=True):
        if group == "Residual":
            terms.append(f"{single}__Observation")
        elif _missing(two):
            terms.append(f"{single}__{one}")
        else:
            terms.append(f"{double}__{one}.{two}")
    out = pd.DataFrame({"effect": "ran_pars", "group": list(frame["grp"]), "term": terms})
    out["estimate"] = frame[scales].to_numpy()
    if conf_int and method != "Wald":
        limits = g.confint(m, "theta_", level=level, method=method, **more).to_numpy()
        if scales == "vcov":
            limits = np.where([[_missing(two)] for two in frame["var2"]], limits**2, np.nan)
        out["conf.low"], out["conf.high"] = limits.T
    return out


def _missing(value: Any) -> bool:
    return value is None or value != value


def _modes(m: LMM | GLMM, conf_int: bool, level: float) -> pd.DataFrame:
    from scipy.special import ndtri

    frame = g.ranef(m).to_frame()
    out = pd.DataFrame({"effect": "ran_vals", "group": frame["grpvar"].astype(str), "level": frame["grp"].astype(str)})
    out["term"], out["estimate"], out["std.error"] = frame["term"].astype(str), frame["condval"], frame["condsd"]
    if conf_int:
        half = float(ndtri((1 + level) / 2)) * out["std.error"]
        out["conf.low"], out["conf.high"] = out["estimate"] - half, out["estimate"] + half
    return out


def _group_coefficients(m: LMM | GLMM) -> pd.DataFrame:
    """Fixed plus random effects of each level."""
    parts = []
    for group, table in g.coef(m).items():
        for term in table.columns:
            parts.append(
                pd.DataFrame(
                    {
                        "effect": "ran_coefs",
                        "group": group,
                        "level": [str(i) for i in table.index],
                        "term": term,
                        "estimate": table[term].to_numpy(),
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)
