"""Where a call of mere.lmer spends its time: the layers called one after another, as lmer calls them."""

from __future__ import annotations

import time
import warnings
from typing import Any

from mere.control import LmerControl
from mere.design import build_design
from mere.fitting import optimize, settle
from mere.language.formulas import parse_formula
from mere.modelframe import evaluate_frame
from mere.objective import LMMObjective

NAMES = ("formula (known)", "frame", "design", "plan", "optimisation", "state and checks")


def split(formula: str, frame: Any, arguments: dict[str, Any], budget: float, whole: float) -> dict[str, float]:
    """Least CPU seconds of each stage; `whole` is the same for the call of lmer, and its surplus the last stage."""
    control, reml = LmerControl(), arguments.get("REML", True)
    clock, best = time.process_time, {}
    start = time.perf_counter()
    repeats = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while repeats < 2 or (repeats < 300 and time.perf_counter() - start < budget):
            stamps = [clock()]
            parsed = parse_formula(formula)
            stamps.append(clock())
            evaluate_frame(parsed, frame, None, None, None, "omit", None)
            stamps.append(clock())
            design = build_design(parsed, frame)  # evaluates the frame once more: subtracted at the end
            stamps.append(clock())
            objective = LMMObjective(design, reml)
            stamps.append(clock())
            optimum = optimize(objective, control)
            stamps.append(clock())
            settle(objective, optimum, control)
            stamps.append(clock())
            took = [b - a for a, b in zip(stamps, stamps[1:])]
            for name, seconds in zip(NAMES, took):
                best[name] = min(best.get(name, seconds), seconds)
            repeats += 1
    best["design"] = max(best["design"] - best["frame"], 0.0)
    best["model and arguments"] = max(whole - sum(best.values()), 0.0)
    return best
