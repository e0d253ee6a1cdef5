"""What mere prints against what R prints (fixtures/printing, r_parity/printing.R)."""

from __future__ import annotations

import functools
import json
import re
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from ..texts import assert_same_text
from .goldens import FIXTURES, table

mere = pytest.importorskip("mere")
if not hasattr(mere, "lmer"):
    pytest.skip("mere.lmer is not there yet", allow_module_level=True)

FOLDER = FIXTURES / "printing"
MODELS: dict[str, dict[str, Any]] = json.loads((FOLDER / "models.json").read_text(encoding="utf-8"))

PRINTED: dict[str, Callable[[Any], str]] = {
    "print": str,
    "summary": lambda m: str(mere.summary(m, ddf="lme4")),
    "varcorr_both": lambda m: mere.VarCorr(m).to_text(comp=["Variance", "Std.Dev."]),
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


NOTE = "\nCorrelation matrix not shown by default"  # R says it on standard error


def comparable(text: str) -> str:
    """Our text without what depends on the optimizer or R says elsewhere."""
    text = re.sub(r"optimizer \(\w+\)", "optimizer (nloptwrap)", text)
    head, note, rest = text.partition(NOTE)
    return head + "\n".join(rest.split("\n")[4:]) if note else text


@pytest.mark.parametrize("name", list(MODELS))
@pytest.mark.parametrize("what", list(PRINTED))
def test_printed(what: str, name: str) -> None:
    file = FOLDER / f"{name}.{what}.txt"
    if not file.exists():
        pytest.skip("R's output is not kept for this one")
    # one unit of the last place: 1527.5 is printed as either, and ranef shows seven digits of an optimum
    want = file.read_text(encoding="utf-8")
    assert_same_text(comparable(PRINTED[what](model(name))), want, ulp=50 if what == "ranef" else 1)
