"""Many small models drawn at random: structures, crossings, units and singular covariances that nobody thought of.

Each is fitted by the default optimizer and by BOBYQA with tight tolerances; the default may not be higher, may not warn
of non-convergence, and its criterion must be that of the dense textbook formula.
"""

import warnings

import numpy as np
import pandas as pd
import pytest

import mere

from .. import oracle

TERMS = [
    "(1 | a)",
    "(x | a)",
    "(x || a)",
    "(0 + x | b)",
    "(1 | b)",
    "(1 | a:b)",
    "(1 | a/b)",
    "(f | a)",
    "(0 + f | b)",
    "(x + z | a)",
    "(1 | c)",
    "(x | c)",
    "(f * x | a)",
    "diag(f | a)",
    "diag(f | b, hom = TRUE)",
    "(0 + dummy(f, 'q') | a)",
]
FIXED = ["1", "x", "f", "x * f", "0 + f", "poly(z, 2)"]


def draw(seed):
    """A formula, its data and arguments."""
    rng = np.random.default_rng(seed)
    n, na, nb, nc = (int(rng.integers(*limits)) for limits in ((30, 160), (2, 15), (2, 9), (2, 6)))
    d = pd.DataFrame(
        {
            "x": rng.normal(size=n) * 10.0 ** rng.integers(-2, 3) + 10 * rng.integers(0, 3),
            "z": rng.normal(size=n),
            "f": rng.choice(list("pqr"), n),
            "a": rng.integers(0, na, n).astype(str),
            "b": rng.integers(0, nb, n).astype(str),
            "c": rng.integers(0, nc, n).astype(str),
        }
    )
    size = 10.0 ** rng.integers(-3, 3)
    d["y"] = size * (
        rng.normal(size=n)
        + rng.choice([0, 0.5, 2]) * rng.normal(size=na)[d.a.astype(int)]
        + rng.choice([0, 0.5, 2]) * rng.normal(size=nb)[d.b.astype(int)]
    )
    chosen = rng.choice(TERMS, rng.integers(1, 4), replace=False)
    formula = f"y ~ {rng.choice(FIXED)} + {' + '.join(chosen)}"
    weights = rng.uniform(0.2, 3, n) if rng.random() < 0.3 else None
    return formula, d, {"REML": bool(rng.integers(2)), "weights": weights}


@pytest.mark.parametrize("seed", range(60))
def test_optimum_and_criterion(seed):
    formula, data, arguments = draw(seed)
    tight = mere.lmerControl("nloptwrap", optCtrl={"xtol_abs": 1e-10, "ftol_abs": 1e-10, "maxeval": 3000})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", mere.errors.ConvergenceWarning)
        try:
            m = mere.lmer(formula, data, **arguments)
        except mere.errors.MereError as error:
            if "number of" not in str(error):
                raise
            pytest.skip("more random effects than rows, or a level for each row")
        warnings.simplefilter("ignore")
        other = mere.lmer(formula, data, control=tight, **arguments)
    assert m.criterion <= other.criterion + 1e-6, formula
    dense = oracle.DenseObjective(m.design, m.reml).value(m.par)
    assert abs(m.criterion - dense) < 1e-8 * (1 + abs(dense)), formula
