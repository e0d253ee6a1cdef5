"""Quadrature of nonlinear mixed models against integrals on grids, its gradient against differences; its limits."""

import numpy as np
import pytest

import mere
from mere.datasets import load
from mere.errors import MereUnavailableError, MereValueError
from mere.nonlinear_design import build_nonlinear_design
from mere.nonlinear_objective import NLMMObjective

ORANGE = "circumference ~ SSlogis(age, Asym, xmid, scal) ~ {}"
FOL = "conc ~ SSfol(Dose, Time, lKe, lKa, lCl) ~ {}"


def objective(formula, terms, data, nAGQ, **extra):
    return NLMMObjective(build_nonlinear_design(formula.format(terms), load(data), **extra), nAGQ, 1e-26)


def integrated(f, par, sigma, points):
    """-2 log L at sigma with every level's integral over u / sigma done by the trapezoidal rule."""
    own, beta = par[: f.n_re], par[f.n_re :]
    T, grid = f._factor(own), np.linspace(-9, 9, points)
    K = f.matrix.K
    u = np.array(np.meshgrid(*[grid] * K, indexing="ij")).reshape(K, -1).T
    log_w = (-0.5 * u**2).sum(axis=1) - K * np.log(np.exp(-0.5 * grid**2).sum())
    root = np.ones(f.n) if f.root is None else f.root
    total = f.n * np.log(2 * np.pi * sigma**2) - f.log_weights
    fixed, rows = f.X @ beta, f.Z @ T
    logs = np.tile(log_w, (f.matrix.levels, 1))
    for j, each in enumerate(sigma * u):
        r = root * (f.y - f.mean(fixed + rows @ each)[0])
        logs[:, j] -= f.matrix.gather((r**2)[:, None])[:, 0] / (2 * sigma**2)
    most = logs.max(axis=1, keepdims=True)
    return total - 2 * float((most[:, 0] + np.log(np.exp(logs - most).sum(axis=1))).sum())


CASES = [
    (ORANGE, "xmid | Tree", "Orange", {}, np.array([4.0, 192.0, 728.0, 348.0]), 9.0, 2001),
    (FOL, "(lKa | Subject)", "Theoph", {}, np.array([0.9, -2.45, 0.48, -3.2]), 0.9, 601),
    (FOL, "(lKa + lCl | Subject)", "Theoph", {"weights": np.linspace(0.5, 2, 132)},
     np.array([0.9, 0.1, 0.3, -2.45, 0.48, -3.2]), 0.9, 151),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[1])
def test_many_nodes_are_the_integral(case):
    formula, terms, data, extra, par, sigma, points = case
    exact = integrated(objective(formula, terms, data, 1, **extra), par, sigma, points)
    errors = [abs(objective(formula, terms, data, n, **extra).with_sigma(par, sigma)[0] - exact) for n in (1, 9, 41)]
    assert errors[2] < 1e-6
    assert errors[2] < errors[1] < errors[0]


@pytest.mark.parametrize("nAGQ", [1, 2, 5])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case[1])
def test_the_gradient_is_that_of_the_sum(case, nAGQ):
    formula, terms, data, extra, par, sigma, _ = case
    f = objective(formula, terms, data, nAGQ, **extra)
    scale = f.scale(par)
    slope, with_sigma = f.gradient(par), f.with_sigma(par, sigma)[1]
    for j in range(len(par)):
        step = 1e-3 * scale[j] * np.eye(len(par))[j]
        for got, value in ((slope[j], f.value), (with_sigma[j], lambda p: f.with_sigma(p, sigma)[0])):
            v = [value(par + k * step) for k in (-2, -1, 1, 2)]
            want = (8 * (v[2] - v[1]) - (v[3] - v[0])) / (12e-3 * scale[j])
            assert got * scale[j] == pytest.approx(want * scale[j], abs=2e-6)
    v = [f.with_sigma(par, sigma * np.exp(t))[0] for t in (-2e-3, -1e-3, 1e-3, 2e-3)]
    assert with_sigma[-1] == pytest.approx((8 * (v[2] - v[1]) - (v[3] - v[0])) / 12e-3, rel=1e-7)


def test_sigma_is_profiled_out():
    f = objective(FOL, "(lKa | Subject)", "Theoph", 5)
    par = np.array([0.9, -2.45, 0.48, -3.2])
    value = f.value(par)
    at = f.sigma
    assert abs(f.with_sigma(par, at)[1][-1]) < 1e-5
    for other in (0.98 * at, 1.02 * at):
        assert f.with_sigma(par, other)[0] > value


def test_an_effect_in_which_the_mean_is_linear_needs_no_nodes():
    fits = {n: mere.nlmer(ORANGE.format("Asym | Tree"), load("Orange"), nAGQ=n) for n in (1, 5)}
    assert fits[5].criterion == pytest.approx(fits[1].criterion, abs=1e-9)
    assert fits[5].sigma == pytest.approx(fits[1].sigma, rel=1e-7)


def test_fits_settle_with_the_number_of_nodes():
    fits = {n: mere.nlmer(FOL.format("(lKa | Subject)"), load("Theoph"), nAGQ=n) for n in (1, 9, 25)}
    assert fits[25].criterion == pytest.approx(fits[9].criterion, abs=2e-3)
    assert abs(fits[25].criterion - fits[9].criterion) < 0.01 * abs(fits[25].criterion - fits[1].criterion)
    assert np.abs(fits[9].optinfo.gradient * fits[9].objective.scale(fits[9].optinfo.full)).max() < 1e-3
    assert fits[9].optinfo.decrement < 1e-6
    again = mere.refit(fits[9])
    assert again.criterion == pytest.approx(fits[9].criterion, abs=1e-7)
    np.testing.assert_allclose(mere.update(fits[1], nAGQ=9).beta, fits[9].beta, atol=1e-4)


def test_what_it_cannot_do_is_said():
    d = load("Orange").assign(k=np.arange(35) % 4)
    with pytest.raises(MereUnavailableError, match="one grouping factor"):
        mere.nlmer(ORANGE.format("(Asym | Tree) + (Asym | k)"), d, nAGQ=3)
    with pytest.raises(MereValueError, match="visits"):
        mere.nlmer(ORANGE.format("(Asym + xmid + scal | Tree)"), d, nAGQ=100)
    with pytest.raises(MereValueError, match="0 to 100"):
        mere.nlmer(ORANGE.format("Asym | Tree"), d, nAGQ=101)
    with pytest.raises(MereUnavailableError, match="add it to the mean"):
        mere.nlmer(ORANGE.format("Asym | Tree"), d, offset="k")
