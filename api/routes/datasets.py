"""Datasets: upload, list, look at, remove."""

from __future__ import annotations

from flask import Response, g, request

from api.body import save_upload
from api.parameters import DatasetPath, NoQuery, PageQuery, UploadQuery
from api.responses import DatasetList, empty_response, view_response
from api.routing import Routes, file_body
from api.runtime import owner, runtime
from hpsearch.data.formats import FORMATS, by_media_type
from hpsearch.errors import TooMany, UnsupportedType
from hpsearch.origins import API
from hpsearch.report.views import DatasetView, TestRowsView

routes = Routes("datasets", description="The data that searches train on.")

DATASETS = f"{API}/datasets"
DATASET = f"{DATASETS}/<name>"
TEST_ROWS = f"{DATASET}/test-rows"
UPLOAD_FOLDER = "uploads"


@routes.route_to("GET", DATASETS, scope="read", answers={200: DatasetList})
def datasets(query: PageQuery) -> Response:
    """List datasets by name: the built-in ones and your own."""
    return view_response(
        runtime().services.datasets.list(owner=owner(), limit=query.limit, cursor=query.cursor)
    )


@routes.route_to("GET", DATASET, scope="read", answers={200: DatasetView}, problems=(404,))
def dataset(path: DatasetPath, query: NoQuery) -> Response:
    """Shape, classes, digest and licence of a dataset."""
    return view_response(runtime().services.datasets.get(path.name, owner=owner()))


@routes.route_to("GET", TEST_ROWS, scope="read", answers={200: TestRowsView}, problems=(404, 409))
def test_rows(path: DatasetPath, query: NoQuery) -> Response:
    """Numbers of the examples that were split off and sealed, as they lie in the file."""
    return view_response(runtime().services.datasets.test_rows(path.name, owner=owner()))


@routes.route_to(
    "PUT",
    DATASET,
    scope="submit",
    answers={200: DatasetView, 201: DatasetView},
    problems=(409, 413, 415, 422, 507),
    body_limit="max_upload_bytes",
    extra=file_body(),
)
def put(path: DatasetPath, query: UploadQuery) -> Response:
    """Upload a dataset; other content under the same name serves later searches alone.

    The first bytes tell the format; the content type is a hint.
    """
    state = runtime()
    kind, reading = _content_type(), query.reading
    if not state.uploads.acquire(blocking=False):
        g.retry_after = 10
        raise TooMany("other uploads are being read; try again in 10 s")
    try:
        folder = state.settings.home / UPLOAD_FOLDER
        with save_upload(folder, state.settings.max_upload_bytes) as file:
            dataset = state.services.datasets.put(
                path.name, file, content_type=kind, owner=owner(), reading=reading,
                dry_run=query.dry_run,
            )  # fmt: skip
    finally:
        state.uploads.release()
    if query.dry_run:
        return view_response(dataset)
    return view_response(dataset, 201, Location=f"{DATASETS}/{dataset.name}")


@routes.route_to("DELETE", DATASET, scope="submit", answers={204: None}, problems=(404, 409))
def delete(path: DatasetPath, query: NoQuery) -> Response:
    """Remove a dataset of your own that no unfinished search uses."""
    runtime().services.datasets.delete(path.name, owner=owner())
    return empty_response()


def _content_type() -> str:
    file_format = by_media_type(request.mimetype)
    if file_format is None:
        sent = repr((request.content_type or "none")[:80])
        known = (f"{one.media_type} for {one.article} {one.noun}" for one in FORMATS.values())
        raise UnsupportedType(f"expected Content-Type: {' or '.join(known)}, got {sent}")
    charset = request.mimetype_params.get("charset", "")
    return f"{file_format.media_type}; charset={charset}" if charset else file_format.media_type
