"""Contrast sets: one function a family, registered by name.

A family is a function of the labels of k means (and options) that returns a `ContrastSet`: m
names, an m x k matrix of coefficients, the default adjustment, and whether the set is the
pairwise comparisons. A function of your own may also return a mapping or frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import numpy as np
import pandas as pd

from ...errors import MereTypeError, MereValueError
from . import control, effects, pairwise, polynomial, sequence
from .made import ContrastSet, from_table

__all__ = ["CONTRAST_SETS", "ContrastSet", "contrast_set", "method_name"]

CONTRAST_SETS: dict[str, Callable[..., ContrastSet]] = {
    "pairwise": pairwise.pairwise,
    "tukey": pairwise.tukey,
    "revpairwise": pairwise.revpairwise,
    "trt.vs.ctrl": control.treatment_control,
    "trt.vs.ctrl1": control.first_control,
    "trt.vs.ctrlk": control.last_control,
    "dunnett": control.treatment_control,
    "eff": effects.effects,
    "del.eff": effects.deleted_effects,
    "wtcon": effects.weighted,
    "nrmlz": effects.normalized,
    "identity": effects.identity,
    "consec": sequence.consecutive,
    "mean_chg": sequence.mean_change,
    "helmert": sequence.helmert,
    "poly": polynomial.integer_polynomials,
    "opoly": polynomial.orthonormal_polynomials,
}


def method_name(method: Any) -> str:
    """What to call the contrasts."""
    if isinstance(method, str):
        return method
    return getattr(method, "__name__", "custom") if callable(method) else "custom"


def contrast_set(method: Any, labels: list[str], weights: np.ndarray, **options: Any) -> ContrastSet:
    """The contrasts of some means by a method.

    Parameters
    ----------
    method : str, mapping, sequence, DataFrame or callable
        A name of `CONTRAST_SETS`; names to coefficients; or a function of the labels.
    labels : list of str
    weights : (k,) array
        Of the means, for the sets that use them.
    **options
        For the set: ``reverse``, ``ref``, ``exclude``, ``include``, ``max_degree``, ``scores`` ...

    Examples
    --------
    >>> contrast_set("consec", ["a", "b", "c"], np.ones(3)).names
    ('b - a', 'c - b')
    """
    if isinstance(method, str):
        key = method.replace("_", ".") if method.replace("_", ".") in CONTRAST_SETS else method
        if key not in CONTRAST_SETS:
            raise MereValueError(f"there is no contrast set {method!r}; there are {', '.join(CONTRAST_SETS)}")
        if key in ("eff", "wtcon", "del.eff", "nrmlz") and options.pop("wts_cells", False):
            options.setdefault("wts", weights)
        return CONTRAST_SETS[key](labels, **_own_options(key, options))
    if callable(method):
        made = method(labels, **options)
        return made if isinstance(made, ContrastSet) else from_table(made, labels)
    if isinstance(method, (Mapping, pd.DataFrame, list, tuple, np.ndarray)):
        return from_table(method, labels)
    raise MereTypeError(f"method must be a name, a mapping, a matrix or a function, not {method!r}")


def _own_options(key: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a set; those of other sets are left out, so that several sets can be asked for at once."""
    if any(q.kind is q.VAR_KEYWORD for q in signature(CONTRAST_SETS[key]).parameters.values()):
        return dict(options)
    known = {name for made in CONTRAST_SETS.values() for name in signature(made).parameters}
    for name in options:
        if name not in known:
            raise MereTypeError(f"no contrast set has an argument {name!r}")
    return {name: value for name, value in options.items() if name in signature(CONTRAST_SETS[key]).parameters}
