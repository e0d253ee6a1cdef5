"""Rows BOS-54 to BOS-57 of the checklist: indices, the record of a bootstrap, the linear operator, simulators."""

import numpy as np
import pandas as pd
import pytest

import mere
from mere import datasets, families
from mere.errors import MereValueError
from mere.families import FAMILIES
from mere.links import LINKS

WARP, SLEEP = datasets.warpbreaks, datasets.sleepstudy


@pytest.fixture(scope="module")
def line():
    return mere.lm("breaks ~ wool + tension", WARP)


# -- indices -----------------------------------------------------------------------------
def test_bos_54_bootstrap_indices():
    rows = mere.bootstrap_indices(20, 3000, seed=1)
    assert rows.shape == (3000, 20)
    assert (rows >= 0).all() and (rows < 20).all()
    counts = np.array([np.bincount(r, minlength=20) for r in rows])
    assert counts.var() == pytest.approx(0.95, rel=0.03)  # of a binomial(20, 1/20)
    assert (rows == mere.bootstrap_indices(20, 3000, seed=1)).all()
    assert (rows != mere.bootstrap_indices(20, 3000, seed=2)).any()
    # streams: draw i is the same whoever makes it, and however many there are
    parts = [mere.bootstrap_indices(20, 1000, seed=1, first=k) for k in (2000, 0, 1000)]
    assert (np.vstack([parts[1], parts[2], parts[0]]) == rows).all()


def test_bos_54_bootstrap_takes_these_rows(line):
    rows, b = mere.bootstrap_indices(54, 4, seed=3), mere.bootstrap(line, nsim=4, seed=3)
    for i in range(4):
        own = mere.lm("breaks ~ wool + tension", WARP.iloc[rows[i]].reset_index(drop=True))
        assert b.t.iloc[i, :4].to_numpy() == pytest.approx(own.beta, rel=1e-10)


def test_bos_54_permutation_indices():
    rows = mere.permutation_indices(30, 500, seed=4)
    assert rows.shape == (500, 30)
    assert (np.sort(rows, axis=1) == np.arange(30)).all()
    assert not (rows == np.arange(30)).all(axis=1).any()
    assert (rows == mere.permutation_indices(30, 500, seed=4)).all()
    assert (rows[:100] == mere.permutation_indices(30, 100, seed=4)).all()
    cells = np.repeat(list("abcde"), 6)
    within = mere.permutation_indices(30, 200, seed=4, cells=cells)
    assert (cells[within] == cells).all()
    blocks = mere.permutation_indices(30, 200, seed=4, cells=cells, strategy="between")
    assert (np.diff(blocks.reshape(-1, 5, 6), axis=2) == 1).all()
    assert len(mere.permutation_indices(5, 10_000)) == 119


def test_bos_54_fold_indices():
    pairs = mere.fold_indices(23, 5, seed=1)
    assert sorted(np.concatenate([test for _, test in pairs]).tolist()) == list(range(23))
    assert all(len(np.intersect1d(train, test)) == 0 and len(train) + len(test) == 23 for train, test in pairs)
    assert {len(test) for _, test in pairs} == {4, 5}
    alone = mere.fold_indices(7, "loo")
    assert len(alone) == 7
    assert all(len(test) == 1 for _, test in alone)
    groups = SLEEP["Subject"].to_numpy()
    together = mere.fold_indices(180, 4, seed=2, groups=groups)
    cv = mere.cross_validate(mere.lmer("Reaction ~ Days + (Days | Subject)", SLEEP), k=4, seed=2)
    for i, (train, test) in enumerate(together):
        assert not set(groups[train]) & set(groups[test])
        assert (cv.predictions["cv_fold"].to_numpy()[test] == i + 1).all()


@pytest.mark.parametrize(
    "call",
    [
        lambda: mere.bootstrap_indices(0, 5), lambda: mere.bootstrap_indices(5, 2.5),
        lambda: mere.permutation_indices(1, 5), lambda: mere.permutation_indices(8, 0),
        lambda: mere.permutation_indices(8, 5, cells=[1, 2, 3]), lambda: mere.fold_indices(5, 1),
        lambda: mere.fold_indices(5, 6), lambda: mere.fold_indices(5, 2, groups=[1, 1, 2]),
        lambda: mere.fold_indices(3, 2, groups=["a", None, "b"]),
    ],
)  # fmt: skip
def test_bos_54_impossible_indices(call):
    with pytest.raises(MereValueError):
        call()


# -- the record --------------------------------------------------------------------------
def test_bos_55_the_record(line):
    b = mere.bootstrap(line, nsim=100, ci="basic", conf_level=0.9, seed=1)
    assert b.table["std.error"].to_numpy() == pytest.approx(b.t.std(ddof=1).to_numpy())
    assert (b.ci, b.conf_level, b.nsim, b.type) == ("basic", 0.9, 100, "case")
    assert mere.confint(b, level=0.9, type="basic").to_numpy() == pytest.approx(
        b.table[["conf.low", "conf.high"]].to_numpy()
    )
    assert b.kinds.to_dict() == {**dict.fromkeys(line.design.names, "fixef"), "sigma": "ranef"}


def test_bos_55_frames_come_back(line):
    """The wide and the long table hold the same draws; the table has a column for each part of the record."""
    b = mere.bootstrap(line, nsim=60, seed=1)
    assert b.to_frame().equals(b.table)
    assert list(b.table.columns) == ["estimate", "std.error", "bias", "conf.low", "conf.high", "statistic", "p.value"]
    wide = b.resamples.pivot_table(index="resample", columns="term", values="value")[list(b.t.columns)]
    assert (wide.to_numpy() == b.t.to_numpy()).all()
    assert b.table["bias"].to_numpy() == pytest.approx((b.t.mean() - b.t0).to_numpy())


@pytest.mark.filterwarnings("ignore::mere.errors.BootstrapWarning")
def test_bos_55_errors_are_of_the_valid_draws():
    d = pd.DataFrame({"y": np.arange(16.0) ** 1.2, "f": ["a"] * 13 + ["b"] * 3})
    b = mere.bootstrap(mere.lm("y ~ f", d), nsim=300, seed=1)
    valid = b.t["fb"].dropna()
    assert len(valid) < 300
    assert b.table.loc["fb", "std.error"] == pytest.approx(np.std(valid, ddof=1), rel=1e-12)
    assert len(b.failures) == 300 - len(valid)


# -- the operator from responses to coefficients -------------------------------------------
@pytest.mark.parametrize("weighted", [False, True])
def test_bos_56_one_and_many_responses(weighted):
    rng = np.random.default_rng(56)
    w = rng.uniform(0.5, 2, 54)
    m = mere.lm("breaks ~ wool * tension", WARP, weights=w if weighted else None)
    root = np.sqrt(w) if weighted else np.ones(54)
    X, Y = mere.model_matrix(m).to_numpy(), rng.normal(size=(54, 7))
    expected = np.linalg.lstsq(root[:, None] * X, root[:, None] * Y, rcond=None)[0]
    assert pytest.approx(expected, abs=1e-10) == mere.refit(m, Y).iloc[:, :6].to_numpy().T
    assert mere.refit(m, Y[:, 0]).beta == pytest.approx(expected[:, 0], abs=1e-10)
    b = mere.bootstrap(m, type="parametric", nsim=3, seed=1)
    assert b.t.shape == (3, 7)


@pytest.mark.filterwarnings("ignore::mere.errors.RankDeficiencyMessage")
def test_bos_56_deficient_rank():
    """Aliased columns have no coefficient, and the others are those of the columns that are left."""
    rng = np.random.default_rng(57)
    d = WARP.assign(a=rng.normal(size=54))
    d["b"], d["c"] = 2 * d["a"] - 1, rng.normal(size=54)
    m = mere.lm("breaks ~ a + b + wool + c", d)
    assert mere.coef(m).isna().to_dict()["b"]
    assert mere.coef(m).isna().sum() == 1
    Y = rng.normal(size=(54, 5))
    kept = np.column_stack([np.ones(54), d["a"], d["wool"] == "B", d["c"]])
    expected = np.linalg.lstsq(kept, Y, rcond=None)[0]
    found = mere.refit(m, Y)
    assert pytest.approx(expected, abs=1e-10) == found[["(Intercept)", "a", "woolB", "c"]].to_numpy().T
    full = np.column_stack([kept, d["b"]])  # the minimum-norm solution has the same fitted values
    fitted = full @ np.linalg.lstsq(full, Y[:, 0], rcond=None)[0]
    assert mere.fitted(mere.refit(m, Y[:, 0])).to_numpy() == pytest.approx(fitted, abs=1e-10)


# -- simulators ------------------------------------------------------------------------------
def combinations():
    for name, make in {**FAMILIES, "negative_binomial": lambda link: families.negative_binomial(2.5, link)}.items():
        if name.startswith("quasi"):
            continue  # no distribution, nothing to draw from
        for link in LINKS:
            try:
                yield name, make(link)
            except MereValueError:
                continue  # the family does not have the link


COMBINATIONS = list(combinations())
DRAWS = 100_000


def test_bos_57_there_are_all_families():
    assert {name for name, _ in COMBINATIONS} == {name for name in FAMILIES if not name.startswith("quasi")}
    assert len(COMBINATIONS) >= 20


@pytest.mark.parametrize(("name", "family"), COMBINATIONS, ids=[f"{n}-{f.link.name}" for n, f in COMBINATIONS])
def test_bos_57_simulators_have_the_right_moments(name, family):
    """Means and variances of 1e5 draws at three values of the linear predictor, with weights or trials."""
    means = np.array([0.2, 0.5, 0.8]) if name == "binomial" else np.array([0.6, 1.5, 4.0])
    mu = np.asarray(family.link.inverse(family.link.link(means)))
    assert mu == pytest.approx(means, rel=1e-9)
    phi = 0.35 if family.has_scale else 1.0
    weights = {"binomial": np.array([1.0, 5.0, 20.0])}.get(name, np.array([1.0, 2.0, 4.0]))
    if not family.has_scale and name != "binomial":
        weights = np.ones(3)  # counts have no weights
    rng = np.random.default_rng(570)
    y = family.simulate(np.tile(mu, DRAWS), np.tile(weights, DRAWS), phi, rng).reshape(DRAWS, 3)
    variance = phi * np.asarray(family.variance(mu)) / weights
    assert (np.abs(y.mean(axis=0) - mu) < 4 * np.sqrt(variance / DRAWS)).all()
    spread = np.sqrt(np.var((y - mu) ** 2, axis=0) / DRAWS)
    assert (np.abs(((y - mu) ** 2).mean(axis=0) - variance) < 4 * spread).all()
    family.check(y[:200].ravel(), "y")
    if name == "binomial":
        assert np.rint(y * weights) == pytest.approx(y * weights, abs=1e-9)
