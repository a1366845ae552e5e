"""Errors as `application/problem+json` (RFC 9457), made here alone."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from http import HTTPStatus

import structlog
from flask import Flask, Response, g, request
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import HTTPException

from api.runtime import runtime
from hpsearch.errors import (
    HpsearchError,
    InvalidRequest,
    Mistake,
    NoDatabase,
    NotFound,
    StorageFull,
    SystemFault,
    Unavailable,
)
from hpsearch.spec import from_pydantic

MEDIA_TYPE = "application/problem+json"
_IDS = {"SearchPath": "search", "KeyPath": "key"}  # what a path names by an id
RETRY_SECONDS = 5  # asked of clients where nothing better is known

_log = structlog.get_logger("api")


class ProblemMistake(BaseModel):
    """A mistake: its place and the way out."""

    path: str = Field(description="Path of the field, such as space.learning_rate.low.")
    message: str


class Problem(BaseModel):
    """An error, as RFC 9457 has it."""

    type: str = Field(description="What went wrong, as a stable URI reference.")
    title: str
    status: int
    detail: str = Field(description="What to do about it.")
    errors: list[ProblemMistake] | None = Field(
        None, description="Every single mistake, where there are several; absent otherwise."
    )
    line: int | None = Field(
        None, description="Line of a JSON body that cannot be parsed, from 1; absent otherwise."
    )


def problem(
    status: int,
    *,
    kind: str,
    title: str,
    detail: str,
    mistakes: Sequence[Mistake] = (),
    line: int | None = None,
) -> Response:
    """A problem document with the headers that belong to its status."""
    document: dict[str, object] = {
        "type": f"/problems/{kind}",
        "title": title,
        "status": status,
        "detail": detail,
    }
    if mistakes:
        document["errors"] = [{"path": m.path, "message": m.message} for m in mistakes]
    if line is not None:
        document["line"] = line
    response = Response(json.dumps(document, ensure_ascii=False), status, mimetype=MEDIA_TYPE)
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        response.headers["Retry-After"] = str(g.get("retry_after", RETRY_SECONDS))
    return response


def register(app: Flask) -> None:
    """Turn every error of a request into a problem."""
    app.register_error_handler(HpsearchError, _from_hpsearch)
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(Exception, _from_unexpected)


def refuse_parameters(error: ValidationError) -> Response:
    """Refuse query, path or header parameters that do not validate.

    Raises
    ------
    NotFound
        An id that no search or key can have.
    InvalidRequest
        Any other parameter; the message names it.
    """
    mistakes = from_pydantic(error)
    if error.title in _IDS:
        raise NotFound(f"there is no such {_IDS[error.title]}")
    first = mistakes[0]
    if error.errors()[0]["type"] == "extra_forbidden":
        raise InvalidRequest(f"unknown parameter {first.path}; see /docs for those there are")
    raise InvalidRequest("; ".join(f"parameter {m.path}: {m.message}" for m in mistakes))


def _from_hpsearch(error: HpsearchError) -> Response:
    if isinstance(error, SystemFault):
        return _fault(error, error.status)
    return problem(
        error.status,
        kind=_kebab(type(error).__name__),
        title=error.title,
        detail=error.summary,
        mistakes=error.mistakes,
        line=error.line if isinstance(error, InvalidRequest) else None,
    )


def _from_http(error: HTTPException) -> Response:
    status = error.code or 500
    name = error.name.capitalize()
    response = problem(status, kind=_kebab(name), title=name, detail=_detail(error))
    for header, value in error.get_headers(request.environ):
        if header == "Allow":
            response.headers[header] = value
    return response


def _from_unexpected(error: Exception) -> Response:
    return _fault(error, 500)


def _fault(error: Exception, status: int) -> Response:
    """A fault of the service, logged here; the caller sees no internals."""
    if isinstance(error, NoDatabase):
        runtime().outage.met(error)
    else:
        _log.error("fault", status=status, endpoint=request.endpoint, exc_info=error)
    if isinstance(error, StorageFull):
        return problem(status, kind="storage-full", title=error.title, detail=error.summary)
    if isinstance(error, Unavailable):
        detail = "a part of the service does not answer right now; try again in a few seconds"
        return problem(status, kind="unavailable", title=error.title, detail=detail)
    detail = f"the service failed; its log has the cause under request {g.get('request_id', '-')}"
    return problem(status, kind="internal-error", title="Internal error", detail=detail)


def _detail(error: HTTPException) -> str:
    if error.code == HTTPStatus.NOT_FOUND:
        return f"there is nothing at {request.path}; /docs lists every route"
    if error.code == HTTPStatus.METHOD_NOT_ALLOWED:
        return f"{request.method} is not possible here; /docs lists every route"
    return error.description or error.name


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|\W+", "-", name).lower()
