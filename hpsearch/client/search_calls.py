"""The calls about one search that need more than an address: its plan, its submission, status and edits."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import httpx

from hpsearch.client.address import path_of
from hpsearch.client.arguments import Search, document, file_path, revision_tag, search_id, text
from hpsearch.client.transport import Transport, V
from hpsearch.report import views

Spec = Mapping[str, Any] | bytes
_JSON = {"Content-Type": "application/json"}


def at(search: Search, *parts: str) -> str:
    """The address of a search, or of something about it."""
    return path_of("searches", search_id(search), *parts)


def plan(transport: Transport, spec: Spec) -> views.PlanView:
    """The plan of a spec."""
    params = {"dry_run": "true"}
    address = path_of("searches")
    return transport.view(
        views.PlanView, "POST", address, content=_body(spec), headers=_JSON, params=params
    )


def submit(transport: Transport, spec: Spec) -> views.SubmittedView:
    """Submit a spec once, however often it is sent."""
    headers = {**_JSON, "Idempotency-Key": str(uuid.uuid4())}
    return transport.view(
        views.SubmittedView, "POST", path_of("searches"), content=_body(spec), headers=headers
    )


def status(
    transport: Transport, search: Search, *, wait: float, after: views.StatusView | None
) -> views.StatusView:
    """The status, or `after` where nothing has changed for `wait` seconds."""
    response = transport.send(
        "GET",
        at(search),
        headers={} if after is None else {"If-None-Match": revision_tag(after, "after")},
        params={"wait": f"{wait:g}"} if wait else {},
        timeout=transport.held(wait),
    )
    if response.status_code == httpx.codes.NOT_MODIFIED and after is not None:
        return after
    return transport.parse(views.StatusView, response)


def patch(
    transport: Transport,
    kind: type[V],
    search: Search,
    changes: Mapping[str, Any],
    seen: views.StatusView | None,
    **params: str,
) -> V:
    """Edit a search, or see what would come of it; only at the revision of `seen`."""
    headers = {} if seen is None else {"If-Match": revision_tag(seen, "seen")}
    asked = document(changes, "the edit")
    return transport.view(kind, "PATCH", at(search), json=asked, headers=headers, params=params)


def steer(
    transport: Transport, search: Search, action: str, reason: str | None
) -> views.StatusView:
    """Pause, resume or cancel a search; with a reason as an operator does."""
    if reason is None:
        return transport.view(views.StatusView, "POST", at(search, action))
    asked = {"action": action, "reason": text(reason, "reason")}
    return transport.view(views.StatusView, "POST", at(search, "operate"), json=asked)


def _body(spec: Spec) -> bytes:
    """The JSON of a spec."""
    return spec if isinstance(spec, bytes) else json.dumps(document(spec, "spec")).encode()


def statement(transport: Transport, search: Search, form: views.StatementFormat) -> str:
    """The statement of a completed search in one of its forms, as the service wrote it."""
    return transport.send("GET", at(search, "statement"), params={"format": form}).text


def model(
    transport: Transport, search: Search, file: str | PathLike[str], format: str | None
) -> Path:
    """Write the trained winner, in the format of another library where one is asked for; the path."""
    from hpsearch import winner  # most callers need no engine
    from hpsearch.nn import Model

    to, address = file_path(file), at(search, "model")
    if winner.chosen(to, format) == "npz":
        return transport.download_file(address, to)
    content = io.BytesIO()
    transport.download(address, content)
    return winner.write(Model.loads(content.getvalue()), to, format)[0]
