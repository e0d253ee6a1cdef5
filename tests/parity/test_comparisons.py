"""Comparisons of models and what step leaves of one, against R (fixtures/comparisons.json, r_parity/comparisons.R)."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mere
from mere.model import LM

from ..texts import assert_same_text
from .goldens import FIXTURES, array, table

GOLDEN = json.loads((FIXTURES / "comparisons.json").read_text(encoding="utf-8"))
L = np.array(GOLDEN["L"], float)


def fit(formula: str, data: str = "few_groups", **arguments: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mere.lmer(formula, table(data), **arguments)


def check(got: pd.DataFrame, want: dict[str, Any]) -> None:
    columns = [c for c in want if c != "rows"]
    assert [c for c in got.columns if c in columns] == columns
    for column in columns:
        tol = GOLDEN["tolerance"]["value"] * (100 if column.lower().startswith("p") else 1)
        np.testing.assert_allclose(
            got[column].astype(float), array(want[column]), rtol=10 * tol, atol=tol, err_msg=column
        )


@pytest.mark.parametrize(
    ("name", "betaH"),
    [("zero", 0), ("number", 2), ("vector", [9, 1, 0.5, -1]), ("vector", np.array([3.0, 1, 0.5, -1]))],
)
def test_kr_with_values(name: str, betaH: Any) -> None:
    """L beta = L betaH; what L does not touch has no say."""
    check(mere.KRmodcomp(fit("y ~ a + x + (1 | g)"), L, betaH=betaH).test, GOLDEN["kr"][name])


def test_models_in_either_order() -> None:
    m, m0 = fit("y ~ a + x + (1 | g)"), fit("y ~ x + (1 | g)")
    check(mere.KRmodcomp(m0, m).test, GOLDEN["kr"]["exchanged"])
    assert mere.SATmodcomp(m0, m).test.equals(mere.SATmodcomp(m, m0).test)
    assert mere.KRmodcomp(m0, m).large == "y ~ a + x + (1 | g)"


def test_kr_of_a_weighted_fit() -> None:
    """The same as without weights in rows multiplied by their roots."""
    m, want = fit("y ~ a + x + (1 | g)", weights="w"), GOLDEN["weighted"]
    check(mere.KRmodcomp(m, L).test, want["test"])
    np.testing.assert_allclose(mere.vcovAdj(m), np.array(want["vcovAdj"]), rtol=1e-4, atol=1e-7)


def test_satterthwaite_is_by_reml() -> None:
    m = fit("y ~ a + x + (1 | g)", REML=False)
    test = mere.SATmodcomp(m, ". ~ . - x").test
    check(test, GOLDEN["sat_ml"])
    check(mere.SATmodcomp(fit("y ~ a + x + (1 | g)"), [[0, 0, 0, 1]]).test, GOLDEN["sat_ml"])


def test_step_without_random_effects() -> None:
    """What is left is a linear model, and has its table."""
    m, want = fit("y ~ x * g + z * f + (1 | size)", "verbs"), GOLDEN["step"]
    got = mere.step(m)
    assert list(got.fixed.index) == want["fixed"]["rows"]
    check(got.fixed, want["fixed"])
    check(got.random, want["random"])
    assert_same_text(str(got), "\n".join(want["text"]), ulp=2)
    assert isinstance(mere.get_model(got), LM)


def test_aliased_terms_have_a_row() -> None:
    m = fit("y ~ f + x + I(2 * x) + (1 | g)", "verbs")
    want = GOLDEN["aliased"]
    got = mere.anova(m, type="I")
    assert list(got.table.index) == want["rows"]
    check(got.table, want)
    assert mere.show_tests(got)["I(2 * x)"].shape == (0, 3)
    assert mere.anova(m, type="III").table.loc["I(2 * x)"].isna().all()


def test_terms_that_are_comparisons() -> None:
    """Tables with refits of ``(x > 0)`` are those of a column of its own."""
    verbs = table("verbs")
    above = pd.DataFrame({**{c: verbs[c] for c in verbs}, "above": np.asarray(verbs["x"]) > 0})
    m = mere.lmer("y ~ (x > 0) + z + (1 | size)", above)
    plain = mere.lmer("y ~ above + z + (1 | size)", above)
    for verb in (lambda m: mere.drop1(m, test="Chisq"), mere.ranova, mere.step):
        got, want = verb(m).table, verb(plain).table
        assert [row.replace("x > 0", "above") for row in got.index] == list(want.index)
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-9)
    assert "y ~ (x > 0) + z + (1 | size)" in str(mere.ranova(m))


def test_effects_that_others_contain_are_not_reduced() -> None:
    got = mere.ranova(fit("y ~ x + (x * z | g)", "verbs")).table
    assert list(got.index) == GOLDEN["ranova"]["rows"]
    check(got, GOLDEN["ranova"])
