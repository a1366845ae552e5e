"""Columns of a table that is trained on: kinds, levels, and how a cell becomes a stored number.

A dataset of mixed columns is stored as one float32 matrix (n, C). A number is itself, less the
column's offset; a boolean is 0 or 1; a category is the number of its level; NaN is a cell without
a value. How these become inputs of a network is fitted on training rows alone, later.

n   examples      C   stored columns
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, time
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from hpsearch.errors import InvalidRequest
from hpsearch.number_text import text_number

Floats: TypeAlias = npt.NDArray[np.float64]

StoredKind: TypeAlias = Literal["number", "boolean", "category", "ordered"]
"""Kind of a stored column. The levels of an ordered one are listed from low to high."""

FileKind: TypeAlias = Literal[
    "number", "boolean", "category", "ordered", "date", "text", "id", "constant"
]
"""Kind of a column of a file. Dates are stored as several numbers; the last three are left out."""

DATE_PARTS: Final = ("days", "year_sin", "year_cos", "week_sin", "week_cos", "day_sin", "day_cos")
"""Numbers that a date is stored as: days since 1970, and its places in the year, week and day."""

NUMBER_GAPS: Final = frozenset(
    {"na", "n/a", "#n/a", "<na>", "nan", "nat", "null", "none", "?", "-", "."}
)
"""Words, in lower case, that stand for a missing value in every column of numbers, beside ""."""

FALSE_WORDS: Final = ("false", "f", "no", "n")
TRUE_WORDS: Final = ("true", "t", "yes", "y")
"""Words of a boolean in lower case, in pairs."""

_DAY: Final = 86_400_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class Column:
    """A stored column.

    name
        Of the feature: that of the file's column, for a part of a date "flown: year_sin".
    levels
        Words of a category by their numbers; of a boolean the words for 0 and 1.
    missing, missing_train
        Examples without a value: of both parts, and of the training part alone.
    source, part
        Column of the file that a date's part comes from, and which of `DATE_PARTS` it is.
    date_format
        Format of the dates as `datetime.strptime` takes it; empty where they came typed.
    decimal
        Decimal mark of the file's numbers.
    gaps
        Words, in lower case, that stand for a missing value in this column, beside "" and, in
        numbers, `NUMBER_GAPS`.
    unit
        Mark beside the file's numbers, such as % or $, which is taken off.
    """

    name: str
    kind: StoredKind
    levels: tuple[str, ...] = ()
    missing: int = 0
    missing_train: int = 0
    source: str = ""
    part: str = ""
    date_format: str = ""
    decimal: str = "."
    gaps: tuple[str, ...] = ()
    unit: str = ""

    def slots(self, max_levels: int) -> int:
        """Inputs for single levels of a category: of at most `max_levels`, for the frequent ones."""
        return min(len(self.levels), max_levels)

    def inputs(self, max_levels: int) -> int:
        """Inputs of a network that the column becomes; it does not hang on any split.

        A category has its slots, one for all other levels, and one for gaps where the training part
        has some; any other column has one, and an indicator of gaps.
        """
        gap = 1 if self.missing_train else 0
        return (self.slots(max_levels) if self.kind == "category" else 0) + 1 + gap

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object that `from_json` reads back; defaults are left out."""
        value = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
        defaults = {field.name: field.default for field in fields(self)}
        return {k: v for k, v in value.items() if v not in ([], defaults[k])}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Column:
        """Read what `to_json` wrote. Raises: TypeError for an unknown field."""
        given: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in value.items()
        }
        return cls(**given)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A column of the file that is not stored, and the reason: "text", "id", "constant", ..."""

    name: str
    kind: FileKind | Literal["index", "dropped", "empty", "groups", "time", "weight"]
    reason: str

    def to_json(self) -> dict[str, str]:
        """Return a JSON object that `LeftOut(**value)` reads back."""
        return asdict(self)


def stored(column: Column, cells: Sequence[Any] | npt.NDArray[Any]) -> Floats:
    """Turn cells of a column of the file into the numbers that are stored for it: (n,).

    Parameters
    ----------
    cells
        (n,) text as a file has it, or Python, NumPy or pandas values; for a part of a date those of
        its source. None, NaN, NaT, NA and the column's gaps become NaN. A word that a category does
        not have becomes the number of its levels, which means "other". Offsets are not subtracted.

    Raises
    ------
    InvalidRequest
        A cell is no number, date or boolean as the column has them; names column and value.
    """
    values = np.asarray(cells) if hasattr(cells, "dtype") else np.array([*cells, None], object)[:-1]
    if column.part and values.dtype.kind == "M":
        return _moments(column, values)
    if column.kind == "number" and not column.part and values.dtype.kind in "fiu":
        return _without(column, values.astype(np.float64))
    convert = _converter(column)
    known: dict[tuple[type, Any], float] = {}
    result = np.empty(len(values))
    for row, cell in enumerate(values.astype(object).tolist()):
        if not isinstance(cell, Hashable):
            raise _refused(column, cell, "is no single value")
        key = (type(cell), cell)
        if key not in known:
            plain = cell.item() if isinstance(cell, np.number | np.bool_) else cell
            known[key] = np.nan if _is_gap(column, plain) else convert(plain)
        result[row] = known[key]
    return result


def cell_text(cell: Any) -> str:
    """Return the word that a cell of a category is: whole numbers without a fraction."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def date_part(microseconds: npt.NDArray[np.int64], part: str) -> Floats:
    """Return one of `DATE_PARTS` of moments (n,) given in microseconds since 1970."""
    days = microseconds / _DAY
    if part == "days":
        return days
    day = np.floor_divide(microseconds, _DAY)
    within = (microseconds - day * _DAY) / _DAY
    if part.startswith("day"):
        share = within
    elif part.startswith("week"):
        share = ((day + 3) % 7 + within) / 7  # 1970 began on a Thursday; weeks on a Monday
    else:
        year = day.astype("datetime64[D]").astype("datetime64[Y]")
        first = year.astype("datetime64[D]").astype(np.int64)
        length = (year + 1).astype("datetime64[D]").astype(np.int64) - first
        share = (day - first + within) / length
    turn = np.sin if part.endswith("_sin") else np.cos
    # Of places that mirror each other, such as two days of the week, one number.
    return np.asarray(np.round(turn(2 * np.pi * share), 12))


def _without(column: Column, values: Floats) -> Floats:
    """Replace numbers that were declared to mean a missing value."""
    for gap in column.gaps:
        number = text_number(gap, column.decimal, column.unit)
        if number is not None:
            values[values == number] = np.nan
    return values


def _is_gap(column: Column, cell: Any) -> bool:
    if cell is None:
        return True
    if isinstance(cell, str):
        word = cell.strip().lower()
        numbers = column.kind == "number" and not column.part and word in NUMBER_GAPS
        return not word or numbers or word in column.gaps
    try:
        return bool(cell != cell)  # noqa: PLR0124  # NaN and NaT
    except TypeError:  # pandas' NA has no truth
        return True


def _converter(column: Column) -> Callable[[Any], float]:
    if column.part:
        return lambda cell: _date(column, cell)
    if column.kind == "number":
        return lambda cell: _number(column, cell)
    if column.kind == "boolean":
        return lambda cell: _flag(column, cell)
    return _coder(column)


def _coder(column: Column) -> Callable[[Any], float]:
    codes = {level: float(code) for code, level in enumerate(column.levels)}
    numbers = {text_number(level): code for level, code in codes.items()}
    other = float(len(codes))

    def code(cell: Any) -> float:
        if isinstance(cell, bool):
            spellings = (str(cell).lower(), str(cell), str(cell).upper())
            return next((codes[word] for word in spellings if word in codes), other)
        code = codes.get(cell_text(cell))
        if code is None and isinstance(cell, int | float):
            code = numbers.get(float(cell))
        return other if code is None else code

    return code


def _number(column: Column, cell: Any) -> float:
    if isinstance(cell, str):
        word = cell.strip()
        value = text_number(word, column.decimal, column.unit)
        if value is None and word.lower() in ("true", "false"):
            value = float(word.lower() == "true")
    else:
        try:
            value = float(cell)
        except (TypeError, ValueError):
            value = None
    if value is None:
        raise _refused(column, cell, "is not a number")
    return float(_without(column, np.array([value]))[0])


def _flag(column: Column, cell: Any) -> float:
    word, levels = cell_text(cell), column.levels
    if word in levels:
        return float(levels.index(word))
    low = word.lower()
    said = levels[0].lower() in FALSE_WORDS and levels[1].lower() in TRUE_WORDS
    if isinstance(cell, bool) or (said and low in (*FALSE_WORDS, *TRUE_WORDS)):
        return float(low in TRUE_WORDS)
    if said and low in ("0", "1"):
        return float(low)
    raise _refused(column, cell, f"is neither {levels[0]!r} nor {levels[1]!r}")


def _moments(column: Column, values: npt.NDArray[Any]) -> Floats:
    parts = date_part(values.astype("datetime64[us]").astype(np.int64), column.part)
    parts[np.isnat(values)] = np.nan
    return parts


def _date(column: Column, cell: Any) -> float:
    moment = cell
    if isinstance(cell, str):
        try:
            moment = datetime.strptime(cell.strip(), column.date_format)  # noqa: DTZ007  # as it is
        except ValueError:
            form = column.date_format or "a date of its own type"
            raise _refused(column, cell, f"is no date in the form {form}") from None
    if isinstance(moment, date) and not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    if isinstance(moment, datetime):
        moment = moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
        moment = np.datetime64(moment, "us")
    if not isinstance(moment, np.datetime64):
        raise _refused(column, cell, "is no date")
    return float(_moments(column, np.array([moment]))[0])


def _refused(column: Column, cell: Any, what: str) -> InvalidRequest:
    shown = repr(cell if not isinstance(cell, str) else cell.strip()[:40])
    return InvalidRequest(f"column {column.source or column.name!r}: {shown} {what}")
