"""The simulation of r_parity/calibration/resampling.py: stored results, what pages say of them, a short run of it."""

import importlib.util
import json
import math

import numpy as np
import pytest

import mere
from mere.inference.permutation.methods import METHODS

from ..parity.goldens import FIXTURES

pytestmark = pytest.mark.filterwarnings("ignore::mere.errors.MereWarning")
FOLDER = FIXTURES.parent / "r_parity" / "calibration"
FOUND = json.loads((FOLDER / "resampling.json").read_text(encoding="utf-8"))
DESIGNS = ("within x", "random slope", "cluster level", "crossed binary")


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("resampling_calibration", FOLDER / "resampling.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def bound(runs):
    return 0.05 + 2 * math.sqrt(0.05 * 0.95 / runs)


def test_every_method_is_in_the_simulation(script):
    """Four designs, level and power; a method is in each that it is for."""
    assert set(FOUND["permutation"]) == {f"{d}, {what}" for d in DESIGNS for what in ("level", "power")}
    assert {given["method"] for given in script.WAYS.values()} == set(METHODS)
    assert {given["method"] for given in script.BINARY.values()} == {"score", "one-step", "sign-flip", "pql-fixed"}
    for name, rows in FOUND["permutation"].items():
        ways = script.BINARY if name.startswith("crossed") else script.WAYS
        assert set(ways) - set(rows) <= ({"within cells"} if name.startswith("cluster") else set())
        assert all(row["runs"] >= 400 for row in rows.values())


@pytest.mark.parametrize("design", DESIGNS)
def test_levels_and_power(design):
    """All but shuffled responses keep 5 % and find the effect."""
    for way, row in FOUND["permutation"][f"{design}, level"].items():
        if way not in ("raw response", "model's own"):
            assert row["rate"] <= bound(row["runs"]), way
            assert FOUND["permutation"][f"{design}, power"][way]["rate"] > 0.5, way
    score, fl = (FOUND["permutation"].get(f"{design}, power", {}).get(k) for k in ("score", "Freedman-Lane"))
    assert fl is None or fl == score


def test_what_the_page_says_of_the_figure():
    page = (FIXTURES.parent / "docs" / "permutation.md").read_text(encoding="utf-8")
    raw = [FOUND["permutation"][f"{d}, level"]["raw response"]["rate"] for d in ("random slope", "cluster level")]
    assert f"({raw[0]:.2f} and {raw[1]:.2f} in the figure)" in page
    wald = FOUND["permutation"]["crossed binary, level"]["model's own"]["rate"]
    assert f"Wald's test rejects in {100 * wald:.1f} %" in page
    page = (FIXTURES.parent / "docs" / "resampling.md").read_text(encoding="utf-8")
    cover, binary = FOUND["coverage"], FOUND["coverage, binary"]
    best = [cover[s]["studentized"]["rate"] for s in ("parametric", "residual")]
    wild = [row["rate"] for row in cover["wild"].values()]
    assert f"{100 * min(best):.0f}" == f"{100 * max(best):.0f}"
    assert f"least ({100 * min(best):.0f} %)" in page
    assert f"({100 * min(wild):.0f} to {100 * max(wild):.0f} %)" in page
    every = [row["rate"] for rows in binary.values() for row in rows.values()]
    assert f"{100 * min(every):.0f} to {100 * max(every):.0f} %" in page


@pytest.mark.parametrize("design", ["random slope", "cluster level"])
def test_a_short_run(script, design):
    """50 data sets of the two designs in which shuffled responses fail, every way."""
    term, slope, formula, _ = script.PERMUTATION[design]
    ways = {way: given for way, given in script.WAYS.items() if (way, term) != ("within cells", "z")}
    hits = dict.fromkeys([*ways, script.MODEL], 0)
    for run in range(50):
        d = script.clusters(np.random.default_rng([99, run]), 20, 10, slope)
        for way, rejected in script.rejected(mere.lmer(formula, d), term, ways, run).items():
            hits[way] += rejected
    raw = hits.pop("raw response")
    assert raw / 50 > 0.25
    assert max(hits.values()) / 50 <= bound(50), hits
