"""Structured terms at their bounds: slopes by the covariance, optima against many starts, certificates."""

import warnings

import numpy as np
import pandas as pd
import pytest

import mere
from mere import _core, datasets
from mere.covariances import make_covariance
from mere.optimizers.active_set import active_set


@pytest.mark.parametrize("name", ["cs", "ar1"])
@pytest.mark.parametrize("hom", [True, False])
@pytest.mark.parametrize("k", [2, 4])
def test_slopes_of_the_covariance(name, hom, k):
    c = type(make_covariance(name, k))(k, hom)

    def covariance(par):
        L = np.zeros((k, k))
        L[c.entries[:, 0], c.entries[:, 1]] = c.theta(par)
        return L @ L.T

    par = np.append(np.linspace(0.5, 1.2, c.n_sd), 0.37)
    for i in range(c.n_par):
        step = np.eye(c.n_par)[i] * 1e-6
        numeric = (covariance(par + step) - covariance(par - step)) / 2e-6
        np.testing.assert_allclose(c.covariance_slopes(par)[i], numeric, atol=1e-8)
    edge = np.append(par[:-1], 1.0)
    before = np.append(par[:-1], 1.0 - 1e-7)
    numeric = (covariance(edge) - covariance(before)) / 1e-7
    np.testing.assert_allclose(c.covariance_slopes(edge)[-1], numeric, atol=1e-5)


def made(seed):
    rng = np.random.default_rng(seed)
    n = 240
    g, x, f = np.repeat(np.arange(12), 20), rng.normal(size=n), np.tile(list("abcd"), 60)
    b = rng.normal(size=(12, 2)) @ np.array([[0.8, 0.3], [0, 0.01]])
    eta = 0.3 + x * 0.5 + b[g, 0] + b[g, 1] * x
    y = rng.binomial(1, 1 / (1 + np.exp(-eta)))
    table = {"y": y, "c": rng.poisson(np.exp(eta)), "x": x, "g": pd.Categorical(g.astype(str)), "f": pd.Categorical(f)}
    return pd.DataFrame(table)


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("formula", ["c ~ x + cs(0 + f | g)", "y ~ x + cs(0 + f | g)", "y ~ x + ar1(0 + f | g)"])
def test_no_start_leads_lower(seed, formula):
    d = made(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mere.errors.SingularFitMessage)
        warnings.simplefilter("error", mere.errors.ConvergenceWarning)
        m = mere.glmer(formula, d, "poisson" if formula[0] == "c" else "binomial")
    f, layout = m.objective, m.objective.layout
    for rho in (-0.2, 0.3, 0.97):
        start = m.optinfo.full.copy()
        start[: f.n_re - 1], start[f.n_re - 1] = 0.5, rho
        _, out = _core.nlopt_minimize("LD_SLSQP", f.value_and_gradient, start, layout.lower, layout.upper)
        assert m.criterion <= out["d"] + 1e-6
    g = f.gradient(m.optinfo.full)
    inside = (m.optinfo.full > layout.lower + 1e-8) & (m.optinfo.full < layout.upper - 1e-8)
    assert np.abs(g[inside]).max() < 1e-3
    assert (g[m.optinfo.full >= layout.upper] <= 0).all()


def test_a_zero_is_left():
    """From a standard deviation of zero, which has no slope, to where the variance is."""
    d = made(0)
    f = mere.lmer("x ~ 1 + cs(0 + f | g, hom = TRUE)", d.assign(x=d.x + 2 * d.g.cat.codes), REML=False).objective
    zero = np.array([0.0, 0.0])
    assert abs(f.gradient(zero)[0]) < 1e-12
    found = active_set(f, zero, f.value(zero), 0, 1e-10, "test")
    assert found.converged
    assert found.value < f.value(zero) - 10


@pytest.mark.parametrize("term", ["cs(1 + x | Subject)", "ar1(1 + x | Subject, hom = FALSE)"])
def test_units_of_a_covariate_do_not_matter(term: str) -> None:
    days = datasets.sleepstudy.assign(x=datasets.sleepstudy["Days"])
    plain = mere.lmer(f"Reaction ~ x + {term}", days)
    for unit in (1e-6, 1e-3, 1e2, 1e4, 1e8):
        scaled = mere.lmer(f"Reaction ~ x + {term}", days.assign(x=days["x"] * unit))
        gain = 2 * np.log(unit)  # of log |X'V^-1 X|
        assert mere.REMLcrit(scaled) - gain == pytest.approx(mere.REMLcrit(plain), abs=1e-6)
        np.testing.assert_allclose(scaled.theta[[0, 2]], plain.theta[[0, 2]] / [1, unit], rtol=1e-4)


def test_one_standard_deviation_of_columns_in_different_units() -> None:
    days = datasets.sleepstudy.assign(x=datasets.sleepstudy["Days"] * 1e4)
    m = mere.lmer("Reaction ~ x + ar1(1 + x | Subject)", days)
    assert m.optinfo.message == "converged"
    for sd in 10.0 ** np.arange(-7, 2):  # one deviation serves both columns: there may be two minima
        for rho in (-0.5, 0.0, 0.5):
            assert m.objective.value(np.array([sd, rho])) > mere.REMLcrit(m) - 1e-6
