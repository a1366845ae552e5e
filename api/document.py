"""The OpenAPI 3.1 document: the collection of flask-openapi3 with our schemas in full."""

from __future__ import annotations

import json
import threading
from importlib.metadata import PackageNotFoundError, version
from typing import Any, cast

from flask import current_app
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode

from api.problems import Problem
from api.request_bodies import (
    KeyRequest,
    OperateRequest,
    SearchEdit,
    SharingRequest,
    TrialHeartbeat,
    TrialReportBody,
)
from api.responses import TrialList
from api.routing import BEARER, file_body
from hpsearch.origins import API
from hpsearch.report.views import NextRoundView, PlanView, StatementView
from hpsearch.spec import SearchSpec

EXTENSION = "hpsearch-openapi"
_REFERENCE = "#/components/schemas/{model}"
_UPLOAD = f"{API}/datasets/{{name}}"

_DESCRIPTION = (
    "Hyperparameter search that answers with a range, its evidence and a sealed test score. "
    "Errors are `application/problem+json` (RFC 9457). `x-scope` of an operation is the scope "
    "that its key needs; `any` ones need a valid key alone, `public` ones none."
)
SECURITY_SCHEMES: dict[str, Any] = {
    BEARER: {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key; `hpsearch keys create` makes one.",
    }
}


def info() -> Info:
    """Name and version of the API."""
    try:
        number = version("hpsearch")
    except PackageNotFoundError:
        number = "0"  # run from a source tree that is not installed
    return Info(title="hpsearch", version=number, description=_DESCRIPTION)


def build(app: OpenAPI) -> str:
    """The document of an application whose routes are all registered."""
    result: dict[str, Any] = app.api_doc
    schemas = result["components"]["schemas"]
    bodies = (
        SearchSpec,
        SearchEdit,
        KeyRequest,
        SharingRequest,
        OperateRequest,
        TrialHeartbeat,
        TrialReportBody,
    )
    for body in bodies:
        schemas.update(_schemas(body, "validation"))
    for model in (TrialList, NextRoundView, PlanView, StatementView, Problem):
        schemas.update(_schemas(model, "serialization"))
    # Routes are declared when they are imported; formats may be registered later.
    result["paths"][_UPLOAD]["put"].update(file_body())
    for item in result["paths"].values():
        for operation in item.values():
            lines = operation.pop("description", "").split("<br/>")
            if text := " ".join(line for line in lines if line):
                operation["description"] = text
    return json.dumps(result, indent=1)


class Document:
    """The document of an application, built when it is first asked for.

    That takes a quarter of a second and some megabytes, which a start need not wait for.
    """

    def __init__(self, app: OpenAPI) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._text: str | None = None

    def text(self) -> str:
        """The document; who asks meanwhile waits for it."""
        with self._lock:
            if self._text is None:
                self._text = build(self._app)
            return self._text


def document() -> str:
    """The document of the application that handles this request."""
    return cast("Document", current_app.extensions[EXTENSION]).text()


def _schemas(model: type[BaseModel], mode: JsonSchemaMode) -> dict[str, Any]:
    """A model's schema and those it refers to; flask-openapi3 drops keywords it does not know."""
    schema = model.model_json_schema(ref_template=_REFERENCE, mode=mode)
    return {**schema.pop("$defs", {}), model.__name__: schema}
