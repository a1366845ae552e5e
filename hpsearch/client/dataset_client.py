"""The calls of a client about datasets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from os import PathLike
from typing import Literal

from hpsearch.client.address import path_of
from hpsearch.client.arguments import dataset_name
from hpsearch.client.connection import Connection
from hpsearch.client.dataset_upload import Frame, upload
from hpsearch.report import views


class DatasetClient(Connection):
    """The calls about datasets."""

    def datasets(self) -> Iterator[views.DatasetView]:
        """The datasets that this key can search on."""
        yield from self._transport.items(views.DatasetView, path_of("datasets"), {})

    def dataset(self, name: str | views.DatasetView) -> views.DatasetView:
        """A dataset: shape, classes, digest, licence, and the notes on it."""
        return self._transport.view(
            views.DatasetView, "GET", path_of("datasets", dataset_name(name))
        )

    def put_dataset(
        self,
        name: str,
        path: str | PathLike[str] | Frame,
        *,
        label: str | None = None,
        header: bool | int | str | None = None,
        kind: Literal["image", "table"] | None = None,
        dry_run: bool = False,
        **reading: str | int | Iterable[str] | None,
    ) -> views.DatasetView:
        """Upload a table (CSV and other text, ARFF, LIBSVM, Parquet, JSON, by gzip or zip) or an .npz file.

        Parameters
        ----------
        path
            Of a file; or a frame of pandas, polars, pyarrow or DuckDB, with its categories as
            they are.
        label
            Column that holds the class: its name, or its number where there are no names.
        header
            Whether the first line of a text names the columns, where the lines do not tell; or the
            number of the line that does.
        kind
            What an array holds, where its shape tells otherwise: flat images, deep tables.
        dry_run
            True stores nothing, and shows what would be stored.
        reading
            The other parameters of PUT /datasets/NAME: task, drop, kinds (there `kind`: NAME:KIND),
            ordered, missing, rare, names, delimiter, decimal, encoding, sheet, groups, time,
            weight. A list is an iterable of lines of CSV.

        Raises
        ------
        InvalidDataset, InvalidRequest, UnsupportedType
            The file is no dataset, or a parameter does not fit it; nothing is stored.
        """
        kinds = reading.pop("kinds", None)
        sent = None if header is None else str(header).lower()
        query = {"label": label, "header": sent, "as": kind, "dry_run": dry_run or None}
        return upload(self._transport, name, path, {**query, **reading, "kind": kinds})

    def test_rows(self, name: str | views.DatasetView) -> views.TestRowsView:
        """The numbers of the rows of a dataset's file that were split off and sealed."""
        return self._transport.view(
            views.TestRowsView, "GET", path_of("datasets", dataset_name(name), "test-rows")
        )

    def delete_dataset(self, name: str | views.DatasetView) -> None:
        """Remove an uploaded dataset; Conflict while a search uses it."""
        self._transport.send("DELETE", path_of("datasets", dataset_name(name)))
