"""Row RND-33 of the checklist: autoregressive errors within panels."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mere
from mere.errors import MereValueError
from mere.inference.permutation.methods import geometry
from mere.inference.permutation.nulls import null_rows, rows_of
from mere.inference.permutation.serial import Serial, autocorrelations, estimate_serial, read_panels

pytestmark = pytest.mark.filterwarnings("ignore::mere.errors.SingularFitMessage")

GOLDEN = json.loads((Path(__file__).parents[2] / "fixtures" / "serial_errors.json").read_text(encoding="utf-8"))


def golden_data():
    d = pd.DataFrame(GOLDEN["data"])
    return d.assign(g=d["g"].astype(int).astype(str))


def panels_of(d):
    return read_panels(pd.factorize(d["g"])[0], d["t"].to_numpy())


def autoregressive(rng, panels, size, rho):
    e = rng.normal(size=(panels, size))
    for t in range(1, size):
        e[:, t] = rho * e[:, t - 1] + np.sqrt(1 - rho**2) * e[:, t]
    return e.ravel()


def panel_data(rng, panels=20, size=10, rho=0.6):
    """x and the errors autoregressive, no effect of x; w a confounder."""
    g = np.repeat(np.arange(panels), size)
    d = pd.DataFrame({"g": g.astype(str), "t": np.tile(np.arange(size), panels), "w": rng.normal(size=g.size)})
    d["x"] = autoregressive(rng, panels, size, rho) + 0.5 * d["w"]
    return d.assign(y=0.5 * d["w"] + autoregressive(rng, panels, size, rho))


@pytest.mark.parametrize("name", ["ar1", "ar1_weights", "ar2", "mixed"])
def test_rnd_33_estimates_of_nlme(name):
    """Restricted likelihood, gaps in the times, rows in no order: gls and lme."""
    expected, d = GOLDEN["fits"][name], golden_data()
    formula = "y ~ x + z" + (" + (1 | g)" if name == "mixed" else "")
    weights = d["w"] if name == "ar1_weights" else None
    m = (mere.lmer if name == "mixed" else mere.lm)(formula, d, weights=weights)
    w = np.ones(len(d)) if weights is None else weights.to_numpy()
    serial = estimate_serial(m.design, panels_of(d), 2 if name == "ar2" else 1, np.sqrt(w), True, None)
    assert serial.phi == pytest.approx(expected["phi"], abs=GOLDEN["tolerance"]["value"])
    theta = np.array([expected["sd"] / expected["sigma"]]) if name == "mixed" else np.zeros(0)
    rows = rows_of(m.design, w, m.design.y, theta, serial)
    beta, rss, *_ = np.linalg.lstsq(rows.X, rows.y, rcond=None)
    s2 = rss[0] / (len(d) - 3)
    assert beta == pytest.approx(expected["beta"], abs=1e-4)
    assert np.sqrt(s2 * np.diag(np.linalg.inv(rows.X.T @ rows.X))) == pytest.approx(expected["se"], rel=1e-3)
    assert np.sqrt(s2) == pytest.approx(expected["sigma"], rel=1e-3)


def test_rnd_33_whitening():
    """W V W' = I for V of random effects and autoregressive errors, with a gap; and back."""
    d = golden_data()
    m = mere.lmer("y ~ x + (x | g)", d)
    panels, partial = panels_of(d), np.array([0.5, -0.3])
    serial = Serial.at(panels, partial)
    theta = np.array([0.7, 0.2, 0.5])
    W = rows_of(m.design, np.ones(108), m.design.y, theta, serial).whiten
    t, g, x = d["t"].to_numpy(), d["g"].to_numpy(), d["x"].to_numpy()
    same, distance = g[:, None] == g, np.abs(t[:, None] - t)
    r = autocorrelations(partial, 8)
    Lambda = np.array([[0.7, 0], [0.2, 0.5]])
    z = np.column_stack([np.ones(108), x]) @ Lambda
    V = same * (r[distance] + z @ z.T)
    root = W(np.eye(108))
    assert root @ V @ root.T == pytest.approx(np.eye(108), abs=1e-9)
    assert W.back(W(x)) == pytest.approx(x, abs=1e-10)
    assert serial.logdet == pytest.approx(np.linalg.slogdet(same * r[distance])[1], abs=1e-9)
    # the Yule-Walker equations of the coefficients
    assert r[1] == pytest.approx(serial.phi @ r[[0, 1]], abs=1e-12)
    assert r[2] == pytest.approx(serial.phi @ r[[1, 0]], abs=1e-12)


def test_rnd_33_the_test_is_of_the_whitened_rows():
    d = golden_data()
    m = mere.lm("y ~ x + z", d)
    t = mere.permutation_test(m, "x", errors="ar1", panels="g", times="t", n_perm=99, seed=1)
    rows = null_rows(m, np.array([1]), panels_of(d), 1)
    assert t.phi.loc["x"].to_numpy() == pytest.approx(rows.phi, rel=1e-6)
    beta = np.linalg.lstsq(rows.X, rows.y, rcond=None)[0]
    assert t.table.loc["x", "estimate"] == pytest.approx(beta[1], rel=1e-6)
    f = geometry(rows.X, rows.y, np.array([1]))
    assert t.table.loc["x", "std.error"] == pytest.approx(
        np.sqrt(np.sum((f.null_residuals - f.Q1[:, 0] * (f.Q1[:, 0] @ rows.y)) ** 2) / 105) / f.R1[0, 0], rel=1e-6
    )
    assert "autoregression of order 1" in t.approximation
    assert "Autoregression of errors within panels: 0." in str(t)
    shuffled = d.sample(frac=1.0, random_state=3)
    other = mere.permutation_test(
        mere.lm("y ~ x + z", shuffled), "x", errors="ar1", panels="g", times="t", n_perm=9, seed=1
    )
    assert other.table.loc["x", "statistic"] == pytest.approx(t.table.loc["x", "statistic"], rel=1e-5)


@pytest.mark.parametrize("strategy", ["global", "within"])
def test_rnd_33_level_width_and_power(strategy):
    rng, runs = np.random.default_rng(33), 200
    p, plain, estimates, widths = [], [], [], []
    for _ in range(runs):
        d, seed = panel_data(rng), int(rng.integers(2**31))
        given = {"panel_id": d["g"], "time_id": d["t"], "strategy": strategy, "confounders": "w", "n_perm": 99}
        t = mere.permutation_test_regression(d[["x", "w"]], d["y"], errors="ar1", seed=seed, **given)
        p.append(t.table.loc["x", "p.value"])
        estimates.append(t.table.loc["x", "estimate"])
        widths.append(t.draws["x"].std())  # of t: one if the errors are as they are said to be
        plain.append(
            mere.permutation_test_regression(d[["x", "w"]], d["y"], seed=seed, **given).table.loc["x", "p.value"]
        )
    bound = 0.05 + 2 * np.sqrt(0.05 * 0.95 / runs)
    assert np.mean(np.array(p) <= 0.05) <= bound
    assert np.mean(np.array(plain) <= 0.05) > bound  # what the whitening is for
    m = mere.lm("y ~ x + w", panel_data(rng))
    one = mere.permutation_test(m, "x", method="one-step", errors="ar1", panels=np.repeat(np.arange(20), 10), seed=1)
    assert 0.8 <= one.draws["x"].std() / np.std(estimates) <= 1.25
    assert 0.8 <= np.mean(widths) <= 1.25
    hits = 0
    for _ in range(40):
        d = panel_data(rng)
        d["y"] += 0.35 * d["x"]
        t = mere.permutation_test(
            mere.lm("y ~ x + w", d), "x", cells="g", strategy=strategy, errors="ar1", times="t", n_perm=99, seed=1
        )
        hits += t.table["p.value"].iloc[0] <= 0.05
    assert hits / 40 > 0.5


def test_rnd_33_level_with_random_intercepts():
    rng, runs, hits = np.random.default_rng(34), 100, 0
    for _ in range(runs):
        d = panel_data(rng, 15, 8)
        d["y"] += rng.normal(size=15)[d["g"].astype(int)]
        t = mere.permutation_test(mere.lmer("y ~ x + w + (1 | g)", d), "x", errors="ar1", n_perm=99, seed=1)
        hits += t.table["p.value"].iloc[0] <= 0.05
    assert hits / runs <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / runs)


def test_rnd_33_panels_of_mixed_models_and_arrays_agree():
    rng = np.random.default_rng(5)
    d = panel_data(rng, 10, 6)
    a = mere.permutation_test(mere.lmer("y ~ x + w + (1 | g)", d), errors="ar1", n_perm=99, seed=1)
    b = mere.permutation_test_regression(
        d[["x", "w"]], d["y"], "linear_mixed", panel_id=d["g"], time_id=d["t"], errors="ar1", n_perm=99, seed=1
    )
    assert a.table["p.value"].tolist() == b.table["p.value"].tolist()


def test_rnd_33_mistakes():
    d = golden_data()
    m = mere.lm("y ~ x + z", d)
    wrong = [
        ({"errors": "ar0", "panels": "g"}, "errors must be"), ({"errors": "ma1", "panels": "g"}, "errors must be"),
        ({"panels": "g"}, "are for errors='ar1'"), ({"errors": "ar1"}, "panels="),
        ({"errors": "ar1", "panels": "g", "times": "nothing"}, "no column"),
        ({"errors": "ar1", "panels": "g", "times": np.zeros(108)}, "two rows of the same time"),
        ({"errors": "ar1", "panels": "g", "times": d["t"] / 2}, "whole numbers"),
        ({"errors": "ar1", "panels": "g", "times": d["g"].add("a")}, "must be numbers"),
        ({"errors": "ar1", "panels": np.arange(108)}, "one row"),
        ({"errors": "ar1", "panels": "g", "times": [1, 2]}, "108 values"),
        ({"errors": "ar1", "panels": "g", "times": d["t"] * 10000}, "at most 3000"),
    ]  # fmt: skip
    for given, message in wrong:
        with pytest.raises(MereValueError, match=message):
            mere.permutation_test(m, n_perm=9, **given)
    crossed = mere.lmer("y ~ x + (1 | g) + (1 | h)", d.assign(h=d["t"].astype(str)))
    with pytest.raises(MereValueError, match="several levels of h"):
        mere.permutation_test(crossed, errors="ar1", panels="g", n_perm=9)
    counts = mere.glm("c ~ x", d.assign(c=1 + (d["x"] > 0)), "poisson")
    with pytest.raises(MereValueError, match=r"for lm\(\) and lmer\(\)"):
        mere.permutation_test(counts, errors="ar1", panels="g", n_perm=9)
    with pytest.raises(MereValueError, match="needs panel_id="):
        mere.permutation_test_regression(d[["x"]], d["y"], errors="ar1", n_perm=9)
