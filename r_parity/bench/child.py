"""What the timed Python processes share: the table, the clocks, the memory.

A child is started as ``python <program>_case.py spec.json`` and prints one JSON line.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def read_spec() -> dict[str, Any]:
    return json.loads(Path(sys.argv[1]).read_text())


def read_table(manifest: str) -> Any:
    """The CSV as a DataFrame with the types of the JSON. Not timed."""
    import numpy as np
    import pandas as pd

    about = json.loads(Path(manifest).read_text())
    dtype = {
        name: {"integer": "int64", "float": "float64"}.get(kind["type"], "str")
        for name, kind in about["columns"].items()
    }
    frame = pd.read_csv(Path(manifest).parent / about["file"], dtype=dtype, keep_default_na=False)
    for name, kind in about["columns"].items():
        if kind["type"] == "factor":
            lookup = pd.Index(kind["levels"])
            codes = lookup.get_indexer(frame[name].to_numpy(dtype=object))
            frame[name] = pd.Categorical.from_codes(codes.astype(np.int64), kind["levels"], ordered=kind["ordered"])
    frame.attrs["name"] = about["name"]
    return frame


def memory(field: str) -> float:
    """A line of /proc/self/status in MB: VmRSS now, VmHWM the peak."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise LookupError(field)


def forget_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


def clock() -> tuple[float, float]:
    return time.process_time(), time.perf_counter()


def measure(call: Callable[[], Any], budget: float, repeats: int) -> dict[str, Any]:
    """First call, then batches of calls (long enough for the clock) until repeats or budget are used up."""
    gc.collect()
    before = memory("VmRSS")
    forget_peak()
    cpu, wall = clock()
    call()
    first = [now - then for now, then in zip(clock(), (cpu, wall))]
    out: dict[str, Any] = {
        "first_cpu": first[0],
        "first_wall": first[1],
        "peak_mb": memory("VmHWM"),
        "added_mb": memory("VmHWM") - before,
    }
    batch = 1
    if first[1] < 0.05:  # find a batch of about 40 ms
        call()
        cpu, wall = clock()
        call()
        batch = max(1, int(0.04 / max(time.perf_counter() - wall, 1e-6)))
    times: list[tuple[float, float]] = []
    start = time.perf_counter()
    while len(times) < repeats and (not times or time.perf_counter() - start < budget):
        if first[1] > budget and not times:
            times.append((first[0], first[1]))
            break
        cpu, wall = clock()
        for _ in range(batch):
            call()
        now = clock()
        times.append(((now[0] - cpu) / batch, (now[1] - wall) / batch))
    cpus, walls = sorted(t[0] for t in times), sorted(t[1] for t in times)
    out.update(
        cpu_min=cpus[0],
        cpu_median=cpus[len(cpus) // 2],
        wall_min=walls[0],
        wall_median=walls[len(walls) // 2],
        batches=len(times),
        batch=batch,
    )
    return out


def emit(result: dict[str, Any]) -> None:
    print(json.dumps(result), flush=True)
