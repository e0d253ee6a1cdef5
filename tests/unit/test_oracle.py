"""The kernels against the dense textbook formulas (tests/oracle.py)."""

import numpy as np
import pytest

from mere.datasets import Pastes, cake, sleepstudy
from mere.design import build_design
from mere.objective import LMMObjective

from ..oracle import DenseObjective
from ..parity.goldens import assert_close

WEIGHTED = sleepstudy.assign(w=1 + (np.arange(180) % 7) / 3)
DESIGNS = {
    "slopes": ("Reaction ~ Days + (Days | Subject)", sleepstudy, {}),
    "weights": ("Reaction ~ Days + (Days | Subject)", WEIGHTED, {"weights": "w", "offset": "Days"}),
    "separate": ("Reaction ~ Days + (Days || Subject)", sleepstudy, {}),
    "nested": ("strength ~ 1 + (1 | batch/cask)", Pastes, {}),
    "crossed": ("angle ~ temp + (1 | recipe) + (temp | replicate)", cake, {}),
    "no fixed effects": ("Reaction ~ 0 + (Days | Subject)", sleepstudy, {}),
    "cs": ("angle ~ temp + cs(0 + recipe | replicate)", cake, {}),
    "ar1": ("angle ~ recipe + ar1(0 + temperature | replicate)", cake, {}),
    "diag": ("Reaction ~ Days + diag(Days | Subject)", sleepstudy, {}),
}


@pytest.mark.parametrize("name", list(DESIGNS))
@pytest.mark.parametrize("reml", [True, False])
def test_against_dense_formulas(name, reml):
    formula, data, arguments = DESIGNS[name]
    design = build_design(formula, data, **arguments)
    if reml and not design.names:
        pytest.skip("without fixed effects REML is ML")
    slow, fast = DenseObjective(design, reml), LMMObjective(design, reml)
    rng = np.random.default_rng(1)
    lower, upper = slow.bounds()
    for _ in range(3):
        par = slow.start() * 0.5 + 0.2 * rng.random(len(lower))
        par = np.clip(par, lower + 0.01, upper - 0.01)
        assert_close([fast.value(par)], [slow.value(par)], 1e-11, what="value")
        assert_close(fast.gradient(par), slow.gradient(par).tolist(), 1e-7, what="gradient")
    want, got = slow.state(par), fast.state(par)
    for field in ("theta", "beta", "u", "b", "RX"):
        a, b = np.abs(getattr(got, field)), np.abs(getattr(want, field))
        assert_close(a, b.ravel().tolist(), 1e-8, what=field)
    assert_close([got.sigma], [want.sigma], 1e-10, what="sigma")
    for key in ("ldL2", "ldRX2", "wrss", "ussq", "pwrss"):
        assert_close([got.devcomp[key]], [want.devcomp[key]], 1e-8, 1 + abs(want.devcomp[key]), key)
    assert_close(fast.leverage(par), slow.leverage(par).tolist(), 1e-8, what="leverage")
    pairs = zip(fast.conditional_variances(par), slow.conditional_variances(par), strict=True)
    for a, b in pairs:
        assert_close(a, b.ravel().tolist(), 1e-8, what="conditional variances")
    by_factor = slow.conditional_variances_by_factor(par)
    for group, a in fast.conditional_variances_by_factor(par).items():
        assert a.shape == by_factor[group].shape
        assert_close(a, by_factor[group].ravel().tolist(), 1e-8, what=group)


def test_oracle_finds_the_optimum():
    design = build_design("Reaction ~ Days + (Days | Subject)", sleepstudy)
    slow = DenseObjective(design, True)
    par, _ = slow.optimum()
    assert slow.value(par) == pytest.approx(1743.62827195849, abs=1e-8)
    assert np.abs(slow.gradient(par)).max() < 1e-5
