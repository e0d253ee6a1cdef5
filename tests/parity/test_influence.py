"""Deletion diagnostics, bootstrap moments and intervals against lme4 and boot (r_parity/influence.R)."""

import warnings

import numpy as np
import pytest

import mere
from mere.inference.bootstrap_intervals import acceleration, bootstrap_interval

from .goldens import array, golden, table

CASES = {case["id"]: case for case in golden("whatif", "influence")["cases"]}
BOOT = {case["id"]: case for case in golden("whatif", "bootstrap")["cases"]}


def fit(case):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mere.lmer(case["formula"], table(case["data"]))


def close(got, want, tol):
    got = np.asarray(got, dtype=float)
    want = np.array(want, dtype=float).reshape(got.shape)  # R drops one column to a vector
    scale = np.abs(want).max(axis=0)
    assert (np.abs(got - want) <= tol * scale).all(), np.abs(got - want).max(axis=0) / scale


@pytest.mark.parametrize("name", CASES)
def test_deletions(name):
    case = CASES[name]
    m = fit(case)
    i = mere.influence(m, case.get("groups"))
    rows, tol = len(case["cooks"]), case["tolerance"]
    assert len(i.fixed_deleted) == case["cases"]
    close(mere.dfbeta(i).iloc[:rows], case["dfbeta"], tol)
    if case["dfbetas"]:
        close(mere.dfbetas(i).iloc[:rows], case["dfbetas"], tol)
    close(mere.cooks_distance(i).iloc[:rows], case["cooks"], 2 * tol)
    rows = len(case["model"]["hat"])
    close(mere.cooks_distance(m).iloc[:rows], case["model"]["cooks"], 1e-4)
    close(mere.rstudent(m).iloc[:rows], case["model"]["rstudent"], 1e-5)
    close(mere.hatvalues(m).iloc[:rows], case["model"]["hat"], 1e-5)


def test_a_linear_model():
    gold = golden("whatif", "influence")["linear"]
    m = mere.lm("Reaction ~ Days", table("sleepstudy"), weights="1 + Days / 3")
    close(mere.dfbeta(m), gold["dfbeta"], 1e-9)
    close(mere.dfbetas(m), gold["dfbetas"], 1e-9)
    close(mere.cooks_distance(m), gold["cooks"], 1e-9)
    close(mere.rstudent(m), gold["rstudent"], 1e-9)
    close(mere.influence(m).sigma, gold["sigma"], 1e-9)


@pytest.mark.parametrize("name", BOOT)
def test_moments_within_monte_carlo_error(name):
    """Means and standard deviations, each within 4.5 of its standard error, both sides counted."""
    case = BOOT[name]
    m = fit(case)
    n = 4 * case["nsim"]
    b = mere.bootMer(m, nsim=n, seed=1, use_u=case["use_u"], type=case["type"])
    both = (mere.confint(m, method="Wald", signames=s).index for s in (True, False))
    ours = dict(zip(*both, strict=True))
    names = [ours[name] for name in case["names"]]
    got = b.t[names]
    np.testing.assert_allclose(b.t0[names], case["t0"], rtol=1e-3)
    error = array(case["sd"]) * np.sqrt(1 / case["nsim"] + 1 / n)
    assert (np.abs(got.mean() - array(case["mean"])) < 4.5 * error).all()
    kurtosis = ((got - got.mean()) ** 4).mean() / got.var() ** 2
    spread = array(case["sd"]) * np.sqrt((kurtosis - 1) / 4 * (1 / case["nsim"] + 1 / n))
    assert (np.abs(got.std() - array(case["sd"])) < 4.5 * spread).all()


@pytest.mark.parametrize("kind", ["perc", "basic", "norm", "bca"])
def test_intervals_of_boot_ci(kind):
    gold = golden("whatif", "bootstrap")["intervals"]
    got = bootstrap_interval(array(gold["t"]), gold["t0"], gold["level"], kind, acceleration(array(gold["jackknife"])))
    np.testing.assert_allclose(got, gold[kind], rtol=1e-7)
