"""The pictures draw, and what they show is what was computed."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

import mere
from mere.datasets import Dyestuff2, sleepstudy
from mere.profile_plots import contour, density


@pytest.fixture(scope="module")
def profile():
    return mere.profile(mere.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, REML=False))


@pytest.mark.parametrize("picture", [mere.plot, mere.densityplot, mere.splom])
def test_profiles_draw(profile, picture, tmp_path):
    figure = picture(profile)
    figure.savefig(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 5000
    assert len(picture(profile, ["sigma", "Days"]).axes) == (4 if picture is mere.splom else 2)


def test_profiles_at_a_bound_draw(tmp_path):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        p = mere.profile(mere.lmer("Yield ~ 1 + (1 | Batch)", Dyestuff2, REML=False))
    for picture in (mere.plot, mere.densityplot, mere.splom):
        picture(p).savefig(tmp_path / "picture.png")


def test_zeta_and_its_intervals(profile):
    ax = mere.plot(profile, "Days", conf=[0.95]).axes[0]
    curve, low, high = ax.lines[:3]
    assert np.interp(0.0, curve.get_ydata(), curve.get_xdata()) == pytest.approx(10.467, abs=1e-2)
    got = [low.get_xdata()[0], high.get_xdata()[0]]
    np.testing.assert_allclose(got, profile.confint("Days").iloc[0])


def test_densities_integrate_to_one(profile):
    for name in ("sigma", "Days", "sd_Days|Subject"):
        x, f = density(profile[name])
        assert np.trapezoid(f, x) == pytest.approx(1.0, abs=5e-3)


def test_contours_of_a_quadratic_are_ellipses():
    """With correlation r the traces are straight, zeta_j = r zeta_i, and the contour is an ellipse."""
    r, cut = 0.6, 1.5
    x, y = contour(cut, (-r * cut, r * cut), (-r * cut, r * cut))
    np.testing.assert_allclose((x**2 - 2 * r * x * y + y**2) / (1 - r**2), cut**2, rtol=1e-8)


def test_a_bootstrap_draws(tmp_path):
    b = mere.bootMer(mere.lmer("Reaction ~ Days + (1 | Subject)", sleepstudy), nsim=100, seed=1)
    figure = mere.plot(b)
    assert len(figure.axes) == 4
    figure.savefig(tmp_path / "picture.png")
    assert len(b.plot("Days", type="norm").axes) == 1
