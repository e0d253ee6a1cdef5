"""Profiles: against refits by hand, at bounds, for structured terms, on other scales."""

import warnings

import numpy as np
import pandas as pd
import pytest

import mere
from mere.datasets import Dyestuff2, Pastes, Penicillin, sleepstudy
from mere.errors import MereKeyError, MereValueError, RefitMessage
from mere.inference.curves import make_curve


def slopes(**arguments):
    return mere.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, REML=False, **arguments)


def test_zeta_of_a_fixed_effect_is_a_likelihood_ratio():
    m = slopes()
    profile = mere.profile(m, "Days")
    for value in (8.0, 12.5):
        held = mere.lmer(
            "Reaction ~ 1 + (Days | Subject)", sleepstudy, REML=False, offset=value * sleepstudy["Days"].to_numpy()
        )
        zeta = np.sign(value - m.fixef()["Days"]) * np.sqrt(held.criterion - m.criterion)
        assert profile["Days"](value)[0] == pytest.approx(zeta, abs=2e-5)


def test_zeta_of_the_variance_parameters_of_one_factor():
    """With one scalar factor the criterion is a function of two numbers: minimize it over the other by a grid."""
    m = mere.lmer("strength ~ 1 + (1 | sample)", Pastes, REML=False)
    profile = mere.profile(m, "theta_")
    table = profile.to_frame()
    for name, other in (("sd_(Intercept)|sample", "sigma"), ("sigma", "sd_(Intercept)|sample")):
        rows = table[table[".par"] == name]
        for _, row in rows.iloc[[1, -2]].iterrows():
            best = min(
                _two_numbers(m, *(row[name], v) if name.startswith("sd") else (v, row[name]))
                for v in row[other] * np.linspace(0.98, 1.02, 41)
            )
            assert best - m.criterion == pytest.approx(row[".zeta"] ** 2, abs=1e-4)


def _two_numbers(m, sd, sigma):
    state = m.objective.state(np.array([sd / sigma]))
    n = m.design.n
    return state.devcomp["ldL2"] + n * np.log(2 * np.pi * sigma**2) + state.devcomp["pwrss"] / sigma**2


def test_reml_fits_are_profiled_by_ml_and_it_is_said():
    reml = mere.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy)
    with pytest.warns(RefitMessage, match="ML") as record:
        got = mere.confint(reml)
    assert len(record) == 1
    assert record[0].filename == __file__
    np.testing.assert_allclose(got, mere.confint(mere.refitML(reml)), rtol=1e-6)


def test_weights_change_nothing_but_their_scale():
    one = mere.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy, REML=False, weights="1 + Days / 3")
    two = mere.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy, REML=False, weights="2 + 2 * Days / 3")
    a, b = mere.confint(one), mere.confint(two)
    np.testing.assert_allclose(a.drop("sigma"), b.drop("sigma"), rtol=1e-6)
    np.testing.assert_allclose(a.loc["sigma"] * np.sqrt(2), b.loc["sigma"], rtol=1e-6)


def test_offset():
    plain = mere.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy, REML=False)
    moved = mere.lmer("Reaction ~ Days + offset(3 * Days) + (1 | Subject)", sleepstudy, REML=False)
    a, b = mere.confint(plain), mere.confint(moved)
    np.testing.assert_allclose(a.drop("Days"), b.drop("Days"), rtol=1e-6)
    np.testing.assert_allclose(a.loc["Days"] - 3, b.loc["Days"], rtol=1e-6)


def test_a_variance_of_zero_has_the_bound_zero():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m = mere.lmer("Yield ~ 1 + (1 | Batch)", Dyestuff2, REML=False)
    ci = mere.confint(m)
    assert ci.loc["sd_(Intercept)|Batch"].iloc[0] == 0.0
    assert ci.loc["sd_(Intercept)|Batch"].iloc[1] > 1.0
    logs = mere.confint(mere.logProf(mere.profile(m)))
    assert np.isfinite(logs.iloc[0, 1])


def test_an_undetermined_correlation_has_the_interval_of_all():
    x = np.tile([-1.0, 0.0, 1.0], 40)
    g = np.repeat([f"g{i:02d}" for i in range(20)], 6)
    y = x + np.tile([0.3, -0.1, 0.2, -0.3, 0.1, -0.2], 20) + np.repeat(np.sin(np.arange(20)), 6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m = mere.lmer("y ~ x + (x | g)", {"x": x, "y": y, "g": g}, REML=False)
        assert mere.isSingular(m)
        ci = mere.confint(m)
    assert ci.loc["cor_x.(Intercept)|g"].tolist() == [-1.0, 1.0]
    assert ci.loc["sd_x|g"].iloc[0] == 0.0


def test_structured_terms_agree_with_the_same_model_unstructured():
    cs = mere.lmer("Reaction ~ Days + cs(Days | Subject)", sleepstudy, REML=False)
    a = mere.confint(cs, ["sd_Days|Subject", "rho|Subject", "Days"])
    b = mere.confint(slopes(), ["sd_Days|Subject", "cor_Days.(Intercept)|Subject", "Days"])
    np.testing.assert_allclose(a, b, rtol=2e-4)


def test_variances_and_covariances():
    m = slopes()
    p = mere.profile(m, prof_scale="varcov")
    ci = mere.confint(p)
    sd = mere.confint(m)
    np.testing.assert_allclose(ci.loc["var_Days|Subject"], sd.loc["sd_Days|Subject"] ** 2, rtol=1e-4)
    assert list(ci.index)[:4] == [
        "var_(Intercept)|Subject",
        "var_Days|Subject",
        "cov_Days.(Intercept)|Subject",
        "var_sigma",
    ]
    estimate = mere.VarCorr(m)["Subject"].to_numpy()[1, 0]
    low, high = ci.loc["cov_Days.(Intercept)|Subject"]
    assert low < estimate < high


def test_frame_and_levels():
    m = mere.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", Penicillin, REML=False)
    p = mere.profile(m, signames=True)
    table = p.to_frame()
    assert list(table) == [".zeta", ".sig01", ".sig02", ".sigma", "(Intercept)", ".par"]
    assert list(table[".par"].cat.categories) == [".sig01", ".sig02", ".sigma", "(Intercept)"]
    for _, part in table.groupby(".par", observed=True):
        assert (np.diff(part[".zeta"]) > 0).all()
    assert "<table" in p._repr_html_()
    wide, narrow = p.confint(level=0.99), p.confint(level=0.5)
    assert list(wide.columns) == ["0.5 %", "99.5 %"]
    assert (wide.iloc[:, 0] < narrow.iloc[:, 0]).all()
    pd.testing.assert_frame_equal(mere.profile(m, ncpus=2, signames=True).to_frame(), table)


def test_delta_does_not_move_the_intervals():
    m = slopes()
    coarse, fine = mere.profile(m, delta_cutoff=1 / 4).confint(), mere.profile(m, delta_cutoff=1 / 32).confint()
    np.testing.assert_allclose(coarse, fine, rtol=2e-3)
    np.testing.assert_allclose(mere.profile(m).confint(), fine, rtol=1e-4)


def test_wrong_arguments():
    m = slopes()
    with pytest.raises(MereKeyError, match="is no parameter; there are"):
        mere.profile(m, "nothing")
    with pytest.raises(MereValueError, match="prof_scale"):
        mere.profile(m, prof_scale="logs")
    with pytest.raises(MereValueError, match="method"):
        mere.confint(m, method="magic")
    with pytest.raises(MereValueError, match="level"):
        mere.confint(m, level=95)


def test_wald():
    ci = mere.confint(slopes(), method="Wald")
    assert ci.iloc[:4].isna().all(axis=None)
    assert not ci.iloc[4:].isna().any(axis=None)


def test_a_curve_goes_through_its_points_and_back():
    value = np.array([3.0, 1.0, 2.0, 0.5, 1.5, 1.25])
    curve = make_curve(value, np.log(value / 2), 1 / value, 0.0, np.inf)
    np.testing.assert_allclose(curve(value), np.log(value / 2), atol=1e-12)
    assert curve(1.4)[0] == pytest.approx(np.log(0.7), abs=2e-4)
    assert curve(curve.inverse(-0.5))[0] == pytest.approx(-0.5)
    assert np.isnan(curve.inverse(3.0))
    assert np.isnan(curve(5.0)[0])


def test_structured_correlations_far_from_the_estimate():
    """Where a standard deviation of zero is better, zeta of the correlation is flat, as without a structure."""
    rng = np.random.default_rng(3)
    g, x = np.repeat(np.arange(12), 10), rng.normal(size=120)
    b = np.column_stack([0.25 * rng.normal(size=12), 0.9 * rng.normal(size=12)])
    d = {"y": 0.2 + b[g, 0] + (0.3 + b[g, 1]) * x + 0.5 * rng.normal(size=120), "x": x, "g": [f"g{i}" for i in g]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cs, us = (mere.lmer(f"y ~ x + {s}(x | g)", d, REML=False) for s in ("cs", ""))
        structured, plain = mere.profile(cs), mere.profile(us)
    a, b = structured["rho|g"], plain["cor_x.(Intercept)|g"]
    assert (np.diff(a.zeta) > -1e-5).all()
    for value in (-0.3, 0.0, 0.3, 0.6):
        assert a(value)[0] == pytest.approx(b(value)[0], abs=2e-2)
    np.testing.assert_allclose(mere.confint(structured), mere.confint(plain), atol=5e-3)


def test_a_model_without_random_variation():
    g = np.repeat([f"g{i}" for i in range(20)], 3)
    d = {"y": np.tile([1.0, 2.0, 4.0], 20), "x": np.tile([-1.0, 0.0, 1.0], 20), "g": g}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ci = mere.confint(mere.lmer("y ~ x + (x | g)", d, REML=False))
    assert ci.loc["cor_x.(Intercept)|g"].tolist() == [-1.0, 1.0]
    assert (ci.iloc[:2, 0] == 0).all() and ci.iloc[[0, 1, 3], 1].gt(0).all()
