"""Draw the pictures of docs/: python tools/draw_pictures.py"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt

import mere
from mere.datasets import grouseticks, sleepstudy

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"


def draw_sleepstudy() -> None:
    """Each person's data, the fitted line, and that of the population."""
    m = mere.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    lines = sleepstudy.assign(own=mere.fitted(m), general=mere.predict(m, sleepstudy, re_form=False))
    figure, panels = plt.subplots(3, 6, figsize=(10, 5), sharex=True, sharey=True, layout="constrained")
    for panel, (subject, rows) in zip(panels.flat, lines.groupby("Subject", observed=True), strict=True):
        panel.plot(rows["Days"], rows["Reaction"], "o", markersize=3, color="0.4")
        panel.plot(rows["Days"], rows["own"], color="C0")
        panel.plot(rows["Days"], rows["general"], color="C1", linestyle="--", linewidth=1)
        panel.set_title(subject, fontsize=9)
    figure.supxlabel("Days")
    figure.supylabel("Reaction (ms)")
    figure.savefig(PICTURES / "sleepstudy.png", dpi=80)


def main() -> None:
    draw_sleepstudy()
    m = mere.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy, REML=False)
    profile = mere.profile(m)
    mere.plot(profile, absVal=True).savefig(PICTURES / "profile_zeta.png", dpi=80)
    mere.densityplot(profile).savefig(PICTURES / "profile_density.png", dpi=80)
    mere.splom(profile, "theta_").savefig(PICTURES / "profile_pairs.png", dpi=80)
    mere.plot(mere.bootMer(m, nsim=2000, seed=1)).savefig(PICTURES / "bootstrap.png", dpi=80)
    m = mere.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    mere.check_model(m, seed=1).savefig(PICTURES / "check_model.png", dpi=80)
    mere.dotplot(mere.ranef(m)).savefig(PICTURES / "dotplot.png", dpi=80)
    ticks = mere.glmer("TICKS ~ YEAR + cHEIGHT + (1 | BROOD)", grouseticks, "poisson")
    mere.plot(mere.simulate_residuals(ticks, seed=1)).savefig(PICTURES / "simulated_residuals.png", dpi=80)


if __name__ == "__main__":
    main()
