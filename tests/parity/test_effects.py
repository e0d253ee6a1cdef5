"""Tests of effects against lmerTest, pbkrtest and clubSandwich (fixtures/inference, r_parity/tests_of_effects.R)."""

from __future__ import annotations

import functools
import json
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mere
from mere.inference.methods import reference_of
from mere.inference.reference import moment_df

from ..texts import assert_same_text
from .goldens import FIXTURES, array, golden, names, table

CASES = names("inference")
Golden = dict[str, Any]


@functools.cache
def model(name: str) -> Any:
    gold = golden("inference", name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mere.lmer(gold["formula"], table(gold["data"]), **dict(gold["arguments"]))


def having(part: str) -> list[str]:
    return [name for name in CASES if golden("inference", name).get(part)]


def check(got: Any, want: Any, tol: float, what: str, scale: Any = None) -> None:
    """Relative to `scale`, by default to each value; missing values must be missing in both."""
    got, want = np.asarray(got, float).ravel(), array(want)
    assert got.shape == want.shape, f"{what}: {got.shape} values, R has {want.shape}"
    assert (np.isnan(got) == np.isnan(want)).all(), f"{what}: missing in one only: {got}, R has {want}"
    size = np.abs(want) if scale is None else np.broadcast_to(scale, want.shape)
    error = np.abs(got - want) / np.maximum(size, 1e-12)
    error = error[~np.isnan(want)]
    assert error.size == 0 or error.max() <= tol, f"{what}: {got}, R has {want}; error {error.max():.2e} > {tol:.0e}"


def better(m: Any, gold: Golden) -> bool:
    """Did lme4 stop above our optimum?"""
    got = mere.REMLcrit(m) if gold["REML"] else -2 * float(mere.logLik(m))
    assert got <= gold["criterion"] + 1e-6 * (1 + abs(gold["criterion"]))
    return got < gold["criterion"] - 1e-5


@pytest.mark.parametrize("name", CASES)
def test_coefficients(name: str) -> None:
    gold, m = golden("inference", name), model(name)
    tol, want = gold["tolerance"], gold["summary"]
    got = mere.summary(m).coefficients
    assert list(got.index) == gold["names"]
    se = array(want["Std. Error"])
    check(got["Estimate"], want["Estimate"], tol["value"], "estimates", se)
    check(got["Std. Error"], want["Std. Error"], tol["value"] * 10, "standard errors")
    check(got["df"], want["df"], tol["df"], "df")
    check(got["Pr(>|t|)"], want["Pr(>|t|)"], 100 * tol["df"], "p", np.maximum(array(want["Pr(>|t|)"]), 1e-3))


@pytest.mark.parametrize("name", having("anova"))
@pytest.mark.parametrize("type", ["I", "II", "III"])
def test_anova(name: str, type: str) -> None:
    gold, m = golden("inference", name), model(name)
    if type not in gold["anova"]:
        pytest.skip("R's table is not kept")
    want, tol = gold["anova"][type], gold["tolerance"]
    got = mere.anova(m, type=type).table
    assert list(got.index) == want["rows"]
    check(got["NumDF"], want["NumDF"], 0, "NumDF")
    check(got["F value"], want["F value"], 20 * tol["value"], "F", np.maximum(array(want["F value"]), 1.0))
    one = np.array(want["NumDF"]) == 1
    check(got["DenDF"][one], array(want["DenDF"])[one], tol["df"], "DenDF of single contrasts")
    # which q contrasts represent a hypothesis is a choice: lmerTest's depends on how it is written
    check(got["DenDF"], want["DenDF"], tol["joint_df"], "DenDF")


@pytest.mark.parametrize("name", having("anova"))
@pytest.mark.parametrize("type", ["I", "II", "III"])
def test_hypotheses_span_the_same(name: str, type: str) -> None:
    gold, m = golden("inference", name), model(name)
    if type not in gold["anova"]:
        pytest.skip("R's table is not kept")
    ours = mere.show_tests(m, type=type)
    for label, L in (gold["anova"][type]["L"] or {}).items():
        want, got = np.atleast_2d(np.array(L, float)), ours[label].to_numpy()
        scale = np.linalg.norm(m.design.X, axis=0)
        Q = np.linalg.qr((got / scale).T)[0]
        want = want / scale
        want = want / np.linalg.norm(want, axis=1, keepdims=True)
        assert np.abs(want - want @ Q @ Q.T).max() < 1e-6, label


@pytest.mark.parametrize("name", having("anova"))
def test_joint_df_in_the_basis_of_lmerTest(name: str) -> None:
    """With lmerTest's own L the eigenvectors of L V L' give its denominator df."""
    gold, m = golden("inference", name), model(name)
    reference = reference_of(m)
    want = gold["anova"]["III"]
    for label, ddf, ndf in zip(want["rows"], want["DenDF"], want["NumDF"], strict=True):
        L = np.atleast_2d(np.array(want["L"][label], float))
        values, vectors = np.linalg.eigh(L @ reference.V @ L.T)
        keep = values > 1e-8 * values.max()
        gaps = np.diff(values[keep]) / values[keep][1:] if keep.sum() > 1 else np.ones(1)
        if gaps.min(initial=1.0) < 1e-6:
            continue  # equal eigenvalues: the eigenvectors are arbitrary
        assert keep.sum() == ndf
        check([moment_df(reference.df(vectors[:, keep].T @ L))], [ddf], 3 * gold["tolerance"]["df"], label)


@pytest.mark.parametrize("name", having("kr"))
def test_kenward_roger(name: str) -> None:
    gold, m = golden("inference", name), model(name)
    tol = gold["tolerance"]
    got = mere.summary(m, ddf="Kenward-Roger").coefficients
    check(got["Std. Error"], gold["kr"]["Std. Error"], 10 * tol["value"], "standard errors")
    check(got["df"], gold["kr"]["df"], 50 * tol["value"], "df")
    size = np.abs(np.diag(np.array(gold["vcovAdj"])))
    check(
        mere.vcovAdj(m),
        np.array(gold["vcovAdj"]).ravel(),
        20 * tol["value"],
        "vcovAdj",
        np.sqrt(np.outer(size, size)).ravel(),
    )
    if not gold["anova_kr"]["rows"]:
        return
    table, want = mere.anova(m, ddf="Kenward-Roger").table, gold["anova_kr"]
    assert list(table.index) == want["rows"]
    F = np.maximum(array(want["F value"]), 1.0)
    check(table["F value"], want["F value"], 50 * tol["value"], "F", F)
    check(table["DenDF"], want["DenDF"], 100 * tol["value"], "DenDF")
    check(table["Mean Sq"], want["Mean Sq"], 50 * tol["value"], "Mean Sq", m.sigma**2 * F)


@pytest.mark.parametrize("name", having("krmodcomp"))
def test_kr_modcomp(name: str) -> None:
    gold, m = golden("inference", name), model(name)
    want = gold["krmodcomp"]
    got = mere.KRmodcomp(m, np.eye(len(m.beta))[1:]).test
    for column in ("stat", "ndf", "ddf", "F.scaling"):
        check(got[column], want[column], 100 * gold["tolerance"]["value"], column)
    check(got["p.value"], want["p.value"], 1e-2, "p", np.maximum(array(want["p.value"]), 1e-6))


@pytest.mark.parametrize("name", having("robust"))
def test_cluster_robust(name: str) -> None:
    gold, m = golden("inference", name), model(name)
    tol = 20 * gold["tolerance"]["value"]
    for type, V in gold["robust"].items():
        size = np.sqrt(np.abs(np.diag(np.array(V, float).reshape(len(m.beta), -1))))
        check(mere.vcov(m, type=type), np.array(V).ravel(), tol, type, np.outer(size, size).ravel())
    t = mere.contest(m, np.eye(len(m.beta)), joint=False, vcov="CR2")
    check(t["Std. Error"], gold["cr2"]["SE"], tol, "SE")
    check(t["df"], gold["cr2"]["df"], tol, "df")
    if "htz" in gold and gold["htz"]["F"] is not None:
        f = mere.contest(m, np.eye(len(m.beta))[1:], vcov="CR2").iloc[0]
        check([f["F value"], f["NumDF"], f["DenDF"]], [gold["htz"][k] for k in ("F", "ndf", "ddf")], 2 * tol, "HTZ")


@pytest.mark.parametrize("name", having("ls_means"))
@pytest.mark.parametrize("what", ["ls_means", "difflsmeans"])
def test_means(what: str, name: str) -> None:
    gold, m = golden("inference", name), model(name)
    if not gold.get(what):
        pytest.skip("there are none")
    want, tol = gold[what], gold["tolerance"]
    got = getattr(mere, what)(m).table
    assert list(got.index) == want["rows"]
    se = array(want["Std. Error"])
    for column in ("Estimate", "lower", "upper"):
        check(got[column], want[column], 10 * max(tol["value"], tol["df"] / 10), column, se)
    check(got["Std. Error"], want["Std. Error"], 10 * tol["value"], "SE")
    check(got["df"], want["df"], 2 * tol["df"], "df")


@pytest.mark.parametrize("name", having("drop1"))
def test_drop1(name: str) -> None:
    gold, m = golden("inference", name), model(name)
    want, tol = gold["drop1"], gold["tolerance"]
    got = mere.drop1(m).table
    assert list(got.index) == want["rows"]
    check(got["F value"], want["F value"], 20 * tol["value"], "F", np.maximum(array(want["F value"]), 1.0))
    check(got["DenDF"], want["DenDF"], tol["joint_df"], "DenDF")


@pytest.mark.parametrize("name", having("ranova"))
def test_ranova(name: str) -> None:
    gold, m = golden("inference", name), model(name)
    want, got = gold["ranova"], mere.ranova(m).table
    assert list(got.index) == want["rows"]
    check(got["npar"], want["npar"], 0, "npar")
    check(got["Df"], want["Df"], 0, "Df")
    ours, theirs = got["logLik"].to_numpy(), array(want["logLik"])
    assert (ours >= theirs - 1e-5 * (1 + np.abs(theirs))).all()  # lme4 may stop below the maximum
    same = np.abs(ours - theirs) < 1e-4
    assert same.mean() >= 0.5
    check(got["LRT"][same & same[0]], array(want["LRT"])[same & same[0]], 4e-4, "LRT", 1.0)


TEXTS = {
    "summary": lambda m: mere.summary(m),
    "summary_kr": lambda m: mere.summary(m, ddf="Kenward-Roger"),
    "anova": lambda m: mere.anova(m),
    "anova_kr": lambda m: mere.anova(m, ddf="Kenward-Roger"),
    "ls_means": lambda m: mere.ls_means(m),
    "difflsmeans": lambda m: mere.difflsmeans(m),
    "ranova": lambda m: mere.ranova(m),
    "drop1": lambda m: mere.drop1(m),
    "step": lambda m: mere.step(m),
}


@pytest.mark.parametrize("name", having("text"))
@pytest.mark.parametrize("what", list(TEXTS))
def test_printed(what: str, name: str) -> None:
    lines = golden("inference", name)["text"].get(what)
    if not lines:
        pytest.skip("R's output is not kept")
    want = "\n".join(lines)
    got = str(TEXTS[what](model(name)))
    head, note, rest = got.partition("\nCorrelation matrix not shown by default")
    got = head + "\n".join(rest.split("\n")[4:]) if note else got
    assert_same_text(got.rstrip("\n"), want.rstrip("\n"), ulp=2)


def test_lme4_did_not_win() -> None:
    """Our criterion is never above lme4's."""
    for name in CASES:
        better(model(name), golden("inference", name))


def test_case_count() -> None:
    assert len(CASES) >= 25
    assert isinstance(mere.summary(model(CASES[0])).coefficients, pd.DataFrame)


VARIANCES = json.loads((FIXTURES / "variance_tests.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", VARIANCES["cases"], ids=lambda c: f"{c['call'][5:9]}-{c['formula']}")
def test_simulated_p_of_one_variance(case):
    m = mere.lmer(case["formula"], table(case["data"]), REML=case["reml"])
    found = mere.ranova(m, boundary="simulate", nsim=100_000, seed=3).table.loc[case["term"]]
    assert found["LRT"] == pytest.approx(case["statistic"], abs=VARIANCES["tolerance"]["statistic"])
    p = case["p"]
    several = 0.02 * p if case["formula"].count("|") > 1 else 0.0
    assert abs(found["Pr(>simulated)"] - p) < VARIANCES["tolerance"]["p"] * np.sqrt(p * (1 - p) / 1e5) + several
