"""Rows BOS-39 to BOS-44, BOS-54 and BOS-58 of the checklist: cross-validation."""

import time

import numpy as np
import pandas as pd
import pytest

import mere
from mere import datasets, families
from mere.errors import DataMessage, MereValueError
from mere.inference.crossvalidation.folds import fold_count, group_folds, row_folds
from mere.inference.crossvalidation.losses import auc, corrected_error
from mere.inference.crossvalidation.refits import integrated_mean

pytestmark = pytest.mark.filterwarnings("ignore::mere.errors.SingularFitMessage")
SLEEP = datasets.sleepstudy


@pytest.fixture(scope="module")
def slopes():
    return mere.lmer("Reaction ~ Days + (Days | Subject)", SLEEP)


def test_bos_39_folds_are_a_seeded_partition():
    for n, k in ((10, 3), (57, 10), (8, 8)):
        folds = row_folds(n, k, np.random.default_rng(1))
        sizes = np.bincount(folds, minlength=k)
        assert sizes.sum() == n
        assert np.ptp(sizes) <= 1
        assert (folds == row_folds(n, k, np.random.default_rng(1))).all()
    assert (row_folds(57, 10, np.random.default_rng(1)) != row_folds(57, 10, np.random.default_rng(2))).any()


@pytest.mark.parametrize("k", [1, 0, 55, 2.5, True, "all"])
def test_bos_39_impossible_folds(k):
    with pytest.raises(MereValueError, match="k"):
        mere.cross_validate(mere.lm("breaks ~ wool", datasets.warpbreaks), k=k)


def test_bos_40_groups_stay_together(slopes):
    cv = mere.cross_validate(slopes, k=4, seed=1)
    fold = cv.predictions["cv_fold"].groupby(SLEEP["Subject"].to_numpy()).nunique()
    assert (fold == 1).all()
    assert len(cv.folds) == 4
    assert len(mere.cross_validate(slopes, k="loo", seed=1).folds) == 18


def test_bos_40_nested_factors_hold_out_the_outer_one():
    m = mere.lmer("strength ~ 1 + (1 | batch/cask)", datasets.Pastes)
    cv = mere.cross_validate(m, k=5, seed=1)
    assert "batch" in cv.held_out
    fold = cv.predictions["cv_fold"].groupby(datasets.Pastes["batch"].to_numpy())
    assert (fold.min() == fold.max()).all()


def test_bos_40_crossed_factors_are_named():
    m = mere.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", datasets.Penicillin)
    with pytest.raises(MereValueError, match=r"plate, sample are crossed.*groups=\('plate', 'sample'\)"):
        mere.cross_validate(m)
    both = mere.cross_validate(m, groups=("plate", "sample"), k=3, seed=1)
    assert len(both.folds) == 9
    rows = datasets.Penicillin
    fold = both.predictions["cv_fold"].to_numpy()
    for f in np.unique(fold):
        inside = fold == f
        train = both.folds.loc[int(f), "n_train"]
        away = ~rows["plate"].isin(rows["plate"][inside]) & ~rows["sample"].isin(rows["sample"][inside])
        assert train == away.sum()


def test_bos_40_more_folds_than_groups(slopes):
    with pytest.warns(DataMessage, match="k=30 is more than the 18"):
        assert len(mere.cross_validate(slopes, k=30, seed=1).folds) == 18


def test_bos_41_unequal_groups_are_packed_by_rows():
    sizes = np.ceil(200 / np.arange(1, 51)).astype(int)
    for seed in range(20):
        codes = np.random.default_rng(seed).permutation(np.repeat(np.arange(50), sizes))
        folds = group_folds(codes, 4, np.random.default_rng(seed))
        rows = np.bincount(folds)
        assert len(rows) == 4
        assert rows.max() / rows.min() <= 1.5
        assert (np.bincount(codes * 4 + folds, minlength=200).reshape(50, 4) > 0).sum() == 50  # each in one fold


def test_bos_42_leave_one_out_of_lm():
    m = mere.lm("breaks ~ wool * tension", datasets.warpbreaks)
    e, h = mere.residuals(m).to_numpy(), mere.hatvalues(m).to_numpy()
    cv = mere.cross_validate(m, k="loo")
    assert cv.metrics.loc["mse", "pooled"] == pytest.approx(np.mean((e / (1 - h)) ** 2), rel=1e-10)


def test_bos_42_auc_with_ties():
    rng = np.random.default_rng(42)
    y, s = rng.integers(0, 2, 60), rng.integers(0, 8, 60)
    pairs = [(a > b) + 0.5 * (a == b) for a in s[y == 1] for b in s[y == 0]]
    assert auc(y, s) == pytest.approx(np.mean(pairs), abs=1e-12)


def test_bos_42_fold_fits_are_refits(slopes):
    """The down-dated fits of folds against fits to their training rows."""
    cv = mere.cross_validate(slopes, k=3, seed=7)
    fold = cv.predictions["cv_fold"].to_numpy()
    for f in (1, 2, 3):
        rest = mere.lmer("Reaction ~ Days + (Days | Subject)", SLEEP[fold != f])
        expected = mere.predict(rest, SLEEP[fold == f], re_form=False)
        assert cv.predictions["cv_fitted"].to_numpy()[fold == f] == pytest.approx(expected.to_numpy(), rel=1e-6)


def test_bos_42_held_out_probabilities_integrate_over_the_random_effects():
    rng = np.random.default_rng(5)
    eta, variance = np.array([-1.0, 0.5]), np.array([2.0, 0.7])
    z = rng.normal(size=(400_000, 2)) * np.sqrt(variance)
    expected = (1 / (1 + np.exp(-(eta + z)))).mean(axis=0)
    assert integrated_mean(families.binomial(), eta, variance) == pytest.approx(expected, abs=2e-3)
    m = mere.glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", datasets.cbpp, "binomial")
    cv = mere.cross_validate(m, k="loo", seed=1)
    d = datasets.cbpp
    rest = mere.glmer(str(m.design.formula),
                      d[d["herd"] != "1"], "binomial")  # fmt: skip
    at = mere.predict(rest, d[d["herd"] == "1"], re_form=False).to_numpy()
    expected = integrated_mean(families.binomial(), at, np.full(len(at), float(rest.theta[0]) ** 2))
    assert cv.predictions["cv_fitted"].to_numpy()[(d["herd"] == "1").to_numpy()] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("groups", ["s", "d"])
def test_bos_42_ten_folds_of_a_large_crossed_design(groups):
    """InstEval, 73,421 rows: less than 20 s of one core; a fold is the fit of the other rows."""
    d = datasets.InstEval
    m = mere.lmer("y ~ service + (1 | s) + (1 | d)", d)
    start = time.process_time()
    cv = mere.cross_validate(m, k=10, groups=groups, seed=1)
    assert time.process_time() - start < 20
    fold = cv.predictions["cv_fold"].to_numpy()
    assert not set(d[groups][fold == 3]) & set(d[groups][fold != 3])
    rest = mere.lmer("y ~ service + (1 | s) + (1 | d)", d[fold != 3])
    expected = mere.predict(rest, d[fold == 3].head(50), re_form=False).to_numpy()
    assert cv.predictions["cv_fitted"].to_numpy()[fold == 3][:50] == pytest.approx(expected, rel=1e-6)


def test_bos_42_corrected_error_knows_that_folds_overlap():
    values = np.array([1.0, 2.0, 4.0, 3.0])
    naive = values.std(ddof=1) / 2
    assert corrected_error(values, np.full(4, 25), np.full(4, 75)) == pytest.approx(naive * np.sqrt(1 + 4 / 3))


def _interaction():
    rng = np.random.default_rng(43)
    d = pd.DataFrame(rng.normal(size=(80, 3)), columns=["x", "z", "w"])
    return d.assign(y=d["x"] + 0.8 * d["x"] * d["z"] + rng.normal(size=80))


def test_bos_43_importance_is_hierarchical():
    m = mere.lm("y ~ x * z + w", _interaction())
    cv = mere.cross_validate(m, seed=3, importance=True)
    together = mere.cross_validate(mere.lm("y ~ z + w", _interaction()), seed=3).metrics.loc["mse", "pooled"]
    alone = mere.cross_validate(mere.lm("y ~ x + z + w", _interaction()), seed=3).metrics.loc["mse", "pooled"]
    full = cv.metrics.loc["mse", "pooled"]
    assert cv.importance.loc["x", "pre"] == pytest.approx(1 - full / together, rel=1e-10)
    assert cv.importance.loc["x:z", "pre"] == pytest.approx(1 - full / alone, rel=1e-10)
    assert cv.importance.loc["w", "pre"] < 0.05


def test_bos_43_importance_by_leaving_one_out_is_not_zero():
    cv = mere.cross_validate(mere.lm("y ~ x * z + w", _interaction()), k="loo", importance=True)
    assert cv.importance.loc["x", "pre"] > 0.3


def test_bos_43_the_only_term_leaves_the_mean(slopes):
    cv = mere.cross_validate(slopes, seed=1, importance=True)
    assert 0 < cv.importance.loc["Days", "pre"] < 1
    assert cv.importance.loc["Days", "pre_se"] > 0


def test_bos_44_failures_are_nan_and_said():
    d = pd.DataFrame({"y": np.arange(12.0), "f": ["a"] * 6 + ["b"] * 5 + ["c"], "x": np.arange(12) % 5})
    with pytest.warns(DataMessage, match="could not be fitted"):
        cv = mere.cross_validate(mere.lm("y ~ f + x", d), k=4, seed=1)
    assert len(cv.failures) == 1
    assert cv.folds.loc[cv.failures.index, "mse"].isna().all()
    assert cv.predictions["cv_fitted"].isna().sum() == cv.folds.loc[cv.failures.index[0], "n_test"]


def test_bos_54_fold_counts():
    assert fold_count("loo", 7, "rows") == 7
    with pytest.raises(MereValueError, match="two"):
        fold_count(2, 1, "groups")


def test_bos_42_repeated_partitions():
    """The pooled loss is the mean over partitions; the standard error is of all folds of all partitions."""
    m = mere.lm("y ~ x * z + w", _interaction())
    cv = mere.cross_validate(m, k=5, repeats=4, seed=7, importance=True)
    assert cv.folds["repeat"].to_list() == np.repeat([1, 2, 3, 4], 5).tolist()
    assert "4 times 5 folds" in str(cv)
    own = cv.predictions.assign(loss=cv.predictions["cv_residual"] ** 2).groupby("cv_repeat")["loss"].mean()
    assert cv.metrics.loc["mse", "pooled"] == pytest.approx(own.mean(), rel=1e-12)
    assert own.nunique() == 4
    for _, part in cv.predictions.groupby("cv_repeat"):
        assert len(part) == 80
        assert part["cv_fold"].nunique() == 5
    folds = cv.folds["mse"].to_numpy()
    expected = np.sqrt((1 / 20 + 1 / 4) * folds.var(ddof=1))  # n_test / n_train = 16 / 64
    assert cv.metrics.loc["mse", "se"] == pytest.approx(expected, rel=1e-12)
    first = mere.cross_validate(m, k=5, seed=7, importance=True)
    assert first.folds["mse"].to_numpy() == pytest.approx(folds[:5], rel=1e-12)
    less = mere.cross_validate(mere.lm("y ~ z + w", _interaction()), k=5, repeats=4, seed=7).metrics.loc[
        "mse", "pooled"
    ]
    assert cv.importance.loc["x", "pre"] == pytest.approx(1 - cv.metrics.loc["mse", "pooled"] / less, rel=1e-10)
    for bad in (0, 1.5, True):
        with pytest.raises(MereValueError, match="repeats must be"):
            mere.cross_validate(m, repeats=bad)
    with pytest.raises(MereValueError, match="the same each time"):
        mere.cross_validate(m, k="loo", repeats=2)


def test_bos_42_repeated_partitions_of_groups(slopes):
    cv = mere.cross_validate(slopes, k=6, repeats=3, seed=1, importance=True)
    assert len(cv.folds) == 18
    assert cv.importance.loc["Days", "pre"] > 0
    known = mere.cross_validate(slopes, k=6, repeats=2, groups="rows", seed=1)
    assert len(known.folds) == 12


def test_known_levels_use_their_random_effects(slopes):
    """Rows of known subjects are predicted far better than new subjects are."""
    known = mere.cross_validate(slopes, groups="rows", seed=1).metrics.loc["rmse", "pooled"]
    assert known < 0.75 * mere.cross_validate(slopes, seed=1).metrics.loc["rmse", "pooled"]


def test_unknown_metrics():
    with pytest.raises(MereValueError, match="'brie'"):
        mere.cross_validate(mere.lm("breaks ~ wool", datasets.warpbreaks), metrics="brie")
    with pytest.raises(MereValueError, match="zeros and ones"):
        mere.cross_validate(mere.lm("breaks ~ wool", datasets.warpbreaks), metrics="auc")


def test_bos_44_a_failed_ablation_is_nan_and_said(monkeypatch):
    from mere.inference.crossvalidation import validation

    fits = validation._fit_folds

    def fails(m, design, folds, what, ncpus):
        if "x" not in design.names:
            raise MereValueError("no fit")
        return fits(m, design, folds, what, ncpus)

    monkeypatch.setattr(validation, "_fit_folds", fails)
    with pytest.warns(DataMessage, match="importance of 'x'"):
        cv = mere.cross_validate(mere.lm("y ~ x + z + w", _interaction()), seed=1, importance=True)
    assert np.isnan(cv.importance.loc["x", "pre"])
    assert np.isfinite(cv.importance.loc["z", "pre"])


def test_bos_43_known_levels_on_both_sides(slopes):
    """With rows of known subjects, the model without a term knows the subjects, too."""
    cv = mere.cross_validate(slopes, k=5, groups="rows", importance=True, seed=2)
    small = mere.lmer("Reaction ~ 1 + (Days | Subject)", SLEEP)
    less = mere.cross_validate(small, k=5, groups="rows", seed=2).metrics.loc["mse", "pooled"]
    assert cv.importance.loc["Days", "pre"] == pytest.approx(1 - cv.metrics.loc["mse", "pooled"] / less, rel=1e-4)


def test_bos_58_formulas_without_a_term():
    assert mere.drop_term("y ~ x * z", "x") == "y ~ z"
    assert mere.drop_term("y ~ x * z", "x:z") == "y ~ x + z"
    assert mere.drop_term("y ~ x", "x") == "y ~ 1"
    assert mere.drop_term("y ~ x + (1 | g)", "x") == "y ~ (1 | g)"
    assert mere.drop_term("y ~ C(x) + xx + z:factor(x)", "x") == "y ~ xx"
    with pytest.raises(MereValueError, match="no term"):
        mere.drop_term("y ~ x", "w")
    with pytest.raises(MereValueError, match="label"):
        mere.drop_term("y ~ x", " ")
