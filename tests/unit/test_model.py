"""The model as a value: pickling, copying, laziness, invariances."""

import copy
import pickle
import time

import numpy as np
import pytest

import mere
from mere import generics
from mere.datasets import sleepstudy
from mere.model import LM, LMM, mixed_model

from ..parity.goldens import assert_close


@pytest.fixture(scope="module")
def m():
    return mere.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)


def test_pickle_and_copy(m):
    for again in (pickle.loads(pickle.dumps(m)), copy.deepcopy(m)):
        assert str(again) == str(m)
        assert "objective" not in vars(again)
        assert mere.ranef(again).to_frame().equals(mere.ranef(m).to_frame())
        assert mere.hatvalues(again).equals(mere.hatvalues(m))
        assert mere.getData(again).equals(sleepstudy)


def test_summary_pickles(m):
    again = pickle.loads(pickle.dumps(mere.summary(m)))
    assert str(again) == str(mere.summary(m))
    likelihood = pickle.loads(pickle.dumps(mere.logLik(m)))
    assert (float(likelihood), likelihood.df) == (float(mere.logLik(m)), 6)


def test_frozen(m):
    with pytest.raises(AttributeError):
        m.sigma = 1.0


def test_methods_are_the_functions(m):
    for cls in (LMM, LM):
        for name in generics.__all__:
            if hasattr(cls, name) and name not in cls.__dataclass_fields__:
                assert getattr(cls, name) is getattr(generics, name)
    assert m.fixef().equals(mere.fixef(m))
    assert m.sigma == mere.sigma(m)


def test_construction_is_nearly_free():
    parsed = mere.lFormula("Reaction ~ Days + (Days | Subject)", sleepstudy)
    from mere.fitting import fit_lmm

    fit = fit_lmm(parsed.design)
    best = np.inf
    for _ in range(20):
        start = time.perf_counter()
        for _ in range(100):
            mixed_model(fit, parsed.control, parsed.call)
        best = min(best, (time.perf_counter() - start) / 100)
    assert best < 30e-6


def test_row_order_does_not_matter(m):
    shuffled = sleepstudy.sample(frac=1, random_state=3)
    other = mere.lmer("Reaction ~ Days + (Days | Subject)", shuffled)
    assert_close(mere.fixef(other), mere.fixef(m).to_list(), 1e-7)
    assert_close(mere.ranef(other)["Subject"], mere.ranef(m)["Subject"].to_numpy().ravel(), 1e-6)
    assert_close(mere.fitted(other).sort_index(), mere.fitted(m).to_list(), 1e-7)


def test_level_names_do_not_matter(m):
    renamed = sleepstudy.copy()
    renamed["Subject"] = renamed["Subject"].cat.rename_categories(lambda s: f"id {s}")
    other = mere.lmer("Reaction ~ Days + (Days | Subject)", renamed)
    assert list(mere.ranef(other)["Subject"].index[:2]) == ["id 308", "id 309"]
    assert_close(mere.ranef(other)["Subject"], mere.ranef(m)["Subject"].to_numpy().ravel(), 1e-7)


def test_scale_of_the_response(m):
    scaled = sleepstudy.assign(Reaction=sleepstudy["Reaction"] / 1000)
    other = mere.lmer("Reaction ~ Days + (Days | Subject)", scaled)
    assert_close(mere.VarCorr(other)["Subject"] * 1e6, mere.VarCorr(m)["Subject"].to_numpy().ravel(), 1e-5)
    assert_close(mere.hatvalues(other), mere.hatvalues(m).to_list(), 1e-5)


def test_modular_steps_give_the_model(m):
    parsed = mere.lFormula("Reaction ~ Days + (Days | Subject)", sleepstudy)
    devfun = mere.mkLmerDevfun(parsed)
    assert devfun(devfun.start) == devfun(devfun.start)
    assert list(devfun.lower) == [0.0, -np.inf, 0.0]
    other = mere.mkMerMod(devfun, mere.optimizeLmer(devfun))
    assert str(other) == str(m)
    assert parsed.fr.shape == (180, 3)
    assert [t.text for t in parsed.reTrms] == ["Days | Subject"]


def test_third_parties_register():
    class Mine:
        pass

    mere.fixef.register(Mine, lambda model: 42)
    assert mere.fixef(Mine()) == 42
    with pytest.raises(TypeError, match=r"ranef\(\) has no method for an object of class 'Mine'"):
        mere.ranef(Mine())


def test_html(m):
    for result in (m, mere.summary(m), mere.VarCorr(m), mere.ranef(m), mere.coef(m), mere.anova(m)):
        assert "<table" in result._repr_html_()
    for result in (mere.logLik(m), mere.family(m), mere.rePCA(m)):
        assert "<pre>" in result._repr_html_()


def test_log_likelihood_is_a_number(m):
    likelihood = mere.logLik(m)
    assert isinstance(likelihood, float)
    assert f"{likelihood:.2f}" == "-871.81"
    assert likelihood.nobs == 180
    assert -2 * likelihood == pytest.approx(mere.REMLcrit(m))


@pytest.mark.parametrize("kind", ["polars", "pyarrow", "dict"])
def test_other_tables(m, kind):
    if kind == "polars":
        data = pytest.importorskip("polars").from_pandas(sleepstudy)
    elif kind == "pyarrow":
        data = pytest.importorskip("pyarrow").Table.from_pandas(sleepstudy)
    else:
        data = {name: sleepstudy[name].to_numpy() for name in sleepstudy}
    other = mere.lmer("Reaction ~ Days + (Days | Subject)", data)
    assert_close(mere.fixef(other), mere.fixef(m).to_list(), 1e-10)
    assert mere.residuals(other).index.equals(sleepstudy.index)
    assert mere.lmList("Reaction ~ Days | Subject", data).coef().shape == (18, 2)


def test_warnings_point_at_the_call():
    dyestuff = mere.datasets.Dyestuff2
    with pytest.warns(mere.errors.SingularFitMessage) as caught:
        m = mere.lmer("Yield ~ 1 + (1 | Batch)", dyestuff)
    assert [w.filename for w in caught] == [__file__]
    with pytest.warns(mere.errors.SingularFitMessage) as caught:
        mere.refitML(m)
    assert [w.filename for w in caught] == [__file__]
    with pytest.warns(mere.errors.MereWarning) as caught:
        mere.anova(m, m)
    assert [(w.filename, "refitting" in str(w.message)) for w in caught] == [(__file__, True)]
