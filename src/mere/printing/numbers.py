"""Numbers as R writes them.

R chooses the digits of a vector as a whole: the fewest significant digits (at
most `digits`) that show *every* element to `digits` significant digits, fixed
notation unless it would be wider than scientific. This module implements that
rule once; everything printed by the package goes through it.

Reference: the documentation of ``format``, ``formatC``, ``format.pval``,
``printCoefmat``, ``symnum`` and ``abbreviate`` in R 4.2.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

__all__ = [
    "STARS_LEGEND",
    "abbreviate",
    "fixed",
    "format_number",
    "format_numbers",
    "format_pvalues",
    "general",
    "justify",
    "significant",
    "stars",
]

STARS_LEGEND = "0 ‘***’ 0.001 ‘**’ 0.01 ‘*’ 0.05 ‘.’ 0.1 ‘ ’ 1"
_CUTPOINTS = ((0.001, "***"), (0.01, "**"), (0.05, "*"), (0.1, "."))


def significant(x: float, digits: int) -> float:
    """`x` rounded to `digits` significant digits (R's ``signif``)."""
    return float(f"{x:.{max(1, digits) - 1}e}") if math.isfinite(x) else x


def fixed(x: float, digits: int, na: str = "NA") -> str:
    """`x` with `digits` decimals (R's ``formatC(format = "f")``)."""
    return f"{x:.{digits}f}" if math.isfinite(x) else _special(x, na)


def general(x: float, digits: int, na: str = "NA") -> str:
    """`x` to `digits` significant digits, at least ``digits + 1`` wide (R's ``formatC``)."""
    text = f"{x:.{digits}g}" if math.isfinite(x) else _special(x, na)
    return text.rjust(digits + 1)


def _special(x: float, na: str) -> str:
    return na if math.isnan(x) else ("Inf" if x > 0 else "-Inf")


def _decimal_shape(x: float, digits: int) -> tuple[int, int, bool]:
    """Exponent, needed significant digits, and whether rounding widened `x`.

    The exponent is that of `x` rounded to `digits` significant digits; the
    needed digits are those left when trailing zeros are dropped.
    """
    if x == 0.0:
        return 0, 1, False
    mantissa, exponent = f"{abs(x):.{digits - 1}e}".split("e")
    power = int(exponent)
    needed = max(1, len(mantissa.replace(".", "").rstrip("0")))
    return power, needed, power > 0 and abs(x) < 10.0**power


def _layout(values: Sequence[float], digits: int) -> tuple[bool, int]:
    """Decide notation for finite `values`: (scientific?, digits after the point)."""
    left, right, sig_max = 1, 0, 1
    exp_max, exp_min = -(10**6), 10**6
    negative = False
    for x in values:
        power, needed, widened = _decimal_shape(x, digits)
        minus = x < 0
        negative = negative or minus
        places = power + 1 - widened
        left = max(left, (places if places > 1 else 1) + minus)
        right = max(right, needed - power - 1)
        sig_max = max(sig_max, needed)
        exp_max, exp_min = max(exp_max, power), min(exp_min, power)
    fixed_width = left + (right + 1 if right > 0 else 0)
    exponent_digits = 3 if exp_max >= 100 or exp_min <= -100 else 2
    sci_width = negative + 1 + (sig_max if sig_max > 1 else 0) + 2 + exponent_digits
    if fixed_width <= sci_width:
        return False, right
    return True, sig_max - 1


def format_numbers(
    x: Iterable[float],
    digits: int = 7,
    nsmall: int = 0,
    width: int = 0,
    na: str = "NA",
) -> list[str]:
    """Format numbers together, right-justified to one width (R's ``format``).

    Parameters
    ----------
    x : iterable of float
        The numbers; NaN is written as `na`.
    digits : int
        Significant digits that every element shows at least.
    nsmall : int
        Least number of decimals in fixed notation.
    width : int
        Least width of the strings.
    na : str
        Text for NaN.

    Returns
    -------
    list of str
        Strings of equal width.

    Examples
    --------
    >>> format_numbers([24.740658, 5.922138, 25.591796], digits=4)
    ['24.741', ' 5.922', '25.592']
    """
    values = [float(v) for v in x]
    finite = [v for v in values if math.isfinite(v)]
    sci, decimals = _layout(finite, max(1, digits)) if finite else (False, 0)
    if not sci:
        decimals = max(decimals, nsmall) if finite else 0
    spec = f".{decimals}{'e' if sci else 'f'}"
    # + 0.0 turns minus zero into zero
    out = [format(v + 0.0, spec) if math.isfinite(v) else _special(v, na) for v in values]
    return justify(out, "right", width)


def format_number(x: float, digits: int = 7, nsmall: int = 0, na: str = "NA") -> str:
    """Format one number on its own (R's ``format(x)``)."""
    return format_numbers([x], digits, nsmall, na=na)[0]


def justify(strings: Sequence[str], side: str = "left", width: int = 0) -> list[str]:
    """Pad strings to a common width."""
    width = max([width, *(len(s) for s in strings)])
    if side == "left":
        return [s.ljust(width) for s in strings]
    return [s.rjust(width) for s in strings]


def format_pvalues(
    p: Iterable[float], digits: int = 7, eps: float = 2.220446049250313e-16, na: str = "NA"
) -> list[str]:
    """Format p-values (R's ``format.pval``).

    Values from 0.0001 (0.001 when `digits` is 1) up are formatted together, smaller ones together, and
    those below `eps` become ``<eps``.
    """
    values = [float(v) for v in p]
    out = [na] * len(values)
    shown = [i for i, v in enumerate(values) if not math.isnan(v)]
    tiny = [i for i in shown if values[i] < eps]
    rest = [i for i in shown if values[i] >= eps]
    bound = 1e-4 if digits > 1 else 1e-3
    large = [i for i in rest if values[i] == 0 or values[i] >= bound]
    small = [i for i in rest if i not in set(large)]
    for block in (large, small):
        for i, text in zip(block, format_numbers((values[i] for i in block), digits), strict=True):
            out[i] = text
    if tiny:
        digits = max(1, digits - 2)
        separator = " "
        if rest:
            width = max(len(out[i]) for i in rest)
            if digits > 1 and digits + 6 > width:
                digits = max(1, width - 7)
            separator = "" if digits == 1 and width <= 6 else " "
        else:
            separator = "" if digits == 1 else " "
        limit = "<" + separator + format_number(eps, digits)
        for i in tiny:
            out[i] = limit
    return out


def stars(p: float) -> str:
    """Significance star of a p-value; empty for NaN."""
    if math.isnan(p):
        return ""
    for limit, text in _CUTPOINTS:
        if p <= limit:
            return text
    return " "


def abbreviate(names: Sequence[str], minlength: int) -> list[str]:
    """Shorten names to about `minlength` characters, keeping them distinct.

    Lower-case vowels go first, from the right, then lower-case letters, then
    anything; the first character of a word stays (R's ``abbreviate``).
    """
    unique = list(dict.fromkeys(names))
    short = {name: _shorten(name, minlength) for name in unique}
    for length in range(minlength + 1, max((len(n) for n in unique), default=0) + 1):
        count = Counter(short.values())
        clashing = [name for name in unique if count[short[name]] > 1]
        if not clashing:
            break
        short.update({name: _shorten(name, length) for name in clashing})
    return [short[name] for name in names]


def _shorten(name: str, minlength: int) -> str:
    text = list(name.strip())

    def too_long() -> bool:
        return len(text) - text.count(" ") > minlength

    def first_of_word(i: int) -> bool:
        return text[i - 1] == " "

    def last_of_word(i: int) -> bool:
        return not first_of_word(i) and (i + 1 == len(text) or text[i + 1] == " ")

    def vowel(c: str) -> bool:
        return c in "aeiou"

    def lower(c: str) -> bool:
        return c.islower()

    def drop(kind: Callable[[str], bool], place: Callable[[int], bool]) -> None:
        for i in range(len(text) - 1, 0, -1):
            if not too_long():
                return
            if kind(text[i]) and place(i):
                del text[i]

    if len(text) > minlength:
        for kind in (vowel, lower):
            drop(kind, last_of_word)
            drop(kind, lambda i: not first_of_word(i))
        drop(lambda c: c != " ", lambda i: not first_of_word(i))
    if len(text) > minlength:
        text = [c for c in text if c != " "]
    return "".join(text)
