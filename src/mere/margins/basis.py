"""The basis: all that marginal means need to know about a model.

A model joins by one function, registered for its class, that returns a `Basis`:

    from mere import Basis, emm_basis

    @emm_basis.register(MyModel)
    def _(model, **options):
        return Basis(...)

Nothing in this package ever sees the model itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import singledispatch
from typing import Any

import numpy as np

from ..errors import MereTypeError
from ..frame import Factor
from .scales import Scale

__all__ = ["Basis", "constant_df", "emm_basis", "null_space"]


@dataclass(frozen=True, eq=False)
class Basis:
    """A linear predictor, estimated: eta(z) = offset(z) + x(z)' beta.

    Attributes
    ----------
    predictors : mapping of str to Factor or array
        The variables of the data at the rows used: factors, numbers, or booleans.
    build : callable
        Values of the predictors (dict) to rows of the full X, aliased columns included.
    beta : (p,) array
        NaN at aliased columns.
    V : (r, r) array
        Covariance of the r estimated coefficients (adjusted, when the method adjusts it).
    df : callable
        (m, r) array of linear functions to m degrees of freedom.
    null : (p, p - r) array, optional
        Orthonormal basis of {a : X a = 0}; x'beta is estimable where x is orthogonal to it.
    terms : sequence of (label, predictors)
        The terms of the model: for interactions, nesting and tests of terms.
    nested : mapping of str to tuple of str
        Factors that the formula itself nests in others.
    scale : Scale, optional
        Link, or transform of the response.
    weights : array, optional
        Prior weights of the rows; they count in `weights="proportional"`.
    offset : callable, optional
        Values of the predictors to offsets.
    coerced : sequence of str
        Numbers that the formula makes factors of.
    sigma : float, optional
        Residual standard deviation.
    bias_sigma : float, optional
        Standard deviation for the bias correction, R's default.
    total_sd : float, optional
        That of everything a mean is averaged over, random effects included: ``sigma="total"``.
    notes : sequence of str
        Lines under every table, such as the method of the degrees of freedom.
    mult : mapping of str to sequence, optional
        Factor(s) of a multivariate response; beta then stacks the responses, the first slowest.

    Examples
    --------
    >>> import numpy as np
    >>> from mere import Basis, emmeans
    >>> line = Basis({"x": np.arange(5.0)}, lambda new: np.column_stack([np.ones_like(new["x"]), new["x"]]),
    ...              beta=np.array([1.0, 2.0]), V=np.diag([0.4, 0.1]), df=lambda L: np.full(len(L), 3.0))
    >>> emmeans(line, "x", at={"x": [0.0, 3.0]}).to_frame()["emmean"].to_list()
    [1.0, 7.0]
    """

    predictors: Mapping[str, Any]
    build: Callable[[Mapping[str, Any]], np.ndarray]
    beta: np.ndarray
    V: np.ndarray
    df: Callable[[np.ndarray], np.ndarray]
    null: np.ndarray | None = None
    terms: Sequence[tuple[str, tuple[str, ...]]] = ()
    nested: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    scale: Scale | None = None
    weights: np.ndarray | None = None
    offset: Callable[[Mapping[str, Any]], np.ndarray | None] | None = None
    coerced: Sequence[str] = ()
    sigma: float | None = None
    bias_sigma: float | None = None
    total_sd: float | None = None
    notes: Sequence[str] = ()
    mult: Mapping[str, Sequence[Any]] | None = None


@singledispatch
def emm_basis(model: Any, **options: Any) -> Basis:
    """The basis of a model: register a function for your class, and emmeans knows it.

    Parameters
    ----------
    model : object
    **options
        ``lmer_df``, ``vcov``, ``df``, ``data``, ``mode`` as given to `ref_grid`.

    Returns
    -------
    Basis

    Examples
    --------
    >>> from mere import lm, emm_basis
    >>> from mere.datasets import sleepstudy
    >>> basis = emm_basis(lm("Reaction ~ Days", sleepstudy))
    >>> list(basis.predictors), basis.build({"Days": [2.0]})
    (['Days'], array([[1., 2.]]))
    """
    kind = type(model).__name__
    raise MereTypeError(f"emmeans knows no model of class {kind!r}; tell it with emm_basis.register({kind}, function)")


@emm_basis.register(Basis)
def _itself(model: Basis, **_: Any) -> Basis:
    return model


@dataclass(frozen=True)
class _Constant:
    """The same degrees of freedom for everything; a class, so that grids pickle."""

    value: float

    def __call__(self, L: np.ndarray) -> np.ndarray:
        return np.full(len(L), self.value)


def constant_df(value: float) -> Callable[[np.ndarray], np.ndarray]:
    """The same degrees of freedom for all linear functions.

    Examples
    --------
    >>> constant_df(7)(np.eye(2))
    array([7., 7.])
    """
    return _Constant(float(value))


def null_space(X: np.ndarray, dropped: Sequence[int]) -> np.ndarray | None:
    """Orthonormal basis of {a : X a = 0} for a matrix whose aliased columns are known.

    With K the other columns, each aliased column is x_j = X_K c, so a has 1 at j and -c at K.

    Examples
    --------
    >>> null_space(np.array([[1.0, 1, 0], [1, 0, 1]]), [2]).round(3).ravel()
    array([-0.577,  0.577,  0.577])
    """
    if not len(dropped):
        return None
    p = X.shape[1]
    kept = [j for j in range(p) if j not in set(dropped)]
    solution, *_ = np.linalg.lstsq(X[:, kept], X[:, list(dropped)], rcond=None)
    N = np.zeros((p, len(dropped)))
    N[kept] = -solution
    N[list(dropped), range(len(dropped))] = 1.0
    Q, R = np.linalg.qr(N)
    return Q * np.where(np.diag(R) < 0, -1.0, 1.0)


def is_factor(value: Any) -> bool:
    """Is a predictor a factor: categories or truth values?"""
    return isinstance(value, Factor) or np.asarray(value).dtype == bool


def check_shapes(basis: Basis) -> None:
    """Sizes that do not fit are said before they do harm."""
    r = int(np.isfinite(basis.beta).sum())
    if basis.V.shape != (r, r):
        raise MereTypeError(f"the basis has {r} estimated coefficients, but V is {basis.V.shape}")
