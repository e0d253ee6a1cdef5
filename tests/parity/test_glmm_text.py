"""What glmer prints, beside what R prints at the same optimum (fixtures/printing/glmer_*, r_parity/glmm_text.R)."""

from __future__ import annotations

import functools
from typing import Any

import pytest

import mere
from mere import families

from .goldens import FIXTURES, table

MODELS: dict[str, tuple[str, str, str, Any, dict[str, Any]]] = {
    "cbpp": (
        "cbpp",
        "cbind(incidence, size - incidence) ~ period + (1 | herd)",
        "cbind(incidence, size - incidence) ~ (1 | herd)",
        "binomial",
        {},
    ),
    "grouse": (
        "grouseticks",
        "TICKS ~ YEAR + (1 | LOCATION)",
        "TICKS ~ 1 + (1 | LOCATION)",
        "poisson",
        {},
    ),
    "slopes": (
        "glmm_crossed",
        "count ~ x + offset(log(e)) + (x | g)",
        "count ~ x + offset(log(e)) + (1 | g)",
        "poisson",
        {},
    ),
    "weights": (
        "cbpp",
        "incidence / size ~ period + (1 | herd)",
        "incidence / size ~ 1 + (1 | herd)",
        families.binomial("probit"),
        {"weights": "size"},
    ),
}


@functools.cache
def pair(name: str) -> tuple[Any, Any]:
    data, formula, smaller, family, arguments = MODELS[name]
    d = table(data)
    return mere.glmer(formula, d, family, **arguments), mere.glmer(smaller, d, family, **arguments)


def compare(name: str) -> Any:
    m, m0 = pair(name)
    return mere.anova(m0, m, model_names=["m0", "m"])


VIEWS = {
    "print": lambda name: pair(name)[0],
    "summary": lambda name: mere.summary(pair(name)[0]),
    "anova": lambda name: mere.anova(pair(name)[0]),
    "varcorr": lambda name: mere.VarCorr(pair(name)[0]),
    "comparison": compare,
}


def lines(text: str) -> list[str]:
    found = [line.rstrip() for line in text.split("\n")]
    while found and not found[-1]:
        found.pop()
    return found


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", MODELS)
def test_text(name: str, view: str) -> None:
    want = (FIXTURES / "printing" / f"glmer_{name}.{view}.txt").read_text(encoding="utf-8")
    got = mere.to_text(VIEWS[view](name))
    if view == "comparison":
        got, want = got.replace("m0: ", "m0:").replace("m: ", "m:"), want.replace("m0: ", "m0:").replace("m: ", "m:")
    assert lines(got) == lines(want)
