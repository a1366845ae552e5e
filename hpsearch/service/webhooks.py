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
from typing import TYPE_CHECKING

from hpsearch.logs import about
from hpsearch.origins import origin_of
from hpsearch.records import DueDelivery
from hpsearch.report import build
from hpsearch.settings import Settings
from hpsearch.spec.webhook import refusal
from hpsearch.store import Store
from hpsearch.store.outbox import LONGEST_PAUSE
from hpsearch.trials import SearchState

if TYPE_CHECKING:
    from hpsearch.client.webhook import Message

log = logging.getLogger(__name__)

AT_ONCE = 8  # deliveries of one turn
GROWTH = 3.0  # of the pause between attempts


class Webhooks:
    """Sends what lies in the outbox."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def deliver(self) -> int:
        """Send what is due now, and count the attempts."""
        deliveries = self._store.read(lambda tx: tx.outbox.due(limit=AT_ONCE))
        if not deliveries:  # as at nearly every turn
            return 0
        # Loaded here: the client is large, and few searches have a webhook.
        from hpsearch.client.webhook import post

        key = self._settings.webhook_key()  # before an attempt is counted: it may not be readable
        begun = [due for due in deliveries if self._begin(due)]
        allowed = []
        for due in begun:
            why = refusal(due.webhook, self._settings)  # the list may have changed since
            if why is None:
                allowed.append(due)
            else:
                self._missed(due, why)
        messages = [self._message(due, key) for due in allowed]
        answers = post(messages, seconds=self._settings.webhook_seconds)
        for due, error in zip(allowed, answers, strict=True):
            if error is None:
                self._delivered(due)
            else:
                self._missed(due, error)
        return len(begun)

    def _begin(self, due: DueDelivery) -> bool:
        """Count an attempt; False where there is none to make."""
        if due.attempts >= self._settings.webhook_attempts:  # nobody came back from the last one
            self._give_up(due, "no attempt is left, and nobody knows what became of the last one")
            return False
        patience = self._settings.webhook_seconds + self._pause(due)
        return self._store.write(lambda tx: tx.outbox.begin(due, patience=patience))

    def _message(self, due: DueDelivery, key: bytes | None) -> Message:
        body = message(due, self._settings.public_url)
        now = int(time.time())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "hpsearch",
            "webhook-id": due.id,
            "webhook-timestamp": str(now),
        }
        if key is not None:
            headers["webhook-signature"] = signature(key, due.id, now, body)
        from hpsearch.client.webhook import Message

        return Message(due.webhook, headers, body)

    def _delivered(self, due: DueDelivery) -> None:
        if self._store.write(lambda tx: tx.outbox.delivered(due.id)):
            with about(search_id=due.search_id):
                log.info("%s has been told of the end", origin_of(due.webhook))

    def _missed(self, due: DueDelivery, error: str) -> None:
        if due.attempts + 1 >= self._settings.webhook_attempts:
            self._give_up(due, error)
            return
        pause = self._pause(due)
        self._store.write(lambda tx: tx.outbox.missed(due.id, error, pause=pause))

    def _give_up(self, due: DueDelivery, error: str) -> None:
        if self._store.write(lambda tx: tx.outbox.give_up(due.id, error)):
            with about(search_id=due.search_id):
                log.warning("%s is not told of the end: %s", origin_of(due.webhook), error)

    def _pause(self, due: DueDelivery) -> float:
        """Seconds from the attempt that is made now to the next one."""
        pause = self._settings.webhook_retry_seconds * GROWTH**due.attempts
        return float(min(pause, LONGEST_PAUSE / 2))


def message(due: DueDelivery, public_url: str) -> bytes:
    """The message of a search's end, as JSON; nothing in it is a secret."""
    links = build.links(due.search_id, ())
    ended_at = build.format_rfc3339(due.ended_at)
    wanted = ("self", "result") if due.state is SearchState.COMPLETED else ("self",)
    body = {
        "type": f"search.{due.state}",
        "timestamp": ended_at,
        "data": {
            "id": due.search_id,
            "name": due.name,
            "state": due.state,
            "ended_at": ended_at,
            "links": {name: public_url + links[name] for name in wanted},
        },
    }
    return json.dumps(body, ensure_ascii=False).encode()


def signature(key: bytes, delivery: str, timestamp: int, body: bytes) -> str:
    """The signature of one attempt, version 1: HMAC-SHA256 of name, time and body."""
    signed = f"{delivery}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
