"""predict, simulate, refit, update: what they give and what they refuse."""

import warnings

import numpy as np
import pandas as pd
import pytest

import mere
from mere.datasets import Penicillin, cake, sleepstudy
from mere.errors import MereError, MereKeyError, MereTypeError, MereValueError


@pytest.fixture(scope="module")
def m():
    return mere.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)


NEW = pd.DataFrame({"Days": [0.0, 3.0], "Subject": ["308", "372"]}, index=["a", "b"])


# -- predict ------------------------------------------------------------------------
def test_without_new_data_it_is_fitted(m):
    pd.testing.assert_series_equal(mere.predict(m), mere.fitted(m))
    np.testing.assert_allclose(mere.predict(m, sleepstudy), mere.fitted(m))
    np.testing.assert_allclose(mere.predict(m, re_form=False), m.design.X @ m.beta)
    np.testing.assert_allclose(mere.predict(m, random_only=True) + m.design.X @ m.beta, mere.fitted(m))


def test_labels_of_the_rows_are_kept(m):
    assert list(mere.predict(m, NEW).index) == ["a", "b"]


def test_parts_add_up(m):
    whole = mere.predict(m, NEW, random_only=True)
    parts = [mere.predict(m, NEW, re_form=f, random_only=True) for f in ("~ (1 | Subject)", "(0 + Days | Subject)")]
    np.testing.assert_allclose(sum(parts), whole)


def test_forms_that_mean_none(m):
    want = mere.predict(m, NEW, re_form=False)
    for form in (float("nan"), "~0", "NA"):
        pd.testing.assert_series_equal(mere.predict(m, NEW, re_form=form), want)
    pd.testing.assert_series_equal(mere.predict(m, {"Days": [0.0, 3.0]}, re_form=False), want.reset_index(drop=True))


def test_errors_name_the_column_the_level_the_term(m):
    with pytest.raises(MereValueError, match="new levels detected in newdata: 999"):
        mere.predict(m, NEW.assign(Subject=["308", "999"]))
    with pytest.raises(MereValueError, match="missing values"):
        mere.predict(m, NEW.assign(Subject=["308", None]))
    with pytest.raises(MereKeyError, match="Days"):
        mere.predict(m, NEW[["Subject"]])
    with pytest.raises(MereKeyError, match="Subject"):
        mere.predict(m, NEW[["Days"]])
    with pytest.raises(MereValueError, match="re_form"):
        mere.predict(m, NEW, re_form="~ (1 | Batch)")
    with pytest.raises(MereValueError, match="re_form"):
        mere.predict(m, NEW, re_form="~ Days")
    c = mere.lmer("angle ~ recipe + (1 | replicate)", cake)
    with pytest.raises(MereValueError, match="new level 'Z'"):
        mere.predict(c, {"recipe": ["Z"], "replicate": ["1"]})


def test_new_levels_are_zero_and_their_errors_have_their_variance(m):
    new = pd.DataFrame({"Days": [0.0, 5.0], "Subject": ["new", None]})
    got = mere.predict(m, new, allow_new_levels=True, se_fit=True)
    plain = mere.predict(m, new, re_form=False, se_fit=True)
    np.testing.assert_allclose(got.fit, plain.fit)
    V = mere.VarCorr(m)["Subject"].to_numpy()
    z = np.array([[1.0, 0.0], [1.0, 5.0]])
    np.testing.assert_allclose(got.se_fit**2, plain.se_fit**2 + np.einsum("ij,jk,ik->i", z, V, z))


def test_missing_covariates(m):
    new = pd.DataFrame({"Days": [0.0, np.nan, 2.0], "Subject": ["308", "309", "310"]})
    assert mere.predict(m, new).isna().tolist() == [False, True, False]
    assert list(mere.predict(m, new, na_action="omit").index) == [0, 2]
    with pytest.raises(MereValueError, match="missing"):
        mere.predict(m, new, na_action="fail")


def test_standard_errors_against_the_joint_covariance(m):
    V = mere.vcov(m, full=True).to_numpy()
    Z = mere.getME(m, "Z").toarray()
    rows = np.column_stack([Z, m.design.X])
    want = np.sqrt(np.einsum("ij,jk,ik->i", rows, V, rows))
    np.testing.assert_allclose(mere.predict(m, se_fit=True).se_fit, want, rtol=1e-8)


def test_intervals(m):
    confidence = mere.predict(m, NEW, interval="confidence", level=0.9)
    prediction = mere.predict(m, NEW, interval="prediction", se_fit=True)
    assert list(confidence) == ["fit", "lwr", "upr"]
    half = 1.959963985 * np.sqrt(prediction.se_fit**2 + m.sigma**2)
    np.testing.assert_allclose(prediction.fit["upr"] - prediction.fit["fit"], half)
    with pytest.raises(MereValueError, match="interval"):
        mere.predict(m, NEW, interval="both")


def test_weights_of_new_rows_enter_prediction_intervals():
    w = mere.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy, weights="1 + Days")
    new = {"Days": [0.0, 8.0], "Subject": ["308", "308"]}
    p = mere.predict(w, new, interval="prediction", se_fit=True)
    half = 1.959963985 * np.sqrt(p.se_fit**2 + w.sigma**2 / np.array([1.0, 9.0]))
    np.testing.assert_allclose(p.fit["upr"] - p.fit["fit"], half)


def test_offsets_are_evaluated_anew():
    a = mere.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy, offset="3 * Days")
    b = mere.lmer("Reaction ~ Days + offset(3 * Days) + (1 | Subject)", sleepstudy)
    np.testing.assert_allclose(mere.predict(a, NEW), mere.predict(b, NEW))
    np.testing.assert_allclose(mere.predict(a, sleepstudy), mere.fitted(a))
    c = mere.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy, offset=3.0 * sleepstudy["Days"].to_numpy())
    with pytest.raises(MereValueError, match="offset"):
        mere.predict(c, NEW)


def test_omitted_rows():
    holes = sleepstudy.copy()
    holes.loc[[3, 50], "Reaction"] = np.nan
    f = "Reaction ~ Days + (1 | Subject)"
    assert len(mere.predict(mere.lmer(f, holes))) == 178
    padded = mere.predict(mere.lmer(f, holes, na_action="exclude"), se_fit=True)
    assert padded.fit.isna().sum() == padded.se_fit.isna().sum() == 2


# -- simulate -----------------------------------------------------------------------
def test_moments():
    w = mere.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, weights="1 + Days")
    y = mere.simulate(w, 4000, seed=3).to_numpy()
    V = mere.VarCorr(w)["Subject"].to_numpy()
    z = np.column_stack([np.ones(10), np.arange(10)])
    want = z @ V @ z.T + np.diag(w.sigma**2 / np.arange(1, 11))
    first = y[:10] - (w.design.X @ w.beta)[:10, None]
    np.testing.assert_allclose(first.mean(axis=1), 0, atol=4 * np.sqrt(np.diag(want).max() / 4000))
    np.testing.assert_allclose(np.cov(first), want, atol=0.1 * np.diag(want).max())
    kept = mere.simulate(w, 4000, seed=3, use_u=True).to_numpy()
    np.testing.assert_allclose(kept.std(axis=1), w.sigma / np.sqrt(1 + sleepstudy["Days"]), rtol=0.08)
    np.testing.assert_allclose(kept.mean(axis=1), mere.fitted(w), atol=4 * w.sigma / np.sqrt(4000))


def test_seeds(m):
    a, b = mere.simulate(m, 3, seed=5), mere.simulate(m, 5, seed=5)
    pd.testing.assert_frame_equal(a, b.iloc[:, :3])
    assert a.attrs["seed"] == 5
    c = [mere.simulate(m, seed=np.random.default_rng(1))["sim_1"].iloc[0] for _ in range(2)]
    assert c[0] == c[1]
    assert mere.simulate(m)["sim_1"].iloc[0] != mere.simulate(m)["sim_1"].iloc[0]
    with pytest.raises(MereValueError, match="seed"):
        mere.simulate(m, seed="one")
    with pytest.raises(MereValueError, match="nsim"):
        mere.simulate(m, 0)


def test_some_effects_kept():
    p = mere.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", Penicillin)
    y = mere.simulate(p, 3000, seed=1, re_form="~ (1 | sample)").to_numpy()
    np.testing.assert_allclose(y.mean(axis=1), mere.predict(p, re_form="~ (1 | sample)"), atol=0.08)
    sd = np.hypot(mere.VarCorr(p)["plate"].to_numpy()[0, 0] ** 0.5, p.sigma)
    np.testing.assert_allclose(y.std(axis=1), sd, rtol=0.08)


def test_new_data_and_parameters(m):
    new = pd.DataFrame({"Days": [0.0, 0.0, 1.0], "Subject": ["x", "x", "308"]}, index=["p", "q", "r"])
    y = mere.simulate(m, 2000, seed=1, newdata=new, newparams={"beta": [100.0, 1.0], "sigma": 1.0})
    assert list(y.index) == ["p", "q", "r"]
    np.testing.assert_allclose(y.mean(axis=1), [100, 100, 101], atol=0.15)
    assert np.corrcoef(y.to_numpy())[0, 1] == pytest.approx(m.theta[0] ** 2 / (1 + m.theta[0] ** 2), abs=0.06)
    with pytest.raises(MereValueError, match="new levels"):
        mere.simulate(m, newdata=new, use_u=True)
    with pytest.raises(MereValueError, match="newparams"):
        mere.simulate(m, newparams={"gamma": 1})


def test_from_a_formula(m):
    given = {"beta": m.beta, "theta": m.theta, "sigma": m.sigma}
    y = mere.simulate("~ Days + (Days | Subject)", sleepstudy, given, nsim=2, seed=9)
    np.testing.assert_allclose(y, mere.simulate(m, 2, seed=9))
    with pytest.raises(MereValueError, match="sigma"):
        mere.simulate("~ Days + (Days | Subject)", sleepstudy, {"beta": m.beta, "theta": m.theta})


def test_linear_models_too():
    f = mere.lm("Reaction ~ Days", sleepstudy, weights="1 + Days")
    y = mere.simulate(f, 2000, seed=2).to_numpy()
    np.testing.assert_allclose(y.std(axis=1), f.sigma / np.sqrt(1 + sleepstudy["Days"]), rtol=0.1)
    assert mere.simulate(f, newdata={"Days": [1.0]}, seed=1).shape == (1, 1)


# -- refit, update --------------------------------------------------------------------
def test_refit_is_a_fit(m):
    y = mere.simulate(m, 1, seed=1)["sim_1"]
    a = mere.refit(m, y)
    b = mere.lmer("y ~ Days + (Days | Subject)", sleepstudy.assign(y=y))
    assert a.criterion == pytest.approx(b.criterion, abs=1e-7)
    np.testing.assert_allclose(a.beta, b.beta, rtol=1e-7)
    np.testing.assert_allclose(mere.residuals(a), mere.residuals(b), atol=1e-4)
    assert a.objective.plan is m.objective.plan
    np.testing.assert_allclose(mere.model_frame(a)["Reaction"], y)
    np.testing.assert_allclose(mere.refit(m).beta, m.beta)


@pytest.mark.parametrize("formula", ["Reaction ~ Days + (Days | Subject)", "Reaction ~ Days + cs(Days | Subject)"])
def test_many_responses_in_one_call(formula):
    m = mere.lmer(formula, sleepstudy, offset="Days", weights="1 + Days")
    y = mere.simulate(m, 6, seed=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fits = mere.refit(m, y, ncpus=2)
        table = fits.to_frame()
        assert list(table.index) == list(y.columns)
        assert len(fits) == 6
        assert len(fits.failures) == 0
        for i in (0, 5):
            one = mere.refit(m, y.iloc[:, i])
            assert table["logLik"].iloc[i] == pytest.approx(float(mere.logLik(one)), abs=1e-6)
            np.testing.assert_allclose(table[list(m.design.names)].iloc[i], one.beta, rtol=1e-5)
            np.testing.assert_allclose(fits[i].beta, one.beta)
    with pytest.raises(MereKeyError):
        fits[6]


def test_responses_that_do_not_fit(m):
    with pytest.raises(MereValueError, match="180 rows"):
        mere.refit(m, np.ones(7))
    with pytest.raises(MereValueError, match="missing"):
        mere.refit(m, sleepstudy["Reaction"].where(sleepstudy["Days"] > 0))


def test_a_constant_response_is_a_failure_that_is_told(m):
    y = np.column_stack([sleepstudy["Reaction"], np.ones(180)])
    fits = mere.refit(m, y)
    assert list(fits.failures.index) == [1]
    assert "perfectly" in fits.failures.iloc[0]
    assert fits.to_frame().iloc[1].isna().all()


def test_rows_of_the_table_or_of_the_fit():
    holes = sleepstudy.copy()
    holes.loc[[3, 50], "Reaction"] = np.nan
    f = mere.lmer("Reaction ~ Days + (1 | Subject)", holes)
    long = sleepstudy["Reaction"].to_numpy()
    np.testing.assert_allclose(mere.refit(f, long).beta, mere.refit(f, np.delete(long, [3, 50])).beta)


def test_update(m):
    assert str(mere.formula(mere.update(m, "~ . - Days"))) == "Reaction ~ (Days | Subject)"
    logs = mere.update(m, "log(.) ~ .")
    assert logs.design.response == "log(Reaction)"
    ml = mere.update(m, REML=False)
    assert not mere.isREML(ml)
    assert mere.nobs(mere.update(m, subset="Days > 1")) == 144
    assert mere.update(ml, ". ~ .").criterion == pytest.approx(ml.criterion)
    f = mere.lm("Reaction ~ Days", sleepstudy)
    assert list(mere.coef(mere.update(f, "~ . + I(Days^2)")).index) == ["(Intercept)", "Days", "I(Days^2)"]
    with pytest.raises(MereValueError, match=r"lm\(\)"):
        mere.update(m, "~ . - (Days | Subject)")
    with pytest.raises(MereTypeError):
        mere.update(3, "~ .")
    assert issubclass(MereTypeError, MereError)
