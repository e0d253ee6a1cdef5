"""The quasi families of mere.glm against R's (fixtures/quasi, r_parity/quasi.R): numbers and printed text."""

from __future__ import annotations

import functools
import re
import warnings
from typing import Any

import numpy as np
import pytest

import mere
from mere import families

from .goldens import array, assert_close, golden, names, table

CASES = names("quasi")
FAMILIES = {"quasipoisson": families.quasipoisson, "quasibinomial": families.quasibinomial, "quasi": families.quasi}
WITH_MEANS = [n for n in CASES if "means" in golden("quasi", n)]
WITH_CLUSTERS = [n for n in CASES if "CR" in golden("quasi", n)]
WITH_MORE = [n for n in CASES if "add" in golden("quasi", n)]


@functools.cache
def model(name: str) -> Any:
    gold = golden("quasi", name)
    arguments = dict(gold["family"])
    kind = arguments.pop("name")
    chosen = FAMILIES[kind](**arguments) if arguments else kind  # R shows the name that was given
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return mere.glm(gold["formula"], table(gold["data"]), chosen, **gold["arguments"])


@functools.cache
def precise(name: str) -> Any:
    return model(name).update(epsilon=1e-14, maxit=100)


def flat(rows: Any) -> np.ndarray:
    return array([x for row in rows for x in row])


@pytest.mark.parametrize("name", CASES)
def test_coefficients(name: str) -> None:
    m, gold = model(name), golden("quasi", name)
    tol = gold["tolerance"]["value"]
    assert list(m.coef().index) == gold["names"]
    assert_close(m.coef(), gold["coef"], tol, what="coef")
    assert_close(m.vcov(), flat(gold["vcov"]), 10 * tol, what="vcov")
    table_ = m.summary().coefficients
    assert list(table_.columns) == gold["columns"]
    np.testing.assert_allclose(table_.to_numpy().ravel(), flat(gold["coefficients"]), rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_there_is_no_likelihood(name: str) -> None:
    m, gold = model(name), golden("quasi", name)
    assert gold["logLik"] is gold["AIC"] is gold["BIC"] is None
    assert np.isnan([float(m.logLik()), m.AIC(), m.BIC(), m.extractAIC()[1]]).all()
    assert (m.logLik().df, m.extractAIC()[0]) == (gold["df"], gold["extractAIC"][0])


@pytest.mark.parametrize("name", CASES)
def test_deviance_and_dispersion(name: str) -> None:
    m, gold = model(name), golden("quasi", name)
    got = {
        "deviance": m.deviance(),
        "null_deviance": m.null_deviance,
        "df_residual": m.df_residual(),
        "df_null": m.df_null,
        "nobs": m.nobs(),
        "dispersion": m.summary().dispersion,
        "iterations": m.fit.iterations,
        "sigma": mere.sigma(m),
    }
    for key, value in got.items():
        assert value == pytest.approx(gold[key], rel=1e-7), key


@pytest.mark.parametrize("name", CASES)
def test_rows(name: str) -> None:
    m, gold = model(name), golden("quasi", name)
    tol = 10 * gold["tolerance"]["value"]
    for kind, want in gold["residuals"].items():
        assert_close(m.residuals(type=kind), want, tol, what=kind)
    assert_close(m.fitted(), gold["fitted"], tol)
    assert_close(m.fit.eta, gold["linear"], tol)
    assert_close(m.weights(), gold["prior"], tol)
    assert_close(m.weights(type="working"), gold["working"], 10 * tol)
    assert_close(m.hatvalues(), gold["hatvalues"], 10 * tol)


@pytest.mark.parametrize("name", CASES)
def test_deletion_diagnostics(name: str) -> None:
    m, gold = model(name), golden("quasi", name)
    for what in ("rstandard", "rstudent"):
        assert_close(getattr(m, what)(), gold[what], 1e-6, what=what)
    assert_close(m.cooks_distance(), gold["cooks"], 1e-6, what="cooks")
    for what in ("dfbeta", "dfbetas"):
        want = gold[what] if isinstance(gold[what], dict) else flat(zip(*gold[what], strict=True))
        assert_close(getattr(m, what)().dropna(axis=1), want, 1e-6, what=what)


@pytest.mark.parametrize("name", CASES)
def test_predictions(name: str) -> None:
    m, gold = model(name), golden("quasi", name)
    new = table(gold["data"]).iloc[[2, 9, 19]]
    p, tol = m.predict(new, type="response", se_fit=True), gold["tolerance"]["value"]
    assert_close(p.fit, gold["predicted"], 10 * tol)
    assert_close(p.se_fit, gold["predicted_se"], 100 * tol)
    assert_close(m.predict(new, se_fit=True).se_fit, gold["linear_se"], 100 * tol)
    assert p.residual_scale == pytest.approx(gold["scale"], rel=1e-7)


@pytest.mark.parametrize("name", CASES)
def test_intervals(name: str) -> None:
    m, gold = model(name), golden("quasi", name)
    assert_close(m.confint(method="Wald"), flat(gold["wald"]), gold["tolerance"]["value"], what="Wald")
    got, want = m.confint().to_numpy().ravel(), flat(gold["profile"])
    known = np.isfinite(want)
    assert known.any()
    np.testing.assert_allclose(got[known], want[known], rtol=0, atol=2e-6 * np.abs(want[known]).max())


@pytest.mark.parametrize("name", CASES)
def test_wald_tests_of_terms(name: str) -> None:
    gold = golden("quasi", name)
    got = model(name).anova(type=2).table
    want = np.array([array(row) for row in gold["F"]])
    estimable = np.isfinite(want[:, 0])
    assert got["F value"].isna().to_list() == (~estimable).tolist()  # an aliased term tests nothing
    got, want = got[estimable], want[estimable]
    np.testing.assert_allclose(got[["F value", "NumDF", "DenDF"]].to_numpy(), want[:, :3], rtol=1e-6)
    np.testing.assert_allclose(got["Pr(>F)"], want[:, 3], rtol=1e-4, atol=1e-14)


@pytest.mark.parametrize("name", [n for n in CASES if golden("quasi", n)["HC"]])
def test_heteroscedastic_covariances(name: str) -> None:
    m, gold = precise(name), golden("quasi", name)
    for kind, want in gold["HC"].items():
        assert_close(m.vcov(type=kind), flat(want), 1e-6, what=kind)


@pytest.mark.parametrize("name", WITH_CLUSTERS)
def test_clustered_covariances(name: str) -> None:
    m, gold = precise(name), golden("quasi", name)
    for kind, want in gold["CR"].items():
        assert_close(m.vcov(type=kind, cluster=gold["cluster"]), flat(want), 1e-6, what=kind)


@pytest.mark.parametrize("name", WITH_MEANS)
def test_marginal_means(name: str) -> None:
    m, gold = model(name), golden("quasi", name)
    means = mere.emmeans(m, gold["means"]["of"])
    got = means.summary(type="response", infer=True).to_frame()
    want = {key: value for key, value in gold["means"].items() if key not in ("of", gold["means"]["of"])}
    assert want.keys() <= set(got.columns)
    assert "asymp.LCL" in want
    for key, values in want.items():
        if key != "df":
            np.testing.assert_allclose(got[key], array(values), rtol=1e-6, atol=1e-9, err_msg=key)
    assert np.isinf(got["df"]).all()
    pairs = mere.pairs(means, adjust="none").summary().to_frame()
    for key in ("estimate", "SE", "z.ratio", "p.value"):
        np.testing.assert_allclose(pairs[key], array(gold["pairs"][key]), rtol=1e-6, atol=1e-9, err_msg=key)
    joint = mere.joint_tests(m).to_frame()
    np.testing.assert_allclose(joint["F.ratio"], array(gold["joint"]["F.ratio"]), atol=6e-4)
    assert lines(str(means.summary(type="response"))) == lines("\n".join(gold["means_text"]))


def lines(text: str) -> list[str]:
    out = [line.rstrip() for line in text.split("\n")]
    while out and not out[-1]:
        out.pop()
    return out


def assert_text(thing: Any, gold: list[str]) -> None:
    without_call = re.compile(r"(?s)Call:.*?\n\n")
    assert lines(without_call.sub("", mere.to_text(thing))) == lines(without_call.sub("", "\n".join(gold)))


TEXTS = {
    "print": lambda m: m,
    "summary": lambda m: m.summary(),
    "anova": lambda m: m.anova(),
    "anova_F": lambda m: m.anova(test="F"),
    "anova_Chisq": lambda m: m.anova(test="Chisq"),
    "drop1": lambda m: m.drop1(),
    "drop1_F": lambda m: m.drop1(test="F"),
    "drop1_Chisq": lambda m: m.drop1(test="Chisq"),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("what", TEXTS)
def test_text(name: str, what: str) -> None:
    assert_text(TEXTS[what](model(name)), golden("quasi", name)[what])


@pytest.mark.parametrize("name", WITH_MORE)
@pytest.mark.parametrize("test", ["F", "Chisq"])
def test_a_term_more(name: str, test: str) -> None:
    m, gold = model(name), golden("quasi", name)
    assert_text(m.add1(f"~ . + {gold['add']}", test=test), gold[f"add1_{test}"])
    assert_text(mere.anova(m, m.update(f". ~ . + {gold['add']}"), test=test), gold[f"two_{test}"])


def test_the_call_is_shown() -> None:
    text = " ".join(mere.to_text(model("quasi_shares")).split())
    assert 'family = quasi(link = "cloglog", variance = "mu(1-mu)")' in text
    assert "family = quasipoisson," in mere.to_text(model("poisson_grouse"))
    assert "AIC: NA" in mere.to_text(model("poisson_grouse"))
