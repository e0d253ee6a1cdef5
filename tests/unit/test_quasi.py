"""Quasi families of glm: what they share with their distributions, limits, and what needs a likelihood."""

from __future__ import annotations

import pickle
import warnings

import matplotlib
import numpy as np
import pytest

import mere
from mere import families
from mere.datasets import cbpp, grouseticks, sleepstudy
from mere.errors import MereValueError

matplotlib.use("Agg")

TICKS = "TICKS ~ YEAR + cHEIGHT"
INCIDENCE = "cbind(incidence, size - incidence) ~ period"
PAIRS = {
    "quasipoisson": (TICKS, grouseticks, "quasipoisson", "poisson"),
    "quasibinomial": (INCIDENCE, cbpp, "quasibinomial", "binomial"),
    "mu": (TICKS, grouseticks, families.quasi("log", "mu"), "poisson"),
    "mu^2": ("size ~ period", cbpp, families.quasi("log", "mu^2"), families.Gamma("log")),
    "mu^3": ("size ~ period", cbpp, families.quasi("log", "mu^3"), families.inverse_gaussian("log")),
    "constant": ("Reaction ~ Days", sleepstudy, families.quasi(), "gaussian"),
}


def both(name):
    formula, data, quasi, true = PAIRS[name]
    return mere.glm(formula, data, quasi), mere.glm(formula, data, true)


@pytest.fixture(scope="module")
def ticks():
    return mere.glm(TICKS, grouseticks, "quasipoisson")


@pytest.mark.parametrize("name", PAIRS)
def test_estimates_are_those_of_the_distribution(name):
    quasi, true = both(name)
    np.testing.assert_allclose(quasi.beta, true.beta, rtol=1e-6)
    assert quasi.deviance() == pytest.approx(true.deviance(), rel=1e-9)
    pearson = quasi.residuals(type="pearson")
    assert quasi.summary().dispersion == pytest.approx((pearson**2).sum() / quasi.df_residual(), rel=1e-3)
    scale = quasi.summary().dispersion / true.summary().dispersion
    np.testing.assert_allclose(quasi.vcov(), scale * true.vcov(), rtol=1e-4)
    np.testing.assert_allclose(quasi.summary(dispersion=1.0).vcov, true.summary(dispersion=1.0).vcov, rtol=1e-4)


@pytest.mark.parametrize("name", ["quasipoisson", "quasibinomial"])
def test_what_does_not_depend_on_the_dispersion_is_the_same(name):
    quasi, true = both(name)
    for kind in ("HC0", "HC1", "HC2", "HC3"):
        np.testing.assert_allclose(quasi.vcov(type=kind), true.vcov(type=kind), rtol=1e-9)
    np.testing.assert_allclose(quasi.jackknife().values, true.jackknife().values, rtol=1e-9)
    draws = [m.bootstrap(nsim=20, seed=3).t for m in (quasi, true)]
    np.testing.assert_allclose(draws[0], draws[1], rtol=1e-9)
    errors = [m.cross_validate(k=5, seed=1).metrics.to_numpy(float) for m in (quasi, true)]
    np.testing.assert_allclose(errors[0], errors[1], rtol=1e-9)


def test_counts_and_costs_in_other_units_have_the_same_tests():
    """Multiplying the response leaves t ratios of quasi-Poisson and quasi mu^2 models as they are."""
    data = cbpp.assign(cost=cbpp["size"] * 12.5)
    for family in (families.quasipoisson(), families.quasi("log", "mu^2"), families.quasi("log", "mu^3")):
        tables = [mere.glm(f"{y} ~ period", data, family, epsilon=1e-13).summary() for y in ("size", "cost")]
        np.testing.assert_allclose(*(t.coefficients["t value"].iloc[1:] for t in tables), rtol=1e-6)


def test_the_score_is_zero_where_zeros_have_no_deviance():
    m = mere.glm(TICKS, grouseticks, families.quasi("log", "mu^2"), epsilon=1e-14, maxit=200)
    assert (m.response.y == 0).any()
    score = m.design.X.T @ ((m.response.y - m.fit.mu) / m.fit.mu)
    assert np.abs(score).max() < 1e-5 * np.abs(m.design.X).sum()
    low, high = m.confint("YEAR97").to_numpy()[0]
    assert low < m.coef()["YEAR97"] < high


def test_profile_intervals_are_scaled_by_the_dispersion():
    quasi, true = both("quasipoisson")
    phi, level = quasi.summary().dispersion, 0.95
    from scipy.special import ndtr, ndtri

    wider = 2 * ndtr(ndtri((1 + level) / 2) * np.sqrt(phi)) - 1
    np.testing.assert_allclose(quasi.confint(level=level), true.confint(level=wider), rtol=1e-5)


def test_responses_that_are_no_whole_numbers_are_taken_without_a_word():
    data = cbpp.assign(share=cbpp["incidence"] / cbpp["size"] * 0.9 + 0.01, rate=cbpp["incidence"] / 7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mere.glm("share ~ period", data, "quasibinomial")
        mere.glm("share ~ period", data, "quasibinomial", weights="size")
        mere.glm("rate ~ period", data, "quasipoisson")


def test_no_likelihood_in_any_table(ticks):
    assert np.isnan([float(ticks.logLik()), ticks.AIC(), ticks.BIC()]).all()
    assert ticks.glance()[["logLik", "AIC", "BIC"]].isna().all(axis=None)
    assert ticks.model_performance()[["AIC", "AICc", "BIC"]].isna().all()
    assert ticks.r2()["R2_deviance"] == pytest.approx(1 - ticks.deviance() / ticks.null_deviance)
    assert "AIC" not in ticks.drop1(test="F").table
    assert np.isnan(mere.logLik(mere.lmList("TICKS ~ cHEIGHT | YEAR", grouseticks, family="quasipoisson")))


REFUSED = {
    "simulate": lambda m: m.simulate(),
    "the parametric bootstrap": lambda m: m.bootMer(nsim=2),
    "PBmodcomp": lambda m: m.PBmodcomp(". ~ 1", nsim=2),
    "simulate_residuals": lambda m: m.simulate_residuals(),
    "check_model": lambda m: m.check_model(),
    "step": lambda m: m.step(),
    "power_sim": lambda m: mere.power_sim(m, nsim=2),
    "power_curve": lambda m: mere.power_curve(m, "period", 2, nsim=2),
    "an interval for outcomes": lambda m: m.predict(type="response", interval="prediction"),
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("name", PAIRS)
def test_what_needs_a_likelihood_says_so(what, name):
    m, _ = both(name)
    with pytest.raises(
        MereValueError, match=rf"{what}.* needs a likelihood, and the {m.model_family.name} family .*fit"
    ):
        REFUSED[what](m)


def test_mixed_models_need_a_likelihood():
    mixed = f"{INCIDENCE} + (1 | herd)"
    for family in ("quasibinomial", families.quasi("logit", "mu(1-mu)")):
        for fit in (mere.glmer, mere.glFormula):
            with pytest.raises(MereValueError, match=r"glmer\(\) needs a likelihood, and the quasi"):
                fit(mixed, cbpp, family)
    with pytest.raises(MereValueError, match=r"simulate\(\) needs a likelihood"):
        mere.simulate("~ 1 + (1 | g)", {"g": ["a", "b"]}, {"beta": [0.0], "theta": [1.0]}, family="quasipoisson")
    binomial = mere.glmer(mixed, cbpp, "binomial")
    with pytest.raises(MereValueError, match="likelihood-ratio test needs a likelihood"):
        mere.anova(binomial, mere.glm(INCIDENCE, cbpp, "quasibinomial"))


def test_wrong_arguments_and_responses():
    with pytest.raises(MereValueError, match="variance must be one of 'constant'"):
        families.quasi(variance="mu^4")
    with pytest.raises(MereValueError, match="there is no link 'lgo'"):
        families.quasi("lgo")
    with pytest.raises(MereValueError, match="is not for the quasipoisson family"):
        families.quasipoisson("logit")
    with pytest.raises(MereValueError, match="there is no family 'quasigamma'"):
        mere.glm("Reaction ~ Days", sleepstudy, "quasigamma")
    for family, why in {
        "quasipoisson": "must not be negative",
        families.quasi("log", "mu"): "must not be negative",
        families.quasi("log", "mu^2"): "must not be negative",
        families.quasi("log", "mu^3"): "must be positive",
        "quasibinomial": "must lie between 0 and 1",
        families.quasi("logit", "mu(1-mu)"): "must lie between 0 and 1",
    }.items():
        with pytest.raises(MereValueError, match=why):
            mere.glm("I(Reaction - 300) ~ Days", sleepstudy, family)
    with pytest.raises(MereValueError, match="only a binomial or quasibinomial model takes two"):
        mere.glm(INCIDENCE, cbpp, families.quasi("logit", "mu(1-mu)"))


class _Wedderburn(families.Family):
    """V(mu) = mu^2 (1 - mu)^2, as in the ninth chapter of McCullagh and Nelder."""

    name, canonical, links = "wedderburn", "logit", ("logit",)
    has_scale, has_likelihood = True, False

    def variance(self, mu):
        return (mu * (1 - mu)) ** 2

    def unit_deviance(self, y, mu):
        def part(m):  # the integral of (y - m) / V(m)
            return (2 * y - 1) * np.log(m / (1 - m)) - y / m - (1 - y) / (1 - m)

        return 2 * (part(y) - part(mu))

    def valid_mu(self, mu):
        return bool(((mu > 0) & (mu < 1)).all())


def test_a_variance_of_ones_own():
    """Cells are fitted by their means, whatever the variance is."""
    data = cbpp.assign(share=(cbpp["incidence"] + 1) / (cbpp["size"] + 2))
    m = mere.glm("share ~ period", data, _Wedderburn(), epsilon=1e-13)
    means = data.groupby("period", observed=True)["share"].mean()
    np.testing.assert_allclose(m.fitted().groupby(data["period"], observed=True).first(), means, rtol=1e-6)
    r = (data["share"] - m.fitted()) / (m.fitted() * (1 - m.fitted()))
    assert m.summary().dispersion == pytest.approx((r**2).sum() / 52, rel=1e-6)
    assert np.isnan(m.AIC())
    with pytest.raises(MereValueError, match=r"simulate.. needs a likelihood, and the wedderburn family"):
        m.simulate()


def test_means_that_run_to_an_edge_are_said():
    from mere.errors import ConvergenceWarning

    steps = {"y": [0.0, 0, 0, 1, 1], "x": [1.0, 2, 3, 4, 5], "n": [4.0, 3, 3, 0, 0], "g": ["a", "a", "a", "b", "b"]}
    for family in ("quasibinomial", families.quasi("logit", "mu(1-mu)")):
        with pytest.warns(ConvergenceWarning, match="a predictor separates the outcomes"):
            mere.glm("y ~ x", steps, family)
    for family in ("quasipoisson", families.quasi("log", "mu")):
        with pytest.warns(ConvergenceWarning, match="the estimate of 'gb' grows without bound"):
            mere.glm("n ~ g", steps, family)
    for variance in ("mu", "mu^2"):
        with pytest.raises(MereValueError, match="is 0 in all rows"):
            mere.glm("I(0 * x) ~ x", steps, families.quasi("log", variance))


def test_variances_are_spelled_with_spaces_too():
    assert families.quasi(variance="mu(1 - mu)").function == "mu(1-mu)"
    assert repr(families.quasi("log", "mu")) == "\nFamily: quasi \nLink function: log \n"


def test_a_model_survives_pickling_and_updating():
    m = mere.glm(TICKS, grouseticks, families.quasi("log", "mu^2"))
    again = pickle.loads(pickle.dumps(m))
    assert str(again.summary()) == str(m.summary())
    assert m.update(". ~ . - YEAR").model_family.function == "mu^2"
    assert m.update(family="poisson").AIC() > 0
