"""What the generics do for a nonlinear mixed model; where nothing differs, what they do for a linear one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..arguments import number_of
from ..errors import ConvergenceWarning, MereKeyError, MereValueError, tell
from ..model import LMM
from ..nonlinear import NLMM
from ..results import LogLik, RandomEffects, VarianceComponents, VarianceTerm
from ..variance_parameters import variance_parameters
from .blocks import relative_factors, unique_names
from .effects import chosen_factors, correlation_of, fixed_covariance, modes_by_factor
from .generalized_mixed import free_hessian, hessian_covariance
from .intervals import chosen_parameters, interval_frame, percent_labels
from .rows import row_series

__all__: list[str] = []

_LINEAR: tuple[Any, ...] = (
    g.fixef, g.sigma, g.nobs, g.ngrps, g.weights, g.model_frame, g.model_matrix, g.terms, g.family,
    g.getData, g.isSingular, g.rePCA, g.coef,
)  # fmt: skip
for _verb in _LINEAR:
    _verb.register(NLMM, _verb.dispatch(LMM))


# -- effects -------------------------------------------------------------------
@g.ranef.register(NLMM)
def _ranef(
    m: NLMM,
    condVar: bool = True,
    drop: bool = False,
    whichel: str | int | Sequence[str | int] | None = None,
) -> RandomEffects:
    pieces = modes_by_factor(m.design.random, m.b)
    chosen = chosen_factors(whichel, list(pieces))
    modes: dict[str, Any] = {group: pieces[group] for group in chosen}
    if drop:
        modes = {k: f.iloc[:, 0] if f.shape[1] == 1 else f for k, f in modes.items()}
    if not condVar:
        return RandomEffects(modes)
    variances = m.linearized.conditional_variances_by_factor(m.par)
    return RandomEffects(modes, {group: m.sigma**2 * variances[group] for group in chosen})


@g.VarCorr.register(NLMM)
def _var_corr(m: NLMM, sigma: float | None = None) -> VarianceComponents:
    scale, random = m.sigma if sigma is None else number_of(sigma, "sigma"), m.design.random
    names = unique_names(t.group for t in random)
    terms = tuple(
        VarianceTerm(name, t.group, tuple(t.names), scale**2 * (T @ T.T), t.covariance.name != "diag")
        for name, t, T in zip(names, random, relative_factors(random, m.theta), strict=True)
    )
    return VarianceComponents(terms, scale)


@g.vcov.register(NLMM)
def _vcov(m: NLMM, correlation: bool = False, use_hessian: bool | None = None) -> pd.DataFrame:
    """From the Hessian of -2 log L; with nAGQ=0 or on request that of the linearized model at known theta."""
    V = None
    if use_hessian and not m.nAGQ:
        raise MereValueError("use_hessian=True needs a fit with nAGQ=1 or more")
    if use_hessian or (use_hessian is None and m.nAGQ > 0):
        V = hessian_covariance(*free_hessian(m))  # type: ignore[arg-type]
        if V is None:
            tell(
                "the Hessian of -2 log L is not positive definite at the estimates: standard errors come from the "
                "linearized model, which takes theta as known",
                ConvergenceWarning,
            )
    if V is None:
        V = fixed_covariance(m.RX, m.sigma)
    names = list(m.design.names)
    return pd.DataFrame(correlation_of(V) if correlation else V, names, names)


# -- likelihood ----------------------------------------------------------------
def _n_parameters(m: NLMM) -> int:
    return len(m.beta) + len(m.par) + 1


@g.logLik.register(NLMM)
def _log_lik(m: NLMM, REML: bool | None = None) -> LogLik:
    if REML:
        raise MereValueError("REML exists for linear mixed models only")
    return LogLik(-m.criterion / 2, df=_n_parameters(m), nobs=m.design.n)


@g.deviance.register(NLMM)
def _deviance(m: NLMM, REML: bool | None = None) -> float:
    """-2 log L."""
    return m.criterion


@g.extractAIC.register(NLMM)
def _extract_aic(m: NLMM, scale: float = 0, k: float = 2) -> np.ndarray:
    df = _n_parameters(m)
    return np.array([df, m.criterion + number_of(k, "k") * df])


@g.df_residual.register(NLMM)
def _df_residual(m: NLMM) -> int:
    return m.design.n - _n_parameters(m)


@g.refitML.register(NLMM)
def _refit_ml(m: NLMM) -> NLMM:
    return m


@g.isREML.register(NLMM)
def _is_reml(m: NLMM) -> bool:
    return False


@g.isNLMM.register(NLMM)
def _is_nlmm(m: NLMM) -> bool:
    return True


# -- rows ----------------------------------------------------------------------
@g.fitted.register(NLMM)
def _fitted(m: NLMM) -> pd.Series:
    return row_series(m.design, m.mu.copy())


@g.residuals.register(NLMM)
def _residuals(m: NLMM, type: str = "response", scaled: bool = False) -> pd.Series:
    if type not in ("response", "working", "pearson", "deviance"):
        raise MereValueError(f"type must be 'response', 'working', 'pearson' or 'deviance', not {type!r}")
    out = m.design.y - m.mu
    if type in ("pearson", "deviance") and m.design.weights is not None:
        out *= np.sqrt(m.design.weights)
    return row_series(m.design, out / m.sigma if scaled else out)


@g.hatvalues.register(NLMM)
def _hatvalues(m: NLMM) -> pd.Series:
    """Of the linearized model."""
    return row_series(m.design, np.asarray(m.linearized.leverage(m.par)))


@g.formula.register(NLMM)
def _formula(m: NLMM, fixed_only: bool = False, random_only: bool = False) -> Any:
    if fixed_only or random_only:
        raise MereValueError(
            "the formula of a nonlinear model has three parts: fixed_only and random_only mean nothing"
        )
    return m.design.formula


# -- parts ---------------------------------------------------------------------
_linear_parts = g.getME.dispatch(LMM)


@g.getME.register(NLMM)
def _get_me(m: NLMM, name: str | Sequence[str] = "ALL") -> Any:
    """As of the linearized model: X, Z, RX, L … are those at the estimates."""
    if not isinstance(name, (str, Sequence)):
        raise MereKeyError(f"getME() takes names of components, not {name!r}")
    if not isinstance(name, str):
        return {each: _get_me(m, each) for each in name}
    out = _linear_parts(m, name)
    own = {"mu": m.mu.copy(), "devfun": m.objective.value}
    if name in own:
        return own[name]
    if name == "devcomp":
        return _nonlinear_dims(m, out)
    if name == "ALL":
        out.update(own, devcomp=_nonlinear_dims(m, out["devcomp"]))
    return out


def _nonlinear_dims(m: NLMM, devcomp: dict[str, pd.Series]) -> dict[str, pd.Series]:
    dims = devcomp["dims"].copy()
    dims["N"], dims["NLMM"] = m.phi.size, 1
    dims["nAGQ"] = m.nAGQ
    parts = devcomp["cmp"].copy()
    parts["tolPwrss"] = m.devcomp["tolPwrss"]
    return {"cmp": parts, "dims": dims}


# -- inference -----------------------------------------------------------------
@g.confint.register(NLMM)
def _confint(
    m: NLMM,
    parm: Any = None,
    level: float = 0.95,
    method: str = "Wald",
    nsim: int = 500,
    boot_type: str = "perc",
    signames: bool = False,
    seed: Any = None,
    **options: Any,
) -> pd.DataFrame:
    """``method="Wald"`` (the default here: quick), ``"profile"`` or ``"boot"``."""
    if method not in ("profile", "Wald", "boot"):
        raise MereValueError(f"method must be 'profile', 'Wald' or 'boot', not {method!r}")
    parameters = variance_parameters(m.design.random)
    fixed, n = list(m.design.names), len(parameters.names)
    shown, hidden = parameters.names, parameters.signames
    if signames:
        shown, hidden = hidden, shown
    if method == "profile":
        alphamax = options.pop("alphamax", min(0.01, 1 - level))
        profiled = g.profile(m, parm, alphamax=alphamax, signames=signames, **options)
        return pd.DataFrame(g.confint(profiled, level=level))
    if method == "boot":
        boot = g.bootMer(m, nsim=nsim, seed=seed, **options)
        table = g.confint(boot, level=level, type=boot_type)
        table.index = [*shown, *fixed]
    else:
        from scipy.special import ndtri

        se = np.concatenate([np.full(n, np.nan), np.sqrt(np.diag(g.vcov(m)))])
        estimate = np.concatenate([np.full(n, np.nan), m.beta])
        labels = percent_labels(level)
        table = interval_frame(estimate, se, [*shown, *fixed], float(ndtri((1 + level) / 2)), labels)
    return table.iloc[chosen_parameters(parm, [*shown, *fixed], [*hidden, *fixed], n)]
