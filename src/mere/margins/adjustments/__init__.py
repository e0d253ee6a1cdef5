"""Adjustments of p-values and intervals for several tests, one kind a file, registered by name."""

from __future__ import annotations

from ...errors import MereValueError
from . import dunnett, mvt, scheffe, single, stepwise, tukey
from .adjusting import Adjustment, Family

__all__ = ["ADJUSTMENTS", "Adjustment", "Family", "find_adjustment"]

ADJUSTMENTS: dict[str, Adjustment] = {
    "none": single.NONE,
    "bonferroni": single.BONFERRONI,
    "sidak": single.SIDAK,
    "tukey": tukey.TUKEY,
    "scheffe": scheffe.SCHEFFE,
    "dunnettx": dunnett.DUNNETTX,
    "mvt": mvt.MVT,
    "holm": stepwise.HOLM,
    "hochberg": stepwise.HOCHBERG,
    "hommel": stepwise.HOMMEL,
    "BH": stepwise.BH,
    "BY": stepwise.BY,
    "fdr": stepwise.FDR,
}


def find_adjustment(name: str) -> Adjustment:
    """An adjustment by its name, or the beginning of it.

    Examples
    --------
    >>> find_adjustment("bonf").name
    'bonferroni'
    """
    if name in ADJUSTMENTS:
        return ADJUSTMENTS[name]
    found = [key for key in ADJUSTMENTS if key.lower().startswith(name.lower())]
    if len(found) != 1:
        raise MereValueError(f"there is no adjustment {name!r}; there are {', '.join(ADJUSTMENTS)}")
    return ADJUSTMENTS[found[0]]
