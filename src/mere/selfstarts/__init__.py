"""Self-starting nonlinear means: one file per kind, a registry by R's names."""

from __future__ import annotations

from .asymptotic import SSasymp, SSasympOff, SSasympOrig
from .biexponential import SSbiexp
from .first_order import SSfol
from .four_parameter_logistic import SSfpl
from .gompertz import SSgompertz
from .logistic import SSlogis
from .michaelis_menten import SSmicmen
from .model import SelfStart
from .weibull import SSweibull

__all__ = [
    "SELF_STARTS", "SSasymp", "SSasympOff", "SSasympOrig", "SSbiexp", "SSfol", "SSfpl", "SSgompertz", "SSlogis",
    "SSmicmen", "SSweibull", "SelfStart",
]  # fmt: skip

SELF_STARTS: dict[str, SelfStart] = {
    each.name: each
    for each in (
        SSlogis,
        SSfpl,
        SSmicmen,
        SSasymp,
        SSasympOff,
        SSasympOrig,
        SSbiexp,
        SSfol,
        SSgompertz,
        SSweibull,
    )
}
