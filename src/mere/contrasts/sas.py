"""SAS coding: treatment coding with the last level as base."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .treatment import treatment

__all__ = ["sas"]


def sas(levels: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """R's ``contr.SAS``.

    Examples
    --------
    >>> sas(["a", "b", "c"])[1]
    ('a', 'b')
    """
    return treatment(levels, base=len(levels))
