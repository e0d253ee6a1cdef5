"""Bootstrap, profiles, refits and deletions beside lme4: CPU time of one thread, and the wall time of two.

    python r_parity/bench/what_if.py [--skip-r]

Prints a table in Markdown. One BLAS thread on both sides.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import mere
from mere.datasets import InstEval, Penicillin, cake, cbpp, sleepstudy


def least(function, repeats):
    """CPU and wall seconds, the least of some repeats."""
    cpu, wall = [], []
    for _ in range(repeats):
        c, w = time.process_time(), time.perf_counter()
        function()
        cpu.append(time.process_time() - c)
        wall.append(time.perf_counter() - w)
    return min(cpu), min(wall)


def main():
    s = mere.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    sm = mere.refitML(s)
    p = mere.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", Penicillin, REML=False)
    c = mere.lmer("angle ~ recipe * temperature + (1 | recipe:replicate)", cake, REML=False)
    b = mere.glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, "binomial")
    large = mere.lmer("y ~ service + (1 | s) + (1 | d)", InstEval)
    many = mere.simulate(large, 20, seed=1)
    y = mere.simulate(s, 20_000, seed=1)
    one = y["sim_1"].to_numpy()
    cases = {
        "boot": ("`bootMer`, 1,000 replicates, sleepstudy", lambda n: mere.bootMer(s, nsim=1000, seed=1, ncpus=n), 5),
        "refit": ("`refit`, sleepstudy", lambda n: mere.refit(s, one), 50),
        "profile_sleepstudy": ("`profile`, sleepstudy", lambda n: mere.profile(sm, ncpus=n), 10),
        "profile_penicillin": ("`profile`, Penicillin", lambda n: mere.profile(p, ncpus=n), 10),
        "profile_cake": ("`profile`, cake, `recipe * temperature`", lambda n: mere.profile(c, ncpus=n), 5),
        "influence": ("`influence`, 180 rows, sleepstudy", lambda n: mere.influence(s, ncpus=n), 5),
        "simulate": ("`simulate`, 1,000 responses, sleepstudy", lambda n: mere.simulate(s, 1000, seed=1), 5),
        "predict": ("`predict`, 180 rows, sleepstudy", lambda n: mere.predict(s, sleepstudy), 20),
        "profile_cbpp": ("`profile`, glmer, cbpp", lambda n: mere.profile(b, ncpus=n), 5),
        "influence_cbpp": ("`influence`, glmer, 15 herds of cbpp", lambda n: mere.influence(b, "herd", ncpus=n), 5),
        "boot_cbpp": ("`bootMer`, glmer, 200 replicates, cbpp", lambda n: mere.bootMer(b, nsim=200, seed=1, ncpus=n), 3),
        "refit_insteval": ("`refit`, 20 responses, InstEval", lambda n: mere.refit(large, many, ncpus=n), 2),
        "many": ("`refit`, 20,000 responses in one call", lambda n: mere.refit(s, y, ncpus=n), 2),
    }
    lme4 = {}
    if "--skip-r" not in sys.argv:
        script = Path(__file__).with_name("what_if.R")
        said = subprocess.run(["Rscript", str(script)], capture_output=True, text=True, check=True).stdout
        lme4 = json.loads(said.strip().splitlines()[-1])
    print("| task | lme4, CPU ms | mere, CPU ms | lme4 / mere | mere, wall ms, 1 thread | 2 threads |")
    print("|---|---:|---:|---:|---:|---:|")
    for key, (label, function, repeats) in cases.items():
        cpu, wall = least(partial(function, 1), repeats)
        two = least(partial(function, 2), repeats)[1]
        r = f"{1e3 * lme4[key]:,.1f}" if key in lme4 else ""
        ratio = f"**{lme4[key] / cpu:,.0f}**" if key in lme4 else ""
        print(f"| {label} | {r} | {1e3 * cpu:,.2f} | {ratio} | {1e3 * wall:,.2f} | {1e3 * two:,.2f} |")


if __name__ == "__main__":
    main()
