"""Reads Parquet by its Arrow schema: kinds, levels and their order as the writer stored them."""

from __future__ import annotations

import base64
import io
from typing import Any

from hpsearch.data.limits import Limits
from hpsearch.data.parse.frame import Frame
from hpsearch.data.parse.frames.arrow import arrow
from hpsearch.data.parse.frames.arrow_table import frame_of, require_flat
from hpsearch.data.parse.frames.source import Source
from hpsearch.data.parse.raw import refuse, require_size
from hpsearch.data.parse.request import Reading


def read(source: Source, reading: Reading, limits: Limits) -> Frame:
    """Read a file, as `arrow_table.frame_of` has it.

    Raises
    ------
    errors.InvalidDataset
        Damaged; columns of nested or unknown types, each named.
    errors.TooLarge
        More rows, columns or bytes than the limits allow.
    """
    pyarrow = arrow()
    damaged = (pyarrow.ArrowException, OSError, ValueError, KeyError)
    with source.open() as stream:
        # What comes out of a packed file cannot be read from its end.
        file = io.BytesIO(stream.read()) if source.packed else stream
        try:
            parquet = arrow("parquet").ParquetFile(file, pre_buffer=False)
            schema, rows = parquet.schema_arrow, parquet.metadata.num_rows
        except damaged as error:
            _refuse_damaged(error)
        require_flat(schema)
        require_size(limits, rows, max(1, len(schema)), 4)
        try:
            table = parquet.read(use_threads=False, use_pandas_metadata=False)
        except damaged as error:
            _refuse_damaged(error)
    return frame_of(table, _written(parquet, schema), "Parquet file")


def _refuse_damaged(error: Exception) -> Any:
    if isinstance(error, MemoryError):
        raise error
    refuse("file", f"the Parquet file is damaged or of a kind that is not read: {str(error)[:200]}")


def _written(parquet: Any, schema: Any) -> list[Any]:
    """Return the types of the columns as they were before Parquet, where the file tells."""
    stored = (parquet.metadata.metadata or {}).get(b"ARROW:schema", b"")
    read_as = [field.type for field in schema]
    try:
        written = arrow("ipc").read_schema(arrow().py_buffer(base64.b64decode(stored)))
    except (ValueError, OSError, arrow().ArrowException):
        return read_as
    same = written.names == schema.names
    return [field.type for field in written] if same else read_as
