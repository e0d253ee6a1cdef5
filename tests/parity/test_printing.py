"""What mere prints against what R prints (fixtures/printing, r_parity/printing.R)."""

from __future__ import annotations

import functools
import json
import re
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from .goldens import FIXTURES, table

mere = pytest.importorskip("mere")
if not hasattr(mere, "lmer"):
    pytest.skip("mere.lmer is not there yet", allow_module_level=True)

FOLDER = FIXTURES / "printing"
MODELS: dict[str, dict[str, Any]] = json.loads((FOLDER / "models.json").read_text(encoding="utf-8"))

PRINTED: dict[str, Callable[[Any], str]] = {
    "print": str,
    "summary": lambda m: str(mere.summary(m, ddf="lme4")),
    "varcorr": lambda m: str(mere.VarCorr(m)),
    "ranef": lambda m: str(mere.ranef(m, condVar=True)),
    "anova": lambda m: str(mere.anova(m, type="I", ddf="lme4")),
}


@functools.cache
def model(name: str) -> Any:
    about = MODELS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mere.lmer(about["formula"], table(about["data"]), **about["arguments"])


def lines(text: str) -> list[str]:
    """Padding at the ends of lines and the optimizer's name do not count."""
    return [re.sub(r"^optimizer \(\w+\)", "optimizer ()", line.rstrip()) for line in text.rstrip().splitlines()]


NUMBER = re.compile(r"-?\d+\.?\d*(?:e[-+]\d+)?")


def assert_same_numbers(got: list[str], want: list[str]) -> None:
    """The text without numbers exactly, up to the width of columns; every number within 1e-6 of the largest."""
    for mine, theirs in zip(got, want, strict=True):
        assert NUMBER.sub("#", mine).split() == NUMBER.sub("#", theirs).split()
        a, b = ([float(x) for x in NUMBER.findall(line)] for line in (mine, theirs))
        assert a == pytest.approx(b, rel=1e-6, abs=1e-6 * max(map(abs, b), default=0.0)), (mine, theirs)


@pytest.mark.parametrize("name", list(MODELS))
@pytest.mark.parametrize("what", list(PRINTED))
def test_printed(what: str, name: str) -> None:
    file = FOLDER / f"{name}.{what}.txt"
    if not file.exists():
        pytest.skip("R's output is not kept for this one")
    got, want = lines(PRINTED[what](model(name))), lines(file.read_text(encoding="utf-8"))
    said = FOLDER / f"{name}.{what}.messages.txt"
    if said.exists():  # R says this on standard error; here it stands at the end
        first = next(line for line in lines(said.read_text(encoding="utf-8")) if line)
        assert first in got
        got = lines("\n".join(got[: got.index(first)]))
    if what == "ranef":  # nine digits: more than any optimizer settles
        assert_same_numbers(got, want)
    else:
        assert got == want
