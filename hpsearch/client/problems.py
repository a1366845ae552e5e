"""Problem documents (RFC 9457) as the error classes that they were made from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpx

from hpsearch.errors import (
    Conflict,
    Forbidden,
    HpsearchError,
    InvalidDataset,
    InvalidReport,
    InvalidRequest,
    InvalidSpec,
    Mistake,
    NotFound,
    Stale,
    StorageFull,
    SystemFault,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnsupportedType,
)

EXCERPT = 200  # characters of an answer that is not a problem document

_LISTED = {kind.title: kind for kind in (InvalidSpec, InvalidDataset, InvalidReport)}
_BY_STATUS: dict[int, type[HpsearchError]] = {
    kind.status: kind
    for kind in (
        InvalidRequest,
        Unauthenticated,
        Forbidden,
        NotFound,
        Conflict,
        Stale,
        TooLarge,
        UnsupportedType,
        TooMany,
        Unavailable,
        StorageFull,
    )
}
# What a gateway in front of the service answers while the service is away.
_BY_STATUS |= {502: Unavailable, 504: Unavailable}


def error_from(response: httpx.Response) -> HpsearchError:
    """The error that an answer with a status of 300 or more stands for.

    `response` must have been read. Any other 5xx is a SystemFault, anything else
    an InvalidRequest.
    """
    body = _problem(response)
    message = _message(response, body)
    if response.status_code == InvalidSpec.status:
        kind = _LISTED.get(str(body.get("title")), InvalidSpec)
        return kind(message, tuple(_mistakes(body.get("errors"))))
    default = InvalidRequest if response.status_code < 500 else SystemFault
    error = _BY_STATUS.get(response.status_code, default)(message)
    error.retry_after = _seconds(response.headers.get("Retry-After", ""))
    return error


def _seconds(header: str) -> float | None:
    """The seconds of a Retry-After; None where it is absent, or a date as proxies may send it."""
    return float(header) if header.isascii() and header.isdigit() and len(header) < 7 else None


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:  # a proxy's page, or another program's answer
        return {}
    return body if isinstance(body, dict) else {}


def _message(response: httpx.Response, body: dict[str, Any]) -> str:
    message = body.get("detail") or body.get("title")
    if isinstance(message, str):
        return message
    if response.is_redirect:
        target = response.headers["location"][:EXCERPT]
        return f"{response.url} has moved to {target}; give that address to --url"
    excerpt = " ".join(response.text.split())[:EXCERPT]
    return (
        f"{response.url} answered {response.status_code} and no problem document, "
        f"so perhaps it is not an hpsearch service: {excerpt or 'an empty body'}"
    )


def _mistakes(listed: object) -> Iterable[Mistake]:
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict):
            yield Mistake(str(item.get("path", "")), str(item.get("message", "")))
