"""Reading request bodies: the one place that touches the stream, always against a cap."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from flask import g, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected

from hpsearch import strict_json
from hpsearch.data.limits import NO_ROOM
from hpsearch.errors import InvalidRequest, StorageFull, TooLarge, UnsupportedType

_CHUNK = 1 << 18
_STALE_SECONDS = 3600.0
_PREFIX = "upload-"
# What reading from a broken or silent connection, or of broken chunks, can raise.
_BROKEN = (OSError, ParseException, ClientDisconnected)
_DISCARD_BYTES = 1 << 25
_DISCARD_SECONDS = 5.0


def json_body(
    limit: int, *, not_finite: str = strict_json.LEAVE_OUT, checked_later: Collection[str] = ()
) -> Any:
    """The decoded JSON body of this request, at most `limit` bytes of it.

    not_finite
        The way out where a number of it is NaN or infinite, for the message.
    checked_later
        Fields of it whose numbers may be so here; their reader names the place.

    Raises
    ------
    UnsupportedType, TooLarge, InvalidRequest
        For a content type that is not JSON in UTF-8, a body beyond the cap, bad JSON.
    """
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != "application/json" or charset not in ("utf-8", "utf8"):
        raise UnsupportedType(
            f"expected Content-Type: application/json, got {_content_type()}; "
            "send the document as JSON in UTF-8"
        )
    body = b"".join(_chunks(limit))
    return strict_json.loads(body, not_finite=not_finite, checked_later=checked_later)


@contextmanager
def save_upload(folder: Path, limit: int) -> Iterator[Path]:
    """Save the request body as a file in `folder`, which is removed afterwards.

    Raises
    ------
    TooLarge, InvalidRequest, StorageFull
        The body is beyond the cap, it is empty or cut off, the disk is full.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=_PREFIX) as file:
        try:
            for chunk in _chunks(limit):
                file.write(chunk)
            file.flush()
        except OSError as error:
            if error.errno in NO_ROOM:
                raise StorageFull(
                    "the disk of the service's data folder (HPSEARCH_HOME) is full; its operator "
                    "has to make room"
                ) from error
            raise
        if file.tell() == 0:
            raise InvalidRequest("the body is empty; send the file's bytes as the body")
        yield Path(file.name)


def remove_stale_uploads(folder: Path) -> None:
    """Remove files that a killed process left in `folder` more than an hour ago."""
    for entry in folder.glob(f"{_PREFIX}*"):
        # Another process may sweep at the same moment.
        with suppress(FileNotFoundError):
            if time.time() - entry.stat().st_mtime > _STALE_SECONDS:
                entry.unlink()


def check_length(limit: int) -> None:
    """Refuse a body early by its headers: beyond the limit, or compressed."""
    if (request.content_length or 0) > limit:
        raise too_large(limit)
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise UnsupportedType(f"Content-Encoding {encoding[:40]!r} is not supported; send it plain")


def discard_rest() -> None:
    """Read the rest of the body, within bounds.

    A server that closes a connection with unread bytes resets it, and the sender may lose the
    answer that says what was wrong. Only for callers with a key: it keeps a thread busy.
    """
    if "body_broken" in g or not request.environ.get("wsgi.input_terminated"):
        return  # nothing is left to read, or the end of the body is unknown
    stream, end = request.environ["wsgi.input"], time.monotonic() + _DISCARD_SECONDS
    discarded = 0
    with suppress(*_BROKEN):
        while discarded < _DISCARD_BYTES and time.monotonic() < end:
            chunk = stream.read(1 << 16)
            if not chunk:
                return
            discarded += len(chunk)


def too_large(limit: int) -> TooLarge:
    """The refusal of a body beyond `limit` bytes."""
    return TooLarge(f"the body is larger than this route's limit of {limit:,} bytes")


def _chunks(limit: int) -> Iterator[bytes]:
    received = 0
    while chunk := _read():
        received += len(chunk)
        if received > limit:
            raise too_large(limit)
        yield chunk
    # A server may report a connection that broke as an ordinary end.
    if request.content_length is not None and received < request.content_length:
        raise InvalidRequest(
            f"the body ended after {received:,} of {request.content_length:,} bytes; send it again"
        )


def _read() -> bytes:
    try:
        return request.stream.read(_CHUNK)
    except _BROKEN as error:
        g.body_broken = True
        raise InvalidRequest("the body stopped arriving; send it again") from error


def _content_type() -> str:
    return repr((request.content_type or "none")[:80])
