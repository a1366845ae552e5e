"""Authentication and scopes: denied by default, by the endpoint that the router matched."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

import structlog
from flask import Flask, g, request

from api.auth_throttle import AuthThrottle
from api.key_usage import KeyUsage
from api.rate_limiter import RateLimiter
from api.refused_keys import RefusedKeys
from api.token_memory import TokenMemory
from hpsearch.errors import (
    Forbidden,
    Misconfigured,
    NoDatabase,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from hpsearch.records import Actor, ActorKind
from hpsearch.service import Principal, Services, act_as
from hpsearch.service.keys import ApiKeys

Scope = Literal["public", "any", "read", "submit", "operate", "admin"]
PUBLIC: Scope = "public"
ANY: Scope = "any"  # a valid key, whatever its scopes
SCRAPED = "operations.metrics_text"  # the endpoint of /metrics
SCRAPED_SECONDS = (
    86_400.0  # for which a key that has read them reads a process's own figures in an outage
)
SCRAPERS = 100  # keys of which that is remembered

_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([!-~]{1,512}) *")
_KEY_HELP = "send the header 'Authorization: Bearer KEY'; `hpsearch keys create` makes a key"

# Everybody may read it: the key's id stays in the log.
REFUSED = "this process has a bootstrap key that was replaced or revoked; its log says what to do"

_log = structlog.get_logger("api")


@dataclass(frozen=True, slots=True)
class Access:
    """Demands of a route: a scope, and the size of the largest body that it reads (bytes)."""

    scope: Scope
    body_limit: int


def check_declared(app: Flask, accesses: Mapping[str, Access]) -> None:
    """Refuse to start with a route that declares no scope.

    Raises
    ------
    Misconfigured
        Naming the endpoints without a declaration.
    """
    missing = sorted(set(app.view_functions) - set(accesses))
    if missing:
        raise Misconfigured(f"routes without a declared scope: {', '.join(missing)}")


class Gate:
    """Closed until the database is ready and holds the key from the settings.

    The API may start before its database does; it then answers 503 and looks again.
    """

    def __init__(self, services: Services, token: str | None) -> None:
        self._services = services
        self._token = token
        self._lock = threading.Lock()
        self._open = threading.Event()
        self._said = False

    def try_open(self) -> None:
        """Open at the start if possible; a database that is not up yet is no reason to stop.

        Raises
        ------
        Misconfigured
            The key from the settings was replaced or revoked.
        """
        try:
            self._try()
        except Unavailable as error:
            _log.warning("waiting for the database", cause=str(error))

    def check(self) -> None:
        """Open if possible; does nothing once the gate is open.

        Raises
        ------
        Unavailable
            The database does not answer, its migrations have not been applied, or it says only now
            that the key from the settings was replaced or revoked.
        """
        try:
            self._try()
        except Misconfigured as error:
            if not self._said:
                _log.error("the bootstrap key is refused", cause=str(error))
                self._said = True
            raise Unavailable(REFUSED) from error

    def _try(self) -> None:
        if self._open.is_set():
            return
        with self._lock:
            if self._open.is_set():
                return
            missing = {k: v for k, v in self._services.ready().items() if v != "ok"}
            if missing:
                raise NoDatabase("; ".join(f"{k}: {v}" for k, v in missing.items()))
            if self._token is not None:
                self._services.keys.ensure_bootstrap(self._token)
            self._open.set()


@dataclass(frozen=True)
class Authority:
    """Authenticates and authorises every request before anything else looks at it."""

    keys: ApiKeys
    accesses: Mapping[str, Access]
    gate: Gate
    throttle: AuthThrottle
    usage: KeyUsage
    refusals: RefusedKeys
    limiter: RateLimiter | None  # by key id; None: no limit
    database_answers: Callable[[], bool]
    # An outage of the database is what a monitor has to see, and each key is looked up there.
    scrapers: TokenMemory = field(
        default_factory=lambda: TokenMemory(window=SCRAPED_SECONDS, most=SCRAPERS)
    )

    def admit(self) -> None:
        """Let this request pass, or refuse it with the reason.

        A path or a method that does not exist needs a key like everything else: without one
        the answer is 401, so that strangers cannot map the service.

        Raises
        ------
        Unauthenticated, Forbidden, TooMany
            Without a valid key, without the scope, or after too many invalid keys or requests.
        """
        access = self.accesses.get(request.endpoint or "")
        if access is not None and access.scope == PUBLIC:
            return
        scrape = request.endpoint == SCRAPED
        if scrape and self._scrapes_in_an_outage():
            return
        self.gate.check()
        g.principal = principal = self._authenticate()
        act_as(_actor(principal))
        self._limit_rate(principal)
        if access is not None and access.scope not in {ANY, *principal.scopes}:
            has = ", ".join(sorted(principal.scopes)) or "none"
            raise Forbidden(f"this needs a key with the scope {access.scope}; this key has: {has}")
        if scrape:
            self.scrapers.remember(_token())

    def _scrapes_in_an_outage(self) -> bool:
        """True where the database cannot be asked, and has let this key read the figures before."""
        g.database_answers = self.database_answers()  # the route need not ask again
        return not g.database_answers and self.scrapers.knows(_token())

    def _limit_rate(self, principal: Principal) -> None:
        self.usage.record(principal.key_id)
        seconds = self.limiter.take(principal.key_id) if self.limiter is not None else 0
        if seconds:
            g.retry_after = seconds
            raise TooMany(f"this key has sent too many requests; try again in {seconds} s")

    def _authenticate(self) -> Principal:
        token = _token()
        act_as(Actor(ActorKind.STRANGER, address=g.client.address, request_id=g.request_id))
        if not self.throttle.is_known_invalid(token):
            with suppress(Unauthenticated):
                return self.keys.authenticate(token)
        self.scrapers.forget(token)
        address = g.client.address
        self.refusals.count(address)
        seconds = self.throttle.record_failure(address, token)
        if seconds:
            g.retry_after = seconds
            raise TooMany(f"too many invalid keys from {address}; try again in {seconds} s")
        raise Unauthenticated("this API key is unknown, expired or revoked")


def _actor(principal: Principal) -> Actor:
    """The sender of this request, as the audit has them."""
    return Actor(
        ActorKind.KEY,
        key_id=principal.key_id,
        owner=principal.owner,
        address=g.client.address,
        request_id=g.request_id,
    )


def _token() -> str:
    """The key that this request was sent with.

    Raises
    ------
    Unauthenticated
        There is none.
    """
    header = request.headers.get("Authorization")
    if header is None:
        raise Unauthenticated(f"this needs an API key: {_KEY_HELP}")
    bearer = _BEARER.fullmatch(header)
    if bearer is None:
        raise Unauthenticated(f"the Authorization header is not understood: {_KEY_HELP}")
    return bearer[1]
