"""The report of a search: one file for readers without a key."""

from __future__ import annotations

from flask import Response, request

from api.parameters import NoQuery, SearchPath, StatementQuery
from api.responses import view_response
from api.routes.figures import draw
from api.routing import Answer, Routes, content
from api.runtime import reader, runtime
from hpsearch.errors import Conflict
from hpsearch.origins import API
from hpsearch.report.statement import MEDIA_TYPES, render
from hpsearch.report.views import StatementFormat, TuningCurveView

_STATEMENT: Answer = {
    "description": "The statement, as `format` or else Accept chooses; JSON where both are silent.",
    "content": {
        MEDIA_TYPES["json"]: {"schema": {"$ref": "#/components/schemas/StatementView"}},
        MEDIA_TYPES["markdown"]: {"schema": {"type": "string"}},
        MEDIA_TYPES["text"]: {"schema": {"type": "string"}},
        MEDIA_TYPES["latex"]: {"schema": {"type": "string"}},
    },
}

routes = Routes("report", description="A search as one file.")


@routes.route_to(
    "GET",
    f"{API}/searches/<id>/report",
    scope="read",
    answers={200: content("text/html", "One HTML file that loads nothing, figures included.")},
    problems=(404,),
)
def report(path: SearchPath, query: NoQuery) -> Response:
    """Answer, reasons, figures, health and spec of a search in whatever state it is."""
    from hpsearch.figures import html  # plotly: see routes.figures
    from hpsearch.figures import search as figures

    services = runtime().services
    searches, mine = services.searches, reader()
    status = searches.status(path.id, owner=mine)
    try:
        result = searches.result(path.id, owner=mine)
    except Conflict:
        result = None
    contents = figures.ReportContents(
        status=status,
        result=result,
        rounds=services.figures.rounds(path.id, owner=mine),
        health=searches.health(path.id, owner=mine),
        spec=searches.spec(path.id, owner=mine),
        figures={name: draw(path.id, name).to_dict() for name in figures.NAMES},
    )
    response = Response(html(figures.report(contents)), mimetype="text/html")
    response.headers["Content-Disposition"] = f'attachment; filename="report-{path.id}.html"'
    return response


@routes.route_to(
    "GET",
    f"{API}/searches/<id>/statement",
    scope="read",
    answers={200: _STATEMENT},
    problems=(404, 409),
)
def statement(path: SearchPath, query: StatementQuery) -> Response:
    """The text that a paper needs of a completed search: a paragraph, its ranges, answers to checklists."""
    view = runtime().services.searches.statement(path.id, owner=reader())
    form = query.format or _accepted()
    return Response(
        render(view, form),
        content_type=f"{MEDIA_TYPES[form]}; charset=utf-8",
        headers={"Vary": "Accept"},
    )


@routes.route_to(
    "GET",
    f"{API}/searches/<id>/tuning-curve",
    scope="read",
    answers={200: TuningCurveView},
    problems=(404,),
)
def tuning_curve(path: SearchPath, query: NoQuery) -> Response:
    """The best score of so many random trials that are trained in full, with its band, or why it is not known."""
    return view_response(runtime().services.searches.tuning_curve(path.id, owner=reader()))


def _accepted() -> StatementFormat:
    """The form that the request's Accept prefers; JSON where it names none of them."""
    best = request.accept_mimetypes.best_match([*MEDIA_TYPES.values()])
    return next((form for form, media in MEDIA_TYPES.items() if media == best), "json")
