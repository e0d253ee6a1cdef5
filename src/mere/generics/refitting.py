"""Generics that fit again."""

from __future__ import annotations

from typing import Any

from .declare import generic, no_method

__all__ = ["refitML"]


@generic
def refitML(model: Any) -> Any:
    """The model fitted by maximum likelihood; the model itself if it already is.

    Examples
    --------
    >>> from mere import lmer, refitML, isREML
    >>> from mere.datasets import sleepstudy
    >>> isREML(refitML(lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)))
    False
    """
    raise no_method("refitML", model)
