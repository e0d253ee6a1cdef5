"""Control parameters of the fits (R's ``lmerControl``, ``glmerControl`` and ``nlmerControl``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .errors import MereValueError

__all__ = [
    "GlmerControl", "LmerControl", "NlmerControl", "glmerControl", "lmerControl", "nlmerControl",
]  # fmt: skip

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


@dataclass(frozen=True)
class GlmerControl:
    """What `glmerControl` returns; frozen."""

    optimizer: Any = "auto"
    calc_derivs: bool = True
    nAGQ0initStep: bool = True
    tolPwrss: float = 1e-18
    optCtrl: Mapping[str, Any] = field(default_factory=dict)
    check_nlev_gtr_1: str = "stop"
    check_conv_grad: str = "warning"
    check_conv_singular: str = "message"
    check_conv_singular_tol: float = 1e-4

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if name.startswith("check_") and not name.endswith("_tol") and value not in _ACTIONS:
                raise MereValueError(f"{name}={value!r}: use one of {', '.join(map(repr, _ACTIONS))}")
        if not 0 < self.tolPwrss < 1:
            raise MereValueError(f"tolPwrss must lie between 0 and 1, not {self.tolPwrss!r}")

    @property
    def stages(self) -> tuple[Any, Any]:
        """The optimizers of the two stages: theta alone, then theta and the fixed effects."""
        if isinstance(self.optimizer, (list, tuple)):
            if len(self.optimizer) != 2:
                raise MereValueError(f"optimizer takes one name or two, not {len(self.optimizer)}")
            return self.optimizer[0], self.optimizer[1]
        return self.optimizer, self.optimizer

    def with_options(self, **options: Any) -> GlmerControl:
        """The same with defaults for options of the optimizer."""
        return replace(self, optCtrl={**options, **self.optCtrl})


def glmerControl(
    optimizer: Any = "auto",
    calc_derivs: bool = True,
    nAGQ0initStep: bool = True,
    tolPwrss: float = 1e-18,
    optCtrl: Mapping[str, Any] | None = None,
    **checks: Any,
) -> GlmerControl:
    """Control parameters of `glmer` (R: ``glmerControl``).

    Parameters
    ----------
    optimizer : str, callable, None, or a pair of them
        ``"auto"``: quasi-Newton steps with exact derivatives, certified at the boundary. ``"nloptwrap"``, ``"bobyqa"``:
        BOBYQA of NLopt in R's two stages, over theta and then over theta and the fixed effects; a pair names one for
        each stage. Other names and callables as in `lmerControl`. None: no optimization, the model at its start.
    calc_derivs : bool
        Keep the gradient of the optimum.
    nAGQ0initStep : bool
        With the two stages: make the first.
    tolPwrss : float
        The conditional modes of the random effects are found when one more step would lower the penalized deviance by
        less. R's default, 1e-7, leaves errors of 1e-3 in -2 log L; this one leaves none that can be seen.
    optCtrl : dict, optional
        For the optimizer: ``xtol_abs``, ``ftol_abs``, ``maxeval``; for ``"auto"`` ``decrement`` and ``maxeval``.
    **checks
        ``check_nlev_gtr_1``, ``check_conv_grad``, ``check_conv_singular``, each ``"ignore"``, ``"message"``,
        ``"warning"`` or ``"stop"``; ``check_conv_singular_tol``.

    Returns
    -------
    GlmerControl

    Examples
    --------
    >>> glmerControl(optimizer=("bobyqa", "Nelder_Mead")).stages
    ('bobyqa', 'Nelder_Mead')
    """
    known = set(GlmerControl.__dataclass_fields__) - {
        "optimizer",
        "calc_derivs",
        "nAGQ0initStep",
        "tolPwrss",
        "optCtrl",
    }
    for name in checks:
        if name not in known:
            raise MereValueError(f"glmerControl has no argument {name!r}; there are {', '.join(sorted(known))}")
    return GlmerControl(optimizer, calc_derivs, nAGQ0initStep, tolPwrss, dict(optCtrl or {}), **checks)


@dataclass(frozen=True)
class NlmerControl:
    """What `nlmerControl` returns; frozen."""

    optimizer: Any = "auto"
    tolPwrss: float = 1e-20
    optCtrl: Mapping[str, Any] = field(default_factory=dict)
    check_nlev_gtr_1: str = "stop"
    check_conv_grad: str = "warning"
    check_conv_singular: str = "message"
    check_conv_singular_tol: float = 1e-4

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if name.startswith("check_") and not name.endswith("_tol") and value not in _ACTIONS:
                raise MereValueError(f"{name}={value!r}: use one of {', '.join(map(repr, _ACTIONS))}")
        if not 0 < self.tolPwrss < 1:
            raise MereValueError(f"tolPwrss must lie between 0 and 1, not {self.tolPwrss!r}")


def nlmerControl(
    optimizer: Any = "auto",
    tolPwrss: float = 1e-20,
    optCtrl: Mapping[str, Any] | None = None,
    **checks: Any,
) -> NlmerControl:
    """Control parameters of `nlmer` (R: ``nlmerControl``).

    Parameters
    ----------
    optimizer : str, callable or None
        ``"auto"``: quasi-Newton steps with exact gradients and a Newton step at the end. ``"nloptwrap"``, ``"bobyqa"``,
        ``"Nelder_Mead"`` and the others of `lmerControl`, over theta and the fixed effects. None: no optimization, the
        model at its start.
    tolPwrss : float
        The conditional modes of the random effects are found when one more step would lower the penalized sum of
        squares by a smaller share of it.
    optCtrl : dict, optional
        For the optimizer: ``xtol_abs``, ``ftol_abs``, ``maxeval``; for ``"auto"`` ``maxeval``.
    **checks
        ``check_nlev_gtr_1``, ``check_conv_grad``, ``check_conv_singular``, each ``"ignore"``, ``"message"``,
        ``"warning"`` or ``"stop"``; ``check_conv_singular_tol``.

    Returns
    -------
    NlmerControl

    Examples
    --------
    >>> nlmerControl(optimizer="bobyqa").optimizer
    'bobyqa'
    """
    known = set(NlmerControl.__dataclass_fields__) - {"optimizer", "tolPwrss", "optCtrl"}
    for name in checks:
        if name not in known:
            raise MereValueError(f"nlmerControl has no argument {name!r}; there are {', '.join(sorted(known))}")
    return NlmerControl(optimizer, tolPwrss, dict(optCtrl or {}), **checks)
