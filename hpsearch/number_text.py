"""Numbers as people write them: decimal marks, groups of digits, and the mark of a unit beside them.

Patterns are read by Python's `re` and by RE2, which Arrow has, and so use what both understand.
"""

from __future__ import annotations

import re
from typing import Final

_BLANKS: Final = " \u00a0\u2009\u202f"
GROUP_MARKS: Final = f"{_BLANKS}'\u2019"
"""Characters besides comma and point that part digits in groups: blanks, and apostrophes."""


def _pattern(mark: str, other: str) -> str:
    plain = rf"[+-]?(\d+{mark}?\d*|{mark}\d+)([eE][+-]?\d+)?"
    by_three = rf"[1-9]\d{{0,2}}({other}\d{{3}})+"
    by_lakh = rf"[1-9]\d?({other}\d{{2}})+{other}\d{{3}}"
    blanks = rf"[1-9]\d{{0,2}}([{GROUP_MARKS}]\d{{3}})+"
    return rf"^({plain}|[+-]?({by_three}|{by_lakh}|{blanks})({mark}\d*)?)$"


NUMBER_PATTERNS: Final = {".": _pattern(r"\.", ","), ",": _pattern(",", r"\.")}
"""Forms of a number by its decimal mark: plain, or in groups of digits."""

INFINITE: Final = ("inf", "infinity", "+inf", "+infinity", "-inf", "-infinity")

_FORMS: Final = {mark: re.compile(form, re.ASCII) for mark, form in NUMBER_PATTERNS.items()}

_SIGNS: Final = "$¢£¤¥؋৳฿៛\u20a0-\u20c0﷼＄￡￥￦"
_CODES: Final = (
    "USD|EUR|GBP|JPY|CNY|CHF|CAD|AUD|NZD|SEK|NOK|DKK|INR|BRL|MXN|ZAR|KRW|SGD|HKD|PLN|CZK|HUF|TRY|"
    "ILS|THB"
)
_BESIDE: Final = rf"[%‰]|[A-Z]{{0,2}}[{_SIGNS}]|{_CODES}"
_DIGITS: Final = rf"[.,]?\d(?:[\d.,{GROUP_MARKS}]*[\d.,])?(?:[eE][+-]?\d+)?"


def _marked(behind: str) -> str:
    blank = f"[{_BLANKS}]?"
    before = rf"(?P<sign>[+-]?){blank}(?P<before>{_BESIDE})?{blank}(?P<inner>[+-]?)"
    return rf"^{before}(?P<number>{_DIGITS}){blank}(?P<behind>{behind})?$"


MARKED: Final = _marked(_BESIDE)
"""A number with a mark that can mean nothing else: of a share, or of money."""

WITH_UNIT: Final = _marked(rf"[^\d\s.,+{GROUP_MARKS}-][^\s\d]{{0,11}}")
"""A number with any word right behind it, such as "5 kg": a unit, where somebody says so."""

_ANY = re.compile(WITH_UNIT, re.ASCII)  # as in RE2, which Arrow has


def text_number(text: str, decimal: str = ".", unit: str = "") -> float | None:
    """Return a text without blanks around as a number; None if it is none.

    unit
        Mark that may stand before or behind the number, and is taken off.
    """
    if unit:
        text = _without_unit(text, unit)
    if _FORMS[decimal].fullmatch(text):
        return float(plain_digits(text, decimal))
    return float(text) if text.lower() in INFINITE else None


def plain_digits(text: str, decimal: str) -> str:
    """Return a number as Python reads it: no groups, a decimal point."""
    for mark in ("." if decimal == "," else ",", *GROUP_MARKS):
        text = text.replace(mark, "")
    return text.replace(",", ".")


def _without_unit(text: str, unit: str) -> str:
    match = _ANY.fullmatch(text)
    if match is None or unit not in (match["before"], match["behind"]):
        return text
    if (match["before"] and match["behind"]) or (match["sign"] and match["inner"]):
        return text
    return f"{match['sign']}{match['inner']}{match['number']}"
