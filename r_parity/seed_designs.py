"""Seven small designs for estimates under permutation tests: fixtures/data/seed_designs.csv, before seed_designs.R.

    python r_parity/seed_designs.py

Twenty groups and 200 rows, two normal covariates, beta = (0.5, -0.3), group variances tau2; the draws of each design are
of `numpy.random.default_rng(seed)` in the order covariates, group effects, slopes, response.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
UNEQUAL = np.array([5] * 10 + [15] * 10)
DESIGNS = {
    "icc02": (11, 0.25, "gaussian"), "icc09": (12, 9.0, "gaussian"), "icc0": (13, 0.0, "gaussian"),
    "unbalanced": (14, 2.0, "gaussian"), "slopes": (15, 1.0, "gaussian"), "logistic": (16, 4.0, "binomial"),
    "poisson": (17, 1.0, "poisson"),
}  # fmt: skip


def drawn(name: str) -> pd.DataFrame:
    """The rows of a design."""
    seed, tau2, family = DESIGNS[name]
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(20), UNEQUAL if name == "unbalanced" else 10)
    X = rng.normal(size=(200, 2))
    b = rng.normal(scale=np.sqrt(tau2), size=20) if tau2 else np.zeros(20)
    eta = X @ [0.5, -0.3] + b[g]
    if name == "slopes":
        eta = eta + rng.normal(scale=0.8, size=20)[g] * X[:, 0]
    if family == "gaussian":
        y = eta + rng.normal(size=200)
    elif family == "binomial":
        y = rng.binomial(1, 1 / (1 + np.exp(-eta)))
    else:
        y = rng.poisson(np.exp(np.clip(eta, -10, 10)))
    return pd.DataFrame({"design": name, "y": y, "x1": X[:, 0], "x2": X[:, 1], "g": g})


def main() -> None:
    table = pd.concat([drawn(name) for name in DESIGNS])
    kinds = dict.fromkeys(("y", "x1", "x2"), {"type": "float"})
    about = {
        "name": "seed_designs", "file": "seed_designs.csv", "rows": len(table),
        "description": "Seven simulated designs of 20 groups and 200 rows", "generator": "r_parity/seed_designs.py",
        "columns": {
            "design": {"type": "string"}, **kinds,
            "g": {"type": "factor", "ordered": False, "levels": [str(i) for i in range(20)]},
        },
    }  # fmt: skip
    folder = ROOT / "fixtures" / "data"
    table.to_csv(folder / "seed_designs.csv", index=False)
    (folder / "seed_designs.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
