"""Errors and warnings: where they come out."""

import warnings
from pathlib import Path

import pytest

import mere
from mere import datasets


def _lmer_singular():
    return mere.lmer("Yield ~ 1 + (1 | Batch)", datasets.Dyestuff2)


def _lmer_dropped():
    return mere.lmer("Reaction ~ Days + I(2 * Days) + (1 | Subject)", datasets.sleepstudy)


def _deviance():
    return mere.deviance(mere.lmer("Reaction ~ Days + (1 | Subject)", datasets.sleepstudy))


def _anova():
    small = mere.lmer("Reaction ~ 1 + (1 | Subject)", datasets.sleepstudy)
    return mere.anova(small, mere.lmer("Reaction ~ Days + (1 | Subject)", datasets.sleepstudy))


def _refit():
    return mere.refit(_fitted(), datasets.Dyestuff2["Yield"])


def _fitted():
    return mere.lmer("Yield ~ 1 + (1 | Batch)", datasets.Dyestuff)


def _emmeans():
    return mere.emmeans(mere.lm("breaks ~ wool * tension", datasets.warpbreaks), "~ wool")


@pytest.mark.parametrize("call", [_lmer_singular, _lmer_dropped, _deviance, _anova, _refit, _emmeans])
def test_warnings_point_to_the_line_of_the_user(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert caught
    assert {Path(w.filename).name for w in caught} == {Path(__file__).name}


def test_warnings_have_one_way_out():
    """A count of stack frames is wrong as soon as somebody calls from elsewhere."""
    package = Path(mere.__file__).parent
    found = [path.name for path in package.rglob("*.py") if "warnings.warn(" in path.read_text(encoding="utf-8")]
    assert found == ["errors.py"]
