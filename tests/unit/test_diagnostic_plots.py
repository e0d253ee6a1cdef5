"""Pictures of models and random effects show the numbers that they say they show."""

import numpy as np
import pytest
from scipy import stats

import mere
from mere.datasets import cbpp, sleepstudy
from mere.errors import MereValueError

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def m():
    return mere.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)


@pytest.fixture(scope="module")
def herds():
    return mere.glmer("cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp, "binomial")


def points(ax):
    """Coordinates of the first set of points."""
    line = next(x for x in ax.lines if x.get_marker() == "o")
    return np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)


def test_residuals_over_fitted_values(m, herds):
    for model in (m, herds, mere.lm("Reaction ~ Days", sleepstudy), mere.glm("Reaction ~ Days", sleepstudy, "Gamma")):
        x, y = points(mere.plot(model).axes[0])
        assert x == pytest.approx(mere.fitted(model).to_numpy())
        assert y == pytest.approx(mere.residuals(model, type="pearson").to_numpy())


def test_formulas(m):
    figure = mere.plot(m, "resid(., type='response', scaled=TRUE) ~ log(Days + 1) | Subject", id=0.05)
    assert [ax.get_title() for ax in figure.axes] == sorted(sleepstudy["Subject"].astype(str).unique())
    x, y = points(figure.axes[0])
    first = (sleepstudy["Subject"].astype(str) == "308").to_numpy()
    assert x == pytest.approx(np.log(sleepstudy["Days"][first] + 1))
    e = mere.residuals(m, type="response", scaled=True).to_numpy()
    assert y == pytest.approx(e[first])
    labelled = [t.get_text() for ax in figure.axes for t in ax.texts]
    assert labelled == [str(i) for i in sleepstudy.index[np.abs(e) > stats.norm.ppf(0.975)]]
    boxes = mere.plot(m, "Subject ~ resid(.)").axes[0]
    assert len(boxes.get_yticklabels()) == 18
    middle = sorted(line.get_xdata()[0] for line in boxes.lines if len(set(line.get_xdata())) == 1)
    assert np.median(mere.residuals(m)[first]) in [pytest.approx(v) for v in middle]


def test_missing_rows_do_not_shift_labels():
    d = sleepstudy.copy()
    d.loc[d.index[2], "Days"] = np.nan
    fit = mere.lmer("Reaction ~ Days + (Days | Subject)", d, na_action="exclude")
    figure = mere.plot(fit, "resid(.) ~ Days", id=0.01)
    e = mere.residuals(fit, type="pearson").dropna() / fit.sigma
    assert [t.get_text() for t in figure.axes[0].texts] == [str(i) for i in e.index[np.abs(e) > stats.norm.ppf(0.995)]]


def test_caterpillars(m):
    r = mere.ranef(m)
    modes = r["Subject"]
    figure = mere.dotplot(r, level=0.9)
    order = np.argsort(modes["(Intercept)"].to_numpy(), kind="stable")
    for ax, name in zip(figure.axes, modes.columns, strict=True):
        x, _ = points(ax)
        assert x == pytest.approx(modes[name].to_numpy()[order])
        assert [t.get_text() for t in ax.get_yticklabels()] == [str(s) for s in modes.index[order]]
        table = r.to_frame()
        sd = table[table["term"] == name]["condsd"].to_numpy()[order]
        ends = np.array([s[:, 0] for s in ax.collections[0].get_segments()])
        assert ends[:, 1] - ends[:, 0] == pytest.approx(2 * stats.norm.ppf(0.95) * sd)
    odds = mere.dotplot(r, transf=np.exp).axes[1]
    assert points(odds)[0] == pytest.approx(np.exp(modes["Days"].to_numpy()[order]))


def test_normal_quantiles(m, herds):
    x, y = points(mere.qqmath(m).axes[0])
    assert x == pytest.approx(stats.norm.ppf((np.arange(180) + 0.5) / 180))
    assert y == pytest.approx(np.sort(mere.residuals(m, scaled=True).to_numpy()))
    x, y = points(mere.qqmath(mere.ranef(herds)).axes[0])
    assert y == pytest.approx(np.sort(mere.ranef(herds)["herd"]["(Intercept)"].to_numpy()))


def test_all_at_once(m, herds):
    titles = [ax.get_title() for ax in mere.check_model(m, 30, seed=1).axes]
    assert titles[-2:] == ["(Intercept) | Subject", "Days | Subject"]
    assert len(titles) == 6
    figure = mere.check_model(herds, 30, seed=1)
    assert "(Intercept) | herd" in [ax.get_title() for ax in figure.axes]
    several = mere.lm("Reaction ~ Days + Subject", sleepstudy)
    bars = next(ax for ax in mere.check_model(several, 30, seed=1).axes if "collinear" in ax.get_title())
    widths = [p.get_width() for p in bars.patches]
    assert widths == pytest.approx((mere.vif(several)["GVIF^(1/(2*Df))"] ** 2).tolist())
    s = mere.simulate_residuals(herds, 30, seed=1)
    _, y = points(mere.plot(s).axes[0])
    assert y == pytest.approx(np.sort(s.scaled.to_numpy()))


def test_bad_arguments(m):
    for form, message in (("resid(.)", "form must be"), ("resid(.) ~ zzz", "zzz"), ("Subject ~ Subject", "numeric")):
        with pytest.raises(MereValueError, match=message):
            mere.plot(m, form)
    with pytest.raises(MereValueError, match="between 0 and 1"):
        mere.plot(m, id=2)
    with pytest.raises(MereValueError, match="between 0 and 1"):
        mere.dotplot(mere.ranef(m), level=95)


def test_expressions_of_residuals(m):
    points = mere.plot(m, "sqrt(abs(resid(., scaled = TRUE))) ~ fitted(.) + Days").axes[0].lines[0]
    np.testing.assert_allclose(points.get_ydata(), np.sqrt(abs(mere.residuals(m, scaled=True))))
    np.testing.assert_allclose(points.get_xdata(), mere.fitted(m) + sleepstudy["Days"])


def test_lines_of_a_plot(m):
    slope = mere.plot(m, "Reaction ~ fitted(.)", abline=[3.0, 2.0]).axes[0].lines[-1]
    assert slope.get_xy1() == (0.0, 3.0) and slope.get_slope() == 2.0
    drawn = mere.plot(m, "Reaction ~ fitted(.)", abline=None, type=["p", "r", "smooth"]).axes[0].lines
    x, y = mere.fitted(m).to_numpy(), sleepstudy["Reaction"].to_numpy()
    assert len(drawn) == 3
    assert drawn[1].get_slope() == pytest.approx(np.polyfit(x, y, 1)[0])
    assert len(drawn[2].get_xdata()) < len(x)
    with pytest.raises(MereValueError, match="type must be"):
        mere.plot(m, type="circles")


def test_labels_of_normal_quantiles(m):
    far = abs(mere.residuals(m, scaled=True)) > stats.norm.ppf(0.975)
    shown = {t.get_text() for t in mere.qqmath(m, id=0.05).axes[0].texts}
    assert shown == {str(i) for i in np.flatnonzero(far)}


def test_tables_of_means():
    k = mere.lmer("angle ~ recipe + (1 | recipe:replicate)", mere.datasets.cake)
    (panel,) = mere.plot(mere.ls_means(k), "recipe")
    np.testing.assert_allclose(panel.lines[0].get_xdata(), mere.ls_means(k).table["Estimate"])
    assert len(mere.plot(mere.step(k, keep="recipe"), pairwise=True)[0].lines[0].get_xdata()) == 3
    with pytest.raises(MereValueError, match="no term 'temp'"):
        mere.plot(mere.ls_means(k), which="temp")


def test_logarithm_of_sigma_alone():
    p = mere.profile(mere.lmer("Yield ~ 1 + (1 | Batch)", mere.datasets.Dyestuff, REML=False))
    one = mere.logProf(p, ranef=False)
    assert one.names[:2] == (p.names[0], "log_sigma")
    np.testing.assert_allclose(mere.confint(one).iloc[1], np.log(mere.confint(p).iloc[1]), rtol=1e-6)
    np.testing.assert_allclose(mere.confint(one).iloc[0], mere.confint(p).iloc[0])
