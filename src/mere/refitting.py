"""Fits of the same design again."""

from __future__ import annotations

from dataclasses import replace

from . import generics as g
from .fitting import optimize, settle
from .model import LMM, mixed_model
from .objective import LMMObjective

__all__: list[str] = []


@g.refitML.register(LMM)
def _refit_ml(m: LMM) -> LMM:
    if not m.reml:
        return m
    objective = LMMObjective(m.design, False)
    optimum = optimize(objective, m.control, m.par)
    call = replace(m.call, arguments={**m.call.arguments, "REML": False})
    return mixed_model(settle(objective, optimum, m.control, stacklevel=3), m.control, call)
