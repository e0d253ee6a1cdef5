"""Profiles of nonlinear mixed models, predictions with standard errors, fits to many responses."""

import warnings

import numpy as np
import pandas as pd
import pytest

import mere
from mere.datasets import load
from mere.errors import ConvergenceWarning, MereKeyError, MereUnavailableError, MereValueError, SingularFitMessage

ORANGE = "circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree"


@pytest.fixture(scope="module")
def orange():
    return mere.nlmer(ORANGE, load("Orange"))


@pytest.fixture(scope="module")
def linear():
    """The same model as a linear and as a nonlinear one."""
    d = load("sleepstudy")
    start = {"a": 250.0, "b": 10.0}
    return (
        mere.lmer("Reaction ~ Days + (Days | Subject)", d, REML=False),
        mere.nlmer("Reaction ~ a + b * Days ~ (a + b | Subject)", d, start=start),
    )


# ---------------------------------------------------------------------- profiles
def test_profiles_of_a_linear_mean_are_those_of_lmer(linear):
    lmer, nlmer = linear
    want, got = mere.profile(lmer), mere.profile(nlmer)
    np.testing.assert_allclose(mere.confint(got), mere.confint(want), rtol=2e-4, atol=1e-4)
    for left, right in zip(want.tables, got.tables, strict=True):
        middle = left.curve.value[(np.abs(left.curve.zeta) > 0.3) & (np.abs(left.curve.zeta) < 2)]
        inside = middle[(middle > right.curve.value[0]) & (middle < right.curve.value[-1])]
        np.testing.assert_allclose(right.curve(inside), left.curve(inside), atol=2e-3)


def test_a_point_of_a_profile_is_a_constrained_optimum(orange):
    from scipy.optimize import minimize

    table = mere.profile(orange, "xmid").tables[0]
    at = int(np.argmin(np.abs(table.curve.zeta - 1.5)))
    value, scale = table.values[at], np.array([4.0, 190.0, 350.0])

    def criterion(z):
        theta, asym, scal = z * scale
        return orange.objective.value(np.array([theta, asym, value[3], scal]))

    found = minimize(criterion, np.array([orange.par[0], orange.beta[0], orange.beta[2]]) / scale, method="Nelder-Mead",
                     options={"xatol": 1e-9, "fatol": 1e-10, "maxiter": 2000})  # fmt: skip
    assert table.curve.zeta[at] == pytest.approx(np.sqrt(found.fun - orange.criterion), abs=1e-4)
    assert value[0] == pytest.approx(found.x[0] * scale[0] * orange_sigma(orange, found.x * scale, value[3]), rel=1e-3)


def orange_sigma(m, z, xmid):
    m.objective.value(np.array([z[0], z[1], xmid, z[2]]))
    return m.objective.sigma


def test_the_profile_of_sigma_with_no_variance_is_that_of_least_squares():
    """Without variance between levels -2 log L is n log(2 pi s^2) + rss / s^2, and its signed root known."""
    rng = np.random.default_rng(3)
    d = pd.DataFrame({"x": np.tile(np.arange(1.0, 9), 10), "g": np.repeat(np.arange(10), 8)})
    d["y"] = 10 * np.exp(-0.3 * d.x) + np.tile(rng.normal(size=8) * 0.2, 10) + rng.permutation(np.tile([-0.1, 0.1], 40))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SingularFitMessage)
        m = mere.nlmer("y ~ a * exp(-k * x) ~ a | g", d, start={"a": 8, "k": 0.2})
    assert m.theta[0] == 0.0
    n, rss = len(d), m.sigma**2 * len(d)
    curve = mere.profile(m, "sigma")["sigma"]
    inner = np.abs(curve.zeta) < 1.5
    s = curve.value[inner]
    # above the estimate a variance between levels may come in, so the least-squares curve is an upper limit
    want = np.sign(s - m.sigma) * np.sqrt(np.maximum(n * np.log(s**2 / m.sigma**2) + rss / s**2 - n, 0))
    np.testing.assert_allclose(curve.zeta[inner][s > m.sigma], want[s > m.sigma], atol=1e-4)
    assert (np.abs(curve.zeta[inner]) <= np.abs(want) + 1e-5).all()


def test_what_profiles_cannot_do_is_said(orange, linear):
    with pytest.raises(MereValueError, match="nAGQ=1"):
        mere.profile(mere.update(orange, nAGQ=0))
    with pytest.raises(MereUnavailableError, match="covariances"):
        mere.profile(linear[1], prof_scale="varcov")
    with pytest.raises(MereKeyError, match="no parameter"):
        mere.profile(orange, "nothing")
    with pytest.raises(MereValueError, match="method must be"):
        mere.confint(orange, method="exact")


def test_intervals_of_nlmer_by_profile(orange):
    table = mere.confint(orange, ["sigma", "Asym"], method="profile")
    wald = mere.confint(orange, "Asym")
    assert list(table.index) == ["sigma", "Asym"]
    assert table.loc["sigma"].iloc[0] < orange.sigma < table.loc["sigma"].iloc[1]
    assert table.loc["Asym"].iloc[0] < wald.iloc[0, 0]  # five trees: wider than Wald's
    assert table.loc["Asym"].iloc[1] > wald.iloc[0, 1]
    near = mere.confint(orange, ["sigma", "Asym"], method="profile", level=0.5)
    assert (near.iloc[:, 0] > table.iloc[:, 0]).all()


# ---------------------------------------------------------------------- predictions
@pytest.mark.parametrize("re_form", [None, False])
def test_standard_errors_of_a_linear_mean_are_those_of_lmer(linear, re_form):
    lmer, nlmer = linear
    new = {"Days": [0.0, 4.0, 9.0], "Subject": ["308", "309", "new"]}
    for data in (None, new):
        options = {} if data is None else {"newdata": data, "allow_new_levels": True}
        want = mere.predict(lmer, se_fit=True, re_form=re_form, **options)
        got = mere.predict(nlmer, se_fit=True, re_form=re_form, **options)
        np.testing.assert_allclose(got.se_fit, want.se_fit, rtol=1e-5)
        for interval in ("confidence", "prediction"):
            np.testing.assert_allclose(
                mere.predict(nlmer, re_form=re_form, interval=interval, **options),
                mere.predict(lmer, re_form=re_form, interval=interval, **options),
                rtol=1e-6,
            )


def test_standard_errors_of_parameters(orange):
    p = mere.predict(orange, {"age": [500.0], "Tree": ["1"]}, type="parameters", re_form=False, se_fit=True)
    np.testing.assert_allclose(p.se_fit.iloc[0], np.sqrt(np.diag(mere.vcov(orange, use_hessian=False))), rtol=1e-8)
    with pytest.raises(MereValueError, match="type='response'"):
        mere.predict(orange, type="parameters", interval="confidence")


# ---------------------------------------------------------------------- refits
def test_refits_of_many_responses(orange):
    y = mere.simulate(orange, 3, seed=1)
    y.columns = ["a", "b", "c"]
    fits = mere.refit(orange, y)
    assert len(fits) == 3
    frame = fits.to_frame()
    assert list(frame.index) == ["a", "b", "c"]
    own = mere.refit(orange, y["b"])
    assert frame.loc["b", "logLik"] == pytest.approx(float(mere.logLik(own)), abs=1e-8)
    assert frame.loc["b", "sigma"] == pytest.approx(own.sigma)
    np.testing.assert_allclose(fits[1].beta, own.beta)
    assert "3 refits" in repr(fits)
    assert not len(fits.failures)
    with pytest.raises(MereKeyError, match="3 responses"):
        fits[3]


def test_a_response_that_fails_is_told(orange):
    good = load("Orange")["circumference"].to_numpy()
    y = np.column_stack([good, np.full(35, 1e300)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fits = mere.refit(orange, y)
    assert fits.to_frame().iloc[1].isna().all()
    assert list(fits.failures.index) == [1]
    with pytest.raises(MereKeyError, match="failed"):
        fits[1]
