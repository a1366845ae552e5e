"""The report of a search: one file for readers without a key."""

from __future__ import annotations

from flask import Response

from api.parameters import NoQuery, SearchPath
from api.routes.figures import draw
from api.routing import Routes, content
from api.runtime import owner, runtime
from hpsearch.errors import Conflict
from hpsearch.origins import API

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
    searches, mine = services.searches, owner()
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
