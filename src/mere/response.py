"""The response of a generalized model: numbers and prior weights from what the formula gave."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .design import Design
from .errors import DataMessage, MereValueError, tell
from .families import Family
from .frame import Factor

__all__ = ["Response", "read_response"]


@dataclass(frozen=True, eq=False)
class Response:
    """What is modelled.

    Attributes
    ----------
    y : ndarray (n,)
        For binomial families the proportion of successes.
    weights : ndarray (n,)
        Prior weights times, for binomial families, the number of trials.
    counts : bool
        Was the response ``cbind(successes, failures)``?
    trials : ndarray (n,), optional
        Their numbers, where prior weights were given beside them.
    """

    y: np.ndarray
    weights: np.ndarray
    counts: bool = False
    trials: np.ndarray | None = None

    @property
    def size(self) -> np.ndarray:
        """The weights without prior weights beside counts: what outcomes are drawn out of."""
        return self.weights if self.trials is None else self.trials

    @property
    def constant(self) -> float:
        """What -2 log L has beside that of `weights` trials: each binomial coefficient counts as often as its row."""
        if self.trials is None:
            return 0.0
        n, w, y = np.maximum(self.trials, 1e-300), self.weights, self.y
        return float(2 * (_log_choose(w, w * y) - w / n * _log_choose(n, n * y)).sum())

    def take(self, rows: np.ndarray) -> Response:
        """Some of its rows."""
        trials = None if self.trials is None else np.ascontiguousarray(self.trials[rows])
        return replace(
            self, y=np.ascontiguousarray(self.y[rows]), weights=np.ascontiguousarray(self.weights[rows]), trials=trials
        )


def _log_choose(n: np.ndarray, k: np.ndarray) -> np.ndarray:
    from scipy.special import gammaln

    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def read_response(design: Design, family: Family) -> Response:
    """The response of a design for a family; raises when it cannot come from the family.

    Examples
    --------
    >>> from mere.design import build_design
    >>> from mere.families import binomial
    >>> d = {"s": [1.0, 2], "f": [3.0, 0], "x": [0.0, 1]}
    >>> r = read_response(build_design("cbind(s, f) ~ x", d), binomial())
    >>> r.y, r.weights
    (array([0.25, 1.  ]), array([4., 2.]))
    """
    y, counts, trials = design.y, design.y.ndim == 2, None
    prior = np.ones(len(y)) if design.weights is None else np.asarray(design.weights)
    value = design.frame.variables.get(design.response)
    if counts:
        if family.outcome != "proportion" or y.shape[1] != 2:
            raise MereValueError(
                f"the response {design.response} has {y.shape[1]} columns: only a binomial or quasibinomial model "
                "takes two, cbind(successes, failures)"
            )
        if y.size and y.min() < 0:
            raise MereValueError(f"{design.response}: numbers of successes and failures must not be negative")
        total = y[:, 0] + y[:, 1]
        y = y[:, 0] / np.maximum(total, 1e-300)  # 0 without trials
        trials = None if design.weights is None else total
        prior = total if design.weights is None else prior * total
    if isinstance(value, Factor) and family.outcome != "proportion":
        raise MereValueError(
            f"the response {design.response} is a factor: only a binomial or quasibinomial model takes one"
        )
    y = np.ascontiguousarray(y, dtype=np.float64)
    family.check(y, design.response)
    _say_fractions(design.y[:, 0] if counts else y * prior, y, family, design.response)
    return Response(y, np.ascontiguousarray(prior, dtype=np.float64), counts, trials)


def _say_fractions(successes: np.ndarray, y: np.ndarray, family: Family, name: str) -> None:
    """Counts that are no whole numbers have no likelihood; what is maximized is taken on from whole numbers."""
    if not family.has_likelihood:
        return
    if family.outcome == "proportion":
        number, what = successes, "numbers of successes (proportion times weight)"
    elif family.outcome == "count":
        number, what = y, "counts"
    else:
        return
    whole = np.rint(number)
    if (whole == number).all():
        return
    off = np.abs(number - whole) > 1e-7 * np.maximum(np.abs(number), 1.0)
    if off.any():
        tell(
            f"the response {name} has {what} that are no whole numbers in {int(off.sum())} rows; for rates give the "
            "counts and offset(log(exposure)), for proportions weights= the number of trials",
            DataMessage,
        )
