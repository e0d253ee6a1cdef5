"""glmer_nb, standard errors of predictions and lmList against R (fixtures/generalized, r_parity/generalized.R)."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
import pytest

import mere
from mere import families

from .goldens import FIXTURES, array, assert_close, golden, table

CASES = sorted(path.stem for path in (FIXTURES / "generalized").glob("*.json"))
PREDICTIONS = [name for name in CASES if name.startswith("predict_")]
NEGATIVE = [name for name in CASES if name.startswith("nb_")]
LISTS = [name for name in CASES if name.startswith("list_")]


def gold_of(name: str) -> dict[str, Any]:
    return golden("generalized", name)


@functools.cache
def predicted(name: str) -> Any:
    gold = gold_of(name)
    return mere.glmer(gold["formula"], table(gold["data"]), getattr(families, gold["family"])(gold["link"]))


@pytest.mark.parametrize("name", PREDICTIONS)
def test_the_witness_is_at_the_same_optimum(name: str) -> None:
    m, gold = predicted(name), gold_of(name)
    assert m.criterion == pytest.approx(gold["criterion"], abs=1e-6)
    np.testing.assert_allclose(m.beta, gold["beta"], atol=2e-5)
    assert_close(m.vcov(), [x for row in gold["vcov"] for x in row], 2e-4)


@pytest.mark.parametrize("name", PREDICTIONS)
@pytest.mark.parametrize("kind", ["link", "response", "fixed"])
def test_standard_errors_with_those_of_theta(name: str, kind: str) -> None:
    m, gold = predicted(name), gold_of(name)
    new = table(gold["data"]).iloc[[int(r) for r in gold["rows"]]]
    options = {"re_form": False} if kind == "fixed" else {"type": kind}
    out = m.predict(new, se_fit=True, theta=True, **options)
    np.testing.assert_allclose(out.fit, gold[f"{kind}_fit"], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(out.se_fit, gold[f"{kind}_se"], rtol=2e-4)
    given = m.predict(new, se_fit=True, **options).se_fit
    assert (given <= 1.02 * out.se_fit).all()


@functools.cache
def negative(name: str) -> Any:
    gold = gold_of(name)
    return mere.glmer_nb(gold["formula"], table(gold["data"]))


@pytest.mark.parametrize("name", NEGATIVE)
def test_negative_binomial_with_its_size(name: str) -> None:
    m, gold = negative(name), gold_of(name)
    tol = gold["tolerance"]
    assert list(m.fixef().index) == gold["names"]
    assert m.criterion == pytest.approx(gold["criterion"], abs=tol["criterion"])
    assert m.criterion <= gold["lme4_criterion"] + 1e-4  # what its tolPwrss leaves
    assert abs(m.criterion - gold["glmmTMB"]) < 2.0  # of another curvature: near
    np.testing.assert_allclose(m.theta, array(gold["theta"]), rtol=tol["parameters"], atol=tol["parameters"])
    np.testing.assert_allclose(m.beta, array(gold["beta"]), atol=tol["parameters"])
    assert mere.getME(m, "glmer.nb.theta") == pytest.approx(gold["size"], rel=tol["parameters"])
    V = [x for row in gold["vcov"] for x in row]
    assert_close(m.vcov(), V, tol["vcov"])
    H = m.optinfo.hessian
    free = [i for i in range(len(H)) if i not in m.optinfo.boundary]
    assert np.sqrt(2 * np.linalg.inv(H[np.ix_(free, free)])[-1, -1]) == pytest.approx(gold["log_size_se"], rel=1e-2)


@functools.cache
def listed(name: str) -> Any:
    gold = gold_of(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mere.lmList(gold["formula"], table(gold["data"]), gold["family"] or None)


def panels(tables: Any, names: list[str]) -> np.ndarray:
    return np.array([tables[name].to_numpy() for name in names])


@pytest.mark.parametrize("name", LISTS)
def test_models_by_group(name: str) -> None:
    m, gold = listed(name), gold_of(name)
    tol = gold["tolerance"]["value"]
    names = gold["names"]
    response = {"type": "response"} if gold["family"] else {}
    assert list(m) == gold["groups"]
    assert list(m.coef().columns) == names
    np.testing.assert_allclose(m.coef(), np.array(gold["coef"]), rtol=tol)
    if gold["family"] != "Gamma":  # R takes that for normal
        assert m.logLik().df == gold["logLik_df"]
        want = np.nan if gold["logLik"] is None else gold["logLik"]
        assert float(m.logLik()) == pytest.approx(want, rel=1e-8, nan_ok=True)
    if m.pool:
        assert m.sigma() == pytest.approx(gold["sigma"], rel=1e-8)
    np.testing.assert_allclose(m.fitted(), m.predict(table(gold["data"]), **response), rtol=1e-12)
    if gold["coefficients"] and not isinstance(gold["coefficients"], dict):
        got = panels(m.summary().tables, names)
        np.testing.assert_allclose(got, np.array(gold["coefficients"], dtype=float), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("name", [n for n in LISTS if gold_of(n)["family"] == ""])
def test_intervals_and_deviations_by_group(name: str) -> None:
    m, gold = listed(name), gold_of(name)
    names = gold["names"]
    np.testing.assert_allclose(panels(m.confint(), names), np.array(gold["confint"]), rtol=1e-6)
    np.testing.assert_allclose(panels(m.confint(pool=True), names), np.array(gold["confint_pooled"]), rtol=1e-6)
    np.testing.assert_allclose(m.ranef()[m.group], np.array(gold["ranef"]), rtol=1e-6, atol=1e-9)
    d = table(gold["data"]).iloc[[int(r) for r in gold["predicted_rows"]]]
    np.testing.assert_allclose(m.predict(d), gold["predicted"], rtol=1e-7)
