"""Contracts of families and links: derivatives by differences, round trips, limits; every registered one is tested."""

import numpy as np
import pytest
from scipy import integrate, stats

import mere
from mere import families
from mere.errors import MereTypeError, MereValueError
from mere.families import FAMILIES, make_family
from mere.links import LINKS, Link, make_link

ALL = [families.negative_binomial(2.5) if n == "negative_binomial" else make_family(n) for n in FAMILIES]
ETA = np.array([-2.5, -1.0, -0.3, 0.2, 0.9, 2.0])
POSITIVE = np.array([0.2, 0.7, 1.3, 2.0, 3.5])
ALL += [families.quasi(variance=v) for v in ("mu(1-mu)", "mu", "mu^2", "mu^3")]
LIKELY = [f for f in ALL if f.has_likelihood]
SHARES = np.array([0.05, 0.3, 0.5, 0.8])


def label(family):
    return f"quasi-{family.function}" if family.name == "quasi" else family.name


def means(family):
    return POSITIVE if family.valid_mu(POSITIVE) else SHARES


def grid(link):
    return POSITIVE if link.name in ("inverse", "sqrt", "1/mu^2") else ETA


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
class TestLinks:
    def test_round_trip(self, link):
        np.testing.assert_allclose(link.link(link.inverse(grid(link))), grid(link), rtol=1e-12)

    def test_derivatives(self, link):
        eta, h = grid(link), 1e-5
        np.testing.assert_allclose(
            link.derivative(eta), (link.inverse(eta + h) - link.inverse(eta - h)) / (2 * h), rtol=1e-8, atol=1e-10
        )
        np.testing.assert_allclose(
            link.second(eta), (link.derivative(eta + h) - link.derivative(eta - h)) / (2 * h), rtol=1e-7, atol=1e-9
        )
        np.testing.assert_allclose(Link.second(link, eta), link.second(eta), rtol=1e-5, atol=1e-7)

    def test_far_out(self, link):
        if link.name in ("logit", "probit", "cloglog", "cauchit"):
            mu = link.inverse(np.array([-800.0, 800.0]))
            assert (mu > 0).all()
            assert (mu < 1).all()
            assert np.isfinite(link.derivative(np.array([-800.0, 800.0]))).all()

    def test_by_name(self, link):
        assert make_link(link.name) is link


@pytest.mark.parametrize("family", ALL, ids=label)
class TestFamilies:
    def mean(self, family):
        return means(family)

    def test_variance_slope(self, family):
        mu = self.mean(family)
        np.testing.assert_allclose(
            family.variance_slope(mu), families.Family.variance_slope(family, mu), rtol=1e-6, atol=1e-6
        )

    def test_unit_deviance_is_the_integral_of_the_score(self, family):
        for y, mu in zip(self.mean(family)[::-1], self.mean(family), strict=True):
            value, _ = integrate.quad(lambda t, y=y: float((y - t) / family.variance(np.array(t))), mu, y)
            assert float(family.unit_deviance(np.array([y]), np.array([mu]))[0]) == pytest.approx(2 * value, rel=1e-8)

    def test_zero_at_the_mean(self, family):
        mu = self.mean(family)
        np.testing.assert_allclose(family.unit_deviance(mu, mu), 0, atol=1e-12)

    def test_default_link_is_the_registered_one(self, family):
        assert family.link.name == family.canonical
        assert family.canonical in family.links


@pytest.mark.parametrize("family", LIKELY, ids=label)
class TestDistributions:
    def mean(self, family):
        return means(family)

    def test_likelihood(self, family):
        mu, rng = self.mean(family), np.random.default_rng(1)
        wt = np.full(len(mu), 7.0) if family.name == "binomial" else np.ones(len(mu))
        y = family.simulate(mu, wt, 0.4, rng)
        deviance = float((wt * family.unit_deviance(y, mu)).sum())
        phi = deviance / wt.sum()
        density = {
            "gaussian": lambda: stats.norm.logpdf(y, mu, np.sqrt(deviance / len(y))),
            "binomial": lambda: stats.binom.logpmf(np.round(wt * y), 7, mu),
            "poisson": lambda: stats.poisson.logpmf(y, mu),
            "Gamma": lambda: stats.gamma.logpdf(y, 1 / phi, scale=mu * phi),
            "inverse.gaussian": lambda: stats.invgauss.logpdf(y, mu * phi, scale=1 / phi),
            "Negative Binomial": lambda: stats.nbinom.logpmf(y, 2.5, 2.5 / (2.5 + mu)),
        }[family.name]()
        want = -2 * density.sum() + 2 * family.has_scale
        assert family.minus_2_loglik(y, mu, wt, deviance) == pytest.approx(want, rel=1e-10)

    def test_simulated_moments(self, family):
        rng = np.random.default_rng(2)
        mu = np.full(40_000, self.mean(family)[1])
        wt = np.full(40_000, 4.0) if family.name == "binomial" else np.ones(40_000)
        y = family.simulate(mu, wt, 0.3, rng)
        phi = 0.3 if family.has_scale else 1.0
        assert y.mean() == pytest.approx(mu[0], rel=0.05)
        assert y.var() == pytest.approx(phi * float(family.variance(mu[:1])[0]) / wt[0], rel=0.1)


def test_prints_as_r():
    assert repr(families.binomial("probit")) == "\nFamily: binomial \nLink function: probit \n"
    assert families.negative_binomial(3.30321).label == "Negative Binomial(3.3032)"


def test_errors_say_what_there_is():
    with pytest.raises(MereValueError, match="there is no family 'poison'"):
        make_family("poison")
    with pytest.raises(MereTypeError, match="must be a name or a Family"):
        make_family(3)
    with pytest.raises(MereValueError, match="is not for the poisson family"):
        families.poisson("logit")
    with pytest.raises(MereValueError, match="there is no link 'lgit'"):
        families.binomial("lgit")


class _Quarter(Link):
    """mu = eta^4, to be seen only here."""

    name = "quarter"

    def link(self, mu):
        return mu**0.25

    def inverse(self, eta):
        return eta**4

    def derivative(self, eta):
        return 4 * eta**3

    def valid(self, eta):
        return bool((eta > 0).all())


class _PlainPoisson(families.Family):
    """The Poisson family without a kernel."""

    name = "plain"
    canonical = "log"

    def variance(self, mu):
        return mu

    def unit_deviance(self, y, mu):
        return families.poisson().unit_deviance(y, mu)

    def minus_2_loglik(self, y, mu, wt, deviance):
        return families.poisson().minus_2_loglik(y, np.maximum(mu, 1e-300), wt, deviance)

    def start(self, y, wt):
        return y + 0.1


def test_a_family_of_ones_own_is_as_good(grouse):
    formula = "TICKS ~ YEAR + (1 | BROOD)"
    own = mere.glmer(formula, grouse, _PlainPoisson())
    kernel = mere.glmer(formula, grouse, "poisson")
    assert own.criterion == pytest.approx(kernel.criterion, abs=1e-6)
    np.testing.assert_allclose(own.beta, kernel.beta, rtol=1e-4)
    np.testing.assert_allclose(own.vcov(), kernel.vcov(), rtol=1e-3)


def test_a_link_of_ones_own(grouse):
    g = mere.glm("TICKS ~ YEAR", grouse, families.poisson(_Quarter()))
    kernel = mere.glm("TICKS ~ YEAR", grouse, "poisson")
    assert g.deviance() == pytest.approx(kernel.deviance())  # a saturated model of three means
    m = mere.glmer("TICKS + 1 ~ YEAR + (1 | LOCATION)", grouse, families.poisson(_Quarter()))
    f, par = m.objective, m.optinfo.full
    slope = f.gradient(par + 0.01)
    for j in range(len(par)):
        h = np.zeros(len(par))
        h[j] = 1e-5
        assert slope[j] == pytest.approx((f.value(par + 0.01 + h) - f.value(par + 0.01 - h)) / 2e-5, rel=1e-4, abs=1e-3)


def test_an_error_in_ones_own_family_comes_back(grouse):
    class Broken(_PlainPoisson):
        def unit_deviance(self, y, mu):
            raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        mere.glmer("TICKS ~ YEAR + (1 | BROOD)", grouse, Broken())


@pytest.fixture
def grouse():
    return mere.datasets.load("grouseticks")
