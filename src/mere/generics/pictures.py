"""The generic of pictures."""

from __future__ import annotations

from typing import Any

from .declare import generic, no_method

__all__ = ["plot"]


@generic
def plot(result: Any, *args: Any, **kwargs: Any) -> Any:
    """A picture of a result, with matplotlib.

    Parameters
    ----------
    result : EmmGrid, ...
        Means with their intervals; with ``comparisons=True`` also arrows that
        overlap where two means do not differ.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes, or an array of them

    Examples
    --------
    >>> from mere import lm, emmeans, plot
    >>> from mere.datasets import warpbreaks
    >>> means = emmeans(lm("breaks ~ wool * tension", warpbreaks), "~ tension | wool")
    >>> len(plot(means, comparisons=True))
    2
    """
    raise no_method("plot", result)
