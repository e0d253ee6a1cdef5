"""mere.glm against R's glm (fixtures/glm, r_parity/glm.R): numbers and printed text."""

from __future__ import annotations

import functools
import re
import warnings
from typing import Any

import numpy as np
import pytest

import mere

from .goldens import assert_close, golden, names, table
from .test_glmm import family

CASES = names("glm")


@functools.cache
def model(name: str) -> Any:
    gold = golden("glm", name)
    arguments = {key: value for key, value in gold["arguments"].items() if key != "theta"}
    chosen: Any = family(gold)
    if chosen.link.name == chosen.canonical and chosen.name != "Negative Binomial":
        chosen = gold["family"]  # R shows the name that was given
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mere.glm(gold["formula"], table(gold["data"]), chosen, **arguments)


@pytest.mark.parametrize("name", CASES)
def test_coefficients(name: str) -> None:
    m, gold = model(name), golden("glm", name)
    assert list(m.coef().index) == gold["names"]
    tol = gold["tolerance"]["value"]
    assert_close(m.coef(), gold["coef"], tol, what="coef")
    if gold["family"].startswith("Negative"):  # R estimates a dispersion there, whose true value is 1
        return
    assert_close(m.vcov(), [x for row in gold["vcov"] for x in row], 10 * tol, what="vcov")
    s = m.summary()
    shown = s.coefficients.to_numpy().ravel()
    want = np.array([x for row in gold["coefficients"] for x in row], dtype=float)
    np.testing.assert_allclose(shown, want, rtol=1e-5, atol=1e-12)
    assert_close(m.confint(method="Wald"), [x for row in gold["confint"] for x in row], tol, what="confint")


@pytest.mark.parametrize("name", CASES)
def test_likelihood(name: str) -> None:
    m, gold = model(name), golden("glm", name)
    got = {
        "logLik": float(m.logLik()),
        "df": m.logLik().df,
        "AIC": m.AIC(),
        "BIC": m.BIC(),
        "deviance": m.deviance(),
        "null_deviance": m.null_deviance,
        "df_residual": m.df_residual(),
        "df_null": m.df_null,
        "nobs": m.nobs(),
        "dispersion": m.summary().dispersion,
        "iterations": m.fit.iterations,
        "sigma": mere.sigma(m),
    }
    if gold["family"].startswith("Negative"):  # R estimates a dispersion there, whose true value is 1
        del got["dispersion"]
    for key, value in got.items():
        assert value == pytest.approx(gold[key], rel=1e-8), key
    assert_close(m.extractAIC(), gold["extractAIC"], 1e-8)


@pytest.mark.parametrize("name", CASES)
def test_rows(name: str) -> None:
    m, gold = model(name), golden("glm", name)
    tol = 10 * gold["tolerance"]["value"]
    for kind, want in gold["residuals"].items():
        assert_close(m.residuals(type=kind), want, tol, what=kind)
    assert_close(m.fitted(), gold["fitted"], tol)
    assert_close(m.fit.eta, gold["linear"], tol)
    assert_close(m.weights(), gold["prior"], tol)
    assert_close(m.weights(type="working"), gold["working"], 10 * tol)
    assert_close(m.hatvalues(), gold["hatvalues"], 10 * tol)
    new = table(gold["data"]).iloc[[2, 9, 19]]
    p = m.predict(new, type="response", se_fit=True)
    assert_close(p.fit, gold["predicted"], tol)
    if not gold["family"].startswith("Negative"):
        assert_close(p.se_fit, gold["predicted_se"], 10 * tol)


def lines(text: str) -> list[str]:
    return [re.sub(r"\s+$", "", line) for line in text.split("\n")]


@pytest.mark.parametrize("name", [n for n in CASES if n != "negative_binomial"])
@pytest.mark.parametrize("what", ["print", "summary", "anova"])
def test_text(name: str, what: str) -> None:
    m, gold = model(name), golden("glm", name)
    thing = {
        "print": lambda: m,
        "summary": m.summary,
        "anova": lambda: mere.anova(m, test=gold["test"] or None),
    }[what]()
    without_call = re.compile(r"(?s)Call:.*?\n\n")
    got = lines(without_call.sub("", mere.to_text(thing)))
    want = lines(without_call.sub("", "\n".join(gold[what])))
    while got and not got[-1]:
        got.pop()
    while want and not want[-1]:
        want.pop()
    assert got == want


def test_the_call_is_shown() -> None:
    assert "glm(formula = cbind(incidence, size - incidence) ~ period, family = binomial, " in repr(model("cbpp"))


def test_comparison_of_models() -> None:
    d = table("cbpp")
    m0 = mere.glm("cbind(incidence, size - incidence) ~ 1", d, "binomial")
    out = mere.anova(m0, model("cbpp"), test="Chisq")
    assert out.table["Deviance"].iloc[1] == pytest.approx(40.716, abs=1e-3)
    assert out.table["Pr(>Chi)"].iloc[1] == pytest.approx(7.513e-09, rel=1e-3)


@pytest.mark.parametrize("name", [n for n in CASES if not n.startswith("negative")])
def test_profile_intervals(name: str) -> None:
    m, gold = model(name), golden("glm", name)
    want = np.array([[np.nan if x is None else x for x in row] for row in gold["profile"]], dtype=float)
    got = m.confint().to_numpy()
    known = np.isfinite(want)
    assert known.any()
    scale = np.abs(want[known]).max()
    np.testing.assert_allclose(got[known], want[known], rtol=0, atol=2e-6 * scale)
    assert list(m.confint().columns) == ["2.5 %", "97.5 %"]


@pytest.mark.parametrize("name", [n for n in CASES if not n.startswith("negative")])
def test_deletion_diagnostics(name: str) -> None:
    m, gold = model(name), golden("glm", name)
    assert_close(m.cooks_distance(), gold["cooks"], 1e-6, what="cooks")
    assert_close(m.rstudent(), gold["rstudent"], 1e-6, what="rstudent")
