"""Bootstrap, profiles, refits and deletions beside lme4: CPU time of one thread, and the wall time of two.

    python r_parity/bench/what_if.py [--skip-r] [--write]

Prints a table in Markdown, or writes it into docs/what-if.md. One BLAS thread on both sides. lme4's seconds are kept in
results/what_if.json, from where --skip-r takes them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import mere
from mere.datasets import InstEval, Penicillin, cake, cbpp, sleepstudy


def least(function, repeats):
    """The least of some repeats: CPU and wall seconds on one thread, wall seconds on two; by turns, as others come and go."""
    cpu, wall = [], {1: [], 2: []}
    for _ in range(repeats):
        for threads, took in wall.items():
            c, w = time.process_time(), time.perf_counter()
            function(threads)
            took.append(time.perf_counter() - w)
            if threads == 1:
                cpu.append(time.process_time() - c)
    return min(cpu), min(wall[1]), min(wall[2])


def long_run(model, ncpus):
    mere.bootMer(model, nsim=100_000, seed=1, ncpus=ncpus, progress=False)


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
        "boot": ("`bootMer`, 1,000 replicates, sleepstudy", lambda n: mere.bootMer(s, nsim=1000, seed=1, ncpus=n), 20),
        "long": ("`bootMer`, 100,000 replicates, sleepstudy", lambda n: long_run(s, n), 30),
        "refit": ("`refit`, sleepstudy", lambda n: mere.refit(s, one), 50),
        "profile_sleepstudy": ("`profile`, sleepstudy", lambda n: mere.profile(sm, ncpus=n), 30),
        "profile_penicillin": ("`profile`, Penicillin", lambda n: mere.profile(p, ncpus=n), 30),
        "profile_cake": ("`profile`, cake, `recipe * temperature`", lambda n: mere.profile(c, ncpus=n), 10),
        "influence": ("`influence`, 180 rows, sleepstudy", lambda n: mere.influence(s, ncpus=n), 10),
        "simulate": ("`simulate`, 1,000 responses, sleepstudy", lambda n: mere.simulate(s, 1000, seed=1), 5),
        "predict": ("`predict`, 180 rows, sleepstudy", lambda n: mere.predict(s, sleepstudy), 20),
        "profile_cbpp": ("`profile`, glmer, cbpp", lambda n: mere.profile(b, ncpus=n), 5),
        "influence_cbpp": ("`influence`, glmer, 15 herds of cbpp", lambda n: mere.influence(b, "herd", ncpus=n), 5),
        "boot_cbpp": (
            "`bootMer`, glmer, 200 replicates, cbpp",
            lambda n: mere.bootMer(b, nsim=200, seed=1, ncpus=n),
            3,
        ),
        "refit_insteval": ("`refit`, 20 responses, InstEval", lambda n: mere.refit(large, many, ncpus=n), 2),
        "many": ("`refit`, 20,000 responses in one call", lambda n: mere.refit(s, y, ncpus=n), 20),
    }
    lme4 = seconds_of_lme4()
    lines = [
        "`python r_parity/bench/what_if.py --write`: lme4 1.1-31 and "
        f"mere {version('mere')}, one BLAS thread; {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}.",
        "",
        "| task | lme4, CPU ms | mere, CPU ms | lme4 / mere | mere, wall ms, 1 thread | 2 threads |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    took = {}
    for key, (label, function, repeats) in cases.items():
        cpu, wall, two = least(function, repeats)
        took[key] = wall, two
        r = f"{1e3 * lme4[key]:,.1f}" if key in lme4 else ""
        ratio = f"**{lme4[key] / cpu:,.0f}**" if key in lme4 else ""
        lines.append(f"| {label} | {r} | {1e3 * cpu:,.2f} | {ratio} | {1e3 * wall:,.2f} | {1e3 * two:,.2f} |")
    one, two = took["long"]
    lines += [
        "",
        f"Threads share the plan and nothing else: 100,000 replicates of `bootMer` take {one:.2f} s on one thread and "
        f"{two:.2f} s on two ({one / two:.2f} times as fast). Short runs gain less. At this rate 1,000 refits of InstEval "
        f"take {50 * took['refit_insteval'][0] / 60:.1f} minutes on one thread.",
    ]
    if "--write" in sys.argv:
        write(lines)
    else:
        print("\n".join(lines))


def seconds_of_lme4():
    """CPU seconds by task, measured or as they were last."""
    kept = Path(__file__).with_name("results") / "what_if.json"
    if "--skip-r" in sys.argv:
        return json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    script = Path(__file__).with_name("what_if.R")
    said = subprocess.run(["Rscript", str(script)], capture_output=True, text=True, check=True).stdout
    seconds = json.loads(said.strip().splitlines()[-1])
    kept.write_text(json.dumps(seconds, indent=1) + "\n", encoding="utf-8")
    return seconds


def write(lines):
    """Into the section of the page."""
    page = Path(__file__).resolve().parents[2] / "docs" / "what-if.md"
    before, head, rest = page.read_text(encoding="utf-8").partition("## What it takes\n")
    after = rest[rest.index("\n## ") :]
    page.write_text(before + head + "\n" + "\n".join(lines) + "\n" + after, encoding="utf-8")


if __name__ == "__main__":
    main()
