"""Tests of effects from first principles: derivatives, invariances, limits, refusals."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mere
from mere import _core, datasets
from mere.accessors.blocks import random_design, relative_covariance
from mere.inference.algebra import unscaled_covariance
from mere.inference.components import components_at, likelihood_hessian
from mere.inference.methods import reference_of, satterthwaite_of
from mere.inference.pieces import pieces_at
from mere.inference.reference import moment_df, orthonormal_rows
from mere.inference.satterthwaite import deviance_hessian

from ..parity.goldens import table

FORMULAS = {
    "slopes": ("Reaction ~ Days + (Days | Subject)", "sleepstudy", {}),
    "ml": ("Reaction ~ Days + (Days | Subject)", "sleepstudy", {"REML": False}),
    "weights": ("Reaction ~ Days + (Days | Subject)", "sleepstudy", {"weights": "1 + Days / 3"}),
    "shared": ("Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)", "sleepstudy", {}),
    "nested": ("strength ~ cask + (1 | batch/cask)", "Pastes", {}),
    "crossed": ("diameter ~ 1 + (1 | plate) + (1 | sample)", "Penicillin", {}),
    "vectors": ("score ~ Machine + (Machine | Worker)", "machines", {}),
    "crossed_vectors": ("y ~ x + (1 + x | s) + (1 + x | i)", "crossed", {}),
    "crossed_scalar": ("y ~ x + (1 | s) + (1 + x | i)", "crossed", {"weights": "1 + x ** 2"}),
    "crossed_slope": ("y ~ x + (1 + x | i) + (0 + x | s) + (1 | x)", "crossed", {}),
}


def fit(name: str) -> Any:
    formula, data, arguments = FORMULAS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mere.lmer(formula, table(data), **arguments)


class Dense:
    """H, Z, X of a model in weighted rows, Z in the kernels' order."""

    def __init__(self, m: Any):
        design = m.design
        root = np.ones(len(design.y)) if design.weights is None else np.sqrt(design.weights)
        Z = random_design(design.random).toarray() * root[:, None]
        order = m.objective._term_order(np.arange(Z.shape[1], dtype=float)).astype(int)
        self.Z = np.zeros_like(Z)
        self.Z[:, order] = Z
        self.X = design.X * root[:, None]
        ZL = Z @ relative_covariance(design.random, m.theta).toarray()
        self.H = np.eye(len(Z)) + ZL @ ZL.T
        self.Hi = np.linalg.inv(self.H)
        self.r = root * (design.y - design.X @ m.beta)

    def pattern(self, f: Any, i: int, j: int) -> np.ndarray:
        q, k = f.t.shape
        own = self.Z[:, f.first : f.first + q * k].reshape(-1, q, k)
        E = np.zeros((k, k))
        E[i, j] = E[j, i] = 1.0
        return np.einsum("nqi,ij,mqj->nm", own, E, own, optimize=True)


# ---- kernels -------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("schur", [0, 1, 2])
def test_kernels_against_dense_matrices(name: str, schur: int) -> None:
    m = fit(name)
    o, dense, design = m.objective, Dense(m), m.design
    factors: dict[str, int] = {}
    terms = [(t.values, t.codes, len(t.levels), factors.setdefault(t.group, len(factors))) for t in design.random]
    plan = _core.Plan(_core.Rows(design.X, design.weights, terms), o.layout.entries, o.layout.n_par, schur)
    work = _core.Work(plan)
    work.set_response(design.y)
    work.value(m.par, m.reml)
    W, N, t = work.fixed(), work.metric(0, plan.q), work.score()
    scale = np.abs(dense.Z.T @ dense.Z).max()
    assert np.abs(W - (dense.Z.T @ dense.Hi @ dense.X).T).max() < 1e-11 * scale * np.abs(dense.X).max()
    assert np.abs(N - dense.Z.T @ dense.Hi @ dense.Z).max() < 1e-11 * scale
    assert np.abs(t - dense.Z.T @ dense.Hi @ dense.r).max() < 1e-8 * np.abs(dense.Z.T @ dense.r).max()
    some = work.metric(3, 2)
    assert np.array_equal(some, N[3:5]) or np.allclose(some, N[3:5], rtol=1e-12, atol=1e-12 * scale)
    assert np.allclose(plan.cross(), dense.X.T @ dense.X)
    if len(factors) == 1:
        blocks = work.metric_blocks()
        k = blocks.shape[1]
        for l, block in enumerate(blocks):
            assert np.abs(block - N[l * k : l * k + k, l * k : l * k + k]).max() < 1e-11 * scale
    else:
        with pytest.raises(_core.KernelError):
            work.metric_blocks()
    with pytest.raises(_core.KernelError):
        work.metric(plan.q, 1)


@pytest.mark.parametrize("name", FORMULAS)
def test_components_against_dense_matrices(name: str) -> None:
    m = fit(name)
    dense = Dense(m)
    n, p = dense.X.shape
    nu = n - p if m.reml else n
    c = components_at(m.objective, m.par, m.RX.T @ m.RX, nu * m.sigma**2)
    Xr = np.column_stack([dense.X, dense.r])
    G = [np.eye(n), *(dense.pattern(c.pieces.factors[f], i, j) for f, i, j in c.base)]
    half = [dense.Hi @ g for g in G]
    B = np.array([Xr.T @ h @ dense.Hi @ Xr for h in half])
    T = np.array([[np.sum(a * b.T) for b in half] for a in half])
    Q = np.array([[Xr.T @ a @ b @ dense.Hi @ Xr for b in half] for a in half])
    assert np.abs(c.B - B).max() < 1e-9 * np.abs(B).max()
    assert np.abs(c.Q - Q).max() < 1e-9 * np.abs(Q).max()
    assert np.abs(c.T - T).max() < 1e-7 * np.abs(T).max()
    assert np.allclose(c.trace, [np.trace(h) for h in half], rtol=1e-7)


def test_a_scalar_factor_is_eliminated(monkeypatch: pytest.MonkeyPatch) -> None:
    from mere.inference import components, eliminated

    for name in ("crossed", "nested", "crossed_scalar"):
        m = fit(name)
        monkeypatch.undo()
        assert eliminated.eliminated_factor(m.objective, pieces_at(m.objective, m.par)) is not None
        arguments = (m.objective, m.par, m.RX.T @ m.RX, m.sigma**2)
        found = []
        for dense, largest in ((0.0, 4000), (2.0, 4000), (0.0, 0)):  # full Y, sparse Y, no elimination
            monkeypatch.setattr(eliminated, "_DENSE", dense)
            monkeypatch.setattr(eliminated, "_LARGEST", largest)
            found.append(components.components_at(*arguments))
        for other in found[:2]:
            for field in ("B", "Q", "T", "trace"):
                a, b = getattr(other, field), getattr(found[2], field)
                assert np.abs(a - b).max() < 1e-11 * np.abs(b).max()


# ---- derivatives -----------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMULAS)
def test_slopes_against_differences(name: str) -> None:
    m = fit(name)
    o, par = m.objective, m.par + 0.05  # away from a boundary
    pieces = pieces_at(o, par)
    slopes, rho = pieces.cross_slopes(), pieces.rss_slopes()
    for t in range(len(par)):
        h = 1e-5
        up, down = par.copy(), par.copy()
        up[t] += h
        down[t] -= h
        a, b = o.state(up), o.state(down)
        K = (a.RX.T @ a.RX - b.RX.T @ b.RX) / (2 * h)
        assert np.abs(K + slopes[t]).max() < 1e-6 * np.abs(a.RX.T @ a.RX).max()
        difference = (a.devcomp["pwrss"] - b.devcomp["pwrss"]) / (2 * h)
        assert abs(difference - rho[t]) < 1e-6 * a.devcomp["pwrss"]


@pytest.mark.parametrize("name", ["slopes", "ml", "shared", "crossed", "nested"])
def test_exact_hessian_against_differences(name: str) -> None:
    m = fit(name)
    n, p = m.design.X.shape
    nu = n - p if m.reml else n
    c = components_at(m.objective, m.par, m.RX.T @ m.RX, nu * m.sigma**2)
    exact = likelihood_hessian(c, m.sigma, m.reml)
    differences = deviance_hessian(m.objective.hessian(m.par), c.pieces.rss_slopes(), m.sigma, nu)
    unit = np.sqrt(np.abs(np.diag(exact)))
    assert np.abs((exact - differences) / np.outer(unit, unit)).max() < 1e-5


def test_many_parameters_take_the_exact_hessian() -> None:
    m = fit("vectors")
    many = mere.lmer("score ~ Machine + (Machine | Worker) + (1 | Worker:Machine)", table("machines"))
    assert len(many.par) > 6 >= len(m.par)
    a = satterthwaite_of(many).df(np.eye(3))
    from mere.inference.satterthwaite import satterthwaite

    C = unscaled_covariance(many.RX)
    b = satterthwaite(many.objective, many.par, many.beta, many.sigma, C, many.objective.hessian(many.par))
    assert np.allclose(a, b.df(np.eye(3)), rtol=1e-4)


# ---- invariance --------------------------------------------------------------------------

UNBALANCED = [
    ("Coloursaturation ~ TVset * Picture + (1 | Assessor) + (1 | Assessor:TVset)", "TVbo_lost"),
    ("angle ~ recipe * temp + (1 + temp | recipe:replicate)", "cake_lost"),
    ("y ~ a * x + (1 | g)", "few_groups"),
]


@pytest.mark.parametrize("ddf", ["Satterthwaite", "Kenward-Roger"])
@pytest.mark.parametrize(("formula", "data"), UNBALANCED)
def test_joint_tests_do_not_depend_on_the_basis(formula: str, data: str, ddf: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m = mere.lmer(formula, table(data))
    rng = np.random.default_rng(1)
    L = rng.standard_normal((3, len(m.beta)))
    first = mere.contest(m, L, ddf=ddf)
    for _ in range(3):
        again = mere.contest(m, rng.standard_normal((3, 3)) @ L, ddf=ddf)
        assert np.allclose(first, again, rtol=1e-6)
    more = mere.contest(m, np.vstack([L, L[0] - 2 * L[1]]), ddf=ddf)  # a row too many
    assert np.allclose(first, more, rtol=1e-6)


@pytest.mark.parametrize("type", ["I", "II", "III"])
@pytest.mark.parametrize("ddf", ["Satterthwaite", "Kenward-Roger"])
@pytest.mark.parametrize(("formula", "data"), UNBALANCED)
def test_terms_do_not_depend_on_the_coding(formula: str, data: str, ddf: str, type: str) -> None:
    tables = []
    for contrasts in (("treatment", "poly"), ("sum", "sum"), ("helmert", "helmert")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            m = mere.lmer(formula, table(data), contrasts=contrasts)
        tables.append(mere.anova(m, type=type, ddf=ddf).table)
    for other in tables[1:]:
        assert np.allclose(tables[0]["F value"], other["F value"], rtol=1e-4)
        assert np.allclose(tables[0]["DenDF"], other["DenDF"], rtol=1e-3)


def test_type_3_is_sum_coding() -> None:
    """Without empty cells: the coefficients under sum-to-zero coding are zero."""
    formula, data = UNBALANCED[0]
    m = mere.lmer(formula, table(data), contrasts=("sum", "sum"))
    third, marginal = mere.anova(m).table, mere.anova(m, type="marginal").table
    assert np.allclose(third, marginal, rtol=1e-8)


def test_types_agree_where_they_must() -> None:
    """Balanced designs: all types; the last term: I and II; without interactions: II and III."""
    m = mere.lmer("angle ~ recipe * temperature + (1 | recipe:replicate)", datasets.cake)
    first = mere.anova(m, type="I").table
    assert np.allclose(first, mere.anova(m, type="II").table, rtol=1e-6)
    assert np.allclose(first, mere.anova(m, type="III").table, rtol=1e-6)
    m = mere.lmer("angle ~ recipe + temperature + (1 | recipe:replicate)", table("cake_lost"))
    assert np.allclose(mere.anova(m, type="II").table, mere.anova(m, type="III").table, rtol=1e-7)
    assert np.allclose(mere.anova(m, type="I").table.iloc[-1], mere.anova(m, type="II").table.iloc[-1], rtol=1e-7)


def test_order_of_terms_does_not_matter_but_for_type_1() -> None:
    a = mere.lmer("angle ~ recipe * temperature + (1 | recipe:replicate)", table("cake_lost"))
    b = mere.lmer("angle ~ temperature * recipe + (1 | recipe:replicate)", table("cake_lost"))
    for type in ("II", "III"):
        x, y = mere.anova(a, type=type).table, mere.anova(b, type=type).table
        assert np.allclose(x.loc["recipe"], y.loc["recipe"], rtol=1e-5)
    x, y = mere.anova(a, type="I").table, mere.anova(b, type="I").table
    assert abs(x.loc["recipe", "F value"] - y.loc["recipe", "F value"]) > 1e-4


def test_containment_knows_covariates() -> None:
    """A factor that interacts with a covariate is tested at zero: the origin matters, but not to slopes."""
    d = table("few_groups").copy()
    d["x10"] = d["x"] + 10
    a = mere.anova(mere.lmer("y ~ a * x + (1 | g)", d)).table
    b = mere.anova(mere.lmer("y ~ a * x10 + (1 | g)", d)).table
    assert np.allclose(a.loc["a:x"], b.loc["a:x10"], rtol=1e-4)
    assert np.allclose(a.loc["x"], b.loc["x10"], rtol=1e-4)
    assert abs(a.loc["a", "F value"] - b.loc["a", "F value"]) > 1e-3
    shown = mere.show_tests(mere.lmer("y ~ a * x + (1 | g)", d))["x"]
    assert np.allclose(shown.loc["x", ["x", "av:x", "aw:x"]], [1, 1 / 3, 1 / 3])


def test_units_do_not_matter() -> None:
    d = datasets.sleepstudy.copy()
    d["y"], d["t"] = d["Reaction"] * 1e4, d["Days"] * 1e-3
    a = mere.anova(mere.lmer("Reaction ~ Days + (Days | Subject)", datasets.sleepstudy)).table
    b = mere.anova(mere.lmer("y ~ t + (t | Subject)", d)).table
    assert np.allclose(a[["DenDF", "F value"]], b[["DenDF", "F value"]], rtol=1e-4)


# ---- limits --------------------------------------------------------------------------------


@pytest.mark.parametrize("ddf", ["Satterthwaite", "Kenward-Roger"])
def test_balanced_designs_have_classical_df(ddf: str) -> None:
    oats = table("oats")
    m = mere.lmer("yield ~ Variety * nitroF + (1 | Block/Variety)", oats)
    assert np.allclose(mere.anova(m, ddf=ddf).table["DenDF"], [10, 45, 45], rtol=1e-5)
    m = mere.lmer("Reaction ~ Days + (Days | Subject)", datasets.sleepstudy)
    assert np.allclose(mere.summary(m, ddf=ddf).coefficients["df"], 17, rtol=1e-6)


def test_no_random_variance_gives_residual_df() -> None:
    """Var = 0 estimated: the tests of the linear model, with df of the residuals."""
    with pytest.warns(mere.errors.SingularFitMessage):
        m = mere.lmer("Yield ~ 1 + (1 | Batch)", datasets.Dyestuff2)
    row = mere.summary(m).coefficients.iloc[0]
    linear = mere.summary(mere.lm("Yield ~ 1", datasets.Dyestuff2)).coefficients.iloc[0]
    assert row["df"] == pytest.approx(29, rel=1e-5)
    assert row["t value"] == pytest.approx(linear["t value"], rel=1e-6)


def test_more_groups_come_near_the_normal() -> None:
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(4000), 3)
    d = pd.DataFrame({"g": g, "x": rng.standard_normal(len(g))})
    d["y"] = rng.standard_normal(4000)[g] + rng.standard_normal(len(g))
    m = mere.lmer("y ~ x + (1 | g)", d)
    z = mere.contest1D(m, [0, 1], ddf="asymptotic")["Pr(>|t|)"].iloc[0]
    for ddf in ("Satterthwaite", "Kenward-Roger"):
        got = mere.contest1D(m, [0, 1], ddf=ddf)
        assert got["df"].iloc[0] > 5000
        assert got["Pr(>|t|)"].iloc[0] == pytest.approx(z, abs=1e-3)


def test_kenward_roger_of_disguised_unstructured() -> None:
    """Heterogeneous compound symmetry of two effects is the unstructured matrix: the same tests."""
    us = mere.lmer("Reaction ~ Days + (Days | Subject)", datasets.sleepstudy)
    cs = mere.lmer("Reaction ~ Days + cs(1 + Days | Subject)", datasets.sleepstudy)
    for ddf in ("Satterthwaite", "Kenward-Roger"):
        a, b = mere.anova(us, ddf=ddf).table, mere.anova(cs, ddf=ddf).table
        assert np.allclose(a, b, rtol=1e-4)


def test_kenward_roger_of_homogeneous_cs_is_two_intercepts() -> None:
    """Compound symmetry of indicator columns is (1 | g) + (1 | g:f)."""
    cs = mere.lmer("score ~ Machine + cs(0 + Machine | Worker, hom = TRUE)", table("machines"))
    two = mere.lmer("score ~ Machine + (1 | Worker) + (1 | Worker:Machine)", table("machines"))
    assert mere.REMLcrit(cs) == pytest.approx(mere.REMLcrit(two), abs=1e-6)
    for ddf in ("Satterthwaite", "Kenward-Roger"):
        a, b = mere.anova(cs, ddf=ddf).table, mere.anova(two, ddf=ddf).table
        assert np.allclose(a, b, rtol=1e-4)


def test_structures_on_their_bounds() -> None:
    """A correlation of one is held: near the fit with that correlation given, and every test has an answer."""
    rng = np.random.default_rng(0)
    g = np.repeat(np.arange(12), 6)
    t = np.tile(np.arange(3), 24)
    d = pd.DataFrame({"g": g, "f": pd.Categorical(t.astype(str)), "x": rng.standard_normal(72)})
    d["y"] = rng.standard_normal(12)[g] * (1 + 0.3 * t) + rng.standard_normal(72)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m = mere.lmer("y ~ f + x + cs(0 + f | g)", d)
    assert m.par[-1] == pytest.approx(1.0, abs=1e-6)
    for ddf in ("Satterthwaite", "Kenward-Roger"):
        table = mere.anova(m, ddf=ddf).table
        assert table["Pr(>F)"].between(0, 1).all()
        assert table["DenDF"].between(11, 72).all()


def test_one_contrast_needs_no_scaling() -> None:
    m = mere.lmer("score ~ Machine + (1 | Worker/Machine)", table("machines_lost"))
    test = mere.KRmodcomp(m, [[0, 1, -1]])
    assert mere.getKR(test, "F.scaling") == 1.0
    assert mere.getKR(test, "ddf") == pytest.approx(mere.get_Lb_ddf(m, [0, 1, -1]), rel=1e-10)


def test_cr2_of_balanced_groups_is_the_t_test_of_means() -> None:
    """Groups in two arms with equal sizes: a Welch-type test of group means, df of Bell and McCaffrey."""
    rng = np.random.default_rng(3)
    d = pd.DataFrame({"g": np.repeat(np.arange(16), 4), "arm": np.repeat(np.arange(2.0), 32)})
    d["y"] = rng.standard_normal(16)[d["g"]] + rng.standard_normal(64)
    m = mere.lmer("y ~ arm + (1 | g)", d)
    means = d.groupby("g")["y"].mean().to_numpy().reshape(2, 8)
    se = np.sqrt(means.var(axis=1, ddof=1).sum() / 8)
    row = mere.contest1D(m, [0, 1], vcov="CR2").iloc[0]
    assert row["Std. Error"] == pytest.approx(se, rel=1e-8)
    assert row["df"] == pytest.approx(14, rel=1e-8)


def test_hc2_has_the_df_of_bell_and_mccaffrey() -> None:
    d = pd.DataFrame({"x": [0.0] * 5 + [1.0] * 20, "y": np.random.default_rng(2).standard_normal(25)})
    row = mere.contest1D(mere.lm("y ~ x", d), [0, 1], vcov="HC2").iloc[0]
    a, b = d["y"][:5].var(), d["y"][5:].var()
    assert row["Std. Error"] == pytest.approx(np.sqrt(a / 5 + b / 20), rel=1e-10)
    assert row["df"] == pytest.approx((1 / 5 + 1 / 20) ** 2 / ((1 / 5) ** 2 / 4 + (1 / 20) ** 2 / 19), rel=1e-10)


# ---- random terms and bootstrap ------------------------------------------------------------


def test_ranova_boundary() -> None:
    m = mere.lmer("Reaction ~ Days + (Days | Subject)", datasets.sleepstudy)
    plain, mixed = mere.ranova(m).table, mere.ranova(m, boundary=True).table
    assert mixed["Pr(>mixture)"].iloc[1] < plain["Pr(>Chisq)"].iloc[1]
    m = mere.lmer("Yield ~ 1 + (1 | Batch)", datasets.Dyestuff)
    t = mere.ranova(m, boundary=True).table
    assert t["Pr(>mixture)"].iloc[1] == pytest.approx(t["Pr(>Chisq)"].iloc[1] / 2)
    assert list(mere.ranova(m, reduce_terms=False).index) == ["<none>", "(1 | Batch)"]


def test_one_variance_in_a_balanced_design_is_the_f_test() -> None:
    """There the restricted likelihood ratio is a function of F, so both have the same p."""
    from scipy.special import fdtrc

    rng = np.random.default_rng(4)
    g = np.repeat(np.arange(6), 5)
    for spread in (0.9, 0.9):
        d = pd.DataFrame({"y": rng.normal(size=30) + spread * rng.normal(size=6)[g], "g": g.astype(str)})
        means = d.groupby("g")["y"].mean()
        within = ((d["y"] - means.loc[d["g"]].to_numpy()) ** 2).sum() / 24
        p = float(fdtrc(5, 24, 5 * means.var() / within))
        table = mere.ranova(mere.lmer("y ~ 1 + (1 | g)", d), boundary="simulate", nsim=40_000, seed=1).table
        assert table["LRT"].iloc[1] > 0.01
        assert table["Pr(>simulated)"].iloc[1] == pytest.approx(p, abs=4 * np.sqrt(p / 40_000))


def test_one_variance_with_others_in_the_model() -> None:
    """The eigenvalues are those of the dense formula, weights and other random effects included."""
    from mere.inference.one_variance import null_eigenvalues

    d = table("crossed")
    m = mere.lmer("y ~ x + (1 | s) + (1 + x | i)", d, weights="1 + x ** 2")
    m0 = mere.lmer("y ~ x + (1 + x | i)", d, weights="1 + x ** 2")
    mu, xi = null_eigenvalues(m0, next(t for t in m.design.random if t.group == "s"))
    dense = Dense(m0)
    Z = np.eye(d["s"].nunique())[np.unique(d["s"], return_inverse=True)[1]] * np.sqrt(m.design.weights)[:, None]
    P = dense.Hi - dense.Hi @ dense.X @ np.linalg.solve(dense.X.T @ dense.Hi @ dense.X, dense.X.T @ dense.Hi)
    for found, A in ((mu, P), (xi, dense.Hi)):
        wanted = np.linalg.eigvalsh(Z.T @ A @ Z)[::-1]
        assert found == pytest.approx(wanted[: len(found)], rel=1e-9)
        assert np.abs(wanted[len(found) :]).max(initial=0.0) < 1e-9 * wanted[0]


def test_boundary_must_be_known() -> None:
    with pytest.raises(ValueError, match="'mixture' or 'simulate'"):
        mere.ranova(mere.lmer("Yield ~ 1 + (1 | Batch)", datasets.Dyestuff), boundary="exact")


def test_bootstrap_is_reproducible_and_counts() -> None:
    m1 = mere.lmer("Yield ~ 1 + (1 | Batch)", datasets.Dyestuff)
    m0 = mere.lm("Yield ~ 1", datasets.Dyestuff)
    a, b = (mere.PBmodcomp(m1, m0, nsim=60, seed=7) for _ in range(2))
    assert np.array_equal(a.ref, b.ref)
    assert a.test["p.value"]["PBtest"] == (1 + a.extremes) / (1 + a.used)
    assert a.used < 60  # the ratio is zero where the variance is estimated as zero
    again = mere.PBmodcomp(m1, m0, ref=a.ref)
    assert again.test.equals(a.test)


def test_models_and_matrices_agree() -> None:
    m1 = mere.lmer("Reaction ~ Days + I(Days^2) + (1 | Subject)", datasets.sleepstudy)
    m0 = mere.lmer("Reaction ~ 1 + (1 | Subject)", datasets.sleepstudy)
    L = mere.model2restriction_matrix(m1, m0)
    assert L.shape == (2, 3)
    assert np.allclose(mere.KRmodcomp(m1, m0).test, mere.KRmodcomp(m1, L).test, equal_nan=True)
    back = mere.restriction_matrix2model(m1, L)
    assert float(mere.logLik(back, REML=False)) == pytest.approx(float(mere.logLik(m0, REML=False)), abs=1e-6)
    shifted = mere.restriction_matrix2model(mere.refitML(m1), [[0, 0, 1]], rhs=0.5)
    d = datasets.sleepstudy.assign(y=datasets.sleepstudy["Reaction"] - 0.5 * datasets.sleepstudy["Days"] ** 2)
    other = mere.lmer("y ~ Days + (1 | Subject)", d, REML=False)
    assert float(mere.logLik(shifted)) == pytest.approx(float(mere.logLik(other)), abs=1e-6)


# ---- refusals ------------------------------------------------------------------------------


def test_refusals() -> None:
    m = mere.lmer("Reaction ~ Days + (Days | Subject)", datasets.sleepstudy)
    ml = mere.refitML(m)
    with pytest.raises(ValueError, match="fitted by REML"):
        mere.anova(ml, ddf="Kenward-Roger")
    assert mere.KRmodcomp(ml, [[0, 1]]).test["ddf"].iloc[0] == pytest.approx(17, rel=1e-5)
    with pytest.raises(ValueError, match="ddf must be"):
        mere.summary(m, ddf="Welch")
    with pytest.raises(ValueError, match="2 columns"):
        mere.contest(m, [1, 0, 0])
    with pytest.raises(ValueError, match="one linear function"):
        mere.contest1D(m, np.eye(2))
    with pytest.raises(ValueError, match="no term"):
        mere.drop1(m, "Subject")
    with pytest.raises(ValueError, match="no term of factors"):
        mere.ls_means(m, "Days")
    with pytest.raises(ValueError, match="crossed"):
        mere.vcov(mere.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", datasets.Penicillin), type="CR2")
    with pytest.raises(ValueError, match="needs cluster="):
        mere.vcov(mere.lm("Reaction ~ Days", datasets.sleepstudy), type="CR2")
    with pytest.raises(ValueError, match="type must be"):
        mere.vcov(m, type="HC3")
    with pytest.raises(ValueError, match="not nested"):
        mere.KRmodcomp(m, mere.lmer("Reaction ~ I(Days^2) + (1 | Subject)", datasets.sleepstudy))
    with pytest.raises(ValueError, match="random effects"):
        mere.ranova(mere.lm("Reaction ~ Days", datasets.sleepstudy))


@pytest.mark.parametrize(
    ("fit", "kind"),
    [
        (lambda: mere.lm("breaks ~ wool * tension", datasets.warpbreaks), "HC3"),
        (lambda: mere.lm("Reaction ~ Days", datasets.sleepstudy), ("CR2", "Subject")),
        (lambda: mere.glm("breaks ~ wool * tension", datasets.warpbreaks, family="poisson"), "HC1"),
        (
            lambda: mere.glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", datasets.cbpp, "binomial"),
            "CR2",
        ),
        (lambda: mere.lmer("Reaction ~ Days + (Days | Subject)", datasets.sleepstudy), "CR2"),
    ],
)
def test_summaries_and_intervals_take_a_covariance(fit: Any, kind: Any) -> None:
    m = fit()
    p = len(m.beta)
    tests = mere.contest(m, np.eye(p), joint=False, vcov=kind, level=0.9)
    table = mere.summary(m, vcov=kind).coefficients
    np.testing.assert_allclose(table["Std. Error"], tests["Std. Error"], rtol=1e-12)
    np.testing.assert_allclose(table.iloc[:, -1], tests["Pr(>|t|)"], rtol=1e-9)
    limits = mere.confint(m, vcov=kind, level=0.9)
    np.testing.assert_allclose(limits, tests[["lower", "upper"]], rtol=1e-9)
    name = kind if isinstance(kind, str) else kind[0]
    assert name in " ".join(str(mere.summary(m, vcov=kind)).split())
    assert list(mere.confint(m, 1, vcov=kind).index) == [m.design.names[1]]


def test_the_f_statistic_of_a_robust_summary_is_of_all_slopes() -> None:
    m = mere.lm("breaks ~ wool * tension", datasets.warpbreaks)
    F, df1, df2 = mere.summary(m, vcov="HC3").fstatistic
    V = mere.vcov(m, type="HC3").to_numpy()[1:, 1:]
    assert (df1, df2) == (5, 48)
    assert pytest.approx(m.beta[1:] @ np.linalg.solve(V, m.beta[1:]) / 5, rel=1e-10) == F


def test_clusters() -> None:
    d = datasets.sleepstudy.assign(half=lambda x: (x["Subject"].cat.codes // 2).astype(str))
    m = mere.lmer("Reaction ~ Days + (Days | Subject)", d)
    by_name, by_labels = mere.vcov(m, type="CR2", cluster="half"), mere.vcov(m, type="CR2", cluster=d["half"])
    assert np.allclose(by_name, by_labels)
    assert not np.allclose(by_name, mere.vcov(m, type="CR2"))
    assert mere.anova(m, vcov=("CR2", "half")).table["DenDF"].iloc[0] < 9
    with pytest.raises(ValueError, match="several clusters"):
        mere.vcov(m, type="CR2", cluster="Days")
    V = mere.vcov(m, type="CR1").to_numpy()
    assert mere.contest1D(m, [0, 1], vcov=V)["df"].iloc[0] == pytest.approx(17, rel=1e-5)


def test_estimability() -> None:
    with pytest.warns(mere.errors.RankDeficiencyMessage):
        m = mere.lmer("angle ~ recipe * temperature + (1 | recipe:replicate)", table("cake_holes"))
    means = mere.ls_means(m).table
    lost = means.index[means["Estimate"].isna()]
    assert {"recipeB:temperature175", "recipeB:temperature185", "recipeC:temperature225"} <= set(lost)
    assert means.loc["recipeA", "Estimate"] == pytest.approx(mere.ls_means(m).table.loc["recipeA", "Estimate"])
    full = np.eye(len(m.design.names_full))
    t = mere.contest(m, full, joint=False, check_estimability=True)
    assert t["Estimate"].isna().any()
    assert t["Estimate"].notna().any()
    assert mere.anova(m).table["NumDF"].to_list() == [2, 5, 7]


def test_small_pieces() -> None:
    assert moment_df(np.array([np.inf, np.inf])) == np.inf
    assert moment_df(np.array([2.0, 30.0])) == 2.0
    assert np.isnan(moment_df(np.array([])))
    assert orthonormal_rows(np.zeros((2, 3))).shape == (0, 3)
    m = mere.lmer("Reaction ~ Days + (Days | Subject)", datasets.sleepstudy)
    assert reference_of(m) is reference_of(m, "satterthwaite")
    assert mere.as_lmerModLmerTest(m) is m
    nothing = mere.lmer("Reaction ~ 0 + (Days | Subject)", datasets.sleepstudy)
    assert len(mere.summary(nothing).coefficients) == 0
    assert len(mere.anova(nothing).table) == 0
    frame = pd.DataFrame({"Days": [1.0]}, index=["slope"])
    assert list(mere.contest(m, frame, joint=False).index) == ["slope"]


def test_notebooks_and_pickles() -> None:
    import pickle

    m = mere.lmer("angle ~ recipe + temp + (1 | recipe:replicate)", datasets.cake)
    for result in (mere.step(m), mere.KRmodcomp(m, [[0, 1, 0, 0]]), mere.ls_means(m), mere.anova(m), mere.ranova(m)):
        assert "<table" in result._repr_html_()
        assert str(pickle.loads(pickle.dumps(result))) == str(result)
        assert isinstance(result.to_frame(), pd.DataFrame)
    again = pickle.loads(pickle.dumps(m))
    assert str(mere.anova(again)) == str(mere.anova(m))
