"""Robust covariances, Welch tests, Wald tables and term deletions against R."""

import json

import numpy as np
import pandas as pd
import pytest

import mere
from mere import datasets, families

from .goldens import FIXTURES, table

GOLDEN = json.loads((FIXTURES / "robust.json").read_text(encoding="utf-8"))
CBPP = datasets.cbpp.assign(y=datasets.cbpp["incidence"] / datasets.cbpp["size"])


def few():
    d = table("few_groups").copy()
    return d.assign(z=np.exp(d["y"]))


MODELS = {
    "warpbreaks_lm": lambda: mere.lm("breaks ~ wool * tension", datasets.warpbreaks),
    "sleep_lm": lambda: mere.lm("Reaction ~ Days", datasets.sleepstudy),
    "few_lm": lambda: mere.lm("y ~ a + x", few(), weights="w"),
    "warpbreaks_poisson": lambda: mere.glm("breaks ~ wool * tension", datasets.warpbreaks, "poisson", epsilon=1e-14),
    "cbpp_probit": lambda: mere.glm(
        "cbind(incidence, size - incidence) ~ period", CBPP, families.binomial("probit"), epsilon=1e-14
    ),
    "cbpp_cloglog": lambda: mere.glm("y ~ period", CBPP, families.binomial("cloglog"), weights="size", epsilon=1e-14),
    "ticks_poisson": lambda: mere.glm("TICKS ~ YEAR + cHEIGHT", datasets.grouseticks, "poisson", epsilon=1e-14),
    "few_gamma": lambda: mere.glm("z ~ a + x", few(), families.Gamma("log"), epsilon=1e-14),
}


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3"])
@pytest.mark.parametrize("name", MODELS)
def test_heteroscedastic(name, kind):
    V = mere.vcov(MODELS[name](), type=kind).to_numpy()
    tolerance = 1e-10 if name.endswith("_lm") else 1e-7
    assert pytest.approx(np.array(GOLDEN[name]["HC"][kind]), rel=tolerance, abs=tolerance * abs(V).max()) == V


@pytest.mark.parametrize("kind", ["CR0", "CR1", "CR1S", "CR2", "CR3"])
@pytest.mark.parametrize("name", [name for name in MODELS if "CR" in GOLDEN[name]])
def test_cluster_robust(name, kind):
    m, cluster = MODELS[name](), GOLDEN[name]["cluster"]
    V = mere.vcov(m, type=kind, cluster=cluster).to_numpy()
    assert pytest.approx(np.array(GOLDEN[name]["CR"][kind]), rel=2e-6, abs=1e-6 * abs(V).max()) == V
    if kind == "CR2":
        found = mere.contest(m, np.eye(len(V)), joint=False, vcov=("CR2", cluster))["df"]
        assert found.to_numpy() == pytest.approx(GOLDEN[name]["df"], rel=1e-5)


def test_welch_t():
    extra = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2, 1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    d = pd.DataFrame({"extra": extra, "group": pd.Categorical(["1"] * 10 + ["2"] * 10)})
    row = mere.contest(mere.lm("extra ~ group", d), [0, 1], joint=False, vcov="Welch").iloc[0]
    expected = GOLDEN["welch_two"]
    found = (row["df"], row["Std. Error"], row["Pr(>|t|)"])
    assert found == pytest.approx((expected["df"], expected["se"], expected["p"]), rel=1e-10)


def test_welch_analysis_of_variance():
    expected = GOLDEN["welch_one_way"]
    m = mere.lm("weight ~ feed", pd.DataFrame(expected["data"]))
    row = mere.anova(m, vcov="unequal_var").table.loc["feed"]
    found = (row["F value"], row["NumDF"], row["DenDF"], row["Pr(>F)"])
    assert found == pytest.approx([expected[k] for k in ("F", "ndf", "ddf", "p")], rel=1e-10)


WALD = {
    "cbpp": lambda: mere.glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", CBPP, "binomial"),
    "agg": lambda: mere.glmer("r2 ~ Gender * btype + situ + Anger + (1 | id)", table("verbagg60"), "binomial"),
    "wool": lambda: mere.glm("breaks ~ wool * tension", datasets.warpbreaks, "poisson", epsilon=1e-14),
}


@pytest.mark.parametrize("kind", ["II", "III"])
@pytest.mark.parametrize("name", WALD)
def test_wald_tables(name, kind):
    expected = GOLDEN[f"wald_{name}"][kind]
    found = mere.anova(WALD[name](), type=kind).table
    columns = ["Chisq", "Df", "Pr(>Chisq)"]
    expected = pd.DataFrame({"Chisq": expected.get("Chisq", expected.get("LR Chisq")), **expected}, expected["rows"])
    assert found[columns].to_numpy(float) == pytest.approx(
        expected.loc[list(found.index), columns].to_numpy(float), rel=1e-3, abs=1e-5
    )


@pytest.mark.parametrize("name", WALD)
def test_deletions(name):
    expected = GOLDEN[f"wald_{name}"]["drop1"]
    found = mere.drop1(WALD[name](), test="Chisq").table
    assert list(found.index) == expected["rows"]
    assert list(found.columns) == [key for key in expected if key != "rows"]
    for column in found.columns:
        values = np.array(expected[column], dtype=float)
        assert found[column].to_numpy(float) == pytest.approx(values, rel=1e-5, abs=1e-7, nan_ok=True)


@pytest.mark.parametrize("test", ["Chisq", "F"])
def test_deletions_with_dispersion(test):
    expected = GOLDEN[f"drop1_gamma_{test}"]["table"]
    found = mere.drop1(MODELS["few_gamma"](), test=test).table
    assert list(found.index) == expected["rows"]
    assert list(found.columns) == [key for key in expected if key != "rows"]
    for column in found.columns:
        values = np.array(expected[column], dtype=float)
        assert found[column].to_numpy(float) == pytest.approx(values, rel=1e-6, nan_ok=True)
