"""Contracts of the covariance structures, driven by the registry."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from mere.covariances import STRUCTURES, Covariance, make_covariance
from mere.errors import FormulaError

VARIANTS = [
    (name, k, options)
    for name, cls in STRUCTURES.items()
    for k in (1, 2, 3, 5)
    for options in ([{}] if "hom" not in cls.options else [{}, {"hom": True}, {"hom": False}])
]


def inside(cov: Covariance, seed: int = 0) -> np.ndarray:
    """A parameter in the interior of the bounds."""
    rng = np.random.default_rng(seed)
    low = np.maximum(cov.lower(), -1.5)
    return low + (np.minimum(cov.upper(), 2.0) - low) * rng.uniform(0.15, 0.85, cov.n_par)


def factor(cov: Covariance, par: np.ndarray) -> np.ndarray:
    L = np.zeros((cov.k, cov.k))
    L[cov.entries[:, 0], cov.entries[:, 1]] = cov.theta(par)
    return L


@pytest.mark.parametrize(("name", "k", "options"), VARIANTS)
def test_contract(name: str, k: int, options: dict[str, object]) -> None:
    cov = make_covariance(name, k, options)
    assert isinstance(cov, Covariance)
    assert pickle.loads(pickle.dumps(cov)) == cov
    np.testing.assert_allclose(factor(cov, cov.start()), np.eye(k))
    assert len(cov.start()) == cov.n_par == len(cov.lower()) == len(cov.upper())
    assert len(cov.par_names([f"x{i}" for i in range(k)])) == cov.n_par
    rows, columns = cov.entries.T
    assert (rows >= columns).all()
    assert [(c, r) for r, c in cov.entries] == sorted((c, r) for r, c in cov.entries)
    par = inside(cov)
    if cov.linear is not None:
        np.testing.assert_array_equal(cov.theta(par), par[cov.linear])
    steps = np.eye(cov.n_par) * 1e-6
    numeric = [(cov.theta(par + s) - cov.theta(par - s)) / 2e-6 for s in steps]
    np.testing.assert_allclose(cov.jacobian(par), np.array(numeric).T, atol=1e-8)
    np.testing.assert_allclose(cov.from_factor(factor(cov, par)), par, atol=1e-12)


def test_compound_symmetry_and_autoregression_are_what_they_say() -> None:
    for k in (2, 4):
        cov = make_covariance("cs", k)
        par = np.append(np.arange(1.0, k + 1), -0.2)
        L = factor(cov, par)
        R = np.where(np.eye(k) == 1, 1.0, -0.2)
        np.testing.assert_allclose(L @ L.T, np.outer(par[:-1], par[:-1]) * R, atol=1e-14)
        assert cov.lower()[-1] == -1 / (k - 1)
        cov = make_covariance("ar1", k)
        L = factor(cov, np.array([2.0, 0.6]))
        lag = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
        np.testing.assert_allclose(L @ L.T, 4 * 0.6**lag, atol=1e-14)


def test_defaults_are_those_of_lme4() -> None:
    assert make_covariance("diag", 3).n_par == 3
    assert make_covariance("cs", 3).n_par == 4
    assert make_covariance("ar1", 3).n_par == 2  # homogeneous
    assert make_covariance("us", 3).n_par == 6


@pytest.mark.parametrize("name", ["cs", "ar1"])
@pytest.mark.parametrize("rho", [-1.0, 1.0])
def test_the_boundary_is_finite(name: str, rho: float) -> None:
    cov = make_covariance(name, 2)
    par = cov.start()
    par[-1] = rho
    assert np.isfinite(cov.theta(par)).all()
    assert np.isfinite(cov.jacobian(par)).all()


@pytest.mark.parametrize(
    ("name", "options"),
    [("toep", {}), ("us", {"hom": True}), ("cs", {"hom": 1.0}), ("cs", {"x": True})],
)
def test_wrong_structures(name: str, options: dict[str, object]) -> None:
    with pytest.raises(FormulaError):
        make_covariance(name, 2, options)
