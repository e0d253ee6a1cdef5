"""Comparing printed text with what R printed."""

from __future__ import annotations

import re
from collections.abc import Sequence

NUMBER = re.compile(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?")


def lines(text: str) -> list[str]:
    """Lines without spaces at their ends, without empty lines at the end."""
    return [line.rstrip() for line in text.rstrip().splitlines()]


def assert_same_text(got: str, want: str, ulp: float = 0.0) -> None:
    """The same lines; a line may differ in its numbers by `ulp` units of the last place.

    Parameters
    ----------
    ulp : float
        0: equal text. 1: a number may be rounded the other way, which can also
        change the width of its column.
    """
    ours, theirs = lines(got), lines(want)
    assert len(ours) == len(theirs), _aside(ours, theirs)
    for a, b in zip(ours, theirs, strict=True):
        if a == b:
            continue
        assert ulp and _close(a, b, ulp), _aside(ours, theirs)


def _close(a: str, b: str, ulp: float) -> bool:
    if NUMBER.sub("#", a).split() != NUMBER.sub("#", b).split():
        return False
    pairs = zip(NUMBER.findall(a), NUMBER.findall(b), strict=True)
    return all(abs(float(x) - float(y)) <= 1.01 * ulp * max(_unit(x), _unit(y)) for x, y in pairs)


def _unit(number: str) -> float:
    """One unit of the last place of a number as it is written."""
    mantissa, _, exponent = number.lower().partition("e")
    return float(10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2])))


def _aside(ours: Sequence[str], theirs: Sequence[str]) -> str:
    wrong = [f"- {b}\n+ {a}" for a, b in zip(ours, theirs, strict=False) if a != b]
    return f"{len(ours)} lines, R has {len(theirs)}\n" + "\n".join(wrong)
