"""Rows BOS-4 to BOS-11 of the checklist: standard errors, degrees of freedom and tests in closed form."""

import numpy as np
import pandas as pd
import pytest

import mere
from mere import datasets
from mere.errors import MereValueError
from mere.inference.cluster_scores import cluster_scores, score_covariance
from mere.inference.clusters import cluster_codes, cluster_rows

SLEEP = datasets.sleepstudy


@pytest.fixture(scope="module")
def slopes():
    return mere.lmer("Reaction ~ Days + (Days | Subject)", SLEEP)


@pytest.fixture(scope="module")
def herds():
    return mere.glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", datasets.cbpp, "binomial")


def test_bos_4_wald_t(slopes):
    table = mere.summary(slopes).coefficients
    assert table["Std. Error"].to_numpy() == pytest.approx(
        [6.82459669, 1.54578964], abs=5e-5
    )  # of a fit that stops early
    assert table["df"].to_numpy() == pytest.approx([17.0, 17.0], abs=1e-3)
    assert table.loc["Days", "Pr(>|t|)"] == pytest.approx(3.2638e-06, abs=1e-9)


def test_bos_4_families_without_dispersion_are_normal(herds):
    assert np.isinf(mere.contest(herds, [0, 1, 0, 0], joint=False)["df"]).all()
    line = mere.lm("Reaction ~ Days", SLEEP)
    assert mere.contest(line, [0, 1], joint=False)["df"].to_list() == [178]


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3"])
def test_bos_5_white_covariances_are_the_textbook_sandwich(kind):
    m = mere.lm("breaks ~ wool * tension", datasets.warpbreaks)
    X, e = mere.model_matrix(m).to_numpy(), mere.residuals(m).to_numpy()
    bread = np.linalg.inv(X.T @ X)
    h = np.einsum("ij,jk,ik->i", X, bread, X)
    n, p = X.shape
    omega = {"HC0": e**2, "HC1": e**2 * n / (n - p), "HC2": e**2 / (1 - h), "HC3": e**2 / (1 - h) ** 2}[kind]
    expected = bread @ (X.T * omega) @ X @ bread
    assert mere.vcov(m, type=kind).to_numpy() == pytest.approx(expected, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_bos_6_generalized_sandwich_does_not_depend_on_units(scale):
    d = datasets.grouseticks
    rows = []
    for unit in (1.0, scale):
        m = mere.glm("TICKS ~ YEAR + h", d.assign(h=d["cHEIGHT"] * unit), "poisson")
        V = mere.vcov(m, type="HC3").to_numpy()
        rows.append(V[-1, -1] * unit**2)
    assert rows[1] == pytest.approx(rows[0], rel=1e-6)


def test_bos_7_cluster_robust_sleepstudy(slopes):
    expected = {"CR0": 1.502237, "CR1": 1.545789, "CR2": 1.545789, "CR3": 1.590604}
    for kind, se in expected.items():
        V = mere.vcov(slopes, type=kind).to_numpy()
        assert np.sqrt(V[1, 1]) == pytest.approx(se, abs=1e-6)
    assert mere.contest(slopes, [0, 1], joint=False, vcov="CR2")["df"].iloc[0] == pytest.approx(17, abs=1e-3)


@pytest.mark.filterwarnings("ignore:Model failed to converge")  # at their start, on purpose
def test_bos_8_scores_are_derivatives_of_the_clusters_likelihoods(herds):
    """Each cluster's log-likelihood by itself, differenced; the scores sum to zero at the estimates."""
    codes = cluster_codes(herds.design, None)
    scores = cluster_scores(herds, codes)
    assert abs(scores.sum(axis=0)).max() < 1e-4 * np.abs(scores).max()
    at = np.concatenate([herds.theta, herds.beta])
    d = datasets.cbpp
    whole = mere.glmer(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)", d, "binomial",
        control=mere.glmerControl(optimizer=None),
    ).objective  # fmt: skip
    step = 1e-5
    for i, rows in enumerate(cluster_rows(codes)):
        rest = np.setdiff1d(np.arange(len(d)), rows)
        own = mere.glmer(
            "cbind(incidence, size - incidence) ~ period + (1 | herd)", d.iloc[rest].reset_index(drop=True), "binomial",
            control=mere.glmerControl(optimizer=None),
        ).objective  # fmt: skip
        for j in range(len(at)):
            change = np.eye(len(at))[j] * step

            def cluster(par, own=own):
                return -0.5 * (whole.value(par) - own.value(par))

            slope = (cluster(at + change) - cluster(at - change)) / (2 * step)
            assert scores[i, j] == pytest.approx(slope, abs=2e-5)
        if i == 3:
            break
    V = score_covariance(herds, codes)
    inverse = np.linalg.inv(herds.optinfo.hessian / 2)
    expected = (inverse @ scores.T @ scores @ inverse)[1:, 1:]
    assert pytest.approx(expected, rel=1e-8) == V
    assert mere.vcov(herds, type="CR0").to_numpy() == pytest.approx(expected, rel=1e-8)


def test_bos_8_aliased_columns_within_a_cluster():
    """A covariate that is constant within clusters has a score all the same."""
    rng = np.random.default_rng(8)
    d = pd.DataFrame({"g": np.repeat(np.arange(12), 6), "x": np.repeat(rng.normal(size=12), 6)})
    d["y"] = rng.poisson(np.exp(0.3 * d["x"] + 0.4 * np.repeat(rng.normal(size=12), 6)))
    m = mere.glmer("y ~ x + (1 | g)", d, "poisson")
    V = mere.vcov(m, type="CR0").to_numpy()
    assert np.linalg.eigvalsh(V)[0] > 0


def test_bos_8_working_form(herds):
    """CR2 and its degrees of freedom are those of the model linearized at its estimates."""
    test = mere.contest(herds, np.eye(4), joint=False, vcov="CR2")
    assert (test["df"] < 15).all() and (test["df"] > 5).all()
    robust, model = np.diag(mere.vcov(herds, type="CR2")), np.diag(mere.vcov(herds))
    assert (np.abs(np.log(robust / model)) < 1.2).all()


def test_bos_9_welch_errors(slopes):
    d = pd.DataFrame({"y": [1.0, 2, 3, 4, 6], "a": list("uuvvw"), "x": [1.0, 2, 3, 1, 2]})
    with pytest.raises(MereValueError, match="a = w has 1 row"):
        mere.vcov(mere.lm("y ~ a", d), type="Welch")
    with pytest.raises(MereValueError, match="needs a factor"):
        mere.vcov(mere.lm("y ~ x", d), type="Welch")
    with pytest.raises(MereValueError, match="'HC0'"):
        mere.vcov(mere.glm("breaks ~ wool", datasets.warpbreaks, "poisson"), type="unequal_var")
    with pytest.raises(MereValueError, match="'CR0'"):
        mere.vcov(slopes, type="Welch")


def test_bos_10_welch_does_not_depend_on_the_coding():
    d = datasets.warpbreaks
    p = [
        mere.anova(mere.lm("breaks ~ tension", d, contrasts={"tension": c}), vcov="Welch").table.loc["tension"]
        for c in ("treatment", "sum", "helmert")
    ]
    assert p[1].to_numpy() == pytest.approx(p[0].to_numpy(), rel=1e-10)
    assert p[2].to_numpy() == pytest.approx(p[0].to_numpy(), rel=1e-10)


def test_bos_10_degrees_of_freedom_by_moments():
    """2E/(E - q), E = sum nu/(nu - 2), of the contrasts that are independent; equal nu stay what they are."""
    d = datasets.warpbreaks
    m = mere.lm("breaks ~ tension", d)
    row, johansen = (mere.anova(m, vcov=kind).table.loc["tension"] for kind in ("Welch-FC", "Welch"))
    V = mere.vcov(m, type="Welch").to_numpy()
    T = float(m.beta[1:] @ np.linalg.solve(V[1:, 1:], m.beta[1:]))
    assert row["F value"] == pytest.approx(T / 2, rel=1e-10)
    assert row["DenDF"] != pytest.approx(johansen["DenDF"], rel=1e-3)
    assert row["DenDF"] == pytest.approx(johansen["DenDF"], rel=0.5)
    assert row["Pr(>F)"] == pytest.approx(johansen["Pr(>F)"], abs=0.02)
    # two groups: both are Welch's t
    two = mere.lm("breaks ~ wool", d)
    a, b = (mere.anova(two, vcov=kind).table.loc["wool"] for kind in ("Welch-FC", "Welch"))
    assert a.to_numpy() == pytest.approx(b.to_numpy(), rel=1e-10)
    # equal degrees of freedom of every contrast: balanced cells with equal variances
    rng = np.random.default_rng(10)
    e = rng.normal(size=12)
    e = (e - e.mean()) / e.std(ddof=1)
    same = pd.DataFrame({"g": np.repeat(list("abc"), 12), "y": np.concatenate([e, e + 1, e - 0.5])})
    test = mere.anova(mere.lm("y ~ g", same), vcov="Welch-FC").table.loc["g"]
    contrasts = mere.contest(mere.lm("y ~ g", same), [[0, 1, 0], [0, -0.5, 1]], joint=False, vcov="Welch-FC")["df"]
    E = (contrasts / (contrasts - 2)).sum()
    assert test["DenDF"] == pytest.approx(2 * E / (E - 2), rel=1e-8)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_bos_11_satterthwaite_does_not_depend_on_units(slopes, scale):
    m = mere.lmer("y ~ Days + (Days | Subject)", SLEEP.assign(y=SLEEP["Reaction"] * scale))
    L = [[1, 0], [0, 1], [1, 3]]
    found = mere.contest(m, L, joint=False)["df"].to_numpy()
    assert found == pytest.approx(mere.contest(slopes, L, joint=False)["df"].to_numpy(), rel=1e-6)
