"""Figures of a search, as plotly's JSON: what the dashboard draws, and notebooks too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Response
from pydantic import Field

from api.parameters import NoQuery, Query, SearchPath
from api.responses import view_response
from api.routing import Answer, Routes, content
from api.runtime import reader, runtime
from hpsearch.errors import Conflict, InvalidRequest, NotFound
from hpsearch.origins import API
from hpsearch.report.views import CoordinatesView, RoundView
from hpsearch.service.figures import FigureQueries

routes = Routes("figures", description="A search in pictures.")

_PLOTLY: Answer = content(
    "application/json",
    "A plotly figure: data and layout.",
    {"type": "object", "properties": {"data": {"type": "array"}, "layout": {"type": "object"}}},
)


class FigurePath(SearchPath):
    """A figure of a search."""

    name: str = Field(
        max_length=20,
        description="ranges, trials, curves, surface, importance, parallel or tuning.",
    )


class FigureQuery(Query):
    """The axes of `trials`, and the layout of `ranges`."""

    x: str | None = Field(None, max_length=40, description="Hyperparameter of `trials`, across.")
    y: str | None = Field(None, max_length=40, description="Hyperparameter of `trials`, upwards.")
    columns: int = Field(2, ge=1, le=2, description="Panels of `ranges` beside each other.")


class ProgressQuery(Query):
    """The searches to compare."""

    searches: str = Field(
        max_length=5 * 65,
        pattern=r"^[A-Za-z0-9_-]{1,64}(,[A-Za-z0-9_-]{1,64}){0,4}$",
        description="Ids of one to five searches, between commas.",
    )


@routes.route_to(
    "GET",
    f"{API}/searches/<id>/figures/<name>",
    scope="read",
    answers={200: _PLOTLY},
    problems=(404,),
)
def figure(path: FigurePath, query: FigureQuery) -> Response:
    """A figure of a search in whatever state it is; many trials are sampled."""
    if path.name not in _FIGURES:
        raise NotFound(f"there is no figure {path.name!r}; there are {', '.join(_FIGURES)}")
    if path.name != "trials" and (query.x or query.y):
        raise InvalidRequest("x and y belong to the figure trials")
    if path.name != "ranges" and "columns" in query.model_fields_set:
        raise InvalidRequest("columns belongs to the figure ranges")
    return Response(draw(path.id, path.name, query).to_json(), mimetype="application/json")


@routes.route_to(
    "GET", f"{API}/figures/progress", scope="read", answers={200: _PLOTLY}, problems=(404,)
)
def progress(query: ProgressQuery) -> Response:
    """Searches side by side: the best so far of each, over the epochs that it has spent."""
    from hpsearch.figures import search as figures

    services, rounds = runtime().services, dict[str, list[RoundView]]()
    minimised = set[str]()
    for search in dict.fromkeys(query.searches.split(",")):
        status = services.searches.status(search, owner=reader())
        name = status.name or search
        label = f"{name} ({search})" if name in rounds else name
        rounds[label] = services.figures.rounds(search, owner=reader())
        minimised |= {label} if status.direction == "minimize" else set()
    figure = figures.progress(rounds, minimised=minimised)
    return Response(figure.to_json(), mimetype="application/json")


@routes.route_to(
    "GET",
    f"{API}/searches/<id>/coordinates",
    scope="read",
    answers={200: CoordinatesView},
    problems=(404,),
)
def coordinates(path: SearchPath, query: NoQuery) -> Response:
    """Trials as parallel coordinates: an axis for each hyperparameter and the score, a line for each trial.

    For pages that draw them themselves; the figure `parallel` shows the same. Many trials are sampled.
    """
    return view_response(runtime().services.figures.coordinates(path.id, owner=reader()))


def draw(search: str, name: str, query: FigureQuery | None = None) -> Any:
    """Draw a figure of a search, as plotly's object."""
    return _FIGURES[name](runtime().services.figures, search, query or FigureQuery())


# plotly takes a third of a second to load: the first figure pays for it, no other request does.


def _ranges(queries: FigureQueries, search: str, query: FigureQuery) -> Any:
    from hpsearch.figures import search as figures

    try:
        result = runtime().services.searches.result(search, owner=reader())
    except Conflict:
        result = None
    rounds = queries.rounds(search, owner=reader())
    space = queries.asked(search, owner=reader())
    return figures.ranges(rounds, space, result=result, columns=query.columns)


def _trials(queries: FigureQueries, search: str, query: FigureQuery) -> Any:
    from hpsearch.figures import search as figures

    names = list(queries.asked(search, owner=reader()))
    x = query.x or names[0]
    y = query.y or next((n for n in names if n != x), x)
    for name in (x, y):
        if name not in names:
            raise InvalidRequest(f"{name!r} is not searched; there are {', '.join(names)}")
    direction = queries.direction(search, owner=reader())
    sample, of = queries.sample(search, owner=reader())
    rounds = queries.rounds(search, owner=reader())
    return figures.trials(figures.Sample(sample, of, direction), rounds, x=x, y=y)


def _curves(queries: FigureQueries, search: str, query: FigureQuery) -> Any:
    from hpsearch.figures import search as figures

    direction = queries.direction(search, owner=reader())
    return figures.curves(queries.curves(search, owner=reader()), direction)


def _surface(queries: FigureQueries, search: str, query: FigureQuery) -> Any:
    from hpsearch.figures import search as figures

    rounds = queries.rounds(search, owner=reader())
    best = queries.curves(search, owner=reader())
    view, direction = (
        queries.surface(search, owner=reader()),
        queries.direction(search, owner=reader()),
    )
    return figures.surface(view, _exploring(rounds), best, direction)


def _importance(queries: FigureQueries, search: str, query: FigureQuery) -> Any:
    from hpsearch.figures import search as figures

    evidence = [r.evidence for r in queries.rounds(search, owner=reader()) if r.evidence]
    newest = next((e for e in reversed(evidence) if e.importance), None)
    if newest is None:
        return figures.importance([])
    return figures.importance(newest.importance, newest.noise_sd)


def _parallel(queries: FigureQueries, search: str, query: FigureQuery) -> Any:
    from hpsearch.figures import search as figures

    return figures.parallel(queries.coordinates(search, owner=reader()))


def _tuning(_: FigureQueries, search: str, query: FigureQuery) -> Any:
    from hpsearch.figures import search as figures

    return figures.tuning(runtime().services.searches.tuning_curve(search, owner=reader()))


def _exploring(rounds: list[RoundView]) -> list[RoundView]:
    return [r for r in rounds if r.kind != "final"]


_FIGURES: Mapping[str, Callable[[FigureQueries, str, FigureQuery], Any]] = {
    "ranges": _ranges,
    "trials": _trials,
    "curves": _curves,
    "surface": _surface,
    "importance": _importance,
    "parallel": _parallel,
    "tuning": _tuning,
}
