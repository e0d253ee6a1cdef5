"""nlmer of lme4 and of mere side by side: whole calls, CPU, the best of five. Prints a table.

OPENBLAS_NUM_THREADS=1 python r_parity/bench/nonlinear.py
"""

from __future__ import annotations

import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

import mere
from mere.datasets import Orange, Theoph

SIMULATED = "y ~ SSlogis(x, Asym, xmid, scal) ~ (Asym | g) + (xmid | g)"


def simulated() -> pd.DataFrame:
    """Logistic curves of 100 groups with 20 rows each."""
    rng = np.random.default_rng(1)
    g, x = np.repeat(np.arange(100), 20), np.tile(np.linspace(0, 12, 20), 100)
    y = (200 + rng.normal(0, 30, 100)[g]) / (1 + np.exp((5.5 + rng.normal(0, 0.6, 100)[g] - x) / 1.2))
    return pd.DataFrame({"g": g.astype(str), "x": x, "y": y + rng.normal(0, 5, 2000)})


def main() -> None:
    table = simulated()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "simulated.csv"
        table.to_csv(path, index=False)
        script = Path(__file__).with_suffix(".R")
        said = subprocess.run(["Rscript", str(script), str(path)], capture_output=True, text=True, check=True).stdout
    lme4 = {line.split()[0]: [float(v) for v in line.split()[1:]] for line in said.splitlines()}
    cases = {
        "Orange": ("circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree", Orange, [200, 725, 350]),
        "Theoph": (
            "conc ~ SSfol(Dose, Time, lKe, lKa, lCl) ~ (lKa | Subject) + (lCl | Subject)",
            Theoph,
            [-2.5, 0.5, -3.2],
        ),
        "simulated": (SIMULATED, table, [200, 5, 1]),
    }
    print("| case | lme4 (ms) | mere (ms) | ratio | -2 log L, lme4 above mere |\n| --- | ---: | ---: | ---: | ---: |")
    for name, (formula, data, start) in cases.items():
        times = []
        for _ in range(6):
            first = time.process_time()
            m = mere.nlmer(formula, data, start=start)
            times.append(time.process_time() - first)
        best, (ms, criterion) = min(times) * 1e3, lme4[name]
        print(f"| {name} | {ms:.0f} | {best:.0f} | {ms / best:.1f} | {criterion - m.criterion:.1e} |")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
