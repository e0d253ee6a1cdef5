"""Errors, warnings and messages of mere.

Every error is a `MereError` and also the builtin that fits, so that both
``except MereError`` and ``except ValueError`` work. Errors carry the place
(argument, column, term) as attributes.
"""

from __future__ import annotations

import sys
import warnings


class MereError(Exception):
    """Base of all errors raised by mere."""


class MereValueError(MereError, ValueError):
    """A value that cannot be used: the message names the argument and the remedy."""


class MereTypeError(MereError, TypeError):
    """An argument of the wrong kind."""


class ResamplingError(MereError, RuntimeError):
    """No replicate, or no fold, could be used."""


class MereStateError(MereError, RuntimeError):
    """Something is asked of an object that does not have what it takes."""


class MereUnavailableError(MereError, NotImplementedError):
    """A question that an object of this kind has no answer to."""


class MereKeyError(MereError, KeyError):
    """A name that does not exist."""

    def __str__(self) -> str:  # KeyError would print the repr
        return str(self.args[0]) if self.args else ""


class FormulaError(MereValueError):
    """A formula that cannot be read; `text` and `position` point at the place."""

    def __init__(self, message: str, text: str | None = None, position: int | None = None):
        self.text, self.position = text, position
        if text is not None and position is not None:
            message = f"{message}\n  {text}\n  {' ' * position}^"
        super().__init__(message)


class MissingColumnError(MereKeyError):
    """A variable of the formula that the data does not have."""


class ConvergenceError(MereError, RuntimeError):
    """No usable optimum was found."""


class MereWarning(UserWarning):
    """Base of all warnings of mere."""


class ConvergenceWarning(MereWarning):
    """The optimum is not certified."""


class SingularFitMessage(MereWarning):
    """The estimated covariance of the random effects is on its boundary."""


class RankDeficiencyMessage(MereWarning):
    """Columns of the fixed-effects matrix were dropped."""


class RefitMessage(MereWarning):
    """Something was computed on another fit than the one given: by ML instead of REML, or at a better optimum."""


class BootstrapWarning(MereWarning):
    """Replicates failed, are missing, or are too few."""


class MarginsMessage(MereWarning):
    """Something to know about marginal means: nesting, interactions, adjustments."""


class DataMessage(MereWarning):
    """Something about the data that the user should know (rows dropped, scales)."""


def tell(message: str, kind: type[Warning]) -> None:
    """Warn at the line of the user's code that led here, however deep in the package this is."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and in_package(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
        level += 1
    warnings.warn(message, kind, stacklevel=level)


def in_package(module: str) -> bool:
    """Is this module mere's, or what lies between two of mere's functions?"""
    package = __name__.partition(".")[0]
    return module == package or module.startswith(package + ".") or module == "functools"
