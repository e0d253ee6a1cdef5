"""mere.glmer against tightly converged lme4 (fixtures/glmm, r_parity/glmm.R), and glmmTMB where that is the same.

One function a quantity, in the registry `QUANTITIES`; every quantity is compared in every case. A case is one JSON; a
new one is found by its being there.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mere
from mere import families

from .goldens import array, assert_close, golden, names, table

Golden = dict[str, Any]
QUANTITIES: dict[str, Callable[[Any, Golden], None]] = {}
FAMILIES = {
    "binomial": families.binomial,
    "poisson": families.poisson,
    "Gamma": families.Gamma,
    "inverse.gaussian": families.inverse_gaussian,
    "gaussian": families.gaussian,
}


def quantity(function: Callable[[Any, Golden], None]) -> Callable[[Any, Golden], None]:
    QUANTITIES[function.__name__] = function
    return function


def family(gold: Golden) -> families.Family:
    if gold["family"].startswith("Negative"):
        return families.negative_binomial(gold["arguments"]["theta"], gold["link"])
    return FAMILIES[gold["family"]](gold["link"])


def fit(gold: Golden, **more: Any) -> Any:
    arguments = {name: value for name, value in dict(gold["arguments"]).items() if name != "theta"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mere.glmer(
            gold["formula"], table(gold["data"]), family(gold), nAGQ=gold["nAGQ"], **{**arguments, **more}
        )


@functools.cache
def model(name: str) -> Any:
    return fit(golden("glmm", name))


def covariances(theta: np.ndarray, gold: Golden) -> np.ndarray:
    """Lambda Lambda' of every term, stacked: what of theta is determined on a boundary too."""
    blocks, at = [], 0
    for columns in gold["cnms"]["columns"]:
        k = len(columns)
        factor = np.zeros((k, k))
        size = k * (k + 1) // 2
        factor.T[np.triu_indices(k)] = theta[at : at + size]
        blocks.append((factor @ factor.T).ravel())
        at += size
    return np.concatenate(blocks)


def standard_errors(gold: Golden) -> np.ndarray:
    if gold["vcov"] is None:
        return np.maximum(np.abs(array(gold["beta"])), 1.0)
    return np.sqrt(np.diag(np.array(gold["vcov"], dtype=float)))


@quantity
def criterion(m: Any, gold: Golden) -> None:
    want, tol, got = gold["criterion"], gold["tolerance"]["criterion"], m.criterion
    assert got <= want + tol, f"R found a lower criterion: {got!r} > {want!r}"
    if gold["nAGQ"] > 0:
        assert got >= want - 100 * tol, f"{got!r}, R has {want!r}"


@quantity
def evaluations(m: Any, gold: Golden) -> None:
    for each in gold["evaluations"] if gold["nAGQ"] else ():
        if each["value"] > 1e8:  # R's iterations failed there
            continue
        got, want = m.objective.value(array(each["par"])), each["value"]
        assert abs(got - want) <= gold["tolerance"]["evaluation"] * (abs(want) + 10), f"{got!r}, R has {want!r}"


@quantity
def second_witness(m: Any, gold: Golden) -> None:
    if "glmmTMB" in gold:
        assert m.criterion <= gold["glmmTMB"]["criterion"] + 1e-6
        assert m.criterion >= gold["glmmTMB"]["criterion"] - 1e-4


@quantity
def fixed_effects(m: Any, gold: Golden) -> None:
    assert list(m.fixef().index) == gold["names"]
    assert_close(m.beta, gold["beta"], gold["tolerance"]["other"], standard_errors(gold), "beta")


@quantity
def covariance_factors(m: Any, gold: Golden) -> None:
    got, want = covariances(m.theta, gold), covariances(array(gold["theta"]), gold)
    tol = gold["tolerance"]["theta"]
    np.testing.assert_allclose(got, want, rtol=10 * tol, atol=10 * tol)


@quantity
def fixed_covariance(m: Any, gold: Golden) -> None:
    if gold["vcov"] is None:
        return
    se = standard_errors(gold)
    want = np.array(gold["vcov"], dtype=float)
    scale = np.outer(se, se)
    np.testing.assert_allclose(m.vcov().to_numpy() / scale, want / scale, atol=gold["tolerance"]["vcov"])


@quantity
def factor_rx(m: Any, gold: Golden) -> None:
    want = np.array(gold["RX"], dtype=float)
    assert_close(m.RX, want.ravel(), 10 * gold["tolerance"]["other"], np.abs(want).max(), "RX")


@quantity
def random_effects(m: Any, gold: Golden) -> None:
    frame = m.ranef().to_frame()
    tol = 10 * gold["tolerance"]["other"]
    assert_close(frame["condval"], gold["ranef"]["condval"], tol, what="condval")
    if gold["family"] not in ("Gamma", "inverse.gaussian", "gaussian"):  # lme4 2.x does not scale these by sigma
        assert_close(frame["condsd"], gold["ranef"]["condsd"], tol, what="condsd")


@quantity
def rows(m: Any, gold: Golden) -> None:
    tol = 10 * gold["tolerance"]["other"]
    assert_close(m.fitted(), gold["fitted"], tol, what="fitted")
    assert_close(m.eta, gold["linear"], tol, what="linear predictor")
    for kind, want in gold["residuals"].items():
        assert_close(m.residuals(type=kind), want, 2 * tol, what=f"{kind} residuals")


@quantity
def sums(m: Any, gold: Golden) -> None:
    tol = 10 * gold["tolerance"]["other"]
    assert_close([m.deviance()], [gold["deviance"]], tol, what="deviance")
    assert_close([m.sigma], [gold["sigma"]], tol, what="sigma")
    for name, want in gold["devcomp"].items():
        assert_close([m.devcomp[name]], [want], 2 * tol, max(abs(want), 1.0), name)
    assert m.logLik().df == gold["df"]
    assert m.nobs() == gold["nobs"]
    assert m.isSingular() == gold["singular"]


@pytest.mark.parametrize("check", QUANTITIES)
@pytest.mark.parametrize("name", names("glmm"))
def test_parity(name: str, check: str) -> None:
    QUANTITIES[check](model(name), golden("glmm", name))


BOTH_WAYS = ["cbpp", "grouse_brood", "binary_cloglog", "slopes_poisson"]


@pytest.mark.parametrize("name", BOTH_WAYS)
@pytest.mark.parametrize("optimizer", ["nloptwrap", ("bobyqa", "NLOPT_LD_SLSQP")])
def test_other_optimizers(name: str, optimizer: Any) -> None:
    """R's two stages end where the default does, never lower."""
    gold = golden("glmm", name)
    m = fit(gold, control=mere.glmerControl(optimizer))
    assert model(name).criterion <= m.criterion + 1e-7
    assert m.criterion == pytest.approx(gold["criterion"], abs=2e-3)
