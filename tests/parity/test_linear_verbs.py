"""Verbs of lm and glm that look at terms and rows, against R (fixtures/linear_verbs.json, r_parity/linear_verbs.R)."""

from __future__ import annotations

import functools
import json
import re
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mere

from .goldens import FIXTURES, table

GOLDEN = json.loads((FIXTURES / "linear_verbs.json").read_text(encoding="utf-8"))
TIGHT = {"epsilon": 1e-13, "maxit": 100}
MODELS = {
    "linear": lambda d: mere.lm("y ~ x * g + z * f", d),
    "weighted": lambda d: mere.lm("y ~ x + g", d, weights="w"),
    "holes": lambda d: mere.lm("y ~ lost + g + z", d),
    "alone": lambda d: mere.lm("y ~ g:f + I(x == min(x))", d),
    "binomial": lambda d: mere.glm("cbind(yes, no) ~ x + g + z", d, "binomial", **TIGHT),
    "pairs": lambda d: mere.glm("cbind(yes, no) ~ x + g", d, "binomial", weights="w", **TIGHT),
    "poisson": lambda d: mere.glm("count ~ x + g + z * f", d, "poisson", **TIGHT),
    "gamma": lambda d: mere.glm("time ~ x + g + z", d, mere.families.Gamma("log"), **TIGHT),
    "gaussian": lambda d: mere.glm("y ~ x + g + z", d, "gaussian", weights="w", **TIGHT),
    "steep": lambda d: mere.glm("late ~ x + g", d, "inverse_gaussian", **TIGHT),
    "lost": lambda d: mere.glm("count ~ lost + g", d, "poisson", **TIGHT),
}


@functools.cache
def model(name: str) -> Any:
    return MODELS[name](table("verbs"))


def same(found: Any, wanted: Any, what: str, rel: float = 1e-6) -> None:
    found, wanted = np.asarray(found, dtype=float), np.array(wanted, dtype=float)
    assert found.shape == wanted.shape, what
    np.testing.assert_allclose(
        found, wanted, rtol=rel, atol=rel * np.nanmax(np.abs(wanted), initial=1e-3), err_msg=what
    )


def same_table(found: pd.DataFrame, gold: dict[str, Any], what: str) -> None:
    columns = [key for key in gold if key != "rows"]
    assert list(found.index) == gold["rows"] and list(found.columns) == columns, what
    for column in columns:
        wanted = np.array(gold[column], dtype=float)
        rel = 1e-5 if column.startswith("Pr") else 1e-6
        np.testing.assert_allclose(found[column], wanted, rtol=rel, atol=1e-9, err_msg=f"{what}: {column}")


@pytest.mark.parametrize("name", MODELS)
def test_deletions(name: str) -> None:
    m, gold = model(name), GOLDEN[name]
    assert float(mere.logLik(m)) == pytest.approx(gold["logLik"], rel=1e-9)
    same_table(mere.drop1(m).table, gold["drop1"], "none")
    same_table(mere.drop1(m, test="Chisq").table, gold["drop1_chisq"], "Chisq")
    same_table(mere.drop1(m, test="F").table, gold["drop1_f"], "F")


@pytest.mark.parametrize("name", [name for name in MODELS if "add1_f" in GOLDEN[name]])
def test_additions(name: str) -> None:
    m, gold = model(name), GOLDEN[name]
    for scope in (". ~ . + z + f", [label for label in gold["add1_f"]["rows"] if label != "<none>"]):
        same_table(mere.add1(m, scope, test="F").table, gold["add1_f"], "F")
    same_table(mere.add1(m, ". ~ . + z + f", test="Chisq").table, gold["add1_chisq"], "Chisq")


def test_additions_respect_margins() -> None:
    m = mere.lm("y ~ x", table("verbs"))
    assert list(mere.add1(m, ". ~ (x + g + f)^2").table.index) == ["<none>", "g", "f"]
    assert list(mere.add1(m, "x:g").table.index) == ["<none>", "x:g"]


@pytest.mark.parametrize("name", [name for name in MODELS if "step" in GOLDEN[name]])
def test_stepwise(name: str) -> None:
    m, gold = model(name), GOLDEN[name]
    ways = {
        "step": {},
        "step_both": {"scope": ". ~ . + z + f"},
        "step_bic": {"scope": {"lower": "~ g", "upper": ". ~ . + z + f"}, "k": np.log(mere.nobs(m))},
    }
    for way, arguments in ways.items():
        found = mere.step(m, **arguments)
        assert re.sub(r"\s+", " ", found.final) == re.sub(r"\s+", " ", gold[way]["formula"][0]), way
        same(found.table["AIC"], gold[way]["path"], way)
        same(mere.get_model(found).coef(), gold[way]["coef"], way, 1e-5)
        assert "Final Model:" in str(found) and found.tables[0].index[0] in ("<none>", *found.table["Step"])


@pytest.mark.parametrize("name", [name for name in MODELS if GOLDEN[name].get("anova_f")])
def test_a_known_dispersion_costs_no_degrees_of_freedom(name: str) -> None:
    m, gold = model(name), GOLDEN[name]["anova_f"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mere.errors.DataMessage)
        found = mere.anova(m, test="F").table
    for column in ("Resid. Dev", "F", "Pr(>F)"):
        np.testing.assert_allclose(found[column], np.array(gold[column], dtype=float), rtol=1e-5, err_msg=column)


@pytest.mark.parametrize("name", MODELS)
def test_terms(name: str) -> None:
    m, gold, new = model(name), GOLDEN[name], table("verbs").iloc[[3, 9, 19]]
    found = mere.predict(m, new, type="terms", se_fit=True)
    for part, want in ((found.fit, gold["terms"]), (found.se_fit, gold["terms_se"])):
        same(part, np.array(list(want.values()), dtype=float).T, "terms")
    assert found.fit.attrs["constant"] == pytest.approx(gold["constant"], rel=1e-6)
    link = mere.predict(m, new, **({} if isinstance(m, mere.model.LM) else {"type": "link"}))
    whole = found.fit.sum(axis=1) + found.fit.attrs["constant"]
    np.testing.assert_allclose(whole, link, rtol=1e-10)  # no offset here
    same(mere.residuals(m, "partial").iloc[:5, 0], gold["partial"], "partial")


@pytest.mark.parametrize("name", MODELS)
def test_changes_of_coefficients(name: str) -> None:
    m, gold = model(name), GOLDEN[name]
    if name == "alone":  # a row that determines a coefficient by itself changes none
        least = int(np.argmin(table("verbs")["x"]))
        rows = mere.dfbeta(m).iloc[[least, least + 1]]
        np.testing.assert_allclose(rows.to_numpy()[0], 0.0, atol=1e-12)
        assert mere.hatvalues(m).iloc[least] == 1.0 and np.isnan(mere.cooks_distance(m).iloc[least])
        assert np.isnan(mere.rstudent(m).iloc[least])
        return
    same(mere.dfbeta(m).iloc[:5], gold["dfbeta"], "dfbeta")
    same(mere.dfbetas(m).iloc[:5], gold["dfbetas"], "dfbetas")
    whole = mere.influence(m)
    pd.testing.assert_frame_equal(mere.dfbeta(whole), mere.dfbeta(m))
    pd.testing.assert_series_equal(mere.cooks_distance(whole), mere.cooks_distance(m))


def test_outcomes_of_a_weighted_fit_have_variance_by_weight() -> None:
    found = mere.predict(model("weighted"), interval="prediction")
    same(found.iloc[:5], GOLDEN["weighted"]["interval"], "interval")


def test_profiles_find_their_way_into_the_range_of_the_family() -> None:
    same(mere.confint(model("steep"), "x").iloc[0], GOLDEN["steep"]["profile"], "profile", 1e-6)
