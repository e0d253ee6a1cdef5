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


def test_an_argument_that_a_method_does_not_have():
    m = mere.lm("breaks ~ tension", datasets.warpbreaks)
    with pytest.raises(
        TypeError, match=r"summary\(\) of an object of class 'LM' has no argument 'nonsense'; there are vcov"
    ):
        mere.summary(m, nonsense=1)
    with pytest.raises(TypeError, match="has no argument 'nonsense'"):
        mere.profile(mere.lmer("Yield ~ 1 + (1 | Batch)", datasets.Dyestuff), nonsense=1)


def test_an_error_inside_a_method_is_not_touched():
    from mere.generics.declare import generic

    @generic
    def weigh(thing, **kwargs):
        """A verb."""
        raise AssertionError

    @weigh.register(int)
    def _(thing, scale=1):
        return int("1", base="2", **({"wrong": 1} if scale == 2 else {}))

    with pytest.raises(TypeError, match="has no argument 'colour'; there are scale"):
        weigh(1, colour=3)
    with pytest.raises(TypeError, match="'str' object cannot be interpreted"):
        weigh(1)
    assert weigh.dispatch(int) is weigh.registry[int]


def test_steps_of_a_fit_take_what_the_step_before_gives():
    for call, before in (
        (lambda: mere.mkLmerDevfun(3), "lFormula"),
        (lambda: mere.optimizeLmer(3), "mkLmerDevfun"),
        (lambda: mere.mkGlmerDevfun("a"), "glFormula"),
        (lambda: mere.optimizeGlmer(3), "mkGlmerDevfun"),
        (lambda: mere.updateGlmerDevfun(3), "mkGlmerDevfun"),
        (lambda: mere.mkMerMod(3, 4), "mkLmerDevfun"),
    ):
        with pytest.raises(TypeError, match=f"takes what {before}"):
            call()
    with pytest.raises(TypeError, match="takes a profile"):
        mere.logProf(3)
    with pytest.raises(TypeError, match="type must be the name"):
        mere.make_tran(datasets.warpbreaks)
