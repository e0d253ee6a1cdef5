"""Tables too large to commit, drawn from a seed into build/bench/data (CSV + JSON as in fixtures/data)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np


def draw(name: str, folder: Path) -> None:
    """`million`: 1e6 rows in 1e4 groups; `growth_1ek`: 10^k rows in 100 groups; slopes in both."""
    if name == "crossed_binary":
        return draw_binary(folder)
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


def draw_binary(folder: Path) -> None:
    """`crossed_binary`: 200,000 zeros and ones of 2,000 subjects by 200 items."""
    n, seed = 200_000, 20260904
    rng = np.random.default_rng(seed)
    s, i = rng.integers(0, 2000, n), rng.integers(0, 200, n)
    x, z = np.round(rng.standard_normal(n), 4), rng.integers(0, 2, n)
    eta = -0.5 + 0.4 * x + 0.3 * z + 0.8 * rng.standard_normal(2000)[s] + 0.5 * rng.standard_normal(200)[i]
    y = rng.binomial(1, 1 / (1 + np.exp(-eta)))
    subjects, items = [f"s{k:04d}" for k in range(2000)], [f"i{k:03d}" for k in range(200)]
    with (folder / "crossed_binary.csv").open("w", encoding="ascii") as stream:
        stream.write("y,x,z,s,i\n")
        stream.writelines(f"{a},{b!r},{c},{subjects[d]},{items[e]}\n" for a, b, c, d, e in zip(y.tolist(), x.tolist(), z.tolist(), s, i))
    columns = {
        "y": {"type": "integer"},
        "x": {"type": "float"},
        "z": {"type": "integer"},
        "s": {"type": "factor", "ordered": False, "levels": subjects},
        "i": {"type": "factor", "ordered": False, "levels": items},
    }
    about = {"name": "crossed_binary", "file": "crossed_binary.csv", "rows": n, "seed": seed, "columns": columns}
    (folder / "crossed_binary.json").write_text(json.dumps(about))


def find(name: str, root: Path, folder: Path) -> Path:
    """The JSON that describes the table (its CSV stands beside it), drawn now if it must be."""
    for place in (root / "src/mere/datasets", root / "fixtures/data", folder):
        if (place / f"{name}.json").exists():
            return place / f"{name}.json"
    folder.mkdir(parents=True, exist_ok=True)
    draw(name, folder)
    return folder / f"{name}.json"
