"""From a frame of columns to `Raw`: label, kinds, and one matrix of numbers.

n   rows of the file      C   stored columns
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hpsearch import errors
from hpsearch.columns import Column, LeftOut
from hpsearch.data.limits import Limits
from hpsearch.data.notes import Note
from hpsearch.data.parse import numbers, targets
from hpsearch.data.parse.choices import Choices, choices
from hpsearch.data.parse.facts import Named, named
from hpsearch.data.parse.frame import Frame, FrameColumn
from hpsearch.data.parse.kinds import settle
from hpsearch.data.parse.made import Asked, Context, Made, Outcome, Unclear, path
from hpsearch.data.parse.matrix import apart, facts_apart, matrix_of
from hpsearch.data.parse.number_columns import by_mark
from hpsearch.data.parse.raw import Features, Mistakes, Raw, refuse, require_size
from hpsearch.data.parse.request import Reading
from hpsearch.plural import counted
from hpsearch.values import trainable, why_not

Floats = npt.NDArray[np.float64]


def raw_of(frame: Frame, reading: Reading, limits: Limits) -> Raw:
    """Settle the kinds of a frame's columns, and make the matrix (n, C) that is stored.

    A table of numbers without gaps is as it always was: all of its columns are stored, and the
    result says nothing of them. The frame is used up where its caller keeps no other hold on it.

    Raises
    ------
    errors.InvalidDataset
        With one mistake for each column that cannot be understood.
    errors.TooLarge
        More rows or columns than the limits allow.
    """
    require_size(limits, frame.rows, max(1, len(frame.columns) - 1), 4)
    if not frame.rows:
        refuse("x", "the file has a header and no rows")
    columns = list(frame.columns)
    if len(columns) < 2:
        refuse(
            "header",
            f"the table has {len(columns)} column(s); at least one feature and the label are "
            "needed; delimiter= says what separates them",
        )
    chosen = choices(columns, reading, named=frame.named)
    label = columns[chosen.label]
    target = targets.of(label, reading)
    context = _context(frame, reading, target.rows)
    context.notes.extend(frame.notes)
    is_named, room = frame.named, frame.room
    fact_columns = {name: columns[place].name for name, place in chosen.facts.items()}
    del frame
    facts = _named(columns, chosen, target.rows, context)
    if room is not None:
        target = replace(target, labels=apart(target.labels, room))
        facts = replace(facts, facts=facts_apart(facts.facts, room))
    table = _Table(
        _with_marks(_outcomes(columns, chosen, target.rows, context), context), context, limits
    )
    raw = table.raw(label.name, target, chosen, room)
    raw = replace(
        raw,
        facts=facts.settled(raw.x.values),
        fact_columns=fact_columns,
        without_group=0 if facts.alone is None else int(facts.alone.sum()),
        dated=facts.dated,
    )
    # Names that were made are kept where a model has to find its columns among others.
    kept = is_named or raw.columns or raw.left_out
    return raw if kept else replace(raw, names=())


def _context(frame: Frame, reading: Reading, rows: npt.NDArray[np.intp] | None) -> Context:
    first = frame.first_row

    def line(row: int) -> str:
        place = row if rows is None else int(rows[row])
        return f"line {place + first}" if first else f"row {place + 1}"

    missing = tuple(sorted({word.strip().lower() for word in reading.missing} - {""}))
    semicolons = (reading.delimiter or frame.delimiter) == ";"
    return Context(missing, reading.decimal, semicolons, line)


def _named(
    columns: Sequence[FrameColumn],
    chosen: Choices,
    rows: npt.NDArray[np.intp] | None,
    context: Context,
) -> Named:
    """Read the columns of groups, time and weight, of the rows that have a label."""
    facts = {name: _kept(columns[place], rows) for name, place in chosen.facts.items()}
    asked = {name: chosen.asked.get(place, Asked()) for name, place in chosen.facts.items()}
    return named(facts, asked, context)


def _kept(column: FrameColumn, rows: npt.NDArray[np.intp] | None) -> FrameColumn:
    if rows is None:
        return column
    cells = column.cells.dictionary_decode() if column.coded else column.cells
    return replace(column, cells=cells.take(pa.array(rows)), coded=False)


def _outcomes(
    columns: list[FrameColumn], chosen: Choices, rows: npt.NDArray[np.intp] | None, context: Context
) -> list[Outcome]:
    """Settle all columns but the label; the list is emptied, so that text goes as numbers come."""
    mistakes: list[errors.Mistake] = []
    outcomes: list[Outcome] = []
    for place in range(len(columns)):
        column = columns.pop(0)
        if place == chosen.label:
            continue
        left = _left_out(column, place, chosen)
        if left is not None:
            outcomes.append(left)
            continue
        column = _kept(column, rows)
        try:
            outcomes.append(
                _index(column)
                if not column.name
                else settle(column, chosen.asked.get(place, Asked()), context)
            )
        except errors.InvalidDataset as error:
            mistakes += error.mistakes
    _check(mistakes)
    return outcomes


def _check(mistakes: Sequence[errors.Mistake]) -> None:
    """Refuse with one line for each column."""
    if mistakes:
        others = f" (and {counted(len(mistakes) - 1, 'other column')})" if mistakes[1:] else ""
        raise errors.InvalidDataset(f"{mistakes[0].message}{others}", list(mistakes))


def _left_out(column: FrameColumn, place: int, chosen: Choices) -> LeftOut | None:
    fact = next((name for name, at in chosen.facts.items() if at == place), None)
    if fact is not None:
        return LeftOut(column.name, fact, "as asked")  # type: ignore[arg-type]
    if place in chosen.dropped:
        return LeftOut(column.name, "dropped", "as asked")
    if column.role == "left_out" and place not in chosen.asked:
        return LeftOut(column.name, "dropped", "the file says that it is no feature")
    return None


def _index(column: FrameColumn) -> LeftOut:
    """Leave out a first column without a name that numbers or names the rows."""
    cells = column.cells.cast(pa.string())
    whole = pc.all(pc.match_substring_regex(cells, r"^[0-9]+$")).as_py()
    measured = not whole and numbers.plain(cells) is not None
    if measured or len(cells.unique()) < len(cells):
        refuse(
            "header[0]",
            "the first column has no name, and does not number the rows: names= gives it one",
        )
    return LeftOut("", "index", "it numbers the rows" if whole else "it names the rows")


def _with_marks(outcomes: list[Outcome], context: Context) -> list[Outcome]:
    """Read the columns that depend on the decimal mark, which other columns may tell."""
    unclear = [one for one in outcomes if isinstance(one, Unclear)]
    if not unclear:
        return outcomes
    seen = {mark for one in outcomes if isinstance(one, Made) for mark in _mark(one)}
    if len(seen) == 1:
        (mark,) = seen
        return [
            by_mark(one.name, one.words, mark, context, one.unit)
            if isinstance(one, Unclear)
            else one
            for one in outcomes
        ]
    mistakes = []
    for one in unclear:
        digits = one.example.replace(",", "").replace(".", "")
        fraction = one.example.replace(",", ".")
        mistakes.append(
            errors.Mistake(
                path(one.name),
                f"column {one.name!r}: {one.example!r} may be {digits} or {fraction}; decimal=. or "
                "decimal=, says which mark is the decimal one",
            )
        )
    _check(mistakes)
    return outcomes


def _mark(made: Made) -> tuple[str, ...]:
    """Return the decimal mark that a column of numbers shows, if it shows one."""
    column, values = made.columns[0], made.values[0]
    if column.kind != "number" or column.part:
        return ()
    if column.decimal == ",":
        return (",",)
    present = values[np.isfinite(values)]
    return (".",) if (present != np.rint(present)).any() else ()


class _Table:
    """Puts the columns together."""

    def __init__(self, outcomes: list[Outcome], context: Context, limits: Limits) -> None:
        made = [one for one in outcomes if isinstance(one, Made)]
        self._left = [one for one in outcomes if isinstance(one, LeftOut)]
        as_ever = all(one.plain for one in made) and not self._left
        self._plain = True
        self._context = context
        self._columns: list[Column] = []
        self._values: list[Floats] = []
        for one in made:
            if one.constant and not as_ever:
                self._left.append(_constant(one))
            else:
                self._plain &= one.plain
                self._columns += one.columns
                self._values += one.values
        self._limits = limits

    def raw(
        self,
        label: str,
        target: targets.Target,
        chosen: Choices,
        room: Floats | None = None,
    ) -> Raw:
        """Return the matrix with all that is known of it; it is made in `room` where it fits in."""
        if not self._values:
            left = ", ".join(f"{one.name!r} ({one.kind})" for one in self._left[:10])
            refuse("x", f"no column is left to learn from; left out: {left}")
        self._require_names(label)
        self._require_trainable()
        rows, width = len(target.labels), len(self._values)
        require_size(self._limits, rows, width, 4)
        matrix = matrix_of(self._values, rows, room)
        names = tuple(column.name for column in self._columns)
        notes = [*self._context.notes, *target.notes]
        if not self._plain and not chosen.chosen:
            notes.append(_by_default(label))
        return Raw(
            Features(matrix, (width,), "tabular"),
            target.labels,
            names=names,
            label=label,
            classes=target.classes,
            task=target.task,
            columns=() if self._plain else tuple(self._columns),
            left_out=tuple(self._left),
            notes=tuple(notes),
            rows=target.rows,
        )

    def _require_names(self, label: str) -> None:
        seen = {label}
        for column in self._columns:
            if column.name in seen:
                refuse(
                    path(column.name),
                    f"two stored columns would be called {column.name!r}; names= renames one",
                )
            seen.add(column.name)

    def _require_trainable(self) -> None:
        mistakes = Mistakes()
        for column, values in zip(self._columns, self._values, strict=True):
            ends = np.array([np.fmin.reduce(values), np.fmax.reduce(values)])  # not of NaN
            if trainable(ends).all():
                continue
            bad = ~(trainable(values) | np.isnan(values))
            if bad.any():
                row = int(np.argmax(bad))
                count = int(bad.sum())
                more = f" (and {count - 1:,} more)" if count > 1 else ""
                mistakes.add(
                    path(column.name),
                    f"column {column.name!r}, {self._context.line(row)}: {why_not(float(values[row]))}{more}",
                )
        mistakes.check()


def _constant(made: Made) -> LeftOut:
    column = made.columns[0]
    value: Any = made.values[0][0]
    shown = column.levels[int(value)] if column.levels else f"{value:g}"
    name = column.source or column.name
    return LeftOut(name, "constant", f"every row has {'one date' if column.part else repr(shown)}")


def _by_default(label: str) -> Note:
    return Note(
        "label_by_default",
        "info",
        f"the last column, {label!r}, is taken for the label",
        {"label": label},
        "label=NAME (on the command line --label NAME) names another column",
    )
