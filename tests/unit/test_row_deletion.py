"""Linear and generalized linear models without each row, against fits of the other rows."""

import time

import numpy as np
import pandas as pd
import pytest

import mere
from mere import families
from mere.errors import BootstrapWarning
from mere.inference.row_deletion import rows_left_out

RNG = np.random.default_rng(1)
N = 50


def data():
    d = pd.DataFrame(RNG.normal(size=(N, 3)), columns=["a", "b", "o"]).assign(w=RNG.uniform(0.5, 2, N), n=5)
    eta = 0.4 * d["a"]
    return d.assign(
        y=d["a"] + RNG.normal(size=N), p=RNG.poisson(np.exp(eta)), q=RNG.binomial(1, 1 / (1 + np.exp(-eta))),
        g=RNG.gamma(2, np.exp(eta)), s=RNG.binomial(5, 1 / (1 + np.exp(-eta))),
    )  # fmt: skip


D = data()
MODELS = {
    "lm": lambda d: mere.lm("y ~ a + b", d),
    "weighted lm": lambda d: mere.lm("y ~ a + offset(o)", d, weights="w"),
    "poisson": lambda d: mere.glm("p ~ a + b + offset(o)", d, "poisson", epsilon=1e-14),
    "logit": lambda d: mere.glm("q ~ a + b", d, "binomial", epsilon=1e-14),
    "probit": lambda d: mere.glm("q ~ a + b", d, families.binomial("probit"), epsilon=1e-14),
    "trials": lambda d: mere.glm("cbind(s, n - s) ~ a", d, families.binomial("cloglog"), epsilon=1e-14),
    "gamma": lambda d: mere.glm("g ~ a + b", d, families.Gamma("log"), weights="w", epsilon=1e-14),
    "gamma, inverse": lambda d: mere.glm("g ~ a", d, families.Gamma("inverse"), epsilon=1e-14),
    "negative binomial": lambda d: mere.glm("p ~ a", d, families.negative_binomial(2.0), epsilon=1e-14),
}


def parameters(m):
    return np.append(m.beta, mere.sigma(m)) if isinstance(m, mere.model.LM) else m.beta


@pytest.mark.parametrize("name", MODELS)
def test_all_rows_together_are_refits(name):
    make = MODELS[name]
    m = make(D)
    expected = np.array([parameters(make(D.drop(index=i))) for i in range(N)])
    values, good = rows_left_out(m)
    assert good.mean() > 0.9
    assert values[good] == pytest.approx(expected[good], rel=1e-6, abs=1e-7)
    assert mere.jackknife(m).values.to_numpy() == pytest.approx(expected, rel=1e-6, abs=1e-7)


def test_rows_that_a_column_or_nothing_needs():
    """A level of one row cannot be left out; a row of no trials changes nothing."""
    d = D.assign(f=["once"] + ["u", "v"] * 24 + ["u"])
    for m in (mere.lm("y ~ f", d), mere.glm("p ~ f", d, "poisson")):
        with pytest.warns(BootstrapWarning, match="1 refits failed"):
            j = mere.jackknife(m)
        assert j.values.isna().any(axis=1).sum() == 1
    light = D.assign(n=np.where(np.arange(N) == 3, 0, D["n"]), s=np.where(np.arange(N) == 3, 0, D["s"]))
    m = mere.glm("cbind(s, n - s) ~ a", light, "binomial", epsilon=1e-14)
    assert mere.jackknife(m).values.loc[3].to_numpy() == pytest.approx(m.beta, rel=1e-9)


def test_labels_of_rows_are_units():
    m = mere.lm("y ~ a", D)
    labels = np.arange(N) % 5
    j = mere.jackknife(m, by=labels)
    expected = [parameters(mere.lm("y ~ a", D[labels != k])) for k in range(5)]
    assert j.values.to_numpy() == pytest.approx(np.array(expected), rel=1e-10)
    with pytest.raises(mere.errors.MereValueError, match="by needs 50 labels"):
        mere.jackknife(m, by=[1, 2])
    with pytest.raises(mere.errors.MereValueError, match="one level only"):
        mere.jackknife(m, by=np.zeros(N))


def test_ten_thousand_rows_take_seconds():
    rng = np.random.default_rng(2)
    d = pd.DataFrame(rng.normal(size=(4000, 3)), columns=list("xzw"))
    m = mere.glm("y ~ x + z + w", d.assign(y=rng.poisson(np.exp(0.3 * d["x"]))), "poisson")
    start = time.process_time()
    mere.jackknife(m)
    assert time.process_time() - start < 3
