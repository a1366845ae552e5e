"""Pages for people and the OpenAPI document: public, offline, without a line of inline code.

A page is the same for everybody. What it shows comes over the HTTP API, by a key that the browser
keeps for one tab and sends as a header.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

from flask import Response, g, render_template, request, send_file
from pydantic import BaseModel, Field

from api.document import document
from api.parameters import NoQuery, Query, SearchPath
from api.routing import Routes, content
from hpsearch.data.formats import FORMATS
from hpsearch.errors import NotFound
from hpsearch.trials import SearchState, TrialState

routes = Routes("pages", description="Pages for people, and this document.")

_STATIC = Path(__file__).resolve().parent.parent / "static"
_KINDS = frozenset({".css", ".js", ".svg"})
_SWAGGER = {"swagger-ui.css": "css", "swagger-ui-bundle.js": "js"}
_HTML = content("text/html", "A page.")
_YEAR = 31_536_000  # seconds


class AssetPath(BaseModel):
    """The name of an asset."""

    name: str = Field(max_length=64, description="File name of the asset.")


class ListQuery(Query):
    """Filters of the list, which the page's script reads: a filtered list can be a bookmark."""

    state: str | None = Field(None, max_length=20, description="Searches in this state.")
    tag: str | None = Field(None, max_length=200, description="Searches with this tag.")
    q: str | None = Field(None, max_length=800, description="Text in name, note or a tag.")
    since: str | None = Field(None, max_length=40, description="Searches since a day.")
    shared: str | None = Field(None, max_length=5, description="true: those that others share.")
    everyone: str | None = Field(None, max_length=5, description="true: those of every owner.")


class SearchPageQuery(Query):
    """Columns of the table of trials, which the page's script reads."""

    hide: list[str] = Field(
        [], max_length=200, description="A column that is not shown; repeated for each."
    )


class NewQuery(Query):
    """The beginning of the form; the page's script reads it."""

    example: str | None = Field(None, max_length=40, description="An example by its name.")
    clone: str | None = Field(None, max_length=64, description="A search, to begin with its spec.")
    warm_start: str | None = Field(
        None, max_length=64, description="A search, to go on from what it has seen."
    )


class CompareQuery(Query):
    """The searches to compare; the page's script reads it."""

    searches: str | None = Field(None, max_length=400, description="Ids between commas.")


@dataclass(frozen=True, slots=True)
class Plotly:
    """The figures' script: its file, and its address, which changes with its content.

    `guards` are the ids of elements by which it tells that a style sheet of its own is there
    already; the pages' policy forbids it to write one.
    """

    file: Path
    name: str
    guards: tuple[str, ...]

    @property
    def url(self) -> str:
        """The address that pages load it from."""
        return f"/assets/{self.name}"


@routes.route_to("GET", "/", scope="public", answers={200: _HTML})
def searches_page(query: ListQuery) -> str:
    """The dashboard: all searches, live."""
    # The host has been checked against the list of ours; the template escapes it all the same.
    url = f"{g.client.scheme}://{request.host}"
    return render_template("searches.html", url=url, states=[state.value for state in SearchState])


@routes.route_to("GET", "/new", scope="public", answers={200: _HTML})
def new_page(query: NewQuery) -> str:
    """A form and a JSON editor to submit a search."""
    formats = FORMATS.values()
    types = {one.suffix: one.media_type for one in formats}
    return render_template("new.html", formats=formats, types=types)


@routes.route_to("GET", "/compare", scope="public", answers={200: _HTML})
def compare_page(query: CompareQuery) -> str:
    """Searches side by side; which ones there are is found out with a key."""
    return render_template("compare.html", plotly=_plotly())


@routes.route_to("GET", "/searches/<id>", scope="public", answers={200: _HTML}, problems=(404,))
def search_page(path: SearchPath, query: SearchPageQuery) -> str:
    """A search, live; whether it exists is found out with a key."""
    states = [state.value for state in TrialState]
    return render_template("search.html", plotly=_plotly(), trial_states=states)


@routes.route_to("GET", "/docs", scope="public", answers={200: _HTML})
def docs(query: NoQuery) -> Response:
    """The documentation of all routes, to read and to try."""
    return Response((_STATIC / "docs.html").read_text(encoding="utf-8"))


@routes.route_to(
    "GET",
    "/assets/<name>",
    scope="public",
    answers={200: content("*/*", "Style sheet, script or picture.")},
    problems=(404,),
)
def asset(path: AssetPath, query: NoQuery) -> Response:
    """Style sheets and scripts of the pages."""
    if path.name == _plotly().name:
        return _immutable(_plotly().file)
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


def _immutable(file: Path) -> Response:
    """A file whose address names its content: no browser need ever ask for it again."""
    response = send_file(file, conditional=True, etag=True, max_age=_YEAR)
    response.cache_control.immutable = True
    return response


@cache
def _assets() -> dict[str, Path]:
    """The files that may be asked for, by name; no path is ever built from a request."""
    files = {file.name: file for file in _STATIC.iterdir() if file.suffix in _KINDS}
    swagger = _package_file("flask-openapi3-swagger", "flask_openapi3_swagger/templates/swagger")
    return files | {name: swagger / kind / name for name, kind in _SWAGGER.items()}


@cache
def _plotly() -> Plotly:
    """The script in plotly's wheel. plotly itself is not imported, which would take its time."""
    file = _package_file("plotly", "plotly/package_data/plotly.min.js")
    text = file.read_bytes()
    digest = hashlib.sha256(text).hexdigest()[:16]
    guards = re.findall(rb'getElementById\("([0-9a-f]{64})"\)', text)
    return Plotly(file, f"plotly-{digest}.min.js", tuple(guard.decode() for guard in guards))


def _package_file(package: str, path: str) -> Path:
    """A file or folder of an installed package, found without importing it."""
    return Path(str(distribution(package).locate_file(path)))
