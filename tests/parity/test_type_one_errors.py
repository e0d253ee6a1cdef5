"""The simulation of r_parity/calibration/run.py: stored rates, what the page says of them, a short run of it."""

import importlib.util
import json
import re

import numpy as np
import pytest
from scipy import stats

from .goldens import FIXTURES

pytestmark = pytest.mark.filterwarnings("ignore")
FOLDER = FIXTURES.parent / "r_parity" / "calibration"
FOUND = json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("calibration_of_tests", FOLDER / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_method_is_in_every_design(script):
    assert FOUND["replicates"] == 2000 and list(FOUND["designs"]) == list(script.DESIGNS)
    for rows in FOUND["designs"].values():
        assert list(rows) == list(script.METHODS)
        for row in rows.values():
            exact = stats.binomtest(round(row["rate"] * row["tests"]), row["tests"]).proportion_ci(method="exact")
            assert row["tests"] == 2000 and (row["low"], row["high"]) == pytest.approx(exact)


def test_what_the_page_says():
    page = (FIXTURES.parent / "docs" / "tests-of-effects.md").read_text(encoding="utf-8")
    page = " ".join(page[page.index("## Do they hold their level?") :].split())

    def rates(method):
        return [100 * rows[method]["rate"] + 1e-9 for rows in FOUND["designs"].values()]

    starts = {"Satterthwaite": "Satterthwaite's method rejects in", "Kenward-Roger": "Roger's in", "CR2": "CR2 in"}
    for method, start in starts.items():
        low, high = re.search(rf"{start} ([\d.]+) to ([\d.]+) %", page).groups()
        assert (low, high) == (f"{min(rates(method)):.1f}", f"{max(rates(method)):.1f}")
    unequal = [rows["Kenward-Roger"]["rate"] for name, rows in FOUND["designs"].items()
               if re.search("lost: (whole|time)|2 to 12", name)]  # fmt: skip
    assert len(unequal) == 3 and max(unequal) < 0.04 and "on the safe side between groups of unequal size" in page
    worst = max(FOUND["designs"], key=lambda name: FOUND["designs"][name]["bootstrap"]["rate"])
    assert "random slopes of 8 subjects" in worst
    assert f"reaches {max(rates('bootstrap')):.1f} % with random slopes of eight subjects" in page
    both = [*rates("likelihood ratio"), *rates("Wald chi-squared")]
    assert f"chi-squared reject in {min(both):.0f} to {max(both):.0f} %" in page


def test_the_figure_shows_the_stored_rates(script, tmp_path):
    pytest.importorskip("matplotlib")
    script.picture(FOUND, tmp_path / "new.svg")
    old, new = (
        [float(x) for x in re.findall(r"-?\d+\.\d+", path.read_text(encoding="utf-8").split("<metadata>")[-1])]
        for path in (FIXTURES.parent / "docs" / "pictures" / "calibration.svg", tmp_path / "new.svg")
    )
    if len(old) != len(new):
        pytest.skip("another matplotlib draws another file")
    np.testing.assert_allclose(new, old, atol=1e-3)


def test_a_short_run(script):
    """Rates of 40 responses are within the simulation's error of the stored ones; every test has a p-value."""
    name = "12 groups of 5 rows in three arms (2 df)"
    rows = script.simulate(name, 90, 40, nsim=19)
    for method, row in rows.items():
        stored = FOUND["designs"][name][method]["rate"]
        assert row["tests"] == 40
        assert stats.binomtest(round(40 * row["rate"]), 40, stored).pvalue > 1e-4, method
