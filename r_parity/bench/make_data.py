"""Tables too large to commit, drawn from a seed into build/bench/data (CSV + JSON as in fixtures/data)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np


def draw(name: str, folder: Path) -> None:
    """`million`: 1e6 rows in 1e4 groups; `growth_1ek`: 10^k rows in 100 groups; slopes in both."""
    if name == "million":
        n, groups, seed = 1_000_000, 10_000, 20260902
    else:
        n, groups, seed = 10 ** int(name[-1]), 100, 20260903
    rng = np.random.default_rng(seed)
    levels = [f"g{i:05d}" for i in range(groups)]
    g = rng.integers(0, groups, n)
    g[:groups] = np.arange(groups)  # every level occurs
    x = np.round(rng.standard_normal(n), 6)
    u = rng.standard_normal((groups, 2)) @ np.array([[1.5, 0.3], [0.0, 0.7]])
    y = np.round(2 + 0.5 * x + u[g, 0] + u[g, 1] * x + 2 * rng.standard_normal(n), 6)
    with (folder / f"{name}.csv").open("w", encoding="ascii") as stream:
        stream.write("g,x,y\n")
        stream.writelines(f"{levels[i]},{a!r},{b!r}\n" for i, a, b in zip(g, x.tolist(), y.tolist()))
    columns = {
        "g": {"type": "factor", "ordered": False, "levels": levels},
        "x": {"type": "float"},
        "y": {"type": "float"},
    }
    about = {"name": name, "file": f"{name}.csv", "rows": n, "seed": seed, "columns": columns}
    (folder / f"{name}.json").write_text(json.dumps(about))


def find(name: str, root: Path, folder: Path) -> Path:
    """The JSON that describes the table (its CSV stands beside it), drawn now if it must be."""
    for place in (root / "src/mere/datasets", root / "fixtures/data", folder):
        if (place / f"{name}.json").exists():
            return place / f"{name}.json"
    folder.mkdir(parents=True, exist_ok=True)
    draw(name, folder)
    return folder / f"{name}.json"
