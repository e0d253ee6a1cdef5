"""Rows RND-26, 29 and 32 of the checklist: arrays in, panels, and p-values of a binary mixed model."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

import mere
from mere.errors import DataMessage, MereValueError

pytestmark = pytest.mark.filterwarnings("ignore::mere.errors.SingularFitMessage")


def arrays(seed=1, n=60):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    return X, X["a"].to_numpy() + rng.normal(size=n), np.repeat(np.arange(n // 5), 5)


def binary(rng, effect):
    g = np.repeat(np.arange(20), 10)
    x = rng.normal(size=200)
    eta = effect * x + rng.normal(size=20)[g]
    return pd.DataFrame({"y": rng.binomial(1, 1 / (1 + np.exp(-eta))), "x": x, "g": g.astype(str)})


def test_rnd_26_p_values_of_a_binary_mixed_model_are_uniform():
    rng, runs = np.random.default_rng(26), 300
    p = []
    for _ in range(runs):
        m = mere.glmer("y ~ x + (1 | g)", binary(rng, 0.0), "binomial")
        p.append(mere.permutation_test(m, n_perm=99, seed=int(rng.integers(2**31))).table["p.value"].iloc[0])
    p = np.array(p)
    assert kstest(p - rng.uniform(0, 0.01, runs), "uniform").pvalue > 0.01
    assert (p <= 0.05).mean() <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / runs)
    hits = 0
    for _ in range(40):
        m = mere.glmer("y ~ x + (1 | g)", binary(rng, 0.8), "binomial")
        hits += mere.permutation_test(m, n_perm=99, seed=1).table["p.value"].iloc[0] <= 0.05
    assert hits / 40 > 0.5


def test_arrays_are_the_model_of_their_columns():
    X, y, g = arrays()
    t = mere.permutation_test_regression(X, y, confounders="c", n_perm=199, seed=3)
    m = mere.lm("y ~ a + b + c", X.assign(y=y))
    expected = mere.permutation_test(m, confounders="c", n_perm=199, seed=3)
    assert t.table["p.value"].to_numpy() == pytest.approx(expected.table["p.value"].to_numpy(), nan_ok=True)
    mixed = mere.permutation_test_regression(
        X, y, family="linear_mixed", groups=g, random_slopes="a", n_perm=99, seed=1
    )
    assert "(1 + a | group)" in mixed.formula
    both = pd.DataFrame({"s": g, "i": np.tile(np.arange(5), 12)})
    crossed = mere.permutation_test_regression(X, y, family="linear_mixed", groups=both, n_perm=99, seed=1)
    assert np.isfinite(crossed.table["p.value"]).all()
    counts = np.random.default_rng(2).negative_binomial(2, 0.4, 60)
    for family in ("poisson", "negative_binomial", "logistic"):
        own = (counts > 2).astype(int) if family == "logistic" else counts
        assert np.isfinite(
            mere.permutation_test_regression(X, own, family=family, n_perm=99, seed=1).table["p.value"]
        ).all()


def test_rnd_29_mistakes_in_arrays():
    X, y, g = arrays()
    wrong = [
        ({"family": "logistic"}, "zeros and ones"), ({"family": "poisson"}, "whole numbers"),
        ({"family": "cauchy"}, "family must be"), ({"family": "linear_mixed"}, "needs groups"),
        ({"strategy": "within"}, "needs groups"), ({"groups": g[:5]}, "labels for 60 rows"),
        ({"random_slopes": "z", "family": "linear_mixed", "groups": g}, "no column of X"),
        ({"random_slopes": "a", "groups": g}, "mixed families"),
        ({"family": "ordinal_mixed", "groups": g}, "no mixed model"), ({"time_id": g}, "needs panel_id"),
    ]  # fmt: skip
    for given, message in wrong:
        with pytest.raises(MereValueError, match=message):
            mere.permutation_test_regression(X, y, **given)
    with pytest.raises(MereValueError, match="constant"):
        mere.permutation_test_regression(X.assign(a=1.0), y)
    with pytest.raises(MereValueError, match="missing or infinite"):
        mere.permutation_test_regression(X.assign(a=np.nan), y)
    with pytest.raises(MereValueError, match="values, X"):
        mere.permutation_test_regression(X, y[:7])


def test_rnd_32_panels():
    X, y, g = arrays()
    time = np.tile(np.arange(5), 12)
    t = mere.permutation_test_regression(X, y, panel_id=g, time_id=time, n_perm=99, seed=1)
    cells = mere.permutation_test_regression(X, y, groups=g, strategy="within", n_perm=99, seed=1)
    assert t.strategy == "within"
    assert (t.table["p.value"] == cells.table["p.value"]).all()
    with pytest.raises(MereValueError, match="not both"):
        mere.permutation_test_regression(X, y, panel_id=g, groups=g)
    with pytest.warns(DataMessage, match="not sorted"):
        mere.permutation_test_regression(X, y, panel_id=g, time_id=time[::-1], n_perm=19, seed=1)
    with pytest.warns(DataMessage, match="different numbers"):
        mere.permutation_test_regression(X[:58], y[:58], panel_id=g[:58], time_id=time[:58], n_perm=19, seed=1)
