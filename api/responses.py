"""Responses: views as JSON, and the models of pages for the OpenAPI document."""

from __future__ import annotations

import json
from typing import Any

from flask import Response
from pydantic import BaseModel, Field

from hpsearch.report.views import (
    AuditView,
    DatasetView,
    KeyView,
    RoundView,
    StatusView,
    TrialView,
    View,
)


class SearchList(View):
    """A page of searches, newest first."""

    items: list[StatusView]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


class RoundList(View):
    """All rounds of a search."""

    items: list[RoundView]
    next: str | None


class TrialList(View):
    """A page of trials."""

    items: list[TrialView]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


class DatasetList(View):
    """A page of datasets by name."""

    items: list[DatasetView]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


class KeyList(View):
    """A page of keys, oldest first."""

    items: list[KeyView]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


class AuditList(View):
    """A page of the audit, the newest acts first."""

    items: list[AuditView]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


class NewKey(KeyView):
    """A key that has just been made."""

    token: str = Field(description="What clients send; it cannot be read again.")


class Health(View):
    """The process answers."""

    status: str


class Readiness(View):
    """The parts that the service needs, each with its state.

    `installation` is a random word of this service's database: it tells one service from another.
    """

    status: str
    parts: dict[str, str]
    installation: str


def view_response(value: BaseModel, status: int = 200, **headers: str) -> Response:
    """A view as JSON. Header names have underscores for dashes."""
    response = Response(value.model_dump_json(), status, mimetype="application/json")
    for name, text in headers.items():
        response.headers[name.replace("_", "-")] = text
    return response


def json_response(value: dict[str, Any]) -> Response:
    """A document as JSON, for data without a view."""
    return Response(json.dumps(value, ensure_ascii=False), mimetype="application/json")


def empty_response() -> Response:
    """A response without a body, status 204."""
    return Response(status=204)
