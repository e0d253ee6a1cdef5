"""Control parameters of the fits (R's ``lmerControl``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import MereValueError

__all__ = ["LmerControl", "lmerControl"]

_ACTIONS = ("ignore", "message", "warning", "stop")


@dataclass(frozen=True)
class LmerControl:
    """What `lmerControl` returns; frozen."""

    optimizer: str | Callable[..., Any] | None = "auto"
    calc_derivs: bool = True
    optCtrl: Mapping[str, Any] = field(default_factory=dict)
    check_nobs_vs_nlev: str = "stop"
    check_nobs_vs_nRE: str = "stop"
    check_nlev_gtr_1: str = "stop"
    check_conv_grad: str = "warning"
    check_conv_singular: str = "message"
    check_conv_singular_tol: float = 1e-4
    check_scaleX: str = "ignore"

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if name.startswith("check_") and not name.endswith("_tol") and value not in _ACTIONS:
                raise MereValueError(f"{name}={value!r}: use one of {', '.join(map(repr, _ACTIONS))}")


def lmerControl(
    optimizer: str | Callable[..., Any] | None = "auto",
    calc_derivs: bool = True,
    optCtrl: Mapping[str, Any] | None = None,
    **checks: Any,
) -> LmerControl:
    """Control parameters of `lmer` (R: ``lmerControl``).

    Parameters
    ----------
    optimizer : str, callable or None
        ``"auto"``: damped Newton with exact derivatives, certified at the boundary, with BOBYQA as the fallback.
        ``"nloptwrap"``: BOBYQA of NLopt from lme4's start with lme4's tolerances. ``"bobyqa"``, ``"Nelder_Mead"``,
        ``"nlminbwrap"`` as R names them; any algorithm of NLopt (``"NLOPT_LD_SLSQP"``) or method of
        ``scipy.optimize.minimize`` (``"L-BFGS-B"``). A callable ``f(fun, start, lower, upper, control)`` that returns a
        mapping with ``par``. None: no optimization, the model at its start.
    calc_derivs : bool
        Keep gradient and Newton decrement of the optimum. They are exact and cost one evaluation.
    optCtrl : dict, optional
        For the optimizer: ``xtol_abs``, ``ftol_abs``, ``maxeval``; for ``"auto"`` also ``decrement``.
    **checks
        ``check_nobs_vs_nlev``, ``check_nobs_vs_nRE``, ``check_nlev_gtr_1``, ``check_conv_grad``,
        ``check_conv_singular``, ``check_scaleX``, each ``"ignore"``, ``"message"``, ``"warning"`` or ``"stop"``; a dot
        in R's name is an underscore. ``check_conv_singular_tol`` is a number.

    Returns
    -------
    LmerControl

    Examples
    --------
    >>> lmerControl(optimizer="nloptwrap", optCtrl={"xtol_abs": 1e-12}).optimizer
    'nloptwrap'
    """
    known = set(LmerControl.__dataclass_fields__) - {"optimizer", "calc_derivs", "optCtrl"}
    for name in checks:
        if name not in known:
            raise MereValueError(f"lmerControl has no argument {name!r}; there are {', '.join(sorted(known))}")
    return LmerControl(optimizer=optimizer, calc_derivs=calc_derivs, optCtrl=dict(optCtrl or {}), **checks)
