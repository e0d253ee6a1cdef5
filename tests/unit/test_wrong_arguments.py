"""Whatever is passed by mistake: an error of mere's that names the argument, before anything is computed."""

import numpy as np
import pytest

import mere
from mere.datasets import cbpp, sleepstudy
from mere.errors import BootstrapWarning, MereError

POISSON = {"family": "poisson"}
GRID = {"x": [1.0, 2.0], "g": ["a", "b"]}


@pytest.fixture(scope="module")
def fits():
    linear = mere.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    herds = mere.glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, "binomial")
    return {"lmer": linear, "glmer": herds}


MIXED = [
    ("level", mere.predict, {"interval": "confidence", "level": "a"}),
    ("95 % is 0.95", mere.predict, {"interval": "confidence", "level": 95}),
    ("na_action", mere.predict, {"na_action": "foo"}),
    ("se_fit", mere.predict, {"se_fit": "yes"}),
    ("random_only", mere.predict, {"random_only": 1}),
    ("allow_new_levels", mere.predict, {"allow_new_levels": "TRUE"}),
    ("nsim", mere.simulate, {"nsim": True}),
    ("use_u", mere.simulate, {"use_u": "TRUE"}),
    ("newparams", mere.simulate, {"newparams": 3}),
    ("beta", mere.simulate, {"newparams": {"beta": "abc"}}),
    ("beta", mere.simulate, {"newparams": {"beta": {"a": 1}}}),
    ("sigma", mere.simulate, {"newparams": {"sigma": "a"}}),
    ("sigma", mere.simulate, {"newparams": {"sigma": np.inf}}),
    ("newresp", mere.refit, {"newresp": "abc"}),
    ("newresp", mere.refit, {"newresp": {"a": 1}}),
    ("formula", mere.update, {"formula": 3}),
    ("FUN", mere.bootMer, {"FUN": 3}),
    ("FUN", mere.bootMer, {"FUN": lambda m: "abc"}),
    ("FUN", mere.bootMer, {"FUN": lambda m: None}),
    ("FUN", mere.bootMer, {"FUN": lambda m: []}),
    ("FUN", mere.bootMer, {"FUN": lambda m: {"a": "x"}}),
    ("FUN must be a function of a module", mere.bootMer, {"FUN": lambda m: 1.0, "parallel": "processes"}),
    ("ncpus", mere.bootMer, {"ncpus": 0}),
    ("ncpus", mere.bootMer, {"ncpus": 1.5}),
    ("parallel", mere.bootMer, {"parallel": None}),
    ("parallel", mere.bootMer, {"parallel": "snow"}),
    ("checkpoint", mere.bootMer, {"checkpoint": "no/such/folder/x.npz"}),
    ("checkpoint", mere.bootMer, {"checkpoint": 3}),
    ("parm", mere.profile, {"which": 1.5}),
    ("alphamax", mere.profile, {"alphamax": "a"}),
    ("maxpts", mere.profile, {"maxpts": 0}),
    ("delta", mere.profile, {"delta": -1}),
    ("delta_cutoff", mere.profile, {"delta_cutoff": "a"}),
    ("signames", mere.profile, {"signames": 3}),
    ("ncpus", mere.profile, {"ncpus": 0}),
    ("level", mere.confint, {"level": np.nan}),
    ("parm", mere.confint, {"parm": 1.5}),
    ("boot_type", mere.confint, {"method": "boot", "boot_type": "foo"}),
    ("groups", mere.influence, {"groups": 3}),
    ("groups", mere.influence, {"groups": np.zeros(3)}),
    ("ncpus", mere.influence, {"ncpus": 0}),
    ("foo", mere.allFit, {"optimizers": "foo"}),
    ("optimizers", mere.allFit, {"optimizers": []}),
    ("FUN", mere.jackknife, {"FUN": 3}),
    ("groups", mere.jackknife, {"groups": 3}),
]


TESTS = [
    ("rhs", mere.contest, {"L": [[0, 1]], "rhs": "a"}),
    ("rhs", mere.contest, {"L": [[0, 1]], "rhs": [1, 2, 3]}),
    ("rhs", mere.contest, {"L": [[0, 1]], "rhs": np.nan}),
    ("rhs", mere.contest1D, {"L": [0, 1], "rhs": "a"}),
    ("rhs", mere.contestMD, {"L": [[0, 1]], "rhs": [1, 2]}),
    ("95 % is 0.95", mere.contest, {"L": [[0, 1]], "joint": False, "level": 95}),
    ("joint", mere.contest, {"L": [[0, 1]], "joint": np.ones(2)}),
    ("confint", mere.contest, {"L": [[0, 1]], "confint": "yes"}),
    ("collect", mere.contest, {"L": [[0, 1]], "collect": None}),
    ("check_estimability", mere.contest, {"L": [[0, 1]], "check_estimability": "yes"}),
    ("L has no hypotheses", mere.contest, {"L": {}}),
    ("vcov", mere.anova, {"vcov": ["a", "b"]}),
    ("vcov", mere.summary, {"vcov": {"a": 1}}),
    ("correlation", mere.summary, {"correlation": "yes"}),
    ("fractions", mere.show_tests, {"fractions": 3}),
    ("95 % is 0.95", mere.ls_means, {"level": 95}),
    ("which", mere.ls_means, {"which": 3}),
    ("pairwise", mere.ls_means, {"pairwise": "yes"}),
    ("level", mere.difflsmeans, {"level": "a"}),
    ("scope", mere.drop1, {"scope": 3}),
    ("test", mere.drop1, {"test": np.ones(2)}),
    ("ddf", mere.drop1, {"ddf": np.ones(2)}),
    ("k must be", mere.drop1, {"test": "Chisq", "k": "a"}),
    ("reduce_terms", mere.ranova, {"reduce_terms": "no"}),
    ("boundary", mere.ranova, {"boundary": np.ones(2)}),
    ("nsim", mere.ranova, {"boundary": "simulate", "nsim": True}),
    ("seed", mere.ranova, {"boundary": "simulate", "seed": "a"}),
    ("ddf", mere.step, {"ddf": "sas", "reduce_random": False}),
    ("alpha_random", mere.step, {"alpha_random": 5}),
    ("alpha_fixed", mere.step, {"alpha_fixed": "a"}),
    ("reduce_fixed", mere.step, {"reduce_fixed": 1}),
    ("keep has 'Day', .* there are Days", mere.step, {"keep": "Day"}),
    ("keep", mere.step, {"keep": 3}),
    ("betaH .* one for each of .*Days", mere.KRmodcomp, {"small": [[0, 1]], "betaH": [1, 2, 3]}),
    ("betaH", mere.SATmodcomp, {"small": [[0, 1]], "betaH": "a"}),
    ("seed", mere.PBmodcomp, {"small": [[0, 1]], "nsim": 2, "seed": "a"}),
    ("ref", mere.PBmodcomp, {"small": [[0, 1]], "ref": "a"}),
    ("ref", mere.PBmodcomp, {"small": [[0, 1]], "ref": [-1.0, np.nan]}),
    ("rhs", mere.restriction_matrix2model, {"L": [[0, 1]], "rhs": [1, 2, 3]}),
]


@pytest.mark.parametrize(("named", "function", "arguments"), TESTS)
def test_tests_of_effects(fits, named, function, arguments):
    with pytest.raises(MereError, match=named):
        function(fits["lmer"], **arguments)


@pytest.mark.parametrize(
    ("named", "function", "arguments"),
    [
        ("k must be", mere.drop1, {"k": "a"}),
        ("k must be", mere.add1, {"scope": ". ~ . + Subject", "k": None}),
        ("direction", mere.step, {"direction": np.ones(2)}),
        ("steps", mere.step, {"steps": None}),
        ("test", mere.anova, {"test": np.ones(2)}),
        ("type", mere.vcov, {"type": ["HC1"]}),
        ("ncpus", mere.PBmodcomp, {"small": ". ~ . - Days", "ncpus": np.ones(2)}),
        ("dispersion", mere.summary, {"dispersion": -1}),
    ],
)
def test_tests_of_generalized_models(named, function, arguments):
    m = mere.glm("Reaction ~ Days", sleepstudy, "gaussian")
    with pytest.raises(MereError, match=named):
        function(m, **arguments)


def test_comparisons_of_models(fits):
    large = fits["lmer"]
    small = mere.lmer("Reaction ~ 1 + (Days | Subject)", sleepstudy)
    with pytest.raises(MereError, match="fewer parameters than large; it has 6, large 5"):
        mere.PBmodcomp(small, large, nsim=2)
    with pytest.raises(MereError, match="model_names"):
        mere.anova(small, large, model_names=3)
    with pytest.raises(MereError, match="refit"):
        mere.anova(small, large, refit="no")
    with pytest.raises(MereError, match="knows no part"):
        mere.getKR(mere.KRmodcomp(large, small), ["ndf"])


@pytest.mark.parametrize("kind", ["lmer", "glmer"])
@pytest.mark.parametrize(("named", "function", "arguments"), MIXED)
def test_mixed_models(fits, kind, named, function, arguments):
    with pytest.raises(MereError, match=named):
        function(fits[kind], **arguments)


@pytest.mark.parametrize(
    ("named", "newdata", "newparams", "arguments"),
    [
        ("newparams", GRID, 3, {}),
        ("no mean of the poisson family", GRID, {"beta": [1000, 0], "theta": [1]}, POISSON),
        ("no mean of the Gamma family", GRID, {"beta": [-1, -2], "theta": [0], "sigma": 1}, {"family": "Gamma"}),
        ("trials", GRID, {"beta": [0, 0], "theta": [1]}, {"family": "binomial", "weights": 0.5}),
    ],
)
def test_formulas_without_a_fit(named, newdata, newparams, arguments):
    with pytest.raises(MereError, match=named):
        mere.simulate("~ x + (1 | g)", newdata, newparams, seed=1, **arguments)


def test_trials_at_new_data_are_whole_numbers(fits):
    with pytest.raises(MereError, match="trials"):
        mere.simulate(fits["glmer"], newdata=cbpp, weights=2.5)
    with pytest.raises(MereError, match="no columns"):
        mere.refit(fits["lmer"], np.zeros((180, 0)))


def test_too_many_arguments_are_told_by_name(fits):
    with pytest.raises(MereError, match=r"cooks_distance\(\) .* was given 1 arguments; there are none"):
        mere.cooks_distance(fits["lmer"], 3)


def test_a_file_that_is_no_checkpoint(fits, tmp_path):
    file = tmp_path / "x.npz"
    for content in (b"no archive", b"", b"PK\x03\x04 broken"):
        file.write_bytes(content)
        with pytest.raises(MereError, match="not a checkpoint"):
            mere.bootMer(fits["lmer"], nsim=3, checkpoint=file)
    np.savez(file, a=np.ones(3))
    with pytest.raises(MereError, match="not a checkpoint"):
        mere.bootMer(fits["lmer"], nsim=3, checkpoint=file)


def test_a_replicate_that_cannot_be_drawn_is_a_failure():
    rng = np.random.default_rng(1)
    x, g = np.repeat([0.0, 1.0], 40), np.tile(np.arange(8), 10)
    u = 0.35 * rng.standard_normal(8)
    y = rng.gamma(20, (1 / (1.0 + 0.3 * x + u[g])) / 20)
    m = mere.glmer("y ~ x + (1 | g)", {"x": x, "y": y, "g": g.astype(str)}, mere.families.Gamma("inverse"))
    with pytest.warns(BootstrapWarning, match=r"simulate: .* no mean of the Gamma family.* \([2-9]"):
        b = mere.bootMer(m, nsim=60, seed=1, ncpus=1)
    lost = b.failures[b.failures.str.contains("no mean of the Gamma family")]
    assert 0 < len(lost) < 60
    assert b.t.loc[lost.index].isna().all(axis=None)
