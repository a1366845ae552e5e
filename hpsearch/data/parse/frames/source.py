"""`Source`: bytes of a table, from a file or from inside a packed one, opened as often as needed."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol, cast

from hpsearch import errors
from hpsearch.data.limits import MIB
from hpsearch.data.parse.raw import refuse

HEAD: Final = 4096
MAX_RATIO: Final = 200  # unpacked to packed, counted against a file only above
RATIO_FREE: Final = 64 * MIB


class Readable(Protocol):
    """Anything that bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end."""

    def close(self) -> None:
        """Give back what it holds."""


@dataclass(frozen=True, slots=True)
class Source:
    """A table's bytes.

    open
        Gives them from the beginning, each time anew.
    name
        Of the file, where it is known: its suffix is a hint.
    packed
        Name of the packing that it came out of, "gzip" or "zip"; else empty.
    """

    open: Callable[[], IO[bytes]]
    name: str
    packed: str = ""

    @property
    def suffix(self) -> str:
        """The suffix of the name, in lower case."""
        return Path(self.name).suffix.lower()

    def head(self, size: int = HEAD) -> bytes:
        """Return the first bytes."""
        with self.open() as file:
            return file.read(size)


def of_file(path: Path, name: str) -> Source:
    """Return the bytes of a file."""
    return Source(lambda: path.open("rb"), name or path.name)


class Bounded(io.RawIOBase):
    """A packed stream that ends in `TooLarge` where it unpacks to more than is taken.

    Parameters
    ----------
    files
        The stream, and what is to be closed with it.
    cap
        Bytes that are taken.
    packed_size
        Bytes that the stream has in its file.
    what
        Name of the packing: "gzip file", "zip file".
    """

    def __init__(
        self,
        files: tuple[Readable, ...],
        *,
        cap: int,
        packed_size: int,
        what: str,
    ) -> None:
        super().__init__()
        self._file, self._all = files[0], files
        self._cap, self._what, self._read = cap, what, 0
        self._ratio_cap = max(RATIO_FREE, MAX_RATIO * packed_size)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill the buffer. Raises: TooLarge; InvalidDataset where the stream is damaged."""
        view = cast("memoryview", buffer)
        try:
            block = self._file.read(len(view))
        except (zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            refuse("file", f"the {self._what} is damaged ({error}); pack it again")
        view[: len(block)] = block
        self._read += len(block)
        if self._read > self._cap:
            raise errors.TooLarge(
                f"the {self._what} unpacks to more than {self._cap:,} bytes; send fewer rows or "
                "columns"
            )
        if self._read > self._ratio_cap:
            raise errors.TooLarge(
                f"the {self._what} unpacks to more than {MAX_RATIO} times its size; send the "
                "table unpacked"
            )
        return len(block)

    def close(self) -> None:
        """Close the stream and what it reads from."""
        for file in self._all:
            file.close()
        super().close()
