"""Draw the pictures of docs/: python tools/draw_pictures.py"""

from __future__ import annotations

from pathlib import Path

import mere
from mere.datasets import grouseticks, sleepstudy

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"


def main() -> None:
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
