"""Arrow tables as frames: which types are taken, and what a column becomes. Parquet and Arrow files share it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any, Final

from hpsearch.columns import FileKind, cell_text
from hpsearch.data.notes import Note
from hpsearch.data.parse.frame import Frame, FrameColumn
from hpsearch.data.parse.frames.arrow import arrow
from hpsearch.data.parse.raw import Mistakes, refuse

_SECONDS: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_FIRST_DAY, _LAST_DAY = (
    one.toordinal() - dt.date(1970, 1, 1).toordinal() for one in (dt.date.min, dt.date.max)
)
_WAY_OUT = "write it as columns of numbers, words or dates, or leave it out of the file"


def frame_of(table: Any, written: list[Any], what: str) -> Frame:
    """Return a table as a frame; cells are null where it has no value, and of one of these types.

    integers, float, double, bool
        As stored. Halves become float, decimals double.
    date32, timestamp
        As stored, a time with a zone in UTC.
    double
        Durations, and times of the day from midnight, in seconds; a note says so.
    string
        Words. Of a dictionary the column is declared a category with the dictionary's levels in
        their order, also those that no row has; ordered if the file says so. A category of whole
        numbers has the levels that occur.

    An index of pandas that has no name is left out, and said.

    written
        Types of the columns as their writer had them.
    what
        The file in a sentence: "Parquet file".
    """
    notes: list[Note] = []
    if not table.num_rows:
        refuse("x", f"the {what} has no rows")
    index = _unnamed_index(table.schema, notes)
    kept = [n for n, name in enumerate(table.column_names) if name not in index]
    if not kept:
        refuse("x", f"the {what} has no columns")
    columns = [_column(table.field(n), table.column(n), written[n], notes) for n in kept]
    return Frame(tuple(columns), True, tuple(notes))


def require_flat(schema: Any) -> None:
    """Refuse columns that hold more than one value in a row, or none that can be trained on."""
    types = arrow().types
    mistakes = Mistakes()
    taken = (
        *(types.is_integer, types.is_floating, types.is_boolean, types.is_decimal),
        *(types.is_string, types.is_large_string, types.is_string_view, types.is_null),
        *(types.is_date, types.is_timestamp, types.is_time, types.is_duration),
    )
    for field in schema:
        inner = field.type.value_type if types.is_dictionary(field.type) else field.type
        if not any(test(inner) for test in taken):
            what = f"column {field.name[:40]!r} is of the type {str(field.type)[:80]}"
            mistakes.add(f"column {field.name[:40]!r}", f"{what}; {_WAY_OUT}")
    mistakes.check()


def _unnamed_index(schema: Any, notes: list[Note]) -> frozenset[str]:
    """Return the columns that pandas wrote for an index without a name."""
    try:
        stored = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
        named = {one["field_name"] for one in stored.get("columns", ()) if one.get("name")}
        index = [one for one in stored.get("index_columns", ()) if isinstance(one, str)]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return frozenset()
    index_columns = frozenset(one for one in index if one in schema.names and one not in named)
    if index_columns:
        notes.append(
            Note(
                "index",
                "info",
                "the index of pandas, which has no name, is left out",
                {"columns": len(index_columns)},
                "name it before writing the file if it is to be a column: df.rename_axis(...)",
            )
        )
    return index_columns


def _column(field: Any, chunks: Any, written: Any, notes: list[Note]) -> FrameColumn:
    types = arrow().types
    name = field.name.strip()
    if types.is_dictionary(field.type):
        return _dictionary(name, field.type, chunks)
    whole = chunks.combine_chunks()
    if isinstance(whole, arrow().ChunkedArray):
        whole = arrow().concat_arrays(whole.chunks)
    if types.is_dictionary(written) and types.is_integer(field.type):
        return _codes(name, whole)
    return FrameColumn(name, _plain(name, whole, notes))


def _codes(name: str, cells: Any) -> FrameColumn:
    """Return a category of whole numbers, which Parquet gives back as numbers, levels lost."""
    words = cells.cast(arrow().string())
    levels = sorted(value for value in cells.unique().to_pylist() if value is not None)
    return FrameColumn(name, words, "category", tuple(map(str, levels)))


def _dictionary(name: str, kind: Any, chunks: Any) -> FrameColumn:
    """Return a column of words, as `cell_text` makes them, with the levels of the file's dictionary."""
    pyarrow = arrow()
    unified = chunks.unify_dictionaries()
    dictionary = unified.chunk(0).dictionary
    _require_years(name, dictionary)
    # NaN is a gap, as it is among the rows.
    words = [None if x is None or x != x else cell_text(x) for x in dictionary.to_pylist()]  # noqa: PLR0124
    texts = pyarrow.array(words, pyarrow.string())
    cells = pyarrow.concat_arrays([texts.take(chunk.indices) for chunk in unified.chunks])
    declared: FileKind = "ordered" if kind.ordered else "category"
    levels = tuple(dict.fromkeys(word for word in words if word is not None))
    return FrameColumn(name, cells, declared, levels)


def _require_years(name: str, cells: Any) -> None:
    """Refuse dates and times that lie in no year from 1 to 9999: what reads them has no others."""
    types, kind = arrow().types, cells.type
    if types.is_timestamp(kind):
        day = 86_400 * _SECONDS[kind.unit]
    elif types.is_date(kind):
        day = 1 if types.is_date32(kind) else 86_400_000
    else:
        return
    compute = arrow("compute")
    whole = cells.cast(arrow().int32() if types.is_date32(kind) else arrow().int64())
    ends = compute.min_max(whole).as_py()
    for end in (ends["min"], ends["max"]):
        if end is not None and not _FIRST_DAY <= end // day <= _LAST_DAY:
            row = compute.index(whole, end).as_py() + 1
            refuse(
                f"x[:, {name!r}]",
                f"column {name!r}, row {row}: the day {end // day:,} from 1970-01-01 on is in no year "
                f"from 1 to 9999; correct it, or leave it empty",
            )


def _plain(name: str, cells: Any, notes: list[Note]) -> Any:
    """Return the cells of a column as one of the types that `read` lists."""
    _require_years(name, cells)
    pyarrow, kind = arrow(), cells.type
    types = pyarrow.types
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return arrow("compute").utf8_trim_whitespace(cells.cast(pyarrow.string()))
    if types.is_timestamp(kind) and kind.tz is not None:
        notes.append(_said("time_zone", name, f"times of column {name!r} are read in UTC"))
        return cells.cast(pyarrow.timestamp(kind.unit, tz="UTC")).cast(pyarrow.timestamp(kind.unit))
    if types.is_duration(kind) or types.is_time(kind):
        what = "durations" if types.is_duration(kind) else "times of the day"
        notes.append(_said("seconds", name, f"{what} of column {name!r} are numbers of seconds"))
        whole = pyarrow.int32() if kind.bit_width == 32 else pyarrow.int64()
        seconds = cells.cast(whole).cast(pyarrow.float64(), safe=False)
        return arrow("compute").divide(seconds, float(_SECONDS[kind.unit]))
    stored = (
        (types.is_null, pyarrow.string()),
        (types.is_float16, pyarrow.float32()),
        (types.is_decimal, pyarrow.float64()),
        (types.is_date64, pyarrow.date32()),
    )
    return next((cells.cast(other) for test, other in stored if test(kind)), cells)


def _said(code: str, name: str, message: str) -> Note:
    return Note(code, "info", message, {"column": name}, "nothing to do")
