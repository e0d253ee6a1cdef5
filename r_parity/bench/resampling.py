"""Permutation tests, bootstraps and cross-validation: seconds of one core.

    python r_parity/bench/resampling.py

Writes the table of "Speed" in docs/resampling.md. The least CPU time of some repeats, one BLAS thread.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd

import mere
from mere.datasets import InstEval

PAGE = Path(__file__).resolve().parents[2] / "docs" / "resampling.md"
BEGIN, END = "<!-- written by r_parity/bench/resampling.py -->\n", "<!-- end -->"


def least(function: Callable[[], object], repeats: int) -> float:
    """CPU seconds, the least of some repeats."""
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        spent.append(time.process_time() - start)
    return min(spent)


def crossed(rng: np.random.Generator) -> object:
    """5,000 rows, five covariates, 100 by 50 levels."""
    d = pd.DataFrame(rng.normal(size=(5000, 6)), columns=["y", *"abcde"])
    d["s"], d["i"] = (rng.integers(0, k, 5000) for k in (100, 50))
    d["y"] += rng.normal(size=100)[d["s"]] + 0.5 * rng.normal(size=50)[d["i"]]
    return mere.lmer("y ~ a + b + c + d + e + (1 | s) + (1 | i)", d.astype({"s": str, "i": str}))


def binary(rng: np.random.Generator) -> object:
    """600 rows in 30 groups."""
    g = np.repeat(np.arange(30), 20)
    d = pd.DataFrame(rng.normal(size=(600, 3)), columns=list("abc")).assign(g=g.astype(str))
    d["y"] = rng.binomial(1, 1 / (1 + np.exp(-(0.5 * d["a"] + rng.normal(size=30)[g]))))
    return mere.glmer("y ~ a + b + c + (1 | g)", d, "binomial")


def counts(rng: np.random.Generator) -> object:
    """10,000 rows, four covariates."""
    d = pd.DataFrame(rng.normal(size=(10_000, 4)), columns=list("abcd"))
    return mere.glm("y ~ a + b + c + d", d.assign(y=rng.poisson(np.exp(0.3 * d["a"]))), "poisson")


def main() -> None:
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(40)
    m, b, p = crossed(rng), binary(rng), counts(rng)
    large = mere.lmer("y ~ service + studage + lectage + (1 | s) + (1 | d)", InstEval)
    five = "`permutation_test`, 5,000 draws of each of 5 terms, 5,000 rows, crossed effects"
    one = "`permutation_test`, `glmer`, 5,000 draws of one term, 600 rows in 30 groups"
    boot, cv = "`bootstrap`, 1,000 case replicates, `glm`, 10,000 rows", "`cross_validate`, InstEval, 10 folds of"
    cases: list[tuple[str, Callable[[], object], int]] = [
        (f"{five}: score", lambda: mere.permutation_test(m, n_perm=5000, seed=1), 3),
        (f"{five}: sign flips of rows", lambda: mere.permutation_test(m, method="sign-flip", n_perm=5000, seed=1), 2),
        (f"{one}: score", lambda: mere.permutation_test(b, "a", n_perm=5000, seed=1), 3),
        (f"{one}: `pql-fixed`", lambda: mere.permutation_test(b, "a", method="pql-fixed", n_perm=5000, seed=1), 2),
        (f"{boot}: percentile", lambda: mere.bootstrap(p, nsim=1000, seed=1), 2),
        (f"{boot}: BCa", lambda: mere.bootstrap(p, nsim=1000, ci="bca", seed=1), 2),
        (f"{cv} students", lambda: mere.cross_validate(large, k=10, groups="s", seed=1), 2),
        (f"{cv} lecturers", lambda: mere.cross_validate(large, k=10, groups="d", seed=1), 2),
    ]
    lines = ["| task | seconds of one core |", "|---|---:|"]
    for label, function, repeats in cases:
        lines.append(f"| {label} | {least(function, repeats):.2f} |")
        print(lines[-1], flush=True)
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    table = "\n" + "\n".join(lines) + "\n\n"
    PAGE.write_text(before + BEGIN + table + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
