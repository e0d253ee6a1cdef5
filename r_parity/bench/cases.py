"""The cases of the bench: what is fitted, on which table, and what is to be reached.

`goal` and `moonshot` are lme4's time divided by mere's, whole call from formula to model.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    name: str
    formula: str
    data: str  # a data set of mere, a table of fixtures/data, or one that make_data.py draws
    reml: bool = True
    family: str = ""  # of a generalized model
    kind: str = "fit"  # "fit" or "evaluation" (of the criterion at a given theta)
    goal: float | None = None
    moonshot: float | None = None
    r_repeats: int = 15  # timed batches at most; slow cases stop at their time budget
    rivals: tuple[str, ...] = ("mixedlm", "interlace", "gpboost")  # that can fit this model


CASES = (
    Case(
        "sleepstudy",
        "Reaction ~ Days + (Days | Subject)",
        "sleepstudy",
        goal=20,
        moonshot=100,
        rivals=("mixedlm", "interlace", "statsmodels"),
    ),
    Case(
        "Dyestuff2",
        "Yield ~ 1 + (1 | Batch)",
        "Dyestuff2",
        goal=20,
        rivals=("mixedlm", "interlace", "gpboost", "statsmodels"),
    ),
    Case("Pastes", "strength ~ 1 + (1 | batch/cask)", "Pastes", goal=20),
    Case("Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", "Penicillin", goal=20),
    Case("InstEval", "y ~ service + (1 | s) + (1 | d)", "InstEval", goal=8, moonshot=40, r_repeats=3),
    Case("InstEval_dept", "y ~ service + (1 | s) + (1 | d) + (1 | dept)", "InstEval", goal=15, r_repeats=3),
    Case(
        "maximal",
        "rt ~ S * P * C + (S * P * C | subj) + (S * P * C | item)",
        "maximal",
        reml=False,
        goal=200,
        moonshot=500,
        r_repeats=1,
        rivals=("mixedlm", "interlace"),
    ),
    Case(
        "million",
        "y ~ x + (x | g)",
        "million",
        goal=300,
        moonshot=1500,
        r_repeats=1,
        rivals=("mixedlm", "interlace"),
    ),
    Case(
        "cbpp",
        "cbind(incidence, size - incidence) ~ period + (1 | herd)",
        "cbpp",
        reml=False,
        family="binomial",
        goal=60,
        moonshot=300,
        rivals=("glmmTMB", "mixedlm", "gpboost"),
    ),
    Case(
        "VerbAgg",
        "r2 ~ Anger + Gender + btype + situ + (1 | id) + (1 | item)",
        "VerbAgg",
        reml=False,
        family="binomial",
        goal=40,
        moonshot=300,
        r_repeats=3,
        rivals=("glmmTMB", "mixedlm", "gpboost"),
    ),
    Case(
        "grouseticks",
        "TICKS ~ YEAR + scale(HEIGHT) + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION)",
        "grouseticks",
        reml=False,
        family="poisson",
        goal=25,
        r_repeats=5,
        rivals=("glmmTMB", "mixedlm", "gpboost"),
    ),
    Case(
        "crossed_binary",
        "y ~ x + z + (1 | s) + (1 | i)",
        "crossed_binary",
        reml=False,
        family="binomial",
        goal=15,
        r_repeats=1,
        rivals=("glmmTMB", "mixedlm", "gpboost"),
    ),
    *(
        Case(f"evaluation_1e{k}", "y ~ x + (x | g)", f"growth_1e{k}", kind="evaluation", rivals=())
        for k in (3, 4, 5, 6)
    ),
)
