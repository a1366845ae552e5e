"""Upload of a dataset: a file that the service parses before it answers."""

from __future__ import annotations

from pathlib import Path

import httpx

from hpsearch.client.address import path_of
from hpsearch.client.transport import Transport
from hpsearch.errors import InvalidRequest, UnsupportedType
from hpsearch.report.views import DatasetView

UPLOAD_TIMEOUT = 300.0  # the service parses a whole dataset before it answers


def upload(transport: Transport, name: str, path: Path, *, label: str | None) -> DatasetView:
    """Send the file at `path` as the dataset `name`.

    Raises
    ------
    UnsupportedType, InvalidRequest
        The file has another suffix, or cannot be read.
    """
    from hpsearch.data.formats import by_suffix, name_suffixes  # loads NumPy

    file_format = by_suffix(path)
    if file_format is None:
        raise UnsupportedType(f"{path}: a dataset is {name_suffixes()}")
    timeout = httpx.Timeout(transport.timeout, read=UPLOAD_TIMEOUT, write=UPLOAD_TIMEOUT)
    try:
        with path.open("rb") as file:
            return transport.view(
                DatasetView,
                "PUT",
                path_of("datasets", name),
                content=file,
                headers={"Content-Type": file_format.media_type},
                params={"label": label} if label is not None else {},
                timeout=timeout,
            )
    except OSError as error:
        raise InvalidRequest(f"{path}: {error.strerror or error}") from error
