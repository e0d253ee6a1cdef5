"""R's lme4 and mere side by side on the same tables; writes docs/performance.md.

    python r_parity/bench/run.py [--only NAME ...] [--skip-r] [--rivals] [--report]

Every timing is a fresh process with one BLAS thread. lme4's timings are kept in
r_parity/bench/results/lme4.json, so a later run may skip the slow ones; mere's
in mere.json. `--report` only writes the page from what is kept.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "bench"
sys.path.insert(0, str(HERE))

import make_data  # noqa: E402
import report  # noqa: E402
import rivals  # noqa: E402
from cases import CASES, Case  # noqa: E402

PINNED = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL", "BLIS", "NUMEXPR", "POLARS", "R_DATATABLE")}

TIMEOUT = 600  # seconds; lme4's slowest case takes 240


def machine() -> dict[str, Any]:
    info = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line)
    cpu = next((value.strip() for key, value in info.items() if key.strip() == "model name"), platform.processor())
    total = int(Path("/proc/meminfo").read_text().split()[1]) / 2**20
    return {"cpu": cpu, "cores": os.cpu_count(), "memory_gb": round(total, 1), "system": f"{platform.system()} {platform.machine()}, glibc {platform.libc_ver()[1]}"}


def openblas_for_r() -> dict[str, str]:
    """Debian's R runs on reference BLAS, which is up to five times slower here: give it OpenBLAS."""
    if not shutil.which("apt-get"):
        return {}
    place = BUILD / "openblas"
    if not list(place.glob("usr/lib/*/openblas-serial")):
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "libopenblas0-serial"], cwd=place, check=False, capture_output=True)
        for package in place.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, place], check=True)
    found = list(place.glob("usr/lib/*/openblas-serial"))
    home = subprocess.run(["R", "RHOME"], capture_output=True, text=True, check=True).stdout.strip()
    return {"R_LD_LIBRARY_PATH": f"{found[0]}:{home}/lib"} if found else {}


def run_child(command: list[str], case: Case, repeats: int, budget: float, env: dict[str, str]) -> dict[str, Any]:
    manifest = make_data.find(case.data, ROOT, BUILD / "data")
    spec = {
        "manifest": str(manifest),
        "formula": case.formula,
        "reml": case.reml,
        "family": case.family,
        "kind": case.kind,
        "repeats": repeats,
        "budget": budget,
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(spec, file)
        file.flush()
        try:
            done = subprocess.run(
                [*command, file.name], env={**os.environ, **PINNED, **env}, capture_output=True, text=True, timeout=TIMEOUT
            )
        except subprocess.TimeoutExpired:
            return {"error": f"more than {TIMEOUT} s"}
    if done.returncode:
        return {"error": done.stderr.strip().splitlines()[-1:] or ["died"]}
    return json.loads(done.stdout.strip().splitlines()[-1])


class Kept:
    """Results of one program, by case, in a JSON of its own."""

    def __init__(self, program: str) -> None:
        self.path = HERE / "results" / f"{program}.json"
        self.content = json.loads(self.path.read_text()) if self.path.exists() else {}

    def put(self, name: str, result: dict[str, Any]) -> None:
        result["date"] = datetime.date.today().isoformat()
        result["load"] = round(os.getloadavg()[0], 2)
        result["machine"] = machine()
        self.content[name] = result
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(json.dumps(self.content, indent=1, sort_keys=True) + "\n")


def say(program: str, case: Case, result: dict[str, Any]) -> None:
    if "error" in result:
        print(f"{case.name:18s} {program:12s} failed: {result['error']}", flush=True)
    else:
        print(
            f"{case.name:18s} {program:12s} {1e3 * result['cpu_min']:12.3f} ms CPU (min)"
            f" {1e3 * result['wall_median']:12.3f} ms wall (median)  criterion {result['criterion']:.6f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="cases by name")
    parser.add_argument("--skip-r", action="store_true", help="use lme4's timings as they are kept")
    parser.add_argument("--skip-mere", action="store_true")
    parser.add_argument(
        "--rivals", nargs="*", metavar="NAME", help="also these (default all), each in its own environment"
    )
    parser.add_argument("--report", action="store_true", help="only write docs/performance.md")
    parser.add_argument("--budget", type=float, default=20.0, help="seconds of repeats a case")
    options = parser.parse_args()
    chosen = [case for case in CASES if not options.only or case.name in options.only]
    if not chosen:
        parser.error(f"no such case; there are {', '.join(case.name for case in CASES)}")
    if not options.report:
        if not options.skip_r:
            if not shutil.which("Rscript"):
                parser.error("Rscript is not there; --skip-r uses the kept timings")
            env, kept = openblas_for_r(), Kept("lme4")
            for case in chosen:
                result = run_child(
                    ["Rscript", "--vanilla", str(HERE / "lme4_case.R")], case, case.r_repeats, options.budget, env
                )
                say("lme4", case, result)
                kept.put(case.name, result)
        if not options.skip_mere:
            kept = Kept("mere")
            for case in chosen:
                result = run_child([sys.executable, str(HERE / "mere_case.py")], case, 25, options.budget / 2, {})
                say("mere", case, result)
                kept.put(case.name, result)
        if not options.skip_r:
            kept = Kept("glmmTMB")
            for case in chosen:
                if case.family and "glmmTMB" in case.rivals:
                    command = ["Rscript", "--vanilla", str(HERE / "lme4_case.R")]
                    result = run_child(command, case, case.r_repeats, options.budget, {**env, "MERE_BENCH": "glmmTMB"})
                    say("glmmTMB", case, result)
                    kept.put(case.name, result)
        if options.rivals is not None:
            for rival in options.rivals or rivals.RIVALS:
                python = rivals.environment(rival, BUILD / "venvs")
                kept = Kept(rival)
                for case in chosen:
                    if rival not in case.rivals:
                        continue
                    result = run_child(
                        [str(python), str(HERE / "rivals" / f"{rival}_case.py")],
                        case,
                        15,
                        options.budget / 2,
                        {"PYTHONPATH": str(HERE)},
                    )
                    say(rival, case, result)
                    kept.put(case.name, result)
    page = ROOT / "docs" / "performance.md"
    page.write_text(report.page(HERE / "results"))
    print(f"wrote {page}")


if __name__ == "__main__":
    main()
