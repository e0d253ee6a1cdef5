"""How far predictions are from what was observed.

Losses are pooled over all held-out rows. Their standard error is that of Nadeau and Bengio: folds share most of their
training data, so the variance of a mean over J folds is (1/J + n_test/n_train) times the variance between folds.

Reference: Nadeau and Bengio (2003), Machine Learning 52, 239-281.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ...errors import MereValueError
from ..concordance import concordance

__all__ = ["METRICS", "Held", "auc", "corrected_error", "metrics_for"]


@dataclass(frozen=True, eq=False)
class Held:
    """Held-out rows.

    Attributes
    ----------
    y, fitted : (n,) arrays
    weights : (n,) array
        Prior weights, for proportions the trials.
    deviance : (n,) array
        Unit deviances times weights.
    null_deviance : (n,) array
        Of the mean of the training rows.
    null : (n,) array
        That mean.
    """

    y: np.ndarray
    fitted: np.ndarray
    weights: np.ndarray
    deviance: np.ndarray
    null_deviance: np.ndarray
    null: np.ndarray

    def take(self, rows: np.ndarray) -> Held:
        """Some of the rows."""
        return Held(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def auc(y: np.ndarray, score: np.ndarray) -> float:
    """The area under the ROC curve, ties counted half (mid-ranks).

    Examples
    --------
    >>> auc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.4, 0.8]))
    0.875
    """
    positive = y > 0.5
    return concordance(score, positive, ~positive)


def _mse(h: Held) -> float:
    return float(np.mean((h.y - h.fitted) ** 2))


def _share(above: float, below: float) -> float:
    return float(above / below) if below else float("nan")


def _confusion(h: Held) -> tuple[float, float, float, float]:
    yes, said = h.y > 0.5, h.fitted > 0.5
    return (
        float((yes & said).sum()),
        float((~yes & ~said).sum()),
        float((~yes & said).sum()),
        float((yes & ~said).sum()),
    )


def _f1(h: Held) -> float:
    tp, _, fp, fn = _confusion(h)
    return _share(2 * tp, 2 * tp + fp + fn)


METRICS: dict[str, Callable[[Held], float]] = {
    "mse": _mse,
    "rmse": lambda h: float(np.sqrt(_mse(h))),
    "mae": lambda h: float(np.mean(np.abs(h.y - h.fitted))),
    "rsquared": lambda h: 1 - _share(float(((h.y - h.fitted) ** 2).sum()), float(((h.y - h.null) ** 2).sum())),
    "deviance": lambda h: float(h.deviance.sum()) / float(h.weights.sum()),
    "mcfadden": lambda h: 1 - _share(float(h.deviance.sum()), float(h.null_deviance.sum())),
    "brier": lambda h: float(np.average((h.y - h.fitted) ** 2, weights=h.weights)),
    "accuracy": lambda h: float(np.mean((h.y > 0.5) == (h.fitted > 0.5))),
    "sensitivity": lambda h: _share(_confusion(h)[0], _confusion(h)[0] + _confusion(h)[3]),
    "specificity": lambda h: _share(_confusion(h)[1], _confusion(h)[1] + _confusion(h)[2]),
    "f1": _f1,
    "auc": lambda h: auc(h.y, h.fitted),
}

_GAUSSIAN = ("mse", "rmse", "mae", "rsquared")
_BINARY = ("accuracy", "sensitivity", "specificity", "f1", "auc")


def metrics_for(family: str, binary: bool, wanted: str | list[str] | None) -> list[str]:
    """The metrics of a family, or those asked for.

    Examples
    --------
    >>> metrics_for("gaussian", False, None)
    ['mse', 'rmse', 'mae', 'rsquared']
    """
    if wanted is None:
        if family == "gaussian":
            return list(_GAUSSIAN)
        more = ("brier",) if family == "binomial" else ("mse", "mae")
        return ["deviance", "mcfadden", *more, *(_BINARY if binary else ())]
    names = [wanted] if isinstance(wanted, str) or not isinstance(wanted, Iterable) else list(wanted)
    if not names:
        raise MereValueError(f"metrics is empty; there are {', '.join(METRICS)}")
    for name in names:
        if name not in METRICS:
            raise MereValueError(f"metrics has {name!r}; there are {', '.join(METRICS)}")
        if name in _BINARY and not binary:
            raise MereValueError(f"metrics has {name!r}, which is for a response of zeros and ones")
    return names


def corrected_error(values: np.ndarray, test: np.ndarray, train: np.ndarray) -> float:
    """Nadeau and Bengio's standard error of the mean of fold-wise values.

    Examples
    --------
    >>> round(corrected_error(np.array([1.0, 2.0, 3.0]), np.full(3, 10), np.full(3, 20)), 4)
    0.9129
    """
    valid = np.isfinite(values)
    J = int(valid.sum())
    if J < 2:
        return float("nan")
    ratio = float(np.mean(test[valid] / train[valid]))
    return float(np.sqrt((1 / J + ratio) * np.var(values[valid], ddof=1)))
