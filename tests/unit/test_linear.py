"""lm and lmList against R (fixtures/accessors/linear.json, r_parity/accessors_linear.R)."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest

import mere
from mere.datasets import sleepstudy as original

from ..parity.goldens import FIXTURES, array, assert_close
from ..texts import assert_same_text

GOLD = json.loads((FIXTURES / "accessors" / "linear.json").read_text(encoding="utf-8"))
TOL = GOLD["tolerance"]["value"]


def data():
    frame = original.set_index(np.arange(1, 181))
    frame["w"] = 1 + (np.arange(1, 181) % 7) / 3
    frame["hole"] = frame["Reaction"].astype(float)
    frame.loc[[2, 5, 90], "hole"] = np.nan
    frame.attrs["name"] = "sleepstudy"
    return frame


ARGUMENTS = {
    "simple": {},
    "weighted": {"weights": "w"},
    "missing": {},
    "origin": {},
    "mean": {},
    "offset": {},
    "few": {"subset": 'Subject == "308" & Days < 5'},
    "interaction": {},
}


@pytest.fixture(scope="module")
def models():
    frame = data()
    formulas = {name: GOLD["models"][name]["formula"] for name in ARGUMENTS}
    return {name: mere.lm(formulas[name], frame, **ARGUMENTS[name]) for name in ARGUMENTS}


@pytest.mark.parametrize("name", list(ARGUMENTS))
def test_numbers(models, name):
    m, gold = models[name], GOLD["models"][name]
    beta = mere.coef(m)
    names = np.atleast_1d(gold["names"]).tolist()
    assert list(beta.index) == names
    want = array([gold["coef"][n] for n in names])
    assert_close(beta, want, TOL, what="coef")
    p = len(want)
    assert_close(mere.vcov(m), array(np.array(gold["vcov"], dtype=object).ravel()), TOL, what="vcov")
    assert mere.vcov(m).shape == (p, p)
    assert_close(mere.confint(m), array(np.ravel(gold["confint"])), TOL, what="confint")
    assert list(mere.confint(m).columns) == gold["confint_columns"]
    assert list(mere.confint(m, level=0.999).columns) == gold["confint_999"]
    for what, got in {
        "sigma": mere.sigma(m),
        "logLik": mere.logLik(m),
        "logLik_reml": mere.logLik(m, REML=True),
        "AIC": mere.AIC(m),
        "BIC": mere.BIC(m),
        "deviance": mere.deviance(m),
        "df_residual": mere.df_residual(m),
    }.items():
        assert_close([float(got)], [gold[what]], TOL, what=what)
    assert_close(mere.extractAIC(m), gold["extractAIC"], TOL, what="extractAIC")
    for kind in ("response", "pearson"):
        want = gold["residuals" if kind == "response" else kind]
        assert_close(mere.residuals(m, type=kind), want, TOL, what=kind)
    assert_close(mere.fitted(m), gold["fitted"], TOL, what="fitted")
    assert_close(mere.hatvalues(m), gold["hatvalues"], TOL, what="hat values")
    s = mere.summary(m)
    assert_close([s.r_squared], [gold["r_squared"]], TOL, what="R2")
    assert_close([s.adj_r_squared], [gold["adj_r_squared"]], TOL, what="adjusted R2")
    if gold.get("fstatistic"):
        assert_close(s.fstatistic, gold["fstatistic"], TOL, what="F")


@pytest.mark.parametrize("name", list(ARGUMENTS))
@pytest.mark.parametrize("what", ["print", "summary", "anova"])
def test_text(models, name, what):
    m = models[name]
    got = {"print": m, "summary": mere.summary(m), "anova": mere.anova(m)}[what]
    assert_same_text(str(got), "\n".join(GOLD["models"][name][what]))


def test_between_models():
    frame = data()
    m0, m1 = mere.lm("Reaction ~ Days", frame), mere.lm("Reaction ~ Days + Subject", frame)
    table = mere.anova(m0, m1)
    assert_same_text(str(table), "\n".join(GOLD["between"]["print"]))
    for column, want in GOLD["between"]["table"].items():
        assert_close(table[column], array(want), TOL, what=column)


def test_predictions():
    m = mere.lm("Reaction ~ Days", data())
    new, gold = {"Days": [0.0, 4.5, 10.0]}, GOLD["predictions"]
    got = mere.predict(m, new, interval="confidence")
    assert list(got.columns) == ["fit", "lwr", "upr"]
    assert_close(got, array(np.ravel(gold["confidence"])), TOL)
    got = mere.predict(m, new, interval="prediction", level=0.9)
    assert_close(got, array(np.ravel(gold["prediction"])), TOL)
    assert_close(mere.predict(m, new, se_fit=True).se_fit, gold["se"], TOL)
    assert_close(mere.predict(m), mere.fitted(m).to_list(), TOL)
    with pytest.raises(ValueError, match="interval"):
        mere.predict(m, interval="credible")


@pytest.fixture(scope="module")
def groups():
    return mere.lmList("Reaction ~ Days | Subject", data())


def test_list_text(groups):
    gold = GOLD["list"]
    assert_same_text(str(groups), "\n".join(gold["print"]))
    # lme4 1.1-31 prints "| NULL" where it means the grouping factor
    want = "\n".join(gold["summary"]).replace("| NULL", "| Subject")
    assert_same_text(str(mere.summary(groups)), want)
    assert_same_text(str(mere.confint(groups)), "\n".join(gold["confint"]))


def test_list_numbers(groups):
    gold = GOLD["list"]
    assert_close([mere.sigma(groups)], [gold["sigma"]], TOL)
    assert_close([float(mere.logLik(groups))], [gold["logLik"]], TOL)
    assert mere.logLik(groups).df == gold["df"]
    assert_close(mere.fixef(groups), gold["fixef"], TOL)
    assert_close(mere.fitted(groups), gold["fitted"], TOL)
    assert_close(mere.residuals(groups, "pearson"), gold["pearson"], TOL)
    assert mere.coef(groups).shape == (18, 2)
    assert groups["308"].df == 8
    pooled = mere.confint(groups, "Days", pool=True)
    assert list(pooled) == ["Days"]
    unpooled = mere.lmList("Reaction ~ Days | Subject", data(), pool=False)
    assert list(mere.sigma(unpooled).index[:2]) == ["308", "309"]
    assert mere.logLik(unpooled).df == 54


def test_failed_groups_are_named():
    frame = data()
    frame["late"] = np.where((frame["Days"] > 4) & (frame["Subject"] != "310"), "yes", "no")
    with pytest.warns(mere.errors.MereWarning, match="310"):
        out = mere.lmList("Reaction ~ late | Subject", frame)
    assert np.isnan(mere.coef(out).loc["310"]).all()
    assert out["310"] is None
    frame.loc[frame["Subject"] == "309", "hole"] = np.nan
    assert "309" not in mere.lmList("hole ~ Days | Subject", frame)
    with pytest.raises(mere.errors.FormulaError, match="lmList"):
        mere.lmList("Reaction ~ Days", frame)
    with pytest.raises(KeyError, match="no level"):
        out["999"]


def test_errors():
    frame = data()
    with pytest.raises(ValueError, match="lmer"):
        mere.lm("Reaction ~ Days + (1 | Subject)", frame)
    with pytest.raises(ValueError, match="same size"):
        mere.anova(mere.lm("Reaction ~ Days", frame), mere.lm("hole ~ 1", frame))
    with pytest.raises(TypeError, match="ranef"):
        mere.ranef(mere.lm("Reaction ~ Days", frame))


def test_model_is_a_value():
    frame = data()
    m = mere.lm("Reaction ~ Days", frame, weights="w")
    again = pickle.loads(pickle.dumps(m))
    assert str(again) == str(m)
    assert str(again.summary()) == str(mere.summary(m))
    assert again.coef().equals(mere.coef(m))
    shuffled = mere.lm("Reaction ~ Days", frame.sample(frac=1, random_state=1), weights="w")
    assert_close(mere.coef(shuffled), mere.coef(m).to_list(), 1e-10)
    assert pd.Series(mere.residuals(shuffled)).sort_index().index.equals(frame.index)


def test_html_has_tables():
    m = mere.lm("Reaction ~ Days", data())
    assert "<table" in m._repr_html_()
    assert "<table" in mere.anova(m)._repr_html_()
    assert "<table" in mere.lmList("Reaction ~ Days | Subject", data())._repr_html_()
