"""Reads Arrow files, which Feather is a name of, and Arrow streams."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from hpsearch.data.limits import Limits
from hpsearch.data.parse.frame import Frame
from hpsearch.data.parse.frames.arrow import arrow
from hpsearch.data.parse.frames.arrow_table import frame_of, require_flat
from hpsearch.data.parse.frames.source import Source
from hpsearch.data.parse.raw import refuse, require_size
from hpsearch.data.parse.request import Reading


def read(source: Source, reading: Reading, limits: Limits) -> Frame:
    """Read a file, as `arrow_table.frame_of` has it. Its offsets are checked before any is followed.

    Raises
    ------
    errors.InvalidDataset
        Damaged; columns of nested or unknown types, each named.
    errors.TooLarge
        More rows or columns than the limits allow.
    """
    pyarrow, rows, batches = arrow(), 0, []
    with source.open() as stream:
        try:
            schema, read_batches = _opened(io.BytesIO(stream.read()))
            require_flat(schema)
            for batch in read_batches:
                rows += batch.num_rows
                require_size(limits, rows, max(1, len(schema)), 4)
                batch.validate(full=True)
                batches.append(batch)
            table = pyarrow.Table.from_batches(batches, schema)
        except MemoryError:
            raise
        except (pyarrow.ArrowException, OSError, ValueError, KeyError) as error:
            refuse(
                "file",
                f"the Arrow file is damaged or of a kind that is not read: {str(error)[:200]}",
            )
    return frame_of(table, [field.type for field in schema], "Arrow file")


def _opened(content: io.BytesIO) -> tuple[Any, Iterator[Any]]:
    """Return the schema and the batches of a file or a stream."""
    ipc = arrow("ipc")
    # One thread: a parser has no address space for more.
    options = ipc.IpcReadOptions(use_threads=False)
    if content.getvalue()[:6] != b"ARROW1":
        stream = ipc.open_stream(content, options=options)
        return stream.schema, iter(stream)
    file = ipc.open_file(content, options=options)
    return file.schema, (file.get_batch(at) for at in range(file.num_record_batches))
