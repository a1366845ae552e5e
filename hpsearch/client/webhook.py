"""Webhooks over HTTP: POSTs to other people's servers; only the status of an answer is read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from hpsearch.client.address import is_loopback


@dataclass(frozen=True, slots=True)
class Message:
    """A request: `headers` and `body` go to `url` as they are."""

    url: str
    headers: Mapping[str, str]
    body: bytes


def post(messages: Sequence[Message], *, seconds: float) -> Sequence[str | None]:
    """Send messages at the same time; for each None where it was accepted, else the fault.

    After `seconds` an attempt is over, however slowly its answer drips in. Redirects are not
    followed, nothing is remembered from one message to the next, and no body is read.
    """
    # Not asyncio.run: that would wait for a name that the system is still looking up.
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(_post_all(messages, seconds))
    finally:
        loop.close()


async def _post_all(messages: Sequence[Message], seconds: float) -> Sequence[str | None]:
    return await asyncio.gather(*(_post_one(message, seconds) for message in messages))


async def _post_one(message: Message, seconds: float) -> str | None:
    try:
        async with (
            asyncio.timeout(seconds),
            httpx.AsyncClient(
                timeout=seconds,
                follow_redirects=False,
                # A proxy of the environment cannot reach this machine's own loopback.
                trust_env=not is_loopback(message.url),
            ) as http,
            http.stream(
                "POST", message.url, content=message.body, headers=dict(message.headers)
            ) as answer,
        ):
            return _refusal(answer)
    except (TimeoutError, httpx.TimeoutException):
        return f"no answer within {seconds:g} s"
    except Exception as error:  # noqa: BLE001  # an answer of one must not cost the others theirs
        return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _refusal(answer: httpx.Response) -> str | None:
    if answer.is_success:
        return None
    more = ", and redirects are not followed" if answer.is_redirect else ""
    return f"answered {answer.status_code}{more}"
