"""Pages for people and the OpenAPI document: public, offline, without a line of inline code."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from flask import Response, request, send_file
from markupsafe import escape
from pydantic import BaseModel, Field

from api.document import document
from api.parameters import NoQuery
from api.routing import Routes, content
from hpsearch.errors import NotFound

routes = Routes("pages", description="Pages for people, and this document.")

_STATIC = Path(__file__).resolve().parent.parent / "static"
_OURS = ("docs.css", "docs.js", "site.css")
_SWAGGER = {"swagger-ui.css": "css", "swagger-ui-bundle.js": "js"}
_HTML = content("text/html", "A page.")


class AssetPath(BaseModel):
    """The name of an asset."""

    name: str = Field(max_length=64, description="File name of the asset.")


@routes.route_to("GET", "/", scope="public", answers={200: _HTML})
def landing(query: NoQuery) -> Response:
    """How to begin."""
    text = (_STATIC / "index.html").read_text(encoding="utf-8")
    # The host has been checked against the list of ours; escaped all the same.
    return Response(text.replace("{{url}}", str(escape(request.host_url.rstrip("/")))))


@routes.route_to("GET", "/docs", scope="public", answers={200: _HTML})
def docs(query: NoQuery) -> Response:
    """Every route, to read and to try."""
    return Response((_STATIC / "docs.html").read_text(encoding="utf-8"))


@routes.route_to(
    "GET",
    "/assets/<name>",
    scope="public",
    answers={200: content("*/*", "Style sheet or script.")},
    problems=(404,),
)
def asset(path: AssetPath, query: NoQuery) -> Response:
    """Style sheets and scripts of the pages."""
    file = _assets().get(path.name)
    if file is None:
        raise NotFound(f"there is no asset {path.name!r}")
    # max_age=None: browsers ask again and mostly hear 304, so an upgrade shows at once.
    return send_file(file, conditional=True, etag=True, max_age=None)


@routes.route_to(
    "GET",
    "/openapi.json",
    scope="public",
    answers={200: content("application/json", "OpenAPI 3.1.", {"type": "object"})},
)
def openapi(query: NoQuery) -> Response:
    """This document."""
    return Response(document(), mimetype="application/json")


@cache
def _assets() -> dict[str, Path]:
    """The files that may be asked for, by name; no path is ever built from a request."""
    files = {name: _STATIC / name for name in _OURS}
    swagger = find_spec("flask_openapi3_swagger")
    if swagger is not None and swagger.origin is not None:
        folder = Path(swagger.origin).parent / "templates" / "swagger"
        files |= {name: folder / kind / name for name, kind in _SWAGGER.items()}
    return files
