"""Standard errors of predictions that know that the covariance parameters are estimated."""

import warnings

import numpy as np
import pytest

import mere
from mere.datasets import sleepstudy
from mere.errors import MereValueError


def test_by_refits_at_other_parameters():
    """The gradient of the prediction by theta from models fitted with theta held, the covariance of theta likewise."""
    m = mere.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    new = {"Days": [3.0, 9.0], "Subject": ["308", "335"]}

    def at(theta):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return mere.lmer(
                "Reaction ~ Days + (Days | Subject)", sleepstudy, start=theta, control=mere.lmerControl(optimizer=None)
            )

    h, n = 1e-3, 3
    G = np.array([(mere.predict(at(m.theta + h * e), new) - mere.predict(at(m.theta - h * e), new)) / (2 * h)
                  for e in np.eye(n)])  # fmt: skip
    corners = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
    second = [
        [sum(s * t * at(m.theta + h * (s * a + t * b)).criterion for s, t in corners) for b in np.eye(n)]
        for a in np.eye(n)
    ]
    V = 2 * np.linalg.inv(np.array(second) / (4 * h**2))
    given = mere.predict(m, new, se_fit=True).se_fit
    got = mere.predict(m, new, se_fit=True, theta=True).se_fit
    np.testing.assert_allclose(got**2, given**2 + np.einsum("ij,ik,kj->j", G, V, G), rtol=1e-4)


def test_errors_of_prediction_in_a_balanced_layout():
    """Mean squared errors of mu + b over simulated data: variances given theta fall short, those with theta do not."""
    groups, each = 8, 3
    g = np.repeat([f"g{i}" for i in range(groups)], each)
    rng = np.random.default_rng(7)
    draw = lambda: rng.standard_normal(groups)  # noqa: E731
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        base = mere.lmer("y ~ 1 + (1 | g)", {"y": rng.standard_normal(24) + np.repeat(draw(), each), "g": g})
        new, rows = {"g": [f"g{i}" for i in range(groups)]}, []
        for _ in range(500):
            b = draw()
            m = mere.refit(base, np.repeat(b, each) + rng.standard_normal(groups * each))
            if m.theta[0] < 0.05:  # on the bound theta is not varied
                continue
            p, q = (mere.predict(m, new, se_fit=True, theta=theta) for theta in (False, True))
            rows.append([((p.fit - b) ** 2).mean(), (p.se_fit**2).mean(), (q.se_fit**2).mean()])
    table = np.array(rows)
    error = table[:, 0].std(ddof=1) / np.sqrt(len(table))
    mse, given, full = table.mean(axis=0)
    assert mse - given > 3 * error
    assert abs(mse - full) < 3 * error


def test_intervals_and_fixed_effects():
    m = mere.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    new = {"Days": [9.0], "Subject": ["335"]}
    se = mere.predict(m, new, se_fit=True, theta=True).se_fit[0]
    table = mere.predict(m, new, interval="confidence", theta=True)
    assert table["upr"][0] - table["fit"][0] == pytest.approx(1.959964 * se)
    wide = mere.predict(m, new, interval="prediction", theta=True)
    assert wide["upr"][0] - wide["fit"][0] == pytest.approx(1.959964 * np.hypot(se, m.sigma))
    # balanced data: the fixed effects do not depend on theta
    given, full = (mere.predict(m, new, re_form=False, se_fit=True, theta=t).se_fit[0] for t in (False, True))
    assert full == pytest.approx(given, rel=1e-8)


def test_bounds_and_structures():
    from mere.datasets import Dyestuff2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m = mere.lmer("Yield ~ 1 + (1 | Batch)", Dyestuff2)
    given, full = (mere.predict(m, se_fit=True, theta=t).se_fit for t in (False, True))
    np.testing.assert_array_equal(given, full)
    cs, us = (mere.lmer(f"Reaction ~ Days + {s}(Days | Subject)", sleepstudy) for s in ("cs", ""))
    a, b = (mere.predict(m, se_fit=True, theta=True).se_fit for m in (cs, us))
    np.testing.assert_allclose(a, b, rtol=1e-4)


def test_no_optimum():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m = mere.lmer(
            "Reaction ~ Days + (1 | Subject)", sleepstudy, start=[40.0], control=mere.lmerControl(optimizer=None)
        )
    with pytest.raises(MereValueError, match="positive definite"):
        mere.predict(m, se_fit=True, theta=True)
