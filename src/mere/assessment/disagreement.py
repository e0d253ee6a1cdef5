"""Where a permutation test and the test of the model decide differently."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import generics as g
from ..errors import MereValueError
from ..inference.permutation.results import PermutationTest

__all__ = ["decisions"]


def decisions(
    p: np.ndarray, low: np.ndarray, high: np.ndarray, model: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Do two p-values decide differently at a level, and would they with any number of arrangements?

    Examples
    --------
    >>> decisions(np.array([0.2]), np.array([0.04]), np.array([0.3]), np.array([0.03]), 0.05)
    (array([ True]), array([False]))
    """
    differ = (p <= level) != (model <= level)
    return differ, differ & np.where(model <= level, low > level, high <= level)


@g.check_divergence.register(PermutationTest)
def _divergence(test: PermutationTest, level: float = 0.05) -> pd.DataFrame:
    if not 0 < level < 1:
        raise MereValueError(f"level must be between 0 and 1, not {level!r}")
    table = test.table[test.table["p.value"].notna()]
    p, low, high, model = (table[name].to_numpy(float) for name in ("p.value", "p.low", "p.high", "p.classical"))
    differ, certain = decisions(p, low, high, model, level)
    with np.errstate(divide="ignore"):
        columns = {"p.value": p, "p.classical": model, "ratio": p / model, "diverges": differ, "certain": certain}
    return pd.DataFrame(columns, table.index)
