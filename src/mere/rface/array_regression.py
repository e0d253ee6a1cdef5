"""`permutation_test_regression`: arrays in, a permutation test of each column out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .. import generics as g
from ..arguments import check_flags
from ..errors import DataMessage, MereValueError, tell
from ..families import negative_binomial
from ..inference.permutation.categorical import permute_classes
from ..inference.permutation.results import PermutationTest
from ..negative_binomial_size import likelihood_size, moment_size
from .generalized import glm, glmer, glmer_nb
from .linear import lm
from .mixed import lmer

__all__ = ["permutation_test_regression"]

_FAMILIES = {
    "linear": "gaussian", "gaussian": "gaussian", "logistic": "binomial", "binomial": "binomial", "poisson": "poisson",
    "negative_binomial": "negative_binomial",
}  # fmt: skip
_TURNS = 50
_CLASSES = ("ordinal", "multinomial")


def permutation_test_regression(
    X: Any,
    y: Any,
    family: str = "auto",
    groups: Any = None,
    method: str | None = None,
    confounders: Sequence[str] | str | None = None,
    random_slopes: Sequence[str] | str | None = None,
    n_perm: int = 5000,
    strategy: str | None = None,
    joint: bool = False,
    alternative: str = "two-sided",
    conf_level: float = 0.95,
    panel_id: Any = None,
    time_id: Any = None,
    constraints: Callable[[np.ndarray], np.ndarray] | None = None,
    fit_intercept: bool = True,
    errors: str = "iid",
    stop: int | None = None,
    seed: Any = None,
    ncpus: int | None = 1,
) -> PermutationTest:
    """Permutation tests of the columns of a matrix.

    Parameters
    ----------
    X : DataFrame or array (n, p)
        Numbers; columns of an array are ``x1, x2, ...``.
    y : array (n,)
    family : str
        ``"linear"``, ``"logistic"``, ``"poisson"``, ``"negative_binomial"``, or with ``_mixed`` random intercepts of
        the groups; ``"auto"``: logistic for zeros and ones, else linear. ``"ordinal"`` (proportional odds; y numbers or
        an ordered categorical) and ``"multinomial"`` (logits against the first class) compare likelihoods.
    groups : array (n,) or (n, k), DataFrame or mapping, optional
        Of a mixed family the grouping factors, any number of them, crossed or nested. Else exchangeability cells.
    method : str, optional
        As in `permutation_test`, by default ``"score"``; of classes ``"kennedy"`` (default) or ``"manly"``.
    confounders, n_perm, joint, alternative, conf_level, constraints, errors, stop, seed, ncpus
        As in `permutation_test`.
    random_slopes : str or list of str, optional
        Columns whose slopes vary between the levels of the first grouping factor (mixed families).
    strategy : str, optional
        With cells, ``"within"`` by default. The one factor of a mixed family makes the cells of a strategy.
    panel_id : array (n,), optional
        The same as ``groups``, with ``strategy="within"`` where these are cells; ``errors="ar1"`` are those of panels.
    time_id : array (n,), optional
        Of a panel: tells when rows are not sorted within it or panels differ in length.
    fit_intercept : bool

    Returns
    -------
    PermutationTest

    Examples
    --------
    >>> import numpy as np
    >>> from mere import permutation_test_regression
    >>> rng = np.random.default_rng(1)
    >>> X = rng.normal(size=(40, 2))
    >>> t = permutation_test_regression(X, X[:, 0] + rng.normal(size=40), n_perm=999, seed=1)
    >>> bool(t.table.loc["x1", "p.value"] < 0.01)
    True
    """
    data = _columns(X)
    n = len(data)
    check_flags(fit_intercept=fit_intercept)
    if panel_id is not None:
        if groups is not None:
            raise MereValueError(
                "give panel_id= or groups=, not both: a panel is a group whose rows change places within it"
            )
        groups = panel_id
        _check_times(np.asarray(panel_id), time_id)
    elif time_id is not None:
        raise MereValueError("time_id= needs panel_id=")
    if family in _CLASSES:
        if errors != "iid" or random_slopes or not fit_intercept:
            raise MereValueError(f"family={family!r} takes no errors=, random_slopes= or fit_intercept=False")
        classes, levels = _classes(y, n, family)
        return permute_classes(
            data, classes, levels, family, method or "kennedy", confounders,
            None if groups is None else _crossed(_factors(groups, n)), strategy, n_perm, joint, alternative, conf_level,
            constraints, stop, seed, ncpus,
        )  # fmt: skip
    response, kind, mixed = _response(y, n, family)
    if panel_id is not None and not mixed:
        strategy = strategy or "within"
    if errors != "iid" and panel_id is None:
        raise MereValueError(f"errors={errors!r} needs panel_id=")
    given = () if random_slopes is None else random_slopes
    slopes: list[Any] = list(given) if isinstance(given, (list, tuple)) else [given]
    formula, table, cells = _model(data, response, groups, mixed, slopes, fit_intercept, strategy)
    serial = {} if errors == "iid" else {"errors": errors, "panels": np.asarray(panel_id), "times": time_id}
    return g.permutation_test(  # type: ignore[no-any-return]
        _fitted(formula, table, kind, mixed), confounders=confounders, method=method or "score", cells=cells,
        strategy=strategy, n_perm=n_perm, joint=joint, alternative=alternative, conf_level=conf_level,
        constraints=constraints, stop=stop, seed=seed, ncpus=ncpus, **serial,
    )  # fmt: skip


def _model(
    data: pd.DataFrame,
    response: np.ndarray,
    groups: Any,
    mixed: bool,
    slopes: Sequence[str],
    intercept: bool,
    strategy: str | None,
) -> tuple[str, pd.DataFrame, list[str] | None]:
    """Formula, table, and the names of the cells."""
    for name in slopes:
        if name not in data:
            known = ", ".join(data.columns)
            raise MereValueError(f"random_slopes has {name!r}, which is no column of X; there are {known}")
    formula = "response ~ " + " + ".join(["1" if intercept else "0", *(f"`{name}`" for name in data)])
    table, cells = data.assign(response=response), None
    if groups is not None:
        factors = _factors(groups, len(data))
        table = table.assign(**factors)
        if mixed:
            first, *rest = factors
            if strategy not in (None, "global"):
                if rest:
                    raise MereValueError(
                        f"strategy={strategy!r} permutes within the levels of one factor, and groups has "
                        f"{len(factors)}: leave it out, as rows are made independent of all of them"
                    )
                cells = [first]
            inside = " + ".join(["1", *(f"`{s}`" for s in slopes)])
            formula += f" + ({inside} | {first})" + "".join(f" + (1 | {name})" for name in rest)
        else:
            cells = list(factors)
    elif mixed or strategy not in (None, "global"):
        raise MereValueError(f"{'a mixed family' if mixed else f'strategy={strategy!r}'} needs groups=")
    if slopes and not mixed:
        raise MereValueError("random_slopes= are for the mixed families, such as family='linear_mixed'")
    return formula, table, cells


def _columns(X: Any) -> pd.DataFrame:
    if isinstance(X, pd.DataFrame):
        data = X.reset_index(drop=True).copy()
    else:
        try:
            values = np.asarray(X)
        except ValueError:
            raise MereValueError("X: its rows have different lengths") from None
        if values.ndim != 2:
            raise MereValueError(f"X must be a matrix with a column a predictor, not of shape {values.shape}")
        data = pd.DataFrame(values, columns=[f"x{j + 1}" for j in range(values.shape[1])])
    if not data.shape[1] or not len(data):
        raise MereValueError("X has no columns or no rows")
    data.columns = [str(c) for c in data.columns]
    for name in data:
        if "`" in name:
            raise MereValueError(f"X: the name {name!r} of a column has a backquote, which a formula cannot hold")
        try:
            column = data[name].to_numpy(dtype=float)
        except (TypeError, ValueError):
            raise MereValueError(f"X: column {name!r} is not of numbers") from None
        if not np.isfinite(column).all():
            raise MereValueError(f"X: column {name!r} has missing or infinite values")
        if np.ptp(column) == 0:
            raise MereValueError(f"X: column {name!r} is constant: leave it out")
        data[name] = column
    return data


def _response(y: Any, n: int, family: str) -> tuple[np.ndarray, str, bool]:
    """The response, the family's name, and whether it is mixed."""
    try:
        values = np.asarray(y, dtype=float).ravel()
    except (TypeError, ValueError):
        raise MereValueError("y is not of numbers") from None
    if not isinstance(family, str):
        raise MereValueError(f"family must be a name such as 'linear' or 'poisson_mixed', not {family!r}")
    if len(values) != n:
        raise MereValueError(f"y has {len(values)} values, X {n} rows")
    if not np.isfinite(values).all():
        raise MereValueError("y has missing or infinite values")
    if np.ptp(values) == 0:
        raise MereValueError("y is constant: there is nothing to test")
    binary = bool(np.isin(values, (0.0, 1.0)).all())
    name, mixed = family.removesuffix("_mixed"), family.endswith("_mixed")
    if name == "auto":
        name = "logistic" if binary else "linear"
    if name in _CLASSES:
        raise MereValueError(f"family={family!r}: classes have no mixed model here; give groups= as cells to {name!r}")
    if name not in _FAMILIES:
        known = ", ".join(map(repr, (*_FAMILIES, *_CLASSES)))
        raise MereValueError(f"family must be 'auto' or one of {known}, perhaps with '_mixed', not {family!r}")
    kind = _FAMILIES[name]
    if kind == "binomial" and not binary:
        raise MereValueError("y: a logistic model needs zeros and ones")
    if kind in ("poisson", "negative_binomial") and ((values < 0).any() or (values != np.round(values)).any()):
        raise MereValueError(f"y: a {name} model needs counts, whole numbers from zero")
    return values, kind, mixed


def _classes(y: Any, n: int, family: str) -> tuple[np.ndarray, int]:
    """Classes as 0, 1, ..., and how many."""
    if np.ndim(y) != 1:
        raise MereValueError(f"y must be one value a row, not of shape {np.shape(y)}")
    values = pd.Series(y).reset_index(drop=True)
    if len(values) != n:
        raise MereValueError(f"y has {len(values)} values, X {n} rows")
    if values.isna().any():
        raise MereValueError("y has missing values")
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.cat.remove_unused_categories()
        ordered, codes, levels = values.cat.ordered, values.cat.codes.to_numpy(int), len(values.cat.categories)
    else:
        ordered = pd.api.types.is_numeric_dtype(values)
        labels, codes = np.unique(values if ordered else values.astype(str), return_inverse=True)
        levels = len(labels)
    if family == "ordinal" and not ordered:
        raise MereValueError("y: an ordinal response needs numbers or an ordered pandas.Categorical, to say its order")
    if not 2 <= levels <= max(2, n // 2):
        raise MereValueError(f"y has {levels} classes in {n} rows: {family!r} needs at least two, and rows in each")
    return codes, levels


def _crossed(factors: dict[str, np.ndarray]) -> np.ndarray:
    """Cells of crossed factors."""
    return np.unique(np.column_stack(list(factors.values())), axis=0, return_inverse=True)[1].ravel()


def _factors(groups: Any, n: int) -> dict[str, np.ndarray]:
    several = pd.DataFrame(dict(groups)) if isinstance(groups, Mapping) else groups
    if isinstance(several, np.ndarray) and several.ndim == 2:
        several = pd.DataFrame(several, columns=np.arange(1, several.shape[1] + 1))
    columns = (
        {f"group_{name}": several[name].to_numpy() for name in several}
        if isinstance(several, pd.DataFrame)
        else {"group": np.asarray(groups)}
    )
    out = {}
    for name, values in columns.items():
        if values.shape != (n,):
            raise MereValueError(f"groups has {values.size} labels for {n} rows")
        if pd.isna(values).any():
            raise MereValueError("groups has missing labels")
        out[name] = values.astype(str)
    return out


def _check_times(panel: np.ndarray, time_id: Any) -> None:
    if time_id is None:
        return
    times = np.asarray(time_id)
    if times.shape != panel.shape:
        raise MereValueError(f"time_id has {len(times)} values, panel_id {len(panel)}")
    rows = pd.DataFrame({"panel": panel, "time": times}).groupby("panel")["time"]
    if not rows.is_monotonic_increasing.all():
        tell("time_id is not sorted within panels", DataMessage)
    sizes = rows.size()
    if sizes.min() != sizes.max():
        tell("panels have different numbers of rows", DataMessage)


def _fitted(formula: str, table: pd.DataFrame, kind: str, mixed: bool) -> Any:
    if kind == "gaussian":
        return lmer(formula, table) if mixed else lm(formula, table)
    if kind != "negative_binomial":
        return glmer(formula, table, kind) if mixed else glm(formula, table, kind)
    if mixed:
        return glmer_nb(formula, table)
    return _with_size(formula, table)


def _with_size(formula: str, table: pd.DataFrame) -> Any:
    """A negative binomial model whose size maximizes the likelihood (R: ``MASS::glm.nb``): means and size by turns."""
    y, ones = table["response"].to_numpy(float), np.ones(len(table))
    size = moment_size(y, glm(formula, table, "poisson").fit.mu)
    for _ in range(_TURNS):
        m = glm(formula, table, negative_binomial(size))
        before, size = size, likelihood_size(y, m.fit.mu, ones, size)
        if abs(size - before) <= 1e-8 * before:
            break
    return m
