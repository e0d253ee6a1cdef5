"""The result of a permutation test."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from ... import generics as g
from ...errors import MereStateError
from .pvalues import step_down

__all__ = ["PermutationTest"]


@dataclass(frozen=True, eq=False)
class PermutationTest:
    """Permutation tests of terms.

    Attributes
    ----------
    table : DataFrame
        A row a term: ``estimate, std.error, statistic, df, n_perm, p.value``, the Clopper-Pearson interval ``p.low,
        p.high`` of the p-value that all arrangements would give and its Monte-Carlo error ``p.se`` = sqrt(p (1 - p) /
        (n_perm + 1)), the limits of the estimate by inverting the test
        (``conf.low, conf.high``), and ``p.classical`` of the model's own test. NaN for confounders.
    draws : DataFrame or None
        The statistic under each arrangement, a column a term.
    method, strategy, statistic, alternative : str
    exact : bool
        Were all arrangements used?
    null, symmetry, approximation : str
        What is tested, what is taken to be exchangeable, and what is approximate about it.
    seed : int
    conf_level : float
    stop : int or None
        A term's draws ended with so many as large as observed; those after them are NaN.
    phi : DataFrame or None
        The autoregression of the errors, a row a term: of its null fit.
    """

    table: pd.DataFrame
    draws: pd.DataFrame | None
    method: str
    strategy: str
    statistic: str
    alternative: str
    exact: bool
    null: str
    symmetry: str
    approximation: str
    seed: int
    conf_level: float
    formula: str
    stop: int | None = None
    phi: pd.DataFrame | None = None

    def to_frame(self) -> pd.DataFrame:
        """The table."""
        return self.table.copy()

    @property
    def borderline(self) -> pd.DataFrame:
        """Terms whose p-value could be on the other side of .05, .01 or .001, and how many draws would tell."""
        return self.table.loc[self.table["level"].notna(), ["p.value", "p.low", "p.high", "level", "recommended"]]

    @property
    def adjusted(self) -> pd.Series:
        """p-values of the tested terms that hold for all of them together: Westfall and Young's step-down minima.

        All terms share their arrangements, so that the draws know how their statistics go together. Confounders are not
        counted.
        """
        if self.draws is None or self.stop is not None:
            raise MereStateError("adjusted p-values need the draws of all terms: leave out save_draws=False and stop=")
        tested = self.table.loc[list(self.draws.columns)]
        sides = ["greater" if df > 1 else self.alternative for df in tested["df"]]
        values = np.vstack([tested["statistic"].to_numpy(float), self.draws.to_numpy()])
        return pd.Series(step_down(values, sides), self.draws.columns, name="p.adjusted")

    def to_dict(self) -> dict[str, Any]:
        """Everything but the draws, as plain numbers and text."""
        rows = {
            str(term): {k: None if pd.isna(v) else float(v) for k, v in row.items()}
            for term, row in self.table.drop(columns="label").iterrows()
        }
        about = {
            name: getattr(self, name)
            for name in (
                "method", "strategy", "statistic", "alternative", "exact", "null", "symmetry", "approximation", "seed",
                "conf_level", "formula", "stop",
            )
        }  # fmt: skip
        return {"terms": rows, **about}

    def to_json(self) -> str:
        """`to_dict` as JSON."""
        return json.dumps(self.to_dict())

    def __repr__(self) -> str:
        return g.to_text(self)

    def _repr_html_(self) -> str:
        return g.to_html(self)


@g.to_text.register(PermutationTest)
def _text(t: PermutationTest, digits: int = 4) -> str:
    table = t.table
    shown = pd.DataFrame(
        {
            "estimate": [_number(x, digits) for x in table["estimate"]],
            "statistic": [_number(x, digits) for x in table["statistic"]],
            "n_perm": [f"{int(x)}" if x == x else "" for x in table["n_perm"]],
            "p (perm)": [_p(p) + _stars(p) for p in table["p.value"]],
            "95% of p": [_range(*both) for both in zip(table["p.low"], table["p.high"], strict=True)],
            "p (model)": [_p(p) + _stars(p) for p in table["p.classical"]],
        },
        index=[
            f"{term} (confounder)" if label == "confounder" else str(term) for term, label in table["label"].items()
        ],
    )
    kind = "all arrangements" if t.exact else "random arrangements"
    lines = [
        f"Permutation test ({t.method}, {t.strategy}; {kind}, seed {t.seed})",
        f"Model: {t.formula}",
        "",
        shown.to_string(),
        "---",
        "Signif. codes:  0 '***' 0.001 '**' 0.01 '*' 0.05 '.' 0.1 ' ' 1",
        f"Null: {t.null}",
        f"Symmetry: {t.symmetry}",
        f"Approximation: {t.approximation}",
    ]
    if t.phi is not None:
        each = "; ".join(", ".join(f"{x:.3g}" for x in row) for row in t.phi.drop_duplicates().to_numpy())
        lines.append(f"Autoregression of errors within panels: {each}")
    if t.stop is not None:
        lines.append(f"Stopping: a term's draws end with {t.stop} as large as observed")
    for term, row in t.borderline.iterrows():
        lines.append(
            f"{term}: p is borderline at {row['level']:g}; about {int(row['recommended']):,} arrangements would tell"
        )
    return "\n".join(lines)


def _number(x: float, digits: int) -> str:
    return "" if x != x else f"{x:.{digits}g}"


def _p(p: float) -> str:
    return "" if p != p else "<.0001" if p < 1e-4 else f"{p:.4f}"


def _range(low: float, high: float) -> str:
    return "" if low != low else f"{_p(low)}-{_p(high)}"


def _stars(p: float) -> str:
    limits = ((0.001, "***"), (0.01, "**"), (0.05, "*"), (0.1, "."))
    return next((stars for limit, stars in limits if p <= limit), "")


@g.to_html.register(PermutationTest)
def _html(t: PermutationTest) -> str:
    return f"<pre>{escape(_text(t))}</pre>"
