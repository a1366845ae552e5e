"""Separator and quotes of a text, guessed from its first lines.

Every separator is tried with both quotes. The best one gives most lines the same number of
fields, closes its quotes, and has cells that hold no other separator; blanks are tried last, for
words have them too. Two that are as good are asked about.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Final, NamedTuple, NoReturn

from hpsearch import errors
from hpsearch.data.parse.frames.text import MAX_FIELD
from hpsearch.data.parse.raw import refuse

SHOWN: Final = {"\t": "tab", " ": "space"}
_WORDS: Final = {word: character for character, word in SHOWN.items()} | {"blank": " ", "\\t": "\t"}
_SEPARATORS: Final = (",", ";", "\t", "|")
_QUOTES: Final = ('"', "'")
_MOST = 0.5  # share of lines that agree, of a table
_SURE = 0.9
_CLOSE = 0.1  # difference of two shares of clean cells that says little
_TITLES = 20  # lines before the table at most
_LOOKED_AT = 4096  # characters of a line
_CELLS = 50_000

_NUMBER = r"[+-]?(?:\d+|\d{1,3}(?:[., ]\d{3})+)(?:[.,]\d+)?"
_CLEAN = re.compile(rf'{_NUMBER}|[^;,\t|"]*')
_TWO_NUMBERS = re.compile(r"[+-]?[\d.,]+ +[+-]?[\d.,]+(?: .*)?")
_BLANKS = {
    '"': re.compile(r'(?<![^ \t])("(?:[^"]|"")*")|[ \t]+'),
    "'": re.compile(r"(?<![^ \t])('(?:[^']|'')*')|[ \t]+"),
}


@cache
def _spaced_quotes(separator: str, quote: str) -> re.Pattern[str]:
    """Return a pattern of blanks and a quoted field, the latter in its group."""
    inside = f"{quote}(?:[^{quote}]|{quote * 2})*{quote}"
    return re.compile(f"(?:^|(?<={re.escape(separator)})) *({inside})")


class Row(NamedTuple):
    """A row: number of its first line, from 1, and its fields without blanks around."""

    line: int
    fields: list[str]


@dataclass(frozen=True, slots=True)
class Dialect:
    """Separator, " " for any run of blanks, and quote character of a table.

    `spaced` where blanks stand between a separator and a quote.
    """

    delimiter: str
    quote: str = '"'
    spaced: bool = False

    @property
    def shown(self) -> str:
        """The separator as `delimiter=` takes it."""
        return SHOWN.get(self.delimiter, self.delimiter)

    @property
    def written(self) -> str:
        """The separator between fields once `rewrite` has been over the lines."""
        return "\t" if self.delimiter == " " else self.delimiter

    def rewrite(self, line: str) -> str:
        """Return a line with one tab for each run of blanks that separates, none before a quote."""
        if self.delimiter != " ":
            pattern = _spaced_quotes(self.delimiter, self.quote)
            return pattern.sub(lambda run: run[1], line) if self.spaced else line
        return _BLANKS[self.quote].sub(lambda run: run[1] or "\t", line.strip(" \t\n")) + "\n"

    def rows(self, lines: Iterable[str], *, first: int = 1, strict: bool = True) -> Iterator[Row]:
        """Yield the rows that have a field, the first line being number `first`.

        Raises
        ------
        csv.Error
            In strict mode, where a quote is not closed or text follows one.
        """
        csv.field_size_limit(MAX_FIELD)
        reader = csv.reader(
            map(self.rewrite, lines), delimiter=self.written, quotechar=self.quote, strict=strict
        )
        before = 0
        for fields in reader:
            line, before = first + before, reader.line_num
            stripped = [one.strip() for one in fields]
            if stripped and stripped != [""]:
                yield Row(line, stripped)


@dataclass(slots=True)
class Guess:
    """A dialect and what the first lines are like in it.

    width, share
        The most frequent number of fields, and the share of lines that have it, after titles.
    clean
        Share of cells that hold no other separator.
    mistake
        Reason why its quotes do not fit, else empty; `line` is where.
    """

    dialect: Dialect
    rows: list[Row] = field(default_factory=list)
    width: int = 1
    share: float = 0.0
    clean: float = 0.0
    mistake: str = ""
    line: int = 0

    @property
    def rank(self) -> tuple[float, bool, float, int]:
        """The order of guesses; the best one is last."""
        return (round(self.share, 2), not self.mistake, round(self.clean, 2), self.width)


def guess(lines: list[str], dialect: Dialect, *, first: int = 1, whole: bool = True) -> Guess:
    """Look at the first lines in a dialect; `whole` if they are all there is."""
    guess = Guess(dialect)
    try:
        for row in dialect.rows(lines, first=first):
            guess.rows.append(row)
    except csv.Error as error:
        if whole or len(guess.rows) < 2 or "unexpected end" not in str(error):
            guess.mistake = str(error)
            guess.line = first if not guess.rows else guess.rows[-1].line + 1
            guess.rows = _lenient(lines, dialect, first)
    if not whole and len(guess.rows) > 2:
        guess.rows.pop()  # it may go on
    if guess.rows:
        _measure(guess)
    return guess


def _lenient(lines: list[str], dialect: Dialect, first: int) -> list[Row]:
    rows: list[Row] = []
    try:
        rows.extend(dialect.rows(lines, first=first, strict=False))
    except csv.Error:
        pass  # a field beyond the cap; what came before it will do for a guess
    return rows


def _measure(guess: Guess) -> None:
    widths = Counter(len(row.fields) for row in guess.rows)
    guess.width = max(widths, key=lambda width: (widths[width] if width > 1 else 0, width))
    rows = guess.rows
    if guess.width > 1:
        titles = next((n for n, row in enumerate(rows) if len(row.fields) > 1), 0)
        rows = rows[titles if titles <= _TITLES and 2 * titles < len(rows) else 0 :]
    agree = sum(len(row.fields) == guess.width for row in rows)
    # Names may lack one: that of the names of rows, or of nothing behind the last separator.
    agree += guess.width > 2 and len(rows[0].fields) == guess.width - 1
    guess.share = agree / len(rows)
    cells = list(islice((cell for row in rows for cell in row.fields), _CELLS))
    guess.clean = sum(map(_is_clean, cells)) / max(1, len(cells))


def _is_clean(cell: str) -> bool:
    return bool(_CLEAN.fullmatch(cell)) and not _TWO_NUMBERS.fullmatch(cell)


def choose(
    lines: list[str], delimiter: str | None, *, first: int, whole: bool, decimal: str | None = None
) -> Guess:
    """Return the best reading of the first lines, in the separator that is named, if any.

    Raises
    ------
    errors.InvalidDataset
        Two readings are as good, no separator fits, or quotes are not closed.
    """
    if delimiter is not None:
        named = _WORDS.get(delimiter.lower(), delimiter)
        if len(named) != 1 or named in "\r\n\"'\0":
            refuse("delimiter", f"{delimiter!r} is no separator: a character, tab or space")
        return _usable(_best(_both_quotes(lines, named, first, whole=whole)))
    separators = [one for one in _SEPARATORS if one != decimal]
    tried = _tables(lines, separators, first, whole=whole)
    if not any(one.share >= _SURE and one.clean >= _SURE for one in tried):
        tried += _tables(lines, [" "], first, whole=whole)
    if not tried:
        return _usable(guess(lines, Dialect(","), first=first, whole=whole))
    best = _best(tried)
    _ask_if_close(best, tried)
    return _usable(best)


def _tables(lines: list[str], separators: list[str], first: int, *, whole: bool) -> list[Guess]:
    guesses = [
        one
        for separator in separators
        if any(separator in line for line in lines)  # else there is one column
        for one in _both_quotes(lines, separator, first, whole=whole)
    ]
    return [one for one in guesses if one.width > 1 and one.share >= _MOST]


def _both_quotes(lines: list[str], separator: str, first: int, *, whole: bool) -> list[Guess]:
    return [
        guess(lines, _with(lines, separator, quote), first=first, whole=whole)
        for quote in _QUOTES
        if quote == '"' or _quoted(lines, quote)
    ]


def _with(lines: list[str], separator: str, quote: str) -> Dialect:
    spaced = separator not in " \t" and any(f"{separator} {quote}" in line for line in lines)
    return Dialect(separator, quote, spaced)


def _quoted(lines: list[str], quote: str) -> bool:
    """Tell whether cells stand in such quotes, and no cell in double ones."""
    pattern = re.compile(rf"(?:^|[;,\t| ])\s*{quote}[^{quote}]*{quote}\s*(?:$|[;,\t| ])")
    return not any('"' in line for line in lines) and any(
        pattern.search(line[:_LOOKED_AT]) for line in lines
    )


def _best(guesses: list[Guess]) -> Guess:
    return max(guesses, key=lambda one: (one.rank, one.dialect.quote == "'"))


def _ask_if_close(best: Guess, tried: list[Guess]) -> None:
    for other in tried:
        if (
            other.dialect.delimiter != best.dialect.delimiter
            and not other.mistake
            and min(other.share, best.share) >= _SURE
            and abs(other.clean - best.clean) < _CLOSE
        ):
            _ask(best, other)


def _ask(*both: Guess) -> NoReturn:
    said = "; or ".join(
        f"by {one.dialect.shown!r} there are {one.width} columns, the first row is "
        f"{_listed(one.rows[0].fields)}"
        for one in both
    )
    named = " or ".join(f"delimiter={one.dialect.shown}" for one in both)
    refuse("delimiter", f"the table may be read in two ways: {said}. Say which: {named}")


def _listed(fields: list[str]) -> str:
    return " / ".join(one[:20] for one in fields[:6]) + (" / ..." if len(fields) > 6 else "")


def _usable(best: Guess) -> Guess:
    if best.mistake:
        raise quotes_refused(best.line, best.mistake)
    return best


def quotes_refused(line: int, mistake: str) -> errors.InvalidDataset:
    """Return the refusal of a text whose quotes do not fit."""
    message = (
        f"{mistake}; a field has at most {MAX_FIELD:,} characters, its quotes are closed, and a "
        "quote inside of it is written twice"
    )
    return errors.InvalidDataset(
        f"line {line}: {message}", [errors.Mistake(f"line {line}", message)]
    )
