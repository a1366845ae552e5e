"""Declaration of a route in one call: its scope, its body, its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel

from api.auth import PUBLIC, Access, Scope
from api.problems import MEDIA_TYPE
from hpsearch.data import FORMATS
from hpsearch.settings import Settings

Answer = type[BaseModel] | dict[str, Any] | None
Handler = Callable[..., Any]

BEARER = "bearer"

_PROBLEMS = {
    400: "The request is malformed.",
    401: "No key, or one that opens nothing.",
    403: "The key lacks the scope.",
    404: "There is no such thing, or it belongs to somebody else.",
    409: "The state of the thing does not allow it.",
    412: "If-Match names an older revision.",
    413: "The body is beyond the limit.",
    415: "The content type is not understood.",
    422: "What was sent has mistakes; `errors` lists every one with its path.",
    429: "A quota or a rate limit is used up; Retry-After says when to come back.",
    500: "A fault of the service.",
    507: "A disk of the service is full; the answer says which.",
    503: "A part of the service does not answer; try again.",
}
_ALWAYS = (400, 500, 503)
_WITH_KEY = (401, 403, 429)


class Routes(APIBlueprint):
    """A group of routes. Every one declares who may use it; there is no default."""

    def __init__(self, name: str, *, description: str) -> None:
        super().__init__(name, __name__, abp_tags=[Tag(name=name, description=description)])
        self._declared: dict[str, tuple[Scope, str | None]] = {}

    def route_to(
        self,
        method: str,
        rule: str,
        *,
        scope: Scope,
        answers: Mapping[int, Answer],
        problems: tuple[int, ...] = (),
        body_limit: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> Callable[[Handler], Handler]:
        """Declare the decorated function as the handler of `method rule`.

        Parameters
        ----------
        scope
            Scope that the key must have; "any" asks for a valid key alone, "public" for none.
        answers, problems
            Its answers by status, and the statuses of its own problems.
        body_limit
            The setting that caps the body; None for routes that read none.
        extra
            Further fields of the OpenAPI operation.
        """

        def declare(handler: Handler) -> Handler:
            self._declared[f"{self.name}.{handler.__name__}"] = (scope, body_limit)
            statuses = {*problems, *_ALWAYS, *(() if scope == PUBLIC else _WITH_KEY)}
            register = getattr(self, method.lower())
            register(
                rule,
                responses={**answers, **{s: _problem(s) for s in sorted(statuses)}},
                security=None if scope == PUBLIC else [{BEARER: []}],
                openapi_extensions={"x-scope": scope, **(extra or {})},
            )(handler)
            return handler

        return declare

    def accesses(self, settings: Settings) -> dict[str, Access]:
        """The demands of every route, by endpoint."""
        return {
            endpoint: Access(scope, getattr(settings, limit or "max_json_bytes"))
            for endpoint, (scope, limit) in self._declared.items()
        }


def content(media_type: str, description: str, schema: Mapping[str, Any] | None = None) -> Answer:
    """An answer that is not a model."""
    return {
        "description": description,
        "content": {media_type: {"schema": dict(schema or {"type": "string"})}},
    }


def body_of(model: str) -> dict[str, Any]:
    """The further fields of an operation that reads a JSON document of that schema."""
    schema = {"$ref": f"#/components/schemas/{model}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def file_body() -> dict[str, Any]:
    """Return the further fields of an operation that reads a file in one of `FORMATS`."""
    content = {
        one.media_type: {
            "schema": {
                "type": "string",
                "description": one.description,
                **({} if one.text else {"format": "binary"}),
            }
        }
        for one in FORMATS.values()
    }
    return {"requestBody": {"content": content, "required": True}}


def _problem(status: int) -> dict[str, Any]:
    return {
        "description": _PROBLEMS[status],
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
