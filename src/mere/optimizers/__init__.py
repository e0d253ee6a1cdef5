"""Optimizers: one file each, a registry by R's and other names.

An optimizer is a function ``minimize(objective, start, options) -> Optimum``. `objective` has ``layout`` (bounds),
``value``, ``gradient`` and the kernels' ``work``; `start` is None where the user gave none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import MereValueError
from .newton import newton
from .nloptwrap import ALIASES, nlopt
from .optimum import Optimum
from .scipy_minimize import METHODS, scipy_minimize
from .user import user

if TYPE_CHECKING:
    from ..objective import LMMObjective

__all__ = ["METHODS", "Optimum", "check_optimizer", "minimize"]

Minimizer = Callable[["LMMObjective", "np.ndarray | None", Mapping[str, Any]], Optimum]


def check_optimizer(optimizer: Any) -> None:
    """Is there an optimizer of this name, or is it a callable?"""
    known = ("auto", *ALIASES, *METHODS)
    if not callable(optimizer) and optimizer not in known and not str(optimizer).startswith("NLOPT_"):
        raise MereValueError(f"unknown optimizer {optimizer!r}: use one of {', '.join(known)}, 'NLOPT_…' or a callable")


def minimize(objective: LMMObjective, optimizer: Any, start: np.ndarray | None, options: Mapping[str, Any]) -> Optimum:
    """Minimize the criterion with the optimizer of this name, or with a callable."""
    if callable(optimizer):
        return user(optimizer, objective, start, options)
    if optimizer == "auto":
        return newton(objective, start, options)
    if optimizer in ALIASES or str(optimizer).startswith("NLOPT_"):
        return nlopt(str(optimizer), objective, start, options)
    if optimizer in METHODS:
        return scipy_minimize(str(optimizer), objective, start, options)
    check_optimizer(optimizer)
    raise AssertionError(optimizer)
