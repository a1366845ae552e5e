"""Datasets: upload, list, look at, remove."""

from __future__ import annotations

from flask import Response, g, request

from api.body import save_upload
from api.parameters import DatasetPath, NoQuery, PageQuery, UploadQuery
from api.responses import DatasetList, empty_response, view_response
from api.routing import Routes, file_body
from api.runtime import owner, runtime
from hpsearch.data.formats import FORMATS, by_media_type
from hpsearch.errors import InvalidRequest, TooMany, UnsupportedType
from hpsearch.origins import API
from hpsearch.report.views import DatasetView

routes = Routes("datasets", description="The data that searches train on.")

DATASETS = f"{API}/datasets"
DATASET = f"{DATASETS}/<name>"
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


@routes.route_to(
    "PUT",
    DATASET,
    scope="submit",
    answers={201: DatasetView},
    problems=(409, 413, 415, 422),
    body_limit="max_upload_bytes",
    extra=file_body(),
)
def put(path: DatasetPath, query: UploadQuery) -> Response:
    """Upload a dataset; other content under the same name serves later searches alone."""
    state = runtime()
    kind = _content_type(query)
    if not state.uploads.acquire(blocking=False):
        g.retry_after = 10
        raise TooMany("other uploads are being read; try again in 10 s")
    try:
        folder = state.settings.home / UPLOAD_FOLDER
        with save_upload(folder, state.settings.max_upload_bytes) as file:
            dataset = state.services.datasets.put(
                path.name, file, content_type=kind, label=query.label, owner=owner()
            )
    finally:
        state.uploads.release()
    return view_response(dataset, 201, Location=f"{DATASETS}/{dataset.name}")


@routes.route_to("DELETE", DATASET, scope="submit", answers={204: None}, problems=(404, 409))
def delete(path: DatasetPath, query: NoQuery) -> Response:
    """Remove a dataset of your own that no unfinished search uses."""
    runtime().services.datasets.delete(path.name, owner=owner())
    return empty_response()


def _content_type(query: UploadQuery) -> str:
    file_format = by_media_type(request.mimetype)
    if file_format is None:
        sent = repr((request.content_type or "none")[:80])
        known = (f"{one.media_type} for {one.article} {one.noun}" for one in FORMATS.values())
        raise UnsupportedType(f"expected Content-Type: {' or '.join(known)}, got {sent}")
    if query.label is not None and file_format.label_refusal:
        takers = [one.media_type for one in FORMATS.values() if not one.label_refusal]
        raise InvalidRequest(
            f"parameter label belongs to {' and '.join(takers)}; {file_format.label_refusal}"
        )
    return file_format.media_type
