"""Intervals for outcomes of generalized models: distribution functions, quantiles, coverage."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats as st

import mere
from mere import families
from mere.datasets import cbpp, warpbreaks
from mere.errors import MereValueError
from mere.outcome_intervals import outcome_quantile

MU, WT = np.array([0.3, 0.6, 0.9]), np.array([4.0, 7.0, 1.0])
CASES = {
    "binomial": (families.binomial(), lambda y: st.binom.cdf(np.floor(y * WT + 1e-9), WT, MU)),
    "poisson": (families.poisson(), lambda y: st.poisson.cdf(y, MU)),
    "negative_binomial": (families.negative_binomial(1.7), lambda y: st.nbinom.cdf(y, 1.7, 1.7 / (MU + 1.7))),
    "Gamma": (families.Gamma("log"), lambda y: st.gamma.cdf(y, WT / 0.4, scale=MU * 0.4 / WT)),
    "gaussian": (families.gaussian("log"), lambda y: st.norm.cdf(y, MU, np.sqrt(0.4 / WT))),
    "inverse_gaussian": (
        families.inverse_gaussian("log"),
        lambda y: st.invgauss.cdf(y, MU * 0.4 / WT, scale=WT / 0.4),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_distribution_functions(name):
    family, want = CASES[name]
    for y in (-0.5, 0.0, 0.25, 0.5, 1.0, 3.0):
        at = np.full(3, y)
        np.testing.assert_allclose(family.probability(at, MU, WT, 0.4), want(at), atol=1e-12)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("p", [0.025, 0.5, 0.9])
def test_quantiles_with_a_known_mean(name, p):
    """The smallest outcome whose probability reaches p."""
    family, below = CASES[name]
    got = outcome_quantile(family, family.link.link(MU), np.zeros(3), WT, 0.4, p)
    assert (below(got) >= p - 1e-9).all()
    step = family.spacing(WT)
    assert (below(got - np.where(step > 0, step, 1e-6 * np.abs(got))) < p).all()


def test_an_uncertain_mean_widens_the_distribution():
    """Against the integral over the normal linear predictor."""
    from scipy.integrate import quad

    def below(k):
        return quad(lambda z: st.poisson.cdf(k, np.exp(1.0 + 0.6 * z)) * st.norm.pdf(z), -8, 8)[0]

    for p in (0.05, 0.5, 0.95, 0.999):
        got = outcome_quantile(families.poisson(), np.array([1.0]), np.array([0.6]), np.ones(1), 1.0, p)[0]
        assert below(got) >= p > below(got - 1)


def test_intervals_hold_new_outcomes():
    m = mere.glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, "binomial")
    new = pd.DataFrame({"period": ["4", "2", "1"], "herd": ["1", "5", "one more"]})
    options = {"type": "response", "allow_new_levels": True, "interval": "prediction", "level": 0.8}
    table = mere.predict(m, new, weights=40, **options)
    ends = table[["lwr", "upr"]].to_numpy() * 40
    np.testing.assert_allclose(ends, np.round(ends), atol=1e-9)
    full = mere.predict(m, new, weights=40, theta=True, **options)
    assert (full["upr"] - full["lwr"] >= table["upr"] - table["lwr"]).all()
    y = mere.simulate(m, 4000, seed=1, newdata=new, use_u=False, weights=40)  # the last: a new herd, parameters known
    y = y.xs("incidence", axis=1, level=1).loc[2] / 40
    held = ((y >= table["lwr"][2]) & (y <= table["upr"][2])).mean()
    assert 0.79 < held < 0.9
    confidence = mere.predict(m, new, type="response", allow_new_levels=True, interval="confidence", level=0.8)
    assert (confidence["upr"] < table["upr"] + 1e-9).all()
    own = mere.predict(m, type="response", interval="prediction")
    inside = (cbpp["incidence"] / cbpp["size"] >= own["lwr"]) & (cbpp["incidence"] / cbpp["size"] <= own["upr"])
    assert inside.mean() > 0.9


def test_linear_models_and_wrong_arguments():
    m = mere.glm("breaks ~ wool + tension", warpbreaks, "poisson")
    table = mere.predict(m, type="response", interval="prediction", level=0.9)
    mu = table["fit"].to_numpy()
    assert (table["lwr"] <= st.poisson.ppf(0.05, mu)).all() and (table["upr"] >= st.poisson.ppf(0.95, mu)).all()
    with pytest.raises(MereValueError, match="type='response'"):
        mere.predict(m, interval="prediction")
    b = mere.glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, "binomial")
    with pytest.raises(MereValueError, match="number of trials"):
        mere.predict(b, {"period": ["1"], "herd": ["1"]}, type="response", interval="prediction")
