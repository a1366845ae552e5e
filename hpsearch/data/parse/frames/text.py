"""`Text`: a file of characters with plain line feeds at the ends of lines, and facts about it.

A first pass over the bytes finds the encoding and what would go wrong later; a second one feeds the
reader. Nothing is held but a block.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, AnyStr, Final, NoReturn

import numpy as np

from hpsearch.data.limits import MIB
from hpsearch.data.notes import Note
from hpsearch.data.parse.frames.source import Source
from hpsearch.data.parse.raw import refuse

MAX_LINE: Final = 4 * MIB  # characters
MAX_FIELD: Final = 1 << 17  # characters
SAMPLE_LINES: Final = 1000
_TAIL = 1 << 16
_MARKS: Final = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@dataclass(slots=True)
class Text:
    """A file of characters.

    encoding
        Name of the codec.
    size, lines
        Characters, and line ends, of the whole file.
    blank
        Places with two line ends in a row.
    quotes
        Counts of the two quote characters.
    longest
        Characters of the longest line, of those that are longer than a block.
    sample, tail
        The first lines, as many as dialects are guessed from; the last characters.
    encoded
        Bytes of the characters in UTF-8, where the file has just these, behind a mark; else 0.
    alters
        True where the file has other ends of lines than line feeds.
    """

    source: Source
    encoding: str
    notes: tuple[Note, ...] = ()
    size: int = 0
    lines: int = 0
    blank: int = 0
    longest: int = 0
    quotes: dict[str, int] = field(default_factory=lambda: {'"': 0, "'": 0})
    sample: str = ""
    tail: str = ""
    encoded: int = 0
    alters: bool = False

    @property
    def whole(self) -> bool:
        """True where the sample is all there is."""
        return len(self.sample) == self.size

    def blocks(self) -> Iterator[str]:
        """Yield the characters, about a million at a time."""
        with (
            self.source.open() as raw,
            io.TextIOWrapper(raw, encoding=self.encoding) as file,
        ):
            while block := file.read(MIB):
                yield block
            self.alters |= file.newlines not in (None, "\n")

    def part(self, start: int, stop: int) -> Iterator[str]:
        """Yield the characters from `start` to `stop`."""
        at = 0
        for block in self.blocks():
            wanted = block[max(0, start - at) : max(0, stop - at)]
            if wanted:
                yield wanted
            at += len(block)
            if at >= stop:
                return

    def encoded_part(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the characters from `start`, in the sample, to `stop` in UTF-8."""
        behind = self.size - stop
        if not self.encoded or behind > len(self.tail):
            yield from (block.encode() for block in self.part(start, stop))
            return
        before = len(self.sample[:start].encode())
        left = self.encoded - before - len(self.tail[len(self.tail) - behind :].encode())
        with self.source.open() as file:
            _skip(file, before + len(_mark(self.source)))
            while left > 0 and (block := file.read(min(MIB, left))):
                left -= len(block)
                yield block


def _mark(source: Source) -> bytes:
    mark = _MARKS[0][0]
    return mark if source.head(len(mark)) == mark else b""


def _skip(file: IO[bytes], size: int) -> None:
    while size > 0 and (block := file.read(size)):
        size -= len(block)


def read_text(source: Source, encoding: str | None, *, longest: int = MAX_LINE) -> Text:
    """Read a text once, in the encoding that is named, or UTF-8, or else Windows-1252.

    Parameters
    ----------
    longest
        Characters of a line at most.

    Raises
    ------
    errors.InvalidDataset
        Not text, another encoding, or a line without an end.
    """
    head = source.head(4)
    marked = next((codec for mark, codec in _MARKS if head.startswith(mark)), None)
    if encoding is not None:
        named = "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding
        return _read(source, named, longest, f"not text in the encoding {encoding}")
    if marked not in (None, "utf-8-sig"):
        text = _read(source, str(marked), longest, f"begins like {marked} text and is none")
        text.notes = (_encoding(text.encoding, "info"),)
        return text
    try:
        return _scanned(Text(source, "utf-8-sig"), longest)
    except UnicodeDecodeError:
        text = _read(source, "cp1252", longest, "neither UTF-8 nor Windows-1252 text")
        text.notes = (_encoding("cp1252", "warning"),)
        return text


def _encoding(codec: str, severity: str) -> Note:
    message = f"the text is read in the encoding {codec}"
    advice = "look at words with accents; encoding= names another one"
    return Note(
        "encoding",
        "warning" if severity == "warning" else "info",
        message + (": it is not UTF-8" if severity == "warning" else ""),
        {"encoding": codec},
        advice,
    )


def _read(source: Source, codec: str, longest: int, what: str) -> Text:
    try:
        return _scanned(Text(source, codec), longest)
    except (UnicodeError, LookupError) as error:
        refuse("encoding", f"{what} ({error}); name the encoding: utf-8, cp1252, utf-16, ...")


def _scanned(text: Text, longest: int) -> Text:
    """Fill in the facts that one pass over a text tells."""
    plain = _scanned_bytes(text.source, longest) if text.encoding == "utf-8-sig" else None
    if plain is not None:
        return plain
    last, open_line, encoded = "", 0, 0
    for block in text.blocks():
        if "\0" in block:
            _refuse_nul(text.lines + block[: block.index("\0")].count("\n") + 1, text)
        if not text.size:
            text.sample = _first_lines(block)
        text.blank += (last + block).count("\n\n")
        ends = block.count("\n")
        open_line = _line_length(text, block, "\n", open_line, longest)
        text.size += len(block)
        text.lines += ends
        for quote in text.quotes:
            text.quotes[quote] += block.count(quote) if quote in block else 0
        encoded += len(block) if block.isascii() else len(block.encode(errors="surrogatepass"))
        text.tail = (text.tail + block)[-_TAIL:]
        last = block[-1]
    text.encoded = 0 if text.alters or text.encoding != "utf-8-sig" else encoded
    return text


def _scanned_bytes(source: Source, longest: int) -> Text | None:
    """Return the same facts of ASCII text with line feeds alone, from its bytes: several times as fast.

    None of any other text, as soon as it is seen.
    """
    text, last, open_line = Text(source, "utf-8-sig"), b"", 0
    with source.open() as file:
        _skip(file, len(_mark(source)))
        while block := _block(file):
            if not block.isascii() or b"\r" in block or b"\0" in block:
                return None
            ends = np.frombuffer(block, np.uint8) == ord("\n")
            if not text.size:
                text.sample = _first_lines(block.decode())
            if ends[0] or (ends[1:] & ends[:-1]).any():
                text.blank += (last + block).count(b"\n\n")
            last = block[-1:]
            open_line = _line_length(text, block, b"\n", open_line, longest)
            text.size += len(block)
            text.lines += int(np.count_nonzero(ends))
            for quote in text.quotes:
                mark = quote.encode()
                text.quotes[quote] += block.count(mark) if mark in block else 0
            text.tail = (text.tail + block[-_TAIL:].decode())[-_TAIL:]
    text.encoded = text.size
    return text


def _block(file: IO[bytes]) -> bytes:
    """Return as many bytes as a block has, or those that are left."""
    block = file.read(MIB)
    while len(block) < MIB and (more := file.read(MIB - len(block))):
        block += more
    return block


def _line_length(text: Text, block: AnyStr, end: AnyStr, open_line: int, longest: int) -> int:
    """Check the length of the lines of a block; return that of the one that is not over."""
    first = block.find(end)
    length = open_line + (len(block) if first < 0 else first)
    text.longest = max(text.longest, length)
    if length > longest:
        refuse(f"line {text.lines + 1}", f"has more than {longest:,} characters")
    return length if first < 0 else len(block) - block.rfind(end) - 1


def _first_lines(block: str) -> str:
    """Return the first lines of the first block, whole ones."""
    at = -1
    for _ in range(SAMPLE_LINES):
        following = block.find("\n", at + 1)
        if following < 0:
            # The file's last line may have no end.
            return block if len(block) < MIB or at < 0 else block[: at + 1]
        at = following
    return block[: at + 1]


def _refuse_nul(line: int, text: Text) -> NoReturn:
    wide = "; of UTF-16 without a mark, name it: encoding=utf-16-le" if line == 1 else ""
    refuse(
        f"line {line}",
        f"has a NUL byte: not a text file; save it as CSV in UTF-8{wide}",
    )
