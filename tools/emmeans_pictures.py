"""The pictures of docs/emmeans.md: ``python tools/emmeans_pictures.py``."""

from __future__ import annotations

import warnings
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from mere import emmeans, emmip, lm, plot, pwpp
from mere.datasets import warpbreaks

HERE = Path(__file__).resolve().parent.parent / "docs" / "pictures"


def save(axes: object, name: str) -> None:
    """Save the figure that axes belong to."""
    figure = plt.gcf()
    figure.set_size_inches(6, 3.4)
    figure.savefig(HERE / name, dpi=90)
    plt.close(figure)


def main() -> None:
    """Draw all three."""
    warnings.simplefilter("ignore")
    warp = lm("breaks ~ wool * tension", warpbreaks)
    save(plot(emmeans(warp, "~ tension | wool"), comparisons=True), "emmeans_means.png")
    save(emmip(warp, "wool ~ tension", CIs=True), "emmeans_interaction.png")
    save(pwpp(emmeans(lm("breaks ~ tension", warpbreaks), "tension")), "emmeans_pvalues.png")


if __name__ == "__main__":
    main()
