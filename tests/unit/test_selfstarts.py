"""Self-starting means: gradients by differences, starts on curves without noise, limits."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import mere
from mere.selfstarts import SELF_STARTS

X = np.linspace(0.5, 12.0, 24)
CASES = {
    "SSlogis": ([X], [200.0, 5.0, 1.5]),
    "SSfpl": ([X], [10.0, 60.0, 5.0, 1.2]),
    "SSmicmen": ([X], [180.0, 2.0]),
    "SSasymp": ([X], [100.0, -8.0, -1.1]),
    "SSasympOff": ([X], [100.0, -1.1, 0.3]),
    "SSasympOrig": ([X], [100.0, -1.1]),
    "SSbiexp": ([X], [30.0, 0.5, 8.0, -1.8]),
    "SSfol": ([np.full(24, 4.0), X], [-2.4, 0.4, -3.2]),
    "SSgompertz": ([X], [4.5, 2.3, 0.7]),
    "SSweibull": ([X], [160.0, 115.0, -2.5, 1.6]),
}


def test_every_model_is_tested():
    assert set(CASES) == set(SELF_STARTS)


@pytest.mark.parametrize("name", CASES)
def test_gradient_is_the_difference_of_values(name):
    model, (inputs, par) = SELF_STARTS[name], CASES[name]
    G = model.gradient(*inputs, *par)
    for j, p in enumerate(par):
        h = 1e-5 * abs(p)
        high, low = list(par), list(par)
        high[j], low[j] = p + h, p - h
        by_difference = (model(*inputs, *high) - model(*inputs, *low)) / (2 * h)
        np.testing.assert_allclose(G[:, j], by_difference, rtol=2e-7, atol=1e-9 * np.abs(G[:, j]).max())


@pytest.mark.parametrize("name", CASES)
def test_start_finds_the_parameters_of_an_exact_curve(name):
    model, (inputs, par) = SELF_STARTS[name], CASES[name]
    found = model.start(*inputs, model(*inputs, *par))
    assert list(found) == list(model.parameters)
    np.testing.assert_allclose(list(found.values()), par, rtol=1e-4)


@pytest.mark.parametrize("name", CASES)
def test_value_is_its_formula(name):
    """The text of each model is an expression that nlmer reads: value and gradient agree with it."""
    from mere.language.parser import parse_expression
    from mere.nonlinear_mean import NonlinearMean

    model, (inputs, par) = SELF_STARTS[name], CASES[name]
    data = dict(zip(model.inputs, inputs, strict=True))
    f = NonlinearMean(parse_expression(model.text), model.parameters, data)
    mean, G = f(np.tile(par, (len(X), 1)))
    np.testing.assert_allclose(model(*inputs, *par), mean, rtol=1e-11)
    np.testing.assert_allclose(model.gradient(*inputs, *par), G, rtol=1e-8, atol=1e-11 * np.abs(G).max())


def test_first_order_is_smooth_where_its_rates_are_equal():
    t = np.linspace(0.1, 5, 9)
    at = mere.SSfol(3.0, t, 0.2, 0.2, -1.0)
    np.testing.assert_allclose(at, 3 * np.exp(0.2 + 0.2 + 1.0) * t * np.exp(-np.exp(0.2) * t), rtol=1e-12)
    near = mere.SSfol.gradient(3.0, t, 0.2, 0.2 + 1e-3, -1.0)
    np.testing.assert_allclose(mere.SSfol.gradient(3.0, t, 0.2, 0.2, -1.0), near, rtol=5e-3, atol=1e-3)


def test_logistic_does_not_overflow():
    assert mere.SSlogis([-1e6, 1e6], 5, 0, 1).tolist() == [0.0, 5.0]
    assert np.isfinite(mere.SSlogis.gradient([-1e6, 1e6], 5, 0, 1)).all()


def test_weibull_at_zero_has_a_gradient():
    assert np.isfinite(mere.SSweibull.gradient([0.0], 160, 115, -2.5, 1.6)).all()


def test_registered_models_pickle_as_themselves():
    assert pickle.loads(pickle.dumps(mere.SSlogis)) is mere.SSlogis


def test_wrong_number_of_arguments_is_an_error():
    with pytest.raises(mere.errors.MereValueError, match="SSlogis"):
        mere.SSlogis(1.0, 2.0)
