"""The trained winner of a search, as a file."""

from __future__ import annotations

from flask import Response

from api.parameters import NoQuery, SearchPath
from api.routing import Routes, content
from api.runtime import reader, runtime
from hpsearch.origins import API

routes = Routes("model", description="The trained winner.")

_NPZ = content(
    "application/octet-stream",
    "An .npz file: weights, scaling and class names; docs/client.md describes it.",
    {"type": "string", "format": "binary"},
)


@routes.route_to(
    "GET", f"{API}/searches/<id>/model", scope="read", answers={200: _NPZ}, problems=(404, 409)
)
def model(path: SearchPath, query: NoQuery) -> Response:
    """The recommended model as the final test trained and scored it; 409 until then.

    404 where it diverged, and for searches that ended before models were kept.
    """
    size, pieces = runtime().services.searches.model(path.id, owner=reader())
    response = Response(pieces, mimetype="application/octet-stream")
    response.headers["Content-Length"] = str(size)
    response.headers["Content-Disposition"] = f'attachment; filename="model-{path.id}.npz"'
    return response
