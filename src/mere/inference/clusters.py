"""Which rows belong together: clusters of a design, by its grouping factors, a column or labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from ..design import Design
from ..errors import MereValueError
from ..frame import as_frame

__all__ = ["cluster_codes", "cluster_rows", "group_codes", "is_nested", "outer_group", "row_labels_of"]


def group_codes(design: Design) -> dict[str, np.ndarray]:
    """The level of each row in each grouping factor."""
    return {term.group: np.asarray(term.codes) for term in design.random}


def is_nested(inner: np.ndarray, outer: np.ndarray) -> bool:
    """Is each level of `inner` in one level of `outer`?

    Examples
    --------
    >>> is_nested(np.array([0, 0, 1, 2]), np.array([0, 0, 0, 1])), is_nested(np.array([0, 1]), np.array([0, 0]))
    (True, True)
    >>> is_nested(np.array([0, 0]), np.array([0, 1]))
    False
    """
    first = np.zeros(inner.max(initial=-1) + 1, dtype=outer.dtype)
    first[inner] = outer
    return bool((first[inner] == outer).all())


def outer_group(groups: dict[str, np.ndarray]) -> str | None:
    """The factor that all others are nested in, the one with fewest levels; None where factors are crossed."""
    outer = [name for name, codes in groups.items() if all(is_nested(other, codes) for other in groups.values())]
    return min(outer, key=lambda name: groups[name].max()) if outer else None


def cluster_codes(design: Design, data: Any, cluster: Any = None, name: str = "cluster") -> np.ndarray:
    """The cluster of each row as a number.

    Parameters
    ----------
    design : Design
    data : table
        Where columns are looked up.
    cluster : str or array, optional
        A grouping factor, a column of the data, or labels of the rows; by default the grouping factor that all others
        are nested in.
    name : str
        Of the argument, for errors.
    """
    groups = group_codes(design)
    if cluster is None:
        if not groups:
            raise MereValueError(f"a model without grouping factors needs {name}=, a column or labels of the rows")
        outer = outer_group(groups)
        if outer is None:
            raise MereValueError(
                f"the grouping factors {', '.join(groups)} are crossed: no one of them makes independent clusters; "
                f"give {name}="
            )
        return groups[outer]
    if isinstance(cluster, str):
        codes = groups[cluster] if cluster in groups else _column(design, data, cluster, name)
    else:
        codes = row_labels_of(design, cluster, name)[0]
    for group, own in groups.items():
        if not is_nested(own, codes):
            raise MereValueError(f"levels of {group} are in several clusters: clusters must be independent")
    return codes


def cluster_rows(codes: np.ndarray) -> Iterator[np.ndarray]:
    """Rows of each cluster, by increasing code."""
    order = np.argsort(codes, kind="stable")
    ends = np.flatnonzero(np.diff(codes[order], append=codes.max() + 1)) + 1
    start = 0
    for end in ends.tolist():
        yield order[start:end]
        start = end


def _column(design: Design, data: Any, column: str, name: str) -> np.ndarray:
    if data is None:
        raise MereValueError(
            f"the model keeps no data, so {name}={column!r} cannot be looked up: give labels of the rows"
        )
    table = as_frame(data)
    if column not in table:
        raise MereValueError(f"{name}={column!r} is neither a grouping factor of the model nor a column of the data")
    codes = np.asarray(table.factor(column).codes)
    rows = design.frame.rows
    codes = codes if rows is None else codes[rows]
    if (codes < 0).any():
        raise MereValueError(f"{name}={column!r} has missing values")
    return codes


def row_labels_of(design: Design, labels: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Labels of the rows of a model, or of those of its data, as codes and what they stand for."""
    values, n = np.asarray(labels), len(design.y)
    if values.ndim != 1:
        raise MereValueError(
            f"{name} must be the name of a column or one label for each of {n} rows, not of shape {values.shape}"
        )
    rows = design.frame.rows
    if rows is not None and len(values) == design.frame.nrow:
        values = values[rows]
    if len(values) != n:
        raise MereValueError(f"{name} needs {n} labels, one a row, not {len(values)}")
    codes, known = pd.factorize(values)
    if (codes < 0).any():
        raise MereValueError(f"{name} has {(codes < 0).sum()} missing labels")
    return np.asarray(codes), np.asarray(known)
