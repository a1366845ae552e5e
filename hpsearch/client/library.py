"""The datasets of the service, from the caller's side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import httpx

from hpsearch.client.address import path_of
from hpsearch.client.wire import Wire
from hpsearch.errors import InvalidRequest, UnsupportedType
from hpsearch.report.views import DatasetView

UPLOAD_TIMEOUT = 300.0  # the service parses a whole dataset before it answers


class Library(Wire):
    """The routes of datasets."""

    def datasets(self) -> Iterator[DatasetView]:
        """Every dataset that this key can search on."""
        for item in self._items(path_of("datasets"), {}):
            yield self._view(DatasetView, item)

    def dataset(self, name: str) -> DatasetView:
        """Return a dataset: shape, classes, digest, licence."""
        return self._view(DatasetView, self._json("GET", path_of("datasets", name)))

    def put_dataset(self, name: str, path: Path, *, label: str | None = None) -> DatasetView:
        """Upload a file such as .npz or .csv; `label` names the CSV column that holds the class."""
        from hpsearch.data.formats import by_suffix, name_suffixes  # loads NumPy

        file_format = by_suffix(path)
        if file_format is None:
            raise UnsupportedType(f"{path}: a dataset is {name_suffixes()}")
        try:
            with path.open("rb") as file:
                return self._upload(name, file, file_format.media_type, label)
        except OSError as error:
            raise InvalidRequest(f"{path}: {error.strerror or error}") from error

    def delete_dataset(self, name: str) -> None:
        """Remove an uploaded dataset; Conflict while a search uses it."""
        self._send("DELETE", path_of("datasets", name))

    def _upload(self, name: str, file: IO[bytes], kind: str, label: str | None) -> DatasetView:
        answer = self._json(
            "PUT",
            path_of("datasets", name),
            content=file,
            headers={"Content-Type": kind},
            params={"label": label} if label is not None else {},
            timeout=httpx.Timeout(self._timeout, read=UPLOAD_TIMEOUT, write=UPLOAD_TIMEOUT),
        )
        return self._view(DatasetView, answer)
