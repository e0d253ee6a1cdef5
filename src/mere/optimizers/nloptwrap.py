"""NLopt: BOBYQA with lme4's settings, and its other algorithms by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..errors import ConvergenceError, MereValueError
from .optimum import Optimum

if TYPE_CHECKING:
    from ..objective import LMMObjective

__all__ = ["ALIASES", "nlopt"]

ALIASES = {
    "nloptwrap": "LN_BOBYQA",
    "bobyqa": "LN_BOBYQA",
    "Nelder_Mead": "LN_NELDERMEAD",
    "nmkbw": "LN_SBPLX",
}

_MESSAGES = {
    1: "NLOPT_SUCCESS",
    2: "NLOPT_STOPVAL_REACHED",
    3: "NLOPT_FTOL_REACHED",
    4: "NLOPT_XTOL_REACHED",
    5: "NLOPT_MAXEVAL_REACHED",
    6: "NLOPT_MAXTIME_REACHED",
    -4: "NLOPT_ROUNDOFF_LIMITED",
}


def nlopt(name: str, objective: LMMObjective, start: np.ndarray | None, options: Mapping[str, Any]) -> Optimum:
    """Minimize by an algorithm of NLopt within the bounds of par, from lme4's start unless another one is given."""
    algorithm = ALIASES.get(name) or name.removeprefix("NLOPT_")
    layout = objective.layout
    first = np.clip(layout.start if start is None else start, layout.lower, layout.upper)
    settings: dict[str, Any] = {
        "xtol_abs": float(options.get("xtol_abs", 1e-8)),
        "ftol_abs": float(options.get("ftol_abs", 1e-8)),
        "max_eval": int(options.get("maxeval", 100_000)),
    }
    with objective.threads:
        try:
            if layout.linear:
                par, out = objective.work.nlopt(
                    algorithm, first, layout.lower, layout.upper, objective.reml, **settings
                )
            else:
                par, out = _core.nlopt_minimize(
                    algorithm, objective.value_and_gradient, first, layout.lower, layout.upper, **settings
                )
        except _core.KernelError as error:
            if error.status == _core.PERFECT_FIT:
                raise
            if error.status != _core.OPTIMIZER:
                raise ConvergenceError(f"optimizer {name!r} failed: {error}") from None
            raise MereValueError(
                f"NLopt has no algorithm {name!r} here; names are such as 'NLOPT_LN_COBYLA', 'NLOPT_LD_SLSQP'"
            ) from None
    code = out["code"]
    return Optimum(
        par=par,
        value=out["d"],
        feval=out["n_eval"],
        converged=code not in (5, 6),
        message=_MESSAGES.get(code, f"NLopt code {code}"),
        optimizer=name,
    )
