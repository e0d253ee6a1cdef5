"""Rows BOS-5, 6, 9 to 11, 13 to 15, 17 and 53 of the checklist, to the digits of R."""

import json

import numpy as np
import pandas as pd
import pytest

import mere
from mere import datasets, families
from mere.errors import DataMessage

from ..parity.goldens import FIXTURES, table
from ..parity.test_robust import MODELS

pytestmark = pytest.mark.filterwarnings("ignore::mere.errors.MarginsMessage")
ROBUST = json.loads((FIXTURES / "robust.json").read_text(encoding="utf-8"))
GOLDEN = json.loads((FIXTURES / "seed_rows.json").read_text(encoding="utf-8"))
WARP = datasets.warpbreaks.iloc[3:].reset_index(drop=True)
KINDS = ("HC0", "HC1", "HC2", "HC3")


# -- robust covariances ----------------------------------------------------------------------
@pytest.mark.parametrize("name", ["warpbreaks_lm", "sleep_lm", "few_lm"])
def test_bos_5_white_covariances_are_those_of_sandwich(name):
    m = MODELS[name]()
    for kind in KINDS:
        expected = np.array(ROBUST[name]["HC"][kind])
        assert mere.vcov(m, type=kind).to_numpy() == pytest.approx(
            expected, rel=1e-10, abs=1e-10 * np.abs(expected).max()
        )


@pytest.mark.parametrize("name", ["warpbreaks_poisson", "ticks_poisson", "cbpp_probit", "cbpp_cloglog", "few_gamma"])
def test_bos_6_generalized_sandwich_is_vcovhcs(name):
    m = MODELS[name]()
    for kind in KINDS:
        expected = np.array(ROBUST[name]["HC"][kind])
        scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
        tolerance = 1e-8 if name != "few_gamma" else 1e-6  # R's working weights are one iteration behind
        assert (np.abs(mere.vcov(m, type=kind).to_numpy() - expected) < tolerance * scale).all(), kind


# -- Welch -----------------------------------------------------------------------------------
def test_bos_9_two_groups_are_welchs():
    extra = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2, 1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    d = pd.DataFrame({"extra": extra, "group": ["1"] * 10 + ["2"] * 10})
    row = mere.infer(mere.lm("extra ~ group", d), errors="unequal_var").table.loc["group2"]
    expected = ROBUST["welch_two"]
    assert (row["df"], row["se"], row["p_value"]) == pytest.approx(
        (expected["df"], expected["se"], expected["p"]), rel=1e-10
    )
    assert row["df"] == pytest.approx(17.7764735, abs=1e-7)


def test_bos_10_one_way_is_that_of_oneway_test():
    expected = ROBUST["welch_one_way"]
    m = mere.lm("weight ~ feed", pd.DataFrame(expected["data"]))
    row = mere.anova(m, vcov="Welch").table.loc["feed"]
    found = (row["F value"], row["NumDF"], row["DenDF"], row["Pr(>F)"])
    assert found == pytest.approx([expected[k] for k in ("F", "ndf", "ddf", "p")], rel=1e-8)


# -- Satterthwaite ---------------------------------------------------------------------------
MIXED = {
    "slopes": ("Reaction ~ Days + (Days | Subject)", "sleepstudy"),
    "uncorrelated": ("Reaction ~ Days + (Days || Subject)", "sleepstudy"),
    "intercepts": ("Reaction ~ Days + (1 | Subject)", "sleepstudy"),
    "cake": ("angle ~ recipe + temp + (1 | recipe:replicate)", "cake"),
    "oats": ("yield ~ Variety + nitro + (1 | Block/Variety)", "Oats"),
    "few": ("y ~ a + x + (1 | g)", "few_groups"),
}


def mixed(name):
    formula, data = MIXED[name]
    d = table(data)
    if data == "Oats":
        d = d.assign(nitro=pd.Categorical(d["nitro"].astype(str)))
    return mere.lmer(formula, d)


@pytest.mark.parametrize("name", MIXED)
def test_bos_11_contrasts_are_lmertests(name):
    expected = GOLDEN[f"contest_{name}"]
    found = mere.contest(mixed(name), np.array(expected["L"]), joint=False)
    assert found["Estimate"].to_numpy() == pytest.approx(expected["estimate"], rel=1e-5, abs=1e-6)
    assert found["Std. Error"].to_numpy() == pytest.approx(expected["se"], rel=1e-5)
    assert found["df"].to_numpy() == pytest.approx(expected["df"], rel=1e-3)


@pytest.mark.parametrize("name", MIXED)
def test_bos_11_derivatives_are_the_numeric_ones(name):
    """2 (L'CL)^2 / g'Ag, the gradient of C and the Hessian of the deviance by differences in (theta, log sigma)."""
    m, L = mixed(name), np.array(GOLDEN[f"contest_{name}"]["L"], dtype=float)
    f, n, p = m.objective, m.design.n, len(m.beta)

    def deviance(x):
        s = f.state(x[:-1])
        sigma2 = np.exp(2 * x[-1])
        free = n - p
        penalized = s.sigma**2 * free
        return (
            f.value(x[:-1])
            - free * (1 + np.log(2 * np.pi * s.sigma**2))
            + penalized / sigma2
            + free * np.log(2 * np.pi * sigma2)
        )

    def covariance(x):
        s = f.state(x[:-1])
        inverse = np.linalg.inv(s.RX)
        return np.exp(2 * x[-1]) * inverse @ inverse.T

    at = np.append(m.par, np.log(m.sigma))
    free = [i for i in range(len(at)) if i >= len(m.par) or m.par[i] > 1e-8 or f.layout.lower[i] < 0]

    def moved(i, h):
        out = at.copy()
        out[i] += h
        return out

    h = 1e-3
    k = len(free)
    H, grads = np.empty((k, k)), []
    for a, i in enumerate(free):
        steps = [(covariance(moved(i, s * h)) - covariance(moved(i, -s * h))) / (2 * s * h) for s in (1, 2)]
        grads.append((4 * steps[0] - steps[1]) / 3)
        for b, j in enumerate(free[: a + 1]):
            each = []
            for s in (1, 2):
                e = s * h
                corners = [deviance(moved(i, u * e) + moved(j, v * e) - at) for u in (1, -1) for v in (1, -1)]
                each.append((corners[0] - corners[1] - corners[2] + corners[3]) / (4 * e * e))
            H[a, b] = H[b, a] = (4 * each[0] - each[1]) / 3
    A, C = 2 * np.linalg.inv(H), covariance(at)
    for row, df in zip(L, mere.contest(m, L, joint=False)["df"], strict=True):
        g = np.array([row @ G @ row for G in grads])
        assert df == pytest.approx(2 * (row @ C @ row) ** 2 / (g @ A @ g), rel=1e-4)


# -- joint tests, means, contrasts ---------------------------------------------------------------
def coded(kind, code=None):
    given = {"contrasts": {"wool": code, "tension": code}} if code else {}
    if kind == "lm":
        return mere.lm("breaks ~ wool * tension", WARP, **given)
    return mere.glm("breaks ~ wool * tension", WARP, kind, epsilon=1e-14, **given)


@pytest.mark.parametrize("code", ["treatment", "sum", "helmert"])
@pytest.mark.parametrize("kind", ["lm", "poisson"])
def test_bos_13_joint_tests_are_those_of_emmeans(kind, code):
    found, expected = mere.joint_tests(coded(kind, code)).to_frame(), GOLDEN[f"joint_{kind}_{code}"]
    assert found["model term"].astype(str).to_list() == expected["model term"]
    assert found["df1"].to_list() == expected["df1"]
    assert found["p.value"].to_numpy(float) == pytest.approx(expected["p.value"], rel=1e-6)
    assert found["F.ratio"].to_numpy(float) == pytest.approx(expected["F.ratio"], abs=5.1e-4)  # R rounds them


def cake():
    d = datasets.cake.iloc[4:].reset_index(drop=True)
    return mere.lmer("angle ~ recipe * temp + (1 | recipe:replicate)", d)


def assert_table(found, expected, estimate):
    df = np.array([np.inf if x in (None, "Inf") else x for x in expected["df"]], dtype=float)
    assert found[estimate].to_numpy(float) == pytest.approx(expected[estimate], rel=1e-6, abs=1e-6)
    assert found["SE"].to_numpy(float) == pytest.approx(expected["SE"], rel=1e-6)
    assert found["df"].to_numpy(float) == pytest.approx(df, rel=1e-3)


@pytest.mark.parametrize("name", ["lm", "poisson", "cake"])
def test_bos_14_means_and_contrasts_are_those_of_emmeans(name):
    m = cake() if name == "cake" else coded(name)
    options = {"lmer_df": "satterthwaite"} if name == "cake" else {}
    means = mere.emmeans(m, "~ recipe" if name == "cake" else "~ tension | wool", **options)
    assert_table(means.to_frame(), GOLDEN[f"means_{name}"], "emmean")
    pairs = mere.summary(mere.pairs(means), infer=(True, True)).to_frame()
    assert_table(pairs, GOLDEN[f"pairs_{name}"], "estimate")
    assert pairs["p.value"].to_numpy(float) == pytest.approx(GOLDEN[f"pairs_{name}"]["p.value"], abs=1e-4)


def test_bos_14_slopes_are_those_of_emtrends():
    found = mere.emtrends(cake(), "~ recipe", "temp", lmer_df="satterthwaite").to_frame()
    assert_table(found, GOLDEN["slopes_cake"], "temp.trend")


@pytest.mark.parametrize("adjust", ["tukey", "bonferroni", "sidak", "mvt", "scheffe", "none", "dunnett"])
def test_bos_15_multiplicity_is_that_of_emmeans(adjust):
    means, expected = mere.emmeans(coded("lm"), "~ tension | wool"), GOLDEN[f"adjust_{adjust}"]
    if adjust == "dunnett":
        asked = mere.contrast(means, "trt.vs.ctrl", adjust="dunnettx")
    else:
        asked = mere.pairs(means, adjust=adjust)
    found = mere.summary(asked, infer=(True, True)).to_frame()
    tolerance = 2e-3 if adjust == "mvt" else 1e-4
    assert found["p.value"].to_numpy(float) == pytest.approx(expected["p.value"], abs=tolerance)
    for end in ("lower.CL", "upper.CL"):
        assert found[end].to_numpy(float) == pytest.approx(
            expected[end], abs=tolerance * (50 if adjust == "mvt" else 5)
        )
    outside = (found["lower.CL"] > 0) | (found["upper.CL"] < 0)
    assert (outside == (found["p.value"] < 0.05)).all()


# -- predictions -----------------------------------------------------------------------------------
def test_bos_17_intervals_of_lm_are_those_of_predict():
    expected = GOLDEN["predict_lm"]
    found = mere.infer(
        mere.lm("Reaction ~ Days", datasets.sleepstudy), newdata=pd.DataFrame({"Days": expected["Days"]})
    ).table
    assert found[["fitted", "ci_lower", "ci_upper"]].to_numpy() == pytest.approx(np.array(expected["table"]), rel=1e-10)
    assert found["se"].to_numpy() == pytest.approx(expected["se"], rel=1e-10)


def test_bos_17_errors_of_glm_are_those_of_predict():
    expected, d = GOLDEN["predict_poisson"], datasets.warpbreaks
    m = mere.glm("breaks ~ wool + tension", d, families.poisson(), epsilon=1e-14)
    found = mere.infer(m, newdata=d.iloc[[0, 19, 39]]).table
    assert found["fitted"].to_numpy() == pytest.approx(expected["fit"], rel=1e-8)
    assert found["se"].to_numpy() == pytest.approx(expected["se"], rel=1e-8)


# -- comforts ----------------------------------------------------------------------------------------
def test_bos_53_comparisons_and_predictions_are_lme4s():
    expected, sleep = GOLDEN["comforts"], datasets.sleepstudy
    m, small = (mere.lmer(f"Reaction ~ {x} + (Days | Subject)", sleep) for x in ("Days", "1"))
    with pytest.warns(DataMessage, match="refitting"):
        found = mere.anova(small, m).table
    for column in ("AIC", "BIC", "logLik", "Chisq", "Pr(>Chisq)"):
        want = np.array([np.nan if x in ("NA", None) else x for x in expected["anova"][column]], dtype=float)
        assert found[column].to_numpy(float) == pytest.approx(want, rel=1e-6, nan_ok=True), column
    ml = mere.refitML(m)
    assert ml.criterion == pytest.approx(expected["ml"]["criterion"], rel=1e-8)
    assert ml.beta == pytest.approx(expected["ml"]["beta"], rel=1e-6)
    new = pd.DataFrame(expected["newdata"])
    for key, form in (("with", None), ("without", False), ("intercepts", "~ (1 | Subject)")):
        assert mere.predict(m, new, re_form=form).to_numpy() == pytest.approx(expected[key], rel=1e-6), key
