"""Row RND-11 of the checklist: ordered and unordered classes."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mere
from mere.errors import MereValueError
from mere.inference.permutation.arrangements import Arrangements, make_plan
from mere.inference.permutation.baseline_logit import BaselineLogit
from mere.inference.permutation.categorical import Classes
from mere.inference.permutation.newton_batches import maximize
from mere.inference.permutation.proportional_odds import ProportionalOdds

GOLDEN = json.loads((Path(__file__).parents[2] / "fixtures" / "categorical.json").read_text(encoding="utf-8"))
MODELS = {"ordinal": ProportionalOdds, "multinomial": BaselineLogit}
FAMILIES = tuple(MODELS)


def golden_data(name):
    if name == "small":
        d = GOLDEN["small"]
        return np.column_stack([d["x"], d["z"]]), np.array(d["y"]) - 1
    d = GOLDEN["housing"]
    return np.repeat(np.array(d["X"], float), d["Freq"], axis=0), np.repeat(np.array(d["y"]) - 1, d["Freq"])


def classes(rng, n=120, effect=0.0, confounder=1.0):
    """Three classes; x correlated .6 with the confounder w."""
    w = rng.normal(size=n)
    x = 0.75 * w + rng.normal(size=n)
    y = np.digitize(effect * x + confounder * w + rng.logistic(size=n), [-0.8, 0.8])
    return pd.DataFrame({"x": x, "w": w}), y


def likelihood(family, X, y):
    c = Classes(MODELS[family](y.max() + 1), X, y)
    f = c.fit(X, y, 1)
    return f.loglik[0], f.par[0]


@pytest.mark.parametrize("data", ["small", "housing"])
@pytest.mark.parametrize("family", FAMILIES)
def test_rnd_11_fits_of_polr_and_multinom(family, data):
    X, y = golden_data(data)
    expected, tolerance = GOLDEN["fits"][f"{data}_{family}"], GOLDEN["tolerance"]
    model = MODELS[family](y.max() + 1)
    f = Classes(model, X, y).fit(X, y, 1)
    assert f.par[0] == pytest.approx(np.ravel(expected["coef"]), abs=tolerance["value"])
    se = np.sqrt(np.diag(np.linalg.inv(-f.hessian[0])))
    assert se == pytest.approx(np.ravel(expected["se"]), rel=tolerance["se"])
    assert f.loglik[0] == pytest.approx(expected["logLik"], abs=tolerance["logLik"])
    at = model.evaluate(X, y, f.par)
    assert np.abs(at.gradient).max() < 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_rnd_11_derivatives(family):
    X, y = golden_data("small")
    model = MODELS[family](4)
    par = maximize(lambda p, left: model.evaluate(X, y, p), model.start(2, y)[None]).par
    par = par + 0.1 * np.random.default_rng(1).uniform(size=par.shape)
    at, h = model.evaluate(X, y, par), 1e-6
    for j in range(par.shape[1]):
        step = np.zeros(par.shape[1])
        step[j] = h
        low, high = model.evaluate(X, y, par - step), model.evaluate(X, y, par + step)
        assert (high.loglik - low.loglik)[0] / (2 * h) == pytest.approx(at.gradient[0, j], abs=1e-6)
        assert (high.gradient - low.gradient)[0] / (2 * h) == pytest.approx(at.hessian[0, j], abs=1e-5)


def test_rnd_11_two_classes_are_a_logistic_regression():
    X, y = classes(np.random.default_rng(3), 200, 0.5)
    y = (y > 0).astype(int)
    m = mere.glm("y ~ x + w", X.assign(y=y), "binomial", epsilon=1e-12)
    for family in FAMILIES:
        loglik, par = likelihood(family, X.to_numpy(), y)
        assert loglik == pytest.approx(float(mere.logLik(m)), abs=1e-8)
        slopes = par[:2] if family == "ordinal" else par[1:]
        assert slopes == pytest.approx(mere.coef(m).to_numpy()[1:], abs=1e-6)


@pytest.mark.parametrize("method", ["manly", "kennedy"])
@pytest.mark.parametrize("family", FAMILIES)
def test_rnd_11_methods_are_refits(family, method):
    """Each arrangement by itself: the likelihood ratio of two fits."""
    X, y = classes(np.random.default_rng(4), 60, 0.4)
    t = mere.permutation_test_regression(X, y, family, method=method, n_perm=20, seed=5)
    pi = Arrangements.of(make_plan(60), 20, 5).block(0, 20)
    x, w = X["x"].to_numpy(), X[["w"]].to_numpy()
    Q = np.column_stack([np.ones(60), w])
    e = x - Q @ np.linalg.lstsq(Q, x, rcond=None)[0]
    expected = []
    for row in [np.arange(60), *pi]:
        own_y, own_x = (y[row], x) if method == "manly" else (y, e[row])
        full, par = likelihood(family, np.column_stack([own_x, w]), own_y)
        size = 2 * (full - likelihood(family, w, own_y)[0])
        expected.append(np.sign(par[0]) * np.sqrt(size) if family == "ordinal" else size / 2)
    assert t.table.loc["x", "statistic"] == pytest.approx(expected[0], abs=1e-6)
    assert t.draws["x"].to_numpy() == pytest.approx(expected[1:], abs=1e-6)
    assert t.table.loc["x", "df"] == (1 if family == "ordinal" else 2)
    assert t.method == method
    assert t.null.startswith("the response has nothing" if method == "manly" else "the coefficients")


@pytest.mark.parametrize("family", FAMILIES)
def test_rnd_11_residual_methods_say_what_to_do(family):
    X, y = classes(np.random.default_rng(6), 40)
    for method in ("score", "freedman-lane", "ter-braak", "one-step", "pql-fixed", "sign-flip"):
        with pytest.raises(MereValueError, match=r"use 'kennedy' .* or 'manly'"):
            mere.permutation_test_regression(X, y, family, method=method, n_perm=9)
    assert mere.permutation_test_regression(X, y, family, n_perm=9, seed=1).method == "kennedy"


@pytest.mark.parametrize("family", FAMILIES)
def test_rnd_11_level_beside_a_confounder_and_power(family):
    rng, runs, p = np.random.default_rng(11), 300, []
    for _ in range(runs):
        X, y = classes(rng, 60)
        t = mere.permutation_test_regression(X, y, family, confounders="w", n_perm=99, seed=int(rng.integers(2**31)))
        p.append(t.table.loc["x", "p.value"])
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / runs)
    assert np.mean(np.array(p) <= 0.5) > 0.4
    hits = 0
    for _ in range(40):
        X, y = classes(rng, 100, 0.9)
        hits += mere.permutation_test_regression(X, y, family, n_perm=99, seed=1).table.loc["x", "p.value"] <= 0.05
    assert hits / 40 > 0.7


@pytest.mark.parametrize("family", FAMILIES)
def test_rnd_11_separated_classes_have_a_statistic(family):
    """Coefficients are infinite, the likelihood ratio is not."""
    x = np.arange(30.0)
    y = np.repeat([0, 1, 2], 10)
    t = mere.permutation_test_regression(pd.DataFrame({"x": x}), y, family, n_perm=199, seed=1)
    size = 2 * 30 * np.log(3)
    statistic = np.sqrt(size) if family == "ordinal" else size / 2
    assert t.table.loc["x", "statistic"] == pytest.approx(statistic, abs=1e-4)
    assert t.table.loc["x", "p.value"] == 1 / 200


@pytest.mark.parametrize("family", FAMILIES)
def test_rnd_11_confounders_joint_cells_threads_and_stop(family):
    X, y = classes(np.random.default_rng(7), 60, 0.3)
    X["v"] = np.random.default_rng(8).normal(size=60)
    t = mere.permutation_test_regression(X, y, family, confounders="w", joint=True, n_perm=99, seed=1)
    assert list(t.table.index) == ["x + v", "w"]
    assert t.table.loc["w"].drop("label").isna().all()
    g = np.repeat(np.arange(12), 5)
    given = {"groups": g, "method": "manly", "n_perm": 300, "seed": 2}
    a, b = (mere.permutation_test_regression(X, y, family, ncpus=k, **given) for k in (1, 3))
    assert a.strategy == "within"
    assert a.draws.to_numpy() == pytest.approx(b.draws.to_numpy(), abs=1e-8)
    stopped = mere.permutation_test_regression(X, y, family, stop=10, **given)
    L = int(stopped.table.loc["v", "n_perm"])
    assert stopped.draws["v"].to_numpy()[:L] == pytest.approx(a.draws["v"].to_numpy()[:L], abs=1e-8)
    assert json.loads(a.to_json())["terms"]["x"]["p.value"] == a.table.loc["x", "p.value"]
    assert "likelihood" in a.statistic


def test_rnd_11_what_classes_may_be():
    X, y = classes(np.random.default_rng(9), 60, 0.5)
    words = pd.Categorical(np.array(["low", "mid", "high"])[y], ["low", "mid", "high"], ordered=True)
    given = {"n_perm": 49, "seed": 1}
    a = mere.permutation_test_regression(X, words, "ordinal", **given).table
    b = mere.permutation_test_regression(X, 10 * y, "ordinal", **given).table
    assert a["p.value"].tolist() == b["p.value"].tolist()
    c = mere.permutation_test_regression(X, np.array(["low", "mid", "high"])[y], "multinomial", **given).table
    d = mere.permutation_test_regression(X, y, "multinomial", **given).table  # another baseline, the same model
    assert c["statistic"].to_numpy() == pytest.approx(d["statistic"].to_numpy(), abs=1e-7)
    wrong = [
        ({"y": np.array(["low", "mid", "high"])[y]}, "ordered pandas.Categorical"), ({"y": y[:7]}, "7 values"),
        ({"y": np.ones(60)}, "1 classes"), ({"y": np.where(y > 1, np.nan, y)}, "missing"),
        ({"y": np.arange(60)}, "60 classes"), ({"y": np.ones((60, 2))}, "shape"),
        ({"confounders": "q"}, "no column of X"), ({"confounders": ["x", "w"]}, "no column to test"),
        ({"random_slopes": "x"}, "takes no"), ({"fit_intercept": False}, "takes no"), ({"strategy": "within"}, "cells"),
        ({"X": X.assign(v=X["x"] + X["w"])}, "linear combinations"), ({"alternative": "both"}, "alternative"),
    ]  # fmt: skip
    for change, message in wrong:
        with pytest.raises(MereValueError, match=message):
            mere.permutation_test_regression(**({"X": X, "y": y, "family": "ordinal", "n_perm": 9} | change))
