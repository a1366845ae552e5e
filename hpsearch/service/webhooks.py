"""Telling others that a search has ended: what the outbox holds is sent, at least once.

An attempt is counted before it is made, so that neither a crash nor a second sender makes more
of them than there may be. Messages are signed as the Standard Webhooks specification
(https://www.standardwebhooks.com) says; there are libraries that check them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import time

from hpsearch.client.webhook import Message, post
from hpsearch.logs import about
from hpsearch.origins import origin_of
from hpsearch.report import build
from hpsearch.settings import Settings
from hpsearch.spec.webhook import refusal
from hpsearch.store import Row, Store
from hpsearch.store.deliveries import LONGEST_PAUSE
from hpsearch.trials import SearchState

log = logging.getLogger(__name__)

AT_ONCE = 8  # deliveries of one turn
GROWTH = 3.0  # of the pause between attempts


class Webhooks:
    """The outbox's postman."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def deliver(self) -> int:
        """Send what is due now; how many attempts that were."""
        due = self._store.read(lambda tx: tx.deliveries.due(limit=AT_ONCE))
        if not due:  # as at nearly every turn
            return 0
        key = self._settings.webhook_key()  # before an attempt is counted: it may not be readable
        begun = [row for row in due if self._begin(row)]
        allowed = []
        for row in begun:
            why = refusal(row.webhook, self._settings)  # the list may have changed since
            if why is None:
                allowed.append(row)
            else:
                self._missed(row, why)
        messages = [self._message(row, key) for row in allowed]
        answers = post(messages, seconds=self._settings.webhook_seconds)
        for row, error in zip(allowed, answers, strict=True):
            if error is None:
                self._delivered(row)
            else:
                self._missed(row, error)
        return len(begun)

    def _begin(self, row: Row) -> bool:
        """Count an attempt; False where there is none to make."""
        if row.attempts >= self._settings.webhook_attempts:  # nobody came back from the last one
            self._give_up(row, "no attempt is left, and nobody knows what became of the last one")
            return False
        patience = self._settings.webhook_seconds + self._pause(row)
        return self._store.write(lambda tx: tx.deliveries.begin(row, patience=patience))

    def _message(self, row: Row, key: bytes | None) -> Message:
        body = message(row, self._settings.public_url)
        now = int(time.time())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "hpsearch",
            "webhook-id": row.id,
            "webhook-timestamp": str(now),
        }
        if key is not None:
            headers["webhook-signature"] = signature(key, row.id, now, body)
        return Message(row.webhook, headers, body)

    def _delivered(self, row: Row) -> None:
        if self._store.write(lambda tx: tx.deliveries.delivered(row.id)):
            with about(search_id=row.search_id):
                log.info("%s has been told of the end", origin_of(row.webhook))

    def _missed(self, row: Row, error: str) -> None:
        if row.attempts + 1 >= self._settings.webhook_attempts:
            self._give_up(row, error)
            return
        pause = self._pause(row)
        self._store.write(lambda tx: tx.deliveries.missed(row.id, error, pause=pause))

    def _give_up(self, row: Row, error: str) -> None:
        if self._store.write(lambda tx: tx.deliveries.give_up(row.id, error)):
            with about(search_id=row.search_id):
                log.warning("%s is not told of the end: %s", origin_of(row.webhook), error)

    def _pause(self, row: Row) -> float:
        """Seconds from the attempt that is made now to the next one."""
        pause = self._settings.webhook_retry_seconds * GROWTH**row.attempts
        return float(min(pause, LONGEST_PAUSE / 2))


def message(row: Row, public_url: str) -> bytes:
    """What is told of a search's end, as JSON; nothing in it is a secret."""
    links = build.links(row.search_id, ())
    ended_at = build.moment(row.ended_at)
    wanted = ("self", "result") if row.state == SearchState.COMPLETED else ("self",)
    told = {
        "type": f"search.{row.state}",
        "timestamp": ended_at,
        "data": {
            "id": row.search_id,
            "name": row.name,
            "state": row.state,
            "ended_at": ended_at,
            "links": {name: public_url + links[name] for name in wanted},
        },
    }
    return json.dumps(told, ensure_ascii=False).encode()


def signature(key: bytes, delivery: str, timestamp: int, body: bytes) -> str:
    """The signature of one attempt, version 1: HMAC-SHA256 of name, time and body."""
    signed = f"{delivery}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
