"""Upload of a dataset: a file that the service parses before it answers."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

import httpx

from hpsearch.client.address import path_of
from hpsearch.client.arguments import file_path
from hpsearch.client.transport import Transport
from hpsearch.errors import InvalidRequest
from hpsearch.report import views

MOST_NAME = 200  # characters of a file's name that are sent
UPLOAD_TIMEOUT = 300.0  # the service parses a whole dataset before it answers

_OF_PANDAS: Final = {
    "pandas.period": ("periods", "dt.to_timestamp() makes dates of them"),
    "pandas.interval": ("intervals", "astype(str) makes words of them"),
}

Parameter: TypeAlias = str | int | Iterable[str] | None


@runtime_checkable
class Frame(Protocol):
    """A table in memory: of pandas 2.2, polars, pyarrow, DuckDB and others (Arrow PyCapsule interface)."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the table as a capsule that holds an Arrow stream."""
        ...


def upload(
    transport: Transport,
    name: str,
    data: str | os.PathLike[str] | Frame,
    query: Mapping[str, Parameter],
) -> views.DatasetView:
    """Send a file or a frame as the dataset `name`; a parameter that is None or empty is left out.

    A file with a suffix that tells nothing is sent as any bytes: the service finds out what it is.
    A frame is sent as Parquet, with the order and the levels of its categories.

    Raises
    ------
    InvalidRequest
        The file cannot be read, the frame has columns that Parquet cannot hold, or it is no dataset.
    """
    if isinstance(data, Frame):
        with tempfile.TemporaryDirectory(prefix="hpsearch-") as folder:
            return _upload(transport, name, _parquet(data, Path(folder)), query)
    return _upload(transport, name, file_path(data, "the dataset's file or frame"), query)


def _parquet(frame: Frame, folder: Path) -> Path:
    import pyarrow as pa
    from pyarrow import parquet

    path = folder / "frame.parquet"
    _require_single_names(frame)
    try:
        table = pa.table(frame)
        _require_stored(frame, table.schema)
        parquet.write_table(table, path)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise InvalidRequest(f"the frame cannot be written as Parquet: {error}") from error
    return path


def _require_single_names(frame: Frame) -> None:
    """Refuse a frame of pandas whose columns or rows have names of several levels."""
    columns: Any = getattr(frame, "columns", None)
    index: Any = getattr(frame, "index", None)
    if getattr(columns, "nlevels", 1) > 1:
        raise InvalidRequest(
            f"the frame's columns have names of {columns.nlevels} levels, such as {columns[0]!r}; "
            "give each one name: frame.columns = ['_'.join(map(str, name)) for name in frame.columns]"
        )
    if getattr(index, "nlevels", 1) > 1:
        named = ", ".join(map(repr, index.names))
        raise InvalidRequest(
            f"the frame's rows have an index of {index.nlevels} levels ({named}); "
            "frame.reset_index() makes columns of them, frame.reset_index(drop=True) leaves them out"
        )


def _require_stored(frame: Frame, schema: Any) -> None:
    """Refuse columns of kinds that only pandas reads back from a file."""
    import pyarrow as pa

    for field in schema:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        known = _OF_PANDAS.get(getattr(kind, "extension_name", ""))
        if known is None:
            continue
        what, change = known
        way_out = f"frame[{field.name!r}] = frame[{field.name!r}].{change}"
        column = f"column {field.name!r}"
        if field.name not in getattr(frame, "columns", ()):
            column = "the index"
            way_out = (
                "frame.reset_index(drop=True) leaves it out, and frame.reset_index() makes a column"
            )
        raise InvalidRequest(
            f"{column} of the frame holds {what}, which only pandas reads back; {way_out}"
        )


def _upload(
    transport: Transport, name: str, path: Path, query: Mapping[str, Parameter]
) -> views.DatasetView:
    from hpsearch.data.formats import ANY_FILE, by_suffix  # loads NumPy

    file_format = by_suffix(path)
    media_type = ANY_FILE if file_format is None else file_format.media_type
    # A service of an earlier version knows no file names, and these two formats.
    told = path.suffix.lower() in (".npz", ".csv")
    given = {**query, "filename": None if told else path.name[-MOST_NAME:]}
    timeout = httpx.Timeout(transport.timeout, read=UPLOAD_TIMEOUT, write=UPLOAD_TIMEOUT)
    try:
        with path.open("rb") as content:
            return transport.view(
                views.DatasetView,
                "PUT",
                path_of("datasets", name),
                content=content,
                headers={"Content-Type": media_type},
                params={
                    key: _sent(value) for key, value in given.items() if value not in (None, (), [])
                },
                timeout=timeout,
            )
    except OSError as error:
        raise InvalidRequest(f"{path}: {error.strerror or error}") from error


def _sent(value: Parameter) -> str | int | list[str] | None:
    """Return a parameter as httpx takes it: a list is repeated."""
    return value if value is None or isinstance(value, str | int) else list(value)
