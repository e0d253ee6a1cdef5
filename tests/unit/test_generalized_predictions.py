"""Predictions of generalized models by dense matrices, their ranges and offsets; what glm and lmList do with them."""

import matplotlib
import numpy as np
import pandas as pd
import pytest

import mere
from mere.accessors.blocks import random_design, relative_covariance
from mere.datasets import cbpp, grouseticks, sleepstudy
from mere.errors import DataMessage, MereValueError

matplotlib.use("Agg")
CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"


@pytest.fixture(scope="module")
def m():
    return mere.glmer(CBPP, cbpp, "binomial")


@pytest.fixture(scope="module")
def ticks():
    return mere.glmer("TICKS ~ YEAR + (1 | BROOD) + (1 | LOCATION)", grouseticks, "poisson")


def test_the_variance_is_that_of_the_joint_covariance(ticks):
    """Given theta: the inverse of [[Z'WZ + (Lambda Lambda')^-1, Z'WX], [X'WZ, X'WX]], by dense matrices."""
    d = ticks.design
    Z = random_design(d.random).toarray()
    Lambda = relative_covariance(d.random, ticks.theta).toarray()
    A, W = np.hstack([Z, d.X]), ticks.working[:, None]
    M = A.T @ (W * A)
    q = Z.shape[1]
    M[:q, :q] += np.linalg.inv(Lambda @ Lambda.T)
    want = np.sqrt(np.einsum("ij,jk,ik->i", A, np.linalg.inv(M), A))
    np.testing.assert_allclose(ticks.predict(se_fit=True).se_fit, want, rtol=1e-9)
    fixed = np.sqrt(np.einsum("ij,jk,ik->i", d.X, mere.vcov(ticks, use_hessian=False).to_numpy(), d.X))
    np.testing.assert_allclose(ticks.predict(se_fit=True, re_form=False).se_fit, fixed, rtol=1e-9)


@pytest.mark.parametrize("theta", [False, True])
def test_a_new_level_has_the_variance_of_its_own(m, theta):
    new = {"period": ["2", "2"], "herd": ["new", "1"]}
    p = m.predict(new, allow_new_levels=True, se_fit=True, theta=theta)
    none = m.predict(new, re_form=False, se_fit=True, theta=theta)
    assert p.se_fit[0] ** 2 == pytest.approx(none.se_fit[0] ** 2 + m.theta[0] ** 2, rel=1e-9)


@pytest.mark.parametrize("link", ["logit", "cloglog", "cauchit"])
def test_intervals_stay_in_the_range(link):
    m = mere.glmer(CBPP, cbpp, mere.families.binomial(link))
    p = m.predict(interval="confidence", type="response", level=0.9999)
    assert list(p.columns) == ["fit", "lwr", "upr"]
    assert ((p.lwr > 0) & (p.lwr < p.fit) & (p.fit < p.upr) & (p.upr < 1)).all()
    eta = m.predict(interval="confidence", level=0.9999)
    np.testing.assert_allclose(p, m.model_family.link.inverse(eta.to_numpy()), rtol=1e-12)


def test_a_decreasing_link_keeps_the_ends_in_order():
    d = pd.DataFrame({"y": [1.0, 2.0, 1.5, 3.0, 2.2, 4.0], "x": [1.0, 2, 3, 4, 5, 6]})
    p = mere.glm("y ~ x", d, "Gamma").predict(interval="confidence", type="response")
    assert ((p.lwr < p.fit) & (p.fit < p.upr)).all()


def test_standard_errors_of_means_are_by_the_chain_rule(m):
    link, mean = m.predict(se_fit=True), m.predict(se_fit=True, type="response")
    np.testing.assert_allclose(mean.se_fit, link.se_fit * mean.fit * (1 - mean.fit), rtol=1e-12)
    plain = m.predict(type="response")
    pd.testing.assert_series_equal(mean.fit, plain)


def test_what_is_refused(m):
    with pytest.raises(MereValueError, match="type='response'"):
        m.predict(interval="prediction")
    with pytest.raises(MereValueError, match="link"):
        m.predict(type="terms")


def test_rows_with_missing_values(m):
    new = cbpp.head(4).astype({"period": object})
    new.loc[new.index[1], "period"] = None
    assert m.predict(new, se_fit=True).se_fit.isna().tolist() == [False, True, False, False]
    assert len(m.predict(new, na_action="omit")) == 3


def test_the_offset_argument_follows_new_data():
    d = cbpp.assign(logsize=np.log(cbpp["size"]))
    by_name = mere.glm("incidence ~ period", d, "poisson", offset="logsize")
    in_formula = mere.glm("incidence ~ period + offset(logsize)", d, "poisson")
    new = d.head(3).assign(logsize=[0.0, 1.0, 2.0])
    np.testing.assert_allclose(by_name.predict(new), in_formula.predict(new), rtol=1e-12)


def test_simulated_responses_of_a_glm():
    g = mere.glm("cbind(incidence, size - incidence) ~ period", cbpp, "binomial")
    a, b = mere.simulate(g, nsim=400, seed=3), mere.simulate(g, nsim=400, seed=3)
    pd.testing.assert_frame_equal(a, b)
    size, a = cbpp["size"].to_numpy(), a.xs("incidence", axis=1, level=1)
    assert (a.to_numpy() <= size[:, None]).all()
    mu, error = size * g.fitted().to_numpy(), np.sqrt(size * g.fitted() * (1 - g.fitted()) / 400)
    assert (np.abs(a.mean(axis=1).to_numpy() - mu) < 5 * error.to_numpy()).all()


def test_profile_intervals_are_where_the_deviance_says():
    g = mere.glm("cbind(incidence, size - incidence) ~ period", cbpp, "binomial")
    low, high = mere.confint(g, "(Intercept)").iloc[0]
    for end in (low, high):
        X = np.column_stack([(cbpp.period == p).astype(float) for p in "234"])
        data = pd.DataFrame(X, columns=["a", "b", "c"]).assign(s=cbpp.incidence, f=cbpp["size"] - cbpp.incidence, o=end)
        held = mere.glm("cbind(s, f) ~ 0 + a + b + c", data, "binomial", offset="o")
        assert held.deviance() - g.deviance() == pytest.approx(1.959963984540054**2, rel=1e-7)


def test_an_interval_without_an_end_is_said():
    d = pd.DataFrame({"y": [0, 0, 0, 1, 1, 0, 1, 1], "x": [0, 0, 0, 0, 0, 0, 1, 1]})
    with pytest.warns(DataMessage, match="profile of x does not reach"):
        table = mere.confint(mere.glm("y ~ x", d, "binomial"), "x")
    assert np.isfinite(table.iloc[0, 0])
    assert np.isinf(table.iloc[0, 1])


def test_models_by_group_as_one():
    L = mere.lmList("Reaction ~ Days | Subject", sleepstudy)
    np.testing.assert_allclose(L.predict(sleepstudy), L.fitted(), rtol=1e-10)
    np.testing.assert_allclose(L.ranef()["Subject"].mean(), 0, atol=1e-10)
    assert L.formula() == "Reaction ~ Days | Subject"
    assert list(L.update(". ~ 1 | Subject").coef().columns) == ["(Intercept)"]
    assert L.update(". ~ . + I(Days^2)").formula() == "Reaction ~ Days + I(Days^2) | Subject"
    with pytest.warns(DataMessage, match="no model for Subject 'x'"):
        p = L.predict({"Days": [1.0, 1.0], "Subject": ["308", "x"]})
    assert np.isnan(p[1])
    assert not np.isnan(p[0])


def test_standard_errors_by_group_are_pooled():
    L = mere.lmList("Reaction ~ Days | Subject", sleepstudy)
    p = L.predict(sleepstudy.iloc[:3], se_fit=True)
    one = mere.lm("Reaction ~ Days", sleepstudy[sleepstudy.Subject == "308"])
    alone = one.predict(sleepstudy.iloc[:3], se_fit=True).se_fit
    np.testing.assert_allclose(p.se_fit, alone * L.sigma() / one.sigma, rtol=1e-10)


def test_pictures_of_models_by_group():
    L = mere.lmList("Reaction ~ Days | Subject", sleepstudy)
    figure = mere.plot(mere.confint(L))
    assert [a.get_title() for a in figure.axes] == ["(Intercept)", "Days"]
    assert len(figure.axes[0].collections[0].get_segments()) == 18
    assert len(mere.plot(L).lines[0].get_xdata()) == 180
    assert len(mere.splom(L).axes) == 4
