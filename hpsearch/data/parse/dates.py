"""Dates in text: the form that a whole column has, and its moments.

A form is that of `datetime.strptime`, which reads the cells of a prediction; here a whole column is
taken apart by a regular expression made of it.

n   texts
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hpsearch.data.parse.words import Mask, Texts, to_mask

Moments = npt.NDArray[np.int64]  # microseconds since 1970

ORDERS: Final = ("ymd", "dmy", "mdy")
FORMS: Final = {
    "ymd": ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m"),
    "dmy": (
        *("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d/%m/%y", "%d-%m-%y", "%d.%m.%y"),
        *("%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d %B %Y"),
    ),
    "mdy": (
        *("%m/%d/%Y", "%m-%d-%Y", "%m.%d.%Y", "%m/%d/%y", "%m-%d-%y", "%m.%d.%y"),
        *("%b %d %Y", "%b %d, %Y", "%B %d %Y", "%B %d, %Y"),
    ),
}
"""Forms of a day, by the order of year, month and day."""
ASKED_FOR: Final = {"ymd": ("%Y%m%d", "%Y"), "dmy": ("%d%m%Y",), "mdy": ("%m%d%Y",)}
"""Forms that are numbers as well: taken where the sender says that the column holds dates."""

_CLOCKS: Final = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f")
TIMES: Final = (
    "",
    *(f"{gap}{clock}{zone}" for gap in " T" for clock in _CLOCKS for zone in ("", "%z")),
    *(" %I:%M %p", " %I:%M:%S %p"),
)
_LONG: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_SHORT: Final = tuple(month[:3] for month in _LONG)
_FIELDS: Final = {
    "Y": "[0-9]{4}",
    "y": "[0-9]{2}",
    "b": f"(?i:{'|'.join(_SHORT)})",
    "B": f"(?i:{'|'.join(_LONG)})",
    "f": "[0-9]{1,6}",
    "p": "(?i:am|pm)",
    "z": "Z|[+-][0-9]{2}:?[0-9]{2}",
    **dict.fromkeys("mdHIMS", "[0-9]{1,2}"),
}
_LAST: Final = {"m": (1, 12), "d": (1, 31), "H": (0, 23), "I": (1, 12), "M": (0, 59), "S": (0, 59)}
_SECOND: Final = 1_000_000


def likely(text: str, orders: tuple[str, ...] = ORDERS, *, asked: bool = False) -> Iterator[str]:
    """Yield the forms that a text has, the day before the month first."""
    for order in orders:
        for day in (*FORMS[order], *(ASKED_FOR[order] if asked else ())):
            begin = re.match(_pattern(day), text)
            if begin is not None:
                rest = text[begin.end() :]
                yield from (day + time for time in TIMES if re.fullmatch(_pattern(time), rest))


def moments(texts: Texts, form: str) -> tuple[Moments, Mask]:
    """Return moments (n,) of texts in a form, and which texts have it and are days that exist."""
    extracted = pc.extract_regex(texts, f"^(?:{_pattern(form)})$")
    fits = to_mask(extracted.is_valid())
    parts = {letter: pc.struct_field(extracted, letter) for letter in re.findall("%(.)", form)}
    numbers = {letter: _number(letter, part, fits) for letter, part in parts.items()}
    for letter, (low, high) in _LAST.items():
        if letter in numbers:
            fits &= (numbers[letter] >= low) & (numbers[letter] <= high)
    days, exists = _days(numbers, len(texts))
    clock = _clock(numbers)
    return days * (86_400 * _SECOND) + clock, fits & exists


def _days(numbers: dict[str, Moments], count: int) -> tuple[Moments, Mask]:
    year = numbers.get("Y")
    if year is None:  # two digits, as POSIX has them
        short = numbers["y"]
        year = short + np.where(short < 69, 2000, 1900)
    month = next((numbers[x] for x in "mbB" if x in numbers), np.ones(count, np.int64))
    day = numbers.get("d", np.ones(count, np.int64))
    first = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    date = first.astype("datetime64[D]") + (day - 1)
    return date.astype(np.int64), (date.astype("datetime64[M]") == first) & (year >= 1)


def _clock(numbers: dict[str, Moments]) -> Moments | int:
    hour = numbers.get("H", 0)
    if "I" in numbers:
        hour = numbers["I"] % 12 + 12 * numbers["p"]
    seconds = (hour * 60 + numbers.get("M", 0)) * 60 + numbers.get("S", 0) - numbers.get("z", 0)
    return seconds * _SECOND + numbers.get("f", 0)


def _number(letter: str, part: Any, fits: Mask) -> Moments:
    """Return a field of the texts as numbers; 0 where a text does not fit."""
    if letter in "bB":
        names = pa.array(_SHORT if letter == "b" else _LONG)
        return _filled(pc.add(pc.index_in(pc.utf8_lower(part), names), 1))
    if letter == "p":
        return _filled(pc.cast(pc.equal(pc.utf8_lower(part), "pm"), pa.int8()))
    if letter == "z":
        return _filled(pa.array([_zone(text) for text in part.to_pylist()]))
    if letter == "f":
        part = pc.utf8_rpad(part, 6, "0")
    return _filled(pc.cast(pc.if_else(pa.array(fits), part, "0"), pa.int64()))


def _zone(text: str | None) -> int:
    """Return the seconds that a zone is ahead of UTC."""
    if not text or text == "Z":
        return 0
    seconds = int(text[1:3]) * 3600 + int(text[-2:]) * 60
    return -seconds if text[0] == "-" else seconds


def _filled(numbers: Any) -> Moments:
    return np.asarray(pc.fill_null(numbers, 0).to_numpy(zero_copy_only=False), np.int64)


@cache
def _pattern(form: str) -> str:
    """Make the regular expression of a form."""
    pieces = re.split("%(.)", form)
    return "".join(
        f"(?P<{piece}>{_FIELDS[piece]})" if i % 2 else re.escape(piece)
        for i, piece in enumerate(pieces)
    )
