"""How often do intervals of standard deviations hold the truth? Few clusters, by bootstraps and by the profile.

    python r_parity/calibration/standard_deviations.py [runs]

10 and 30 clusters of 5 rows, standard deviations of 1 between and within clusters, 95 % intervals. Written:
`standard_deviations.json`, the coverage of each interval with its exact 95 % interval, and the share of intervals that
miss below and above. Each run has its own seed; four minutes with 300 runs.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import beta as beta_distribution

import mere
from mere.errors import MereWarning
from mere.inference.bootstrap_intervals import acceleration, bootstrap_interval
from mere.model import LMM

HERE = Path(__file__).resolve().parent
SCHEMES = ("case", "parametric", "residual", "reb")
INTERVALS = ("perc", "basic", "norm", "bca")
TERMS = ("sd_(Intercept)|g", "sigma")
DRAWS = 299


def data(rng: np.random.Generator, groups: int) -> pd.DataFrame:
    """A covariate, and a response with standard deviations of 1."""
    g = np.repeat(np.arange(groups), 5)
    x = rng.normal(size=len(g))
    return pd.DataFrame({"y": x + rng.normal(size=groups)[g] + rng.normal(size=len(g)), "x": x, "g": g.astype(str)})


def rate(sides: list[int]) -> dict[str, float]:
    """The share of intervals that hold the truth; `sides` has -1 for one that is above it, 1 for below, else 0."""
    runs, hits = len(sides), sides.count(0)
    return {
        "coverage": hits / runs,
        "low": float(beta_distribution.ppf(0.025, hits, runs - hits + 1)) if hits else 0.0,
        "high": float(beta_distribution.ppf(0.975, hits + 1, runs - hits)) if hits < runs else 1.0,
        "too_high": sides.count(-1) / runs,
        "too_low": sides.count(1) / runs,
        "runs": runs,
    }


def side(low: float, high: float) -> int:
    """Where an interval is of the truth, 1."""
    return -1 if low > 1 else 1 if high < 1 else 0


def intervals(m: LMM, scheme: str, seed: int) -> dict[tuple[str, str], tuple[float, float]]:
    """All kinds of intervals of both standard deviations from one bootstrap."""
    b = mere.bootstrap(m, type=scheme, nsim=DRAWS, seed=seed)
    left_out = mere.jackknife(m).values
    out = {}
    for term in TERMS:
        t, a = b.t[term].to_numpy(), acceleration(left_out[term].to_numpy())
        for kind in INTERVALS:
            out[term, kind] = tuple(bootstrap_interval(t, float(b.t0[term]), 0.95, kind, a))
    return out


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    warnings.simplefilter("ignore", MereWarning)
    began = time.process_time()
    found: dict[str, dict[str, dict[str, float]]] = {}
    for groups in (10, 30):
        sides: dict[tuple[str, str, str], list[int]] = {}
        for run in range(runs):
            m = mere.lmer("y ~ x + (1 | g)", data(np.random.default_rng([19, groups, run]), groups))
            for scheme in SCHEMES:
                for (term, kind), ends in intervals(m, scheme, run).items():
                    sides.setdefault((term, scheme, kind), []).append(side(*ends))
            profile = mere.confint(m, "theta_")
            for term in TERMS:
                sides.setdefault((term, "profile", "likelihood"), []).append(side(*profile.loc[term]))
        for (term, scheme, kind), each in sides.items():
            found.setdefault(f"{term}, {groups} clusters", {})[f"{scheme}, {kind}"] = rate(each)
    (HERE / "standard_deviations.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for name, rows in found.items():
        print(name)
        print(pd.DataFrame(rows).T[["coverage", "too_high", "too_low"]].round(3).to_string())
    print(f"{runs} runs, {time.process_time() - began:.0f} s of CPU")


if __name__ == "__main__":
    main()
