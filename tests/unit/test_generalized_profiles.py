"""Profiles of generalized mixed models: against refits by hand, at bounds, for structures, on other scales."""

import warnings

import numpy as np
import pandas as pd
import pytest

import mere
from mere.datasets import cbpp
from mere.errors import DataMessage, MereValueError, RefitMessage
from mere.inference.charts import Coordinate, Correlation, Covariance
from mere.inference.held import descend

from ..parity.goldens import table

CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"


def quiet(*args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mere.glmer(*args, **kwargs)


@pytest.fixture(scope="module")
def herds():
    return mere.glmer(CBPP, cbpp, "binomial")


@pytest.fixture(scope="module")
def counts():
    return mere.glmer("count ~ x + offset(log(e)) + (x | g)", table("glmm_crossed"), "poisson")


@pytest.mark.parametrize("chart", [Coordinate(2), Correlation(0, 1, 2), Covariance(0, 1)])
def test_charts_are_inverse_and_their_slopes_are_derivatives(chart):
    x, weights = np.array([0.7, 0.4, 0.9, -1.3]), np.array([0.3, -1.2, 0.8, 2.0])
    value, z = chart.split(x)
    np.testing.assert_allclose(chart.join(value, z), x, rtol=1e-14)

    def f(value, z):
        return float(np.sin(chart.join(value, z) * weights).sum())

    by_value, by_z = chart.slopes(value, z, weights * np.cos(x * weights))
    h = 1e-6
    assert by_value == pytest.approx((f(value + h, z) - f(value - h, z)) / (2 * h), abs=1e-8)
    for i in range(3):
        step = h * (np.arange(3) == i)
        assert by_z[i] == pytest.approx((f(value, z + step) - f(value, z - step)) / (2 * h), abs=1e-8)


def test_descent_of_a_curved_valley():
    def valley(z):
        a, b = 1 - z[0], z[1] - z[0] ** 2
        return a**2 + 100 * b**2, np.array([-2 * a - 400 * b * z[0], 200 * b])

    np.testing.assert_allclose(descend(valley, np.array([-1.2, 1.0]), np.eye(2)).z, [1.0, 1.0], atol=1e-5)


def test_zeta_of_a_fixed_effect_is_a_likelihood_ratio(counts):
    profile = mere.profile(counts, "x")
    data = table("glmm_crossed")
    for value in (0.2, 0.55):
        offset = np.log(data["e"].to_numpy()) + value * data["x"].to_numpy()
        held = mere.glmer("count ~ 1 + (x | g)", data, "poisson", offset=offset)
        zeta = np.sign(value - counts.fixef()["x"]) * np.sqrt(held.criterion - counts.criterion)
        assert profile["x"](value)[0] == pytest.approx(zeta, abs=1e-4)


def test_zeta_of_a_standard_deviation_of_zero_is_the_test_against_no_random_effects(herds):
    none = mere.glm("cbind(incidence, size - incidence) ~ period", cbpp, "binomial")
    zeta = mere.profile(herds, "theta_", alphamax=1e-4)["sd_(Intercept)|herd"](0.0)[0]
    assert zeta**2 == pytest.approx(2 * (float(mere.logLik(herds)) - float(mere.logLik(none))), rel=1e-5)


@pytest.mark.parametrize("rho", [-0.2, 0.6])
def test_zeta_of_a_correlation_by_another_minimizer(counts, rho):
    from scipy.optimize import minimize

    o = counts.objective

    def function(z):
        s1, s2 = np.exp(z[:2])
        return o.value(np.concatenate([[s1, s2 * rho, s2 * np.sqrt(1 - rho**2)], z[2:]]))

    start = np.concatenate([np.log(counts.theta[[0, 2]]), counts.beta])
    found = minimize(function, start, method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10, "maxfev": 5000})
    name = "cor_x.(Intercept)|g"
    at = mere.profile(counts, name, delta_cutoff=1 / 16)[name](rho)[0]
    assert abs(at) == pytest.approx(np.sqrt(found.fun - counts.criterion), abs=2e-4)


def test_points_are_minima(counts):
    """The gradient by all parameters but the one that is held is zero; here in the model's own coordinates."""
    table = mere.profile(counts, "beta_").to_frame()
    o = counts.objective
    for name, position in (("(Intercept)", 3), ("x", 4)):
        rows = table[table[".par"] == name]
        for _, row in rows.iloc[[0, 3, -1]].iterrows():
            s1, s2, rho = row[["sd_(Intercept)|g", "sd_x|g", "cor_x.(Intercept)|g"]].astype(float)
            x = np.array([s1, s2 * rho, s2 * np.sqrt(1 - rho**2), row["(Intercept)"], row["x"]], dtype=float)
            assert np.abs(np.delete(o.gradient(x), position)).max() < 1e-3
            assert np.sqrt(o.value(x) - counts.criterion) == pytest.approx(abs(row[".zeta"]), abs=1e-6)


def test_structured_terms_agree_with_the_same_model_unstructured(counts):
    cs = mere.glmer("count ~ x + offset(log(e)) + cs(x | g)", table("glmm_crossed"), "poisson")
    np.testing.assert_allclose(mere.confint(cs), mere.confint(counts), atol=3e-4)
    assert list(mere.confint(cs).index)[2] == "rho|g"


def test_singular_fits_have_bounds():
    m = quiet("none ~ x + (x | g)", table("glmm_edges"), "poisson")
    assert mere.isSingular(m)
    profile = mere.profile(m)
    ci = mere.confint(profile)
    assert ci.loc["cor_x.(Intercept)|g"].tolist() == [-1.0, 1.0]
    assert (ci.loc[["sd_(Intercept)|g", "sd_x|g"]].iloc[:, 0] == 0).all()
    for part in profile.tables:
        assert (np.diff(part.curve.zeta) > -1e-6).all()
    # beyond a correlation of zero the best fit has one effect only, whatever the correlation
    flat = min(quiet("none ~ x + (1 | g)", table("glmm_edges"), "poisson").criterion,
               quiet("none ~ x + (0 + x | g)", table("glmm_edges"), "poisson").criterion)  # fmt: skip
    assert profile["cor_x.(Intercept)|g"](-0.9)[0] == pytest.approx(-np.sqrt(flat - m.criterion), abs=1e-4)


def test_separation_leaves_an_interval_open():
    d = cbpp.assign(last=(cbpp["period"] == "4") * 1.0, cases=np.where(cbpp["period"] == "4", 0, cbpp["incidence"]))
    m = quiet("cbind(cases, size - cases) ~ last + (1 | herd)", d, "binomial")
    with pytest.warns(DataMessage, match="profile of last levels off"):
        low, high = mere.confint(m, "last").iloc[0]
    assert low == -np.inf
    # an offset for last in place of the coefficient: the criterion at the finite end
    offset = high * d["last"].to_numpy()
    held = quiet("cbind(cases, size - cases) ~ 1 + (1 | herd)", d, "binomial", offset=offset)
    assert np.sqrt(held.criterion - m.criterion) == pytest.approx(1.959964, abs=2e-2)


def test_size_of_a_negative_binomial_moves_with_the_rest():
    from mere.datasets import grouseticks

    m = mere.glmer_nb("TICKS ~ YEAR + (1 | BROOD)", grouseticks)
    profile = mere.profile(m, "YEAR96")
    value = float(m.fixef()["YEAR96"]) + 0.6
    offset = value * (grouseticks["YEAR"] == "96").to_numpy(dtype=float)
    data = grouseticks.assign(later=(grouseticks["YEAR"] == "97") * 1.0)
    held = mere.glmer_nb("TICKS ~ later + (1 | BROOD)", data, offset=offset)
    assert profile["YEAR96"](value)[0] == pytest.approx(np.sqrt(held.criterion - m.criterion), abs=1e-3)


def test_scales_names_and_threads(counts):
    sd, var = mere.profile(counts), mere.profile(counts, prof_scale="varcov")
    a, b = mere.confint(sd), mere.confint(var)
    np.testing.assert_allclose(b.loc["var_x|g"], a.loc["sd_x|g"] ** 2, rtol=1e-4)
    assert list(b.index) == ["var_(Intercept)|g", "var_x|g", "cov_x.(Intercept)|g", "(Intercept)", "x"]
    low, high = b.loc["cov_x.(Intercept)|g"]
    assert low < mere.VarCorr(counts)["g"].to_numpy()[1, 0] < high
    numbered = mere.confint(counts, ["theta_", "x"], signames=True)
    assert list(numbered.index) == [".sig01", ".sig02", ".sig03", "x"]
    np.testing.assert_allclose(mere.confint(counts, ".sig03"), a.iloc[[2]], atol=2e-4)
    pd.testing.assert_frame_equal(mere.profile(counts, ncpus=2).to_frame(), sd.to_frame())
    logs = mere.confint(mere.logProf(sd))
    np.testing.assert_allclose(np.exp(logs.loc["log_x|g"]) if "log_x|g" in logs.index else np.exp(logs.iloc[1]),
                               a.loc["sd_x|g"], rtol=1e-4)  # fmt: skip


def test_covariance_by_its_definition(counts):
    from scipy.optimize import minimize

    o, value = counts.objective, 0.2
    profile = mere.profile(counts, "theta_", prof_scale="varcov")

    def function(z):
        return o.value(np.concatenate([[z[0], value / z[0], z[1]], z[2:]]))

    start = np.concatenate([counts.theta[[0, 2]], counts.beta])
    found = minimize(function, start, method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10, "maxfev": 5000})
    got = profile["cov_x.(Intercept)|g"](value)[0]
    assert got == pytest.approx(np.sqrt(found.fun - counts.criterion), abs=1e-3)


def test_quadrature_and_steps(herds):
    m = mere.glmer(CBPP, cbpp, "binomial", nAGQ=7)
    coarse, fine = (mere.profile(m, delta_cutoff=d).confint() for d in (1 / 6, 1 / 24))
    np.testing.assert_allclose(coarse, fine, atol=2e-3)
    wide = mere.profile(herds).confint(level=0.99)
    assert list(wide.columns) == ["0.5 %", "99.5 %"]
    assert (wide.iloc[:, 0] < mere.confint(herds).iloc[:, 0]).all()


def test_a_better_optimum_is_adopted_and_said(herds):
    start = {"theta": [0.4], "fixef": herds.beta + [0.2, 0, 0, 0]}
    bad = quiet(CBPP, cbpp, "binomial", start=start, control=mere.glmerControl(optimizer=None))
    with pytest.warns(RefitMessage, match="lower criterion"):
        profile = mere.profile(bad, "period4")
    np.testing.assert_allclose(profile.confint(), mere.confint(herds, "period4"), atol=1e-4)


def test_pictures(counts):
    import matplotlib

    matplotlib.use("Agg")
    profile = mere.profile(counts)
    for picture in (mere.plot, mere.densityplot, mere.splom):
        figure = picture(profile)
        assert len(figure.axes) >= 5


def test_wrong_arguments():
    m = mere.glmer(CBPP, cbpp, "binomial", nAGQ=0)
    with pytest.raises(MereValueError, match="nAGQ=1"):
        mere.profile(m)
    with pytest.raises(MereValueError, match="prof_scale"):
        mere.profile(m, prof_scale="x")
    with pytest.raises(MereValueError, match="alphamax"):
        mere.profile(m, alphamax=2)
