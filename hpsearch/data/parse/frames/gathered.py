"""Gathers the columns of a text batch by batch: as numbers while all cells are, else as words.

A column of numbers never stands as words in memory, nor is it looked at twice; of a column of few
words there are the numbers of these. What is no plain
number is left to the closer look that the words get: groups of three, padded digits, dates.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hpsearch.columns import NUMBER_GAPS
from hpsearch.data.parse.frames.arrow import arrow, joined
from hpsearch.data.parse.frames.typed_blocks import Form

Floats = npt.NDArray[np.float64]

_MOST_WORDS: Final = 1000  # distinct ones of a column that is kept by these
_JOINED: Final = 8  # blocks
_FIRST: Final = 4096  # cells
_PADDED: Final = r"^0[0-9]+$"


class _Numbers:
    """A column of numbers: (n,) float64, NaN for gaps, in one piece that grows in its place.

    room
        Where they are to be, if they fit in; None leaves it to the column.
    """

    def __init__(self, rows: int, room: Floats | None) -> None:
        self._values, self._size = np.empty(0) if room is None else room, 0
        self._expected = max(_FIRST, rows)
        self._blank: list[Any] = []
        self._spelled = False
        self.gaps = 0

    def add(self, values: Any, cells: Any) -> None:
        """Take the numbers that cells became, or were read as."""
        size = self._size + len(values)
        if size > len(self._values):
            self._grow(size)
        self._values[self._size : size] = values.to_numpy(zero_copy_only=False)
        self._size = size
        self.gaps += values.null_count
        blank = _blank(cells) if values.null_count else len(cells)
        self._blank.append(blank)
        self._spelled |= values.null_count > np.count_nonzero(blank) * (type(blank) is not int)

    def _grow(self, size: int) -> None:
        if self._values.base is None and self._size:
            self._values.resize(max(size, 3 * len(self._values) // 2), refcheck=False)
            return
        values, self._values = self._values, np.empty(max(size, self._expected))
        self._values[: self._size] = values[: self._size]

    @property
    def size(self) -> int:
        """The number of cells."""
        return self._size

    @property
    def form(self) -> Form:
        """Form that further cells are read as: a gap that is spelled, as NA, has to be read as text."""
        return "number" if self._size and not self._spelled else "text"

    def whole(self) -> tuple[Any, Any]:
        """Return the column as `double`, gaps null, and the marks of its cells that are ""."""
        if self._values.base is None:
            self._values.resize(self._size, refcheck=False)
        marks = None
        if not all(type(one) is int for one in self._blank):
            each = (np.zeros(one, np.bool_) if type(one) is int else one for one in self._blank)
            marks = arrow().array(np.concatenate(list(each)))
        return arrow().array(self._values[: self._size], from_pandas=self.gaps > 0), marks


class _Words:
    """A column of words, without blanks around; by its distinct ones while these are few."""

    def __init__(self, *, coded: bool) -> None:
        self._places: dict[str, int] | None = {} if coded else None
        self._codes: list[Any] = []
        self._blocks: list[Any] = []
        self._fresh: list[Any] = []

    @property
    def form(self) -> Form:
        """Form that further cells are read as."""
        return "text" if self._places is None else "words"

    def add(self, cells: Any) -> None:
        """Take a block."""
        if self._places is not None:
            self._add_coded(cells, self._places)
            return
        cells = cells if cells.type == arrow().string() else cells.dictionary_decode()
        self._fresh.append(arrow("compute").utf8_trim_whitespace(cells))
        if len(self._fresh) == _JOINED:
            self._join()

    def _add_coded(self, cells: Any, places: dict[str, int]) -> None:
        encoded = cells if cells.type != arrow().string() else cells.dictionary_encode()
        words = arrow("compute").utf8_trim_whitespace(encoded.dictionary).to_pylist()
        numbers = np.array([places.setdefault(word, len(places)) for word in words], np.int32)
        self._codes.append(numbers[encoded.indices.to_numpy()])
        if len(places) > _MOST_WORDS:
            self._blocks = [self._encoded(places).dictionary_decode()]
            self._places = None

    def _encoded(self, places: dict[str, int]) -> Any:
        pyarrow = arrow()
        codes = np.concatenate(self._codes)
        self._codes.clear()
        words = pyarrow.array(list(places), pyarrow.string())
        return pyarrow.DictionaryArray.from_arrays(pyarrow.array(codes), words)

    def _join(self) -> None:
        # Small blocks hold more memory than they fill.
        self._blocks.append(joined(self._fresh))

    def whole(self) -> tuple[Any, None]:
        """Return the column as `string` or a dictionary of it; nothing is held any more."""
        if self._places is not None:
            return self._encoded(self._places), None
        if self._fresh:
            self._join()
        return joined(self._blocks), None


class Gathered:
    """Columns of batches.

    Parameters
    ----------
    numbers
        Places of the columns that may become numbers.
    gaps
        Words, in lower case, that the sender declared to mean a missing value.
    rows
        Number of rows to take room for; there may be more.
    coded
        True keeps words by their distinct ones where these are few.
    room
        (width, n or more) float64: the numbers of each column are to be in its row.
    """

    def __init__(
        self,
        width: int,
        numbers: frozenset[int],
        gaps: Iterable[str],
        rows: int = 0,
        *,
        coded: bool = False,
        room: Floats | None = None,
    ) -> None:
        self.coded, self.room = coded, room
        self._columns: list[_Numbers | _Words] = [
            _Numbers(rows, None if room is None else room[at])
            if at in numbers
            else _Words(coded=coded)
            for at in range(width)
        ]
        self._gaps = arrow().array(sorted({"", *NUMBER_GAPS, *gaps}), arrow().string())
        self._batches = 0
        self.late: set[int] = set()

    def forms(self) -> list[Form]:
        """Return what the cells of each column are best read as, by those that it has."""
        return [column.form for column in self._columns]

    def add(self, batch: list[Any], only: set[int] | None = None) -> None:
        """Take the columns of a batch, or some of them; words that are seen too late are in `late`."""
        for at, cells in enumerate(batch):
            if at not in self.late and (only is None or at in only):
                self._add(at, cells)
        self._batches += 1
        if self._batches % _JOINED == 0:
            arrow().default_memory_pool().release_unused()

    def _add(self, at: int, cells: Any) -> None:
        column = self._columns[at]
        if isinstance(column, _Numbers):
            typed = cells.type == arrow().float64()
            values = cells if typed else as_numbers(cells, self._gaps)
            if values is not None:
                column.add(values, cells)
                return
            if column.size:
                self._give_up(at)
                return
            column = self._columns[at] = _Words(coded=self.coded)
        column.add(cells)

    def _give_up(self, at: int) -> None:
        self.late.add(at)
        self._columns[at] = _Words(coded=False)

    def settle(self) -> None:
        """Leave columns of gaps alone to the words, which tell what they are."""
        for at, column in enumerate(self._columns):
            if isinstance(column, _Numbers) and column.gaps == column.size:
                self._give_up(at)

    def take(self, again: Gathered) -> None:
        """Put the words of a second reading in the places of the late columns."""
        for at in self.late:
            self._columns[at] = again._columns[at]

    def whole(self) -> list[tuple[Any, Any]]:
        """Return each column, `string` or `double`, and the marks of its blank cells or None."""
        made = []
        for at, column in enumerate(self._columns):
            made.append(column.whole())
            self._columns[at] = _Words(coded=False)
        return made


def as_numbers(cells: Any, gaps: Any) -> Any:
    """Return cells (n,) as `double`, gaps null; None where a cell is neither, or padded with a 0."""
    pyarrow, compute = arrow(), arrow("compute")
    try:
        values = compute.cast(cells, pyarrow.float64())
    except pyarrow.ArrowInvalid:
        values = None
    if values is None or not np.isfinite(values.to_numpy()).all():
        bare = compute.utf8_trim_whitespace(cells)
        present = compute.invert(compute.is_in(compute.utf8_lower(bare), gaps))
        try:
            values = compute.cast(
                compute.if_else(present, bare, pyarrow.scalar(None, pyarrow.string())),
                pyarrow.float64(),
            )
        except pyarrow.ArrowInvalid:
            return None
        if not compute.all(compute.fill_null(compute.is_finite(values), True)).as_py():
            return None
        cells = bare
    return None if _is_padded(cells, values) else values


def _is_padded(cells: Any, values: Any) -> bool:
    """Tell whether some cell is digits behind a needless 0: a name that is made of digits."""
    compute = arrow("compute")
    numbers = values.to_numpy(zero_copy_only=False)
    whole = numbers == np.rint(numbers)
    if not whole.any():
        return False
    places = np.flatnonzero(whole)
    places = places[_may_begin_with_zero(cells, places)]
    if not len(places):
        return False
    suspects = compute.utf8_trim_whitespace(cells.take(arrow().array(places)))
    return bool(compute.any(compute.match_substring_regex(suspects, _PADDED)).as_py())


def _may_begin_with_zero(cells: Any, places: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Mark those of some places of cells (n,) `string` that hold more than a 0, behind blanks or not."""
    _, ends, texts = cells.buffers()
    first = np.frombuffer(ends, np.int32, len(cells) + 1, 4 * cells.offset)
    starts = first[places]
    longer = first[places + 1] - starts > 1
    begins = np.frombuffer(texts, np.uint8)[starts * longer] if longer.any() else starts
    # Blanks are up to 32 and beyond ASCII.
    marked = (begins == ord("0")) | (begins <= ord(" ")) | (begins > 127)
    return np.asarray(longer & marked)


def _blank(cells: Any) -> Any:
    compute = arrow("compute")
    if cells.type == arrow().float64():
        return np.asarray(cells.is_null())
    marks = np.asarray(compute.equal(compute.utf8_trim_whitespace(cells), ""))
    return marks if marks.any() else len(cells)
