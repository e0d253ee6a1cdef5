"""Do permutation tests hold their level, and bootstrap intervals their coverage? Small clustered designs.

    python r_parity/calibration/resampling.py [runs]

Permutation: 20 clusters of 10, intraclass correlation 0.8, no effect (level) or one (power) of a covariate that varies
within clusters, of one with a random slope, and of one that is constant within clusters; and 14 subjects by 8 items with
a binary response and a covariate of the items. Bootstrap: 10 clusters of 5, intervals for a fixed effect. Written:
`resampling.json` and `docs/pictures/resampling.svg`. Each run has its own seed.
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

HERE = Path(__file__).resolve().parent
PERMUTATION = {
    "within x": ("x", 0.0, "y ~ x + (1 | g)", 0.25),
    "random slope": ("x", 0.5, "y ~ x + (x | g)", 0.8),
    "cluster level": ("z", 0.0, "y ~ z + (1 | g)", 2.6),
}
WAYS = {
    "score": {"method": "score"},
    "ter Braak": {"method": "ter-braak"},
    "Kennedy": {"method": "kennedy"},
    "coefficient": {"method": "one-step"},
    "sign-flip": {"method": "sign-flip"},
    "within cells": {"method": "score", "cells": "g"},
    "whole cells": {"method": "score", "cells": "g", "strategy": "between"},
    "raw response": {"method": "manly"},
}
SCHEMES = ("case", "parametric", "residual", "wild", "reb")
INTERVALS = ("percentile", "basic", "bca", "studentized")


def clusters(rng: np.random.Generator, groups: int, size: int, slope: float) -> pd.DataFrame:
    """Covariates, and a response without their effects."""
    g = np.repeat(np.arange(groups), size)
    x, z = rng.normal(size=len(g)), rng.normal(size=groups)[g]
    u = rng.normal(size=(2, groups)) * 2.0
    y = 1 + u[0, g] + slope * u[1, g] * x + rng.normal(size=len(g))
    return pd.DataFrame({"y": y, "x": x, "z": z, "g": g.astype(str)})


def crossed(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """Binary answers of 14 subjects to 8 items."""
    s, i = np.repeat(np.arange(14), 8), np.tile(np.arange(8), 14)
    x = rng.normal(size=8)[i]
    eta = effect * x + 0.8 * rng.normal(size=14)[s] + 0.5 * rng.normal(size=8)[i]
    answer = rng.binomial(1, 1 / (1 + np.exp(-eta)))
    return pd.DataFrame({"y": answer, "x": x, "s": s.astype(str), "i": i.astype(str)})


def rate(hits: int, runs: int) -> dict[str, float]:
    """A proportion with its exact 95 % interval."""
    low = beta_distribution.ppf(0.025, hits, runs - hits + 1) if hits else 0.0
    high = beta_distribution.ppf(0.975, hits + 1, runs - hits) if hits < runs else 1.0
    return {"rate": hits / runs, "low": float(low), "high": float(high), "runs": runs}


def permutation(runs: int) -> dict[str, dict[str, dict[str, float]]]:
    """Rejections at 5 %, without and with an effect."""
    out: dict[str, dict[str, dict[str, float]]] = {}
    for number, (design, (term, slope, formula, effect)) in enumerate(PERMUTATION.items()):
        for label, size in (("level", 0.0), ("power", effect)):
            hits, tried = dict.fromkeys(WAYS, 0), dict.fromkeys(WAYS, 0)
            for run in range(runs):
                d = clusters(np.random.default_rng([11, number, run]), 20, 10, slope)
                m = mere.lmer(formula, d.assign(y=d["y"] + size * d[term]))
                for way, options in WAYS.items():
                    if way == "within cells" and term == "z":
                        continue
                    p = mere.permutation_test(m, term, n_perm=199, seed=run, **options).table["p.value"].iloc[0]
                    hits[way] += p <= 0.05
                    tried[way] += 1
            out[f"{design}, {label}"] = {way: rate(hits[way], tried[way]) for way in WAYS if tried[way]}
    for label, size in (("level", 0.0), ("power", 1.2)):
        hits = {"score": 0, "coefficient": 0, "sign-flip": 0}
        for run in range(runs):
            d = crossed(np.random.default_rng([13, run]), size)
            m = mere.glmer("y ~ x + (1 | s) + (1 | i)", d, "binomial")
            for way in hits:
                options = dict(WAYS[way])
                if way == "sign-flip":
                    options["cells"] = "i"
                p = mere.permutation_test(m, "x", n_perm=199, seed=run, **options).table["p.value"].iloc[0]
                hits[way] += p <= 0.05
        out[f"crossed binary, {label}"] = {way: rate(k, runs) for way, k in hits.items()}
    return out


def coverage(runs: int) -> dict[str, dict[str, dict[str, float]]]:
    """How often 95 % intervals of a fixed effect of 1 hold it, 10 clusters of 5."""
    out: dict[str, dict[str, dict[str, float]]] = {}
    for scheme in SCHEMES:
        hits = dict.fromkeys(INTERVALS, 0)
        for run in range(runs):
            d = clusters(np.random.default_rng([17, run]), 10, 5, 0.0)
            m = mere.lmer("y ~ z + (1 | g)", d.assign(y=d["y"] + d["z"]))
            for ci in INTERVALS:
                row = mere.bootstrap(m, type=scheme, nsim=199, ci=ci, seed=run).table.loc["z"]
                hits[ci] += bool(row["conf.low"] <= 1 <= row["conf.high"])
        out[scheme] = {ci: rate(k, runs) for ci, k in hits.items()}
    return out


def picture(found: dict[str, dict[str, dict[str, dict[str, float]]]]) -> None:
    """Level of the permutation tests, and coverage of the intervals."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "mere"
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    designs = [key for key in found["permutation"] if key.endswith("level")]
    for j, way in enumerate([*WAYS]):
        own = [(i, found["permutation"][d][way]) for i, d in enumerate(designs) if way in found["permutation"][d]]
        at = np.array([i for i, _ in own]) + (j - 3.5) * 0.09
        mid = np.array([r["rate"] for _, r in own])
        ends = np.array([[r["rate"] - r["low"], r["high"] - r["rate"]] for _, r in own]).T
        axes[0].errorbar(at, mid, ends, fmt="o", markersize=4, linewidth=1, label=way)
    axes[0].axhline(0.05, color="black", linewidth=0.8)
    axes[0].set_xticks(range(len(designs)), [d.split(",")[0] for d in designs])
    axes[0].set_ylabel("rejected at 5 %, no effect")
    axes[0].legend(fontsize=7, ncols=2)
    for j, ci in enumerate(INTERVALS):
        rows = [found["coverage"][s][ci] for s in SCHEMES]
        mid = np.array([r["rate"] for r in rows])
        ends = np.array([[r["rate"] - r["low"], r["high"] - r["rate"]] for r in rows]).T
        axes[1].errorbar(np.arange(len(SCHEMES)) + (j - 1.5) * 0.12, mid, ends, fmt="o", markersize=4, label=ci)
    axes[1].axhline(0.95, color="black", linewidth=0.8)
    axes[1].set_xticks(range(len(SCHEMES)), SCHEMES)
    axes[1].set_ylabel("coverage of 95 % intervals, 10 clusters")
    axes[1].legend(fontsize=7)
    target = HERE.parents[1] / "docs" / "pictures" / "resampling.svg"
    figure.savefig(target, metadata={"Date": None})


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    warnings.simplefilter("ignore", MereWarning)
    began = time.process_time()
    found = {"permutation": permutation(runs), "coverage": coverage(runs)}
    (HERE / "resampling.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    picture(found)
    print(f"{runs} runs, {time.process_time() - began:.0f} s of CPU")


if __name__ == "__main__":
    main()
