"""The audit over HTTP, for the operator of the service: the work of `hpsearch audit`."""

from __future__ import annotations

from flask import Response

from api.parameters import AuditQuery
from api.responses import AuditList, view_response
from api.routing import Routes
from api.runtime import runtime
from hpsearch.origins import API

routes = Routes("audit", description="Who did what to what, and when.")


@routes.route_to("GET", f"{API}/audit", scope="admin", answers={200: AuditList})
def audit(query: AuditQuery) -> Response:
    """List acts of every owner, the newest first: all, or those that the parameters select."""
    return view_response(
        runtime().services.audit.page(
            since=query.since,
            until=query.until,
            actor=query.actor,
            target=query.target,
            action=query.action,
            limit=query.limit,
            cursor=query.cursor,
        )
    )
