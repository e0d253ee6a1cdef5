"""Influence and the jackknife against fits of the other rows; diagnostics of linear models; all optimizers."""

import warnings

import numpy as np
import pandas as pd
import pytest

import mere
from mere.datasets import Pastes, Penicillin, cake, sleepstudy
from mere.errors import BootstrapWarning, MereKeyError, MereValueError


def test_deletions_are_fits_of_the_other_rows():
    f = "angle ~ recipe + temp + (1 | replicate/recipe)"
    m = mere.lmer(f, cake, weights="1 + temp / 200", offset="temp / 10")
    units = mere.influence(m, "replicate", ncpus=2)
    rows = mere.influence(m)
    for case in ("1", "7", "15"):
        own = mere.update(m, data=cake[cake["replicate"].astype(str) != case])
        np.testing.assert_allclose(units.fixed_deleted.loc[case], own.beta, rtol=1e-6)
        at = list(units.fixed_deleted.index).index(case)
        np.testing.assert_allclose(units.vcov_deleted[at], own.vcov(), rtol=1e-4, atol=1e-10)
    own = mere.update(m, data=cake.drop(index=cake.index[5]))
    np.testing.assert_allclose(rows.fixed_deleted.iloc[5], own.beta, rtol=1e-6)
    assert rows.var_cov_deleted.iloc[5]["sigma"] == pytest.approx(own.sigma, rel=1e-5)


def test_structured_terms_too():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cs = mere.lmer("Reaction ~ Days + cs(Days | Subject)", sleepstudy)
        us = mere.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
        a, b = mere.influence(cs, "Subject"), mere.influence(us, "Subject")
    np.testing.assert_allclose(mere.dfbeta(a), mere.dfbeta(b), atol=1e-2)
    np.testing.assert_allclose(mere.dfbetas(a), mere.dfbetas(b), atol=1e-3)


def test_groups_by_interaction_and_by_columns_of_the_data():
    data = sleepstudy.assign(half=np.repeat(["a", "b"], 90))
    m = mere.lmer("Reaction ~ Days + (1 | Subject)", data)
    assert list(mere.influence(m, "half").fixed_deleted.index) == ["a", "b"]
    assert len(mere.influence(m, ["half", "Subject"]).fixed_deleted) == 18
    with pytest.raises(MereKeyError, match="nothing"):
        mere.influence(m, "nothing")
    assert mere.influence(m, "Subject").to_frame().shape == (18, 5)
    assert mere.dfbeta(mere.influence(m, "Subject"), "var_cov").shape == (18, 2)
    with pytest.raises(MereValueError, match="which"):
        mere.dfbeta(mere.influence(m, "Subject"), "all")


def test_a_deletion_that_cannot_be_fitted():
    data = sleepstudy.assign(only=(sleepstudy["Subject"].astype(str) == "308").astype(float))
    m = mere.lmer("Reaction ~ Days + only + (1 | Subject)", data)
    with pytest.warns(BootstrapWarning, match="308"):
        i = mere.influence(m, "Subject")
    assert i.fixed_deleted.loc["308"].isna().all()
    assert i.fixed_deleted.drop("308").notna().all(axis=None)


def test_units_of_the_jackknife():
    nested = mere.lmer("strength ~ 1 + (1 | batch/cask)", Pastes)
    crossed = mere.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", Penicillin)
    assert mere.jackknife(nested).groups == "batch"
    assert mere.jackknife(crossed).groups == "plate"
    assert len(mere.jackknife(crossed, "rows").values) == 144
    j = mere.jackknife(nested)
    by_hand = mere.jackknife(nested, FUN=lambda fit: fit.beta)
    np.testing.assert_allclose(j.se["(Intercept)"], by_hand.se.iloc[0], rtol=1e-5)
    assert list(j.to_frame()) == ["estimate", "bias", "se"]


def test_the_jackknife_of_a_linear_model():
    f = mere.lm("Reaction ~ Days", sleepstudy, weights="1 + Days")
    j = mere.jackknife(f)
    np.testing.assert_allclose(j.t0[:2] - j.values.iloc[:, :2], mere.dfbeta(f), rtol=1e-6, atol=1e-10)
    np.testing.assert_allclose(j.values["sigma"], mere.influence(f).sigma)
    assert len(mere.jackknife(f, "Subject").values) == 18


def test_diagnostics_of_linear_models_by_refits():
    f = mere.lm("Reaction ~ Days", sleepstudy)
    j = mere.jackknife(f).values
    change = (j.iloc[:, :2] - f.beta).to_numpy()
    V = np.linalg.inv(mere.vcov(f).to_numpy())
    np.testing.assert_allclose(mere.cooks_distance(f), np.einsum("ij,jk,ik->i", change, V, change) / 2)
    i = mere.influence(f)
    pd.testing.assert_frame_equal(mere.dfbetas(i), mere.dfbetas(f))
    pd.testing.assert_series_equal(mere.cooks_distance(i), mere.cooks_distance(f))
    with pytest.raises(MereValueError):
        mere.influence(f, "Subject")


def test_all_optimizers():
    m = mere.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)

    def broken(f, x0, lower, upper, control):
        raise mere.errors.ConvergenceError("no")

    a = mere.allFit(m, ["auto", "nloptwrap", "L-BFGS-B", broken], start_from_mle=False)
    table = a.to_frame()
    assert list(table["optimizer"]) == ["auto", "nloptwrap", "L-BFGS-B", "broken"]
    np.testing.assert_allclose(table["logLik"][:3], m.logLik(), atol=1e-5)
    assert np.isnan(table["logLik"][3])
    s = mere.summary(a)
    assert list(s.sdcor) == list(mere.confint(m, "theta_", method="Wald").index)
    assert not s.which_OK["broken"]
    np.testing.assert_allclose(s.sdcor["sd_Days|Subject"], 5.922, atol=1e-2)
    assert "Fixed effects" in repr(s)


def test_changes_of_a_model_are_those_of_its_influence():
    m = mere.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    by_subject = mere.influence(m, "Subject")
    pd.testing.assert_frame_equal(mere.dfbeta(m, groups="Subject"), mere.dfbeta(by_subject))
    pd.testing.assert_frame_equal(mere.dfbetas(m, groups="Subject"), mere.dfbetas(by_subject))
    assert mere.dfbeta(m).shape == (180, 2)
    with pytest.raises(mere.errors.MereValueError, match="which"):
        mere.dfbeta(m, which="theta")
