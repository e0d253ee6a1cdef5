"""Fit the sleepstudy data, print what R would print, and draw the fitted lines."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

import mere

data = mere.datasets.sleepstudy
model = mere.lmer("Reaction ~ Days + (Days | Subject)", data)
print(mere.summary(model))
print()
print(mere.confint(model, method="Wald"))

figure, panels = plt.subplots(3, 6, figsize=(11, 6), sharex=True, sharey=True, layout="constrained")
fitted = data.assign(fitted=mere.fitted(model))
for panel, (subject, rows) in zip(panels.flat, fitted.groupby("Subject", observed=True)):
    panel.plot(rows["Days"], rows["Reaction"], "o", markersize=3)
    panel.plot(rows["Days"], rows["fitted"])
    panel.set_title(subject, fontsize=9)
figure.supxlabel("Days of sleep deprivation")
figure.supylabel("Reaction time (ms)")

picture = Path(__file__).resolve().parent.parent / "build" / "sleepstudy.png"
picture.parent.mkdir(exist_ok=True)
figure.savefig(picture)
print(f"\nPicture: {picture}")
