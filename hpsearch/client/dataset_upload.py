"""Upload of a dataset: a file that the service parses before it answers."""

from __future__ import annotations

from pathlib import Path

import httpx

from hpsearch.client.address import path_of
from hpsearch.client.transport import Transport
from hpsearch.errors import InvalidRequest, UnsupportedType
from hpsearch.report.views import DatasetView

UPLOAD_TIMEOUT = 300.0  # the service parses a whole dataset before it answers
CONTENT_TYPES = {".npz": "application/octet-stream", ".csv": "text/csv"}


def upload(transport: Transport, name: str, path: Path, *, label: str | None) -> DatasetView:
    """Send the file at `path` as the dataset `name`.

    Raises
    ------
    UnsupportedType, InvalidRequest
        The file has another suffix, or cannot be read.
    """
    content_type = CONTENT_TYPES.get(path.suffix.lower())
    if content_type is None:
        raise UnsupportedType(f"{path}: a dataset is a .npz or a .csv file")
    timeout = httpx.Timeout(transport.timeout, read=UPLOAD_TIMEOUT, write=UPLOAD_TIMEOUT)
    try:
        with path.open("rb") as file:
            return transport.view(
                DatasetView,
                "PUT",
                path_of("datasets", name),
                content=file,
                headers={"Content-Type": content_type},
                params={"label": label} if label is not None else {},
                timeout=timeout,
            )
    except OSError as error:
        raise InvalidRequest(f"{path}: {error.strerror or error}") from error
