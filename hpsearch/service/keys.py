"""API keys: made once, shown once, stored as hashes.

A token is `hps_` + key id + `_` + 32 random bytes in base 62 + a CRC-32, so that a secret scanner
can tell one from noise, and a typing mistake from a revoked key. The secret has 256 bits, so a
plain SHA-256 is enough to store it by.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import string
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from hpsearch.errors import InvalidRequest, Misconfigured, NotFound, Unauthenticated, Unavailable
from hpsearch.records import Act, KeyRecord, NewKey
from hpsearch.report.build import key_view
from hpsearch.report.views import KeyView, Page, WhoamiView
from hpsearch.service import cursors
from hpsearch.service.owners import check_name
from hpsearch.settings import Settings
from hpsearch.store import Store, Tx

log = logging.getLogger(__name__)

PREFIX = "hps"
SCOPES = ("read", "submit", "operate", "admin")
BOOTSTRAP_SCOPES = ("read", "submit", "admin")  # others' searches are not for daily use
BOOTSTRAP = "bootstrap"
FORMER = "bootstrap-"  # begins the ids of bootstrap keys that were replaced
SECRET_BYTES = 32
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SECRET_LENGTH = 43  # digits in base 62 of the largest number of 256 bits
_NOBODY = "0" * 64  # what an unknown key is compared with, so that it costs the same time


@dataclass(frozen=True, slots=True)
class Principal:
    """The owner of a key, and what the key allows."""

    key_id: str
    owner: str
    scopes: frozenset[str]


class ApiKeys:
    """The use cases about keys."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def authenticate(self, token: str) -> Principal:
        """The holder of `token`.

        Raises
        ------
        Unauthenticated
            Unknown, expired or revoked; the message does not say which.
        """
        key_id = _id_of(token)
        key = self._store.read(lambda tx: tx.keys.get(key_id))
        secret = key.secret_sha256 if key is not None else _NOBODY
        same = hmac.compare_digest(_hash(token), secret)
        if key is not None and same and not key.live:
            self._note_ended(key)
        if key_id == BOOTSTRAP and not same:
            former = self._store.read(lambda tx: tx.keys.with_secret(_hash(token), prefix=FORMER))
            if former is not None:
                self._note_ended(former)
        if key is None or not same or not key.live:
            raise Unauthenticated("this API key is unknown, expired or revoked")
        return Principal(key.id, key.owner, frozenset(key.granted))

    def whoami(self, principal: Principal) -> WhoamiView:
        """The key of a principal: what it is called, what it opens, and until when.

        Raises
        ------
        NotFound
            The key has been forgotten since it was authenticated.
        """
        key = self._view(principal.key_id)
        return WhoamiView(
            owner=key.owner,
            scopes=key.scopes,
            key_id=key.id,
            key_name=key.name,
            expires_at=key.expires_at,
        )

    def create(
        self, *, name: str, owner: str, scopes: list[str], days: int | None = None
    ) -> tuple[KeyView, str]:
        """A new key and its token, which nobody can read again.

        Raises
        ------
        InvalidRequest
            An unknown scope, an empty or overlong name, a new owner's name of another form, a lifetime
            below one day or beyond the longest one of the settings.
        """
        unknown = sorted(set(scopes) - set(SCOPES))
        if unknown or not scopes:
            raise InvalidRequest(
                f"scopes {unknown or scopes}: choose one or more of {', '.join(SCOPES)}"
            )
        for label, value in (("name", name), ("owner", owner)):
            if not 0 < len(value) <= 100 or not value.isprintable():
                raise InvalidRequest(f"{label} {value!r} must have 1 to 100 printable characters")
        self._store.read(lambda tx: check_name(tx, owner))
        if days is not None and not 1 <= days <= 36500:
            raise InvalidRequest(f"days {days} must lie between 1 and 36500")
        longest = self._settings.key_days
        if longest is not None and (days is None or days > longest):
            asked = "a key without an end" if days is None else f"a key of {days} days"
            raise InvalidRequest(
                f"{asked} is beyond the longest life of keys here, {longest} days (HPSEARCH_KEY_DAYS); "
                f"make one of {longest} days or fewer: days {longest}, or --days {longest}"
            )
        key_id = secrets.token_hex(6)
        body = f"{PREFIX}_{key_id}_{_base62(secrets.token_bytes(SECRET_BYTES))}"
        token = f"{body}{_checksum(body)}"
        granted = " ".join(s for s in SCOPES if s in scopes)
        new = NewKey(key_id, name, owner, granted, _hash(token))
        self._store.write(lambda tx: _create(tx, new, days))
        return self._view(key_id), token

    def list(self) -> list[KeyView]:
        """Every key, oldest first."""
        return [key_view(row) for row in self._store.read(lambda tx: tx.keys.page())]

    def page(self, *, limit: int, cursor: str | None = None) -> Page:
        """Keys by the order of their making, some of them."""
        after = cursors.decode(cursor, (float, str))
        rows = self._store.read(lambda tx: tx.keys.page(limit=limit + 1, after=after))
        last = rows[limit - 1] if len(rows) > limit else None
        more = None if last is None else cursors.encode((last.created_at, last.id))
        return Page(items=[key_view(row) for row in rows[:limit]], next=more)

    def note_use(self, ages: Mapping[str, float]) -> None:
        """Note the last use of keys: by id, so many seconds ago."""
        self._store.write(lambda tx: tx.keys.note_use(ages))

    def revoke(self, key_id: str) -> KeyView:
        """Close a key for good; revoking twice changes nothing.

        Raises
        ------
        NotFound
            There is no such key.
        """
        self._store.write(lambda tx: _revoke(tx, key_id))
        return self._view(key_id)

    def ensure_bootstrap(self, token: str) -> None:
        """Make `token` the key `bootstrap`, of all scopes but operate; an older one stops working for good.

        Several processes may start at once: the first one changes the key, the others see it changed.

        Raises
        ------
        Misconfigured
            `token` was replaced or revoked: a process that starts with yesterday's settings must not
            open what was closed. The message has the id and the command that allows it.
        """
        new = NewKey(BOOTSTRAP, BOOTSTRAP, BOOTSTRAP, " ".join(BOOTSTRAP_SCOPES), _hash(token))
        former = FORMER + secrets.token_hex(4)
        if self._store.write(lambda tx: _settle(tx, new, former)):
            log.warning(
                "the bootstrap key is another one; the former is kept, revoked, as %s", former
            )

    def allow(self, key_id: str) -> KeyView:
        """Let a bootstrap key that was replaced or revoked be used again; the key as it was.

        One that was revoked opens the service at once. One that was replaced is forgotten, so that the
        next start with it makes it the key `bootstrap` in place of the present one.

        Raises
        ------
        InvalidRequest
            It is no bootstrap key.
        NotFound
            There is no such key.
        """
        view = self._view(key_id)
        if key_id != BOOTSTRAP and not key_id.startswith(FORMER):
            raise InvalidRequest(
                f"key {key_id!r} was made by `hpsearch keys create`, which makes another one; "
                "only bootstrap keys are allowed again"
            )
        self._store.write(lambda tx: _allow(tx, key_id))
        log.warning("the key %s is allowed again", key_id)
        return view

    def _note_ended(self, key: KeyRecord) -> None:
        """Note the first use of a key after its end; a database that cannot is no reason to wait."""
        action = (
            Act.KEY_USED_AFTER_EXPIRY if key.revoked_at is None else Act.KEY_USED_AFTER_REVOCATION
        )
        once = f"{action} {key.id}"
        try:
            if not self._store.read(lambda tx: tx.audit.has(once)):
                self._store.write(
                    lambda tx: tx.audit.add(action, key.id, once=once, owner=key.owner)
                )
        except Unavailable as error:
            log.info("the use of the ended key %s is not noted: %s", key.id, error)

    def _view(self, key_id: str) -> KeyView:
        row = self._store.read(lambda tx: tx.keys.get(key_id))
        if row is None:
            raise NotFound(f"no key {key_id!r}; `hpsearch keys list` shows the ids")
        return key_view(row)


def _create(tx: Tx, new: NewKey, days: int | None) -> None:
    if tx.keys.insert(new, days=days):
        granted = new.scopes.split()
        tx.audit.add(
            Act.KEY_MADE, new.id, name=new.name, owner=new.owner, scopes=granted, days=days
        )


def _revoke(tx: Tx, key_id: str) -> None:
    if tx.keys.revoke(key_id):
        tx.audit.add(Act.KEY_REVOKED, key_id)


def _allow(tx: Tx, key_id: str) -> None:
    """Open the bootstrap key again, or forget one that it replaced."""
    if key_id == BOOTSTRAP:
        tx.keys.revive(key_id)
    else:
        tx.keys.delete(key_id)
    tx.audit.add(Act.KEY_ALLOWED, key_id)


def _settle(tx: Tx, new: NewKey, former: str) -> bool:
    """Make `new` the bootstrap key, unless it is closed; True where it took another one's place."""
    tx.lock_owner(f"key {BOOTSTRAP}")
    closed = tx.keys.with_secret(new.secret_sha256, prefix=FORMER)
    held = tx.keys.get(BOOTSTRAP)
    same = held is not None and hmac.compare_digest(held.secret_sha256, new.secret_sha256)
    if held is not None and same and not held.live:
        closed = held
    if closed is not None:
        how = "revoked" if same else "replaced by another one"
        raise Misconfigured(
            f"HPSEARCH_API_KEY is the bootstrap key {closed.id}, which was {how}; set the "
            f"service's present key, or allow this one again: hpsearch keys allow {closed.id}"
        )
    if held is None:
        tx.keys.insert(new)
        tx.audit.add(Act.BOOTSTRAP_SET, BOOTSTRAP)
    elif not same:
        tx.keys.replace(new, former=former)
        tx.audit.add(Act.BOOTSTRAP_REPLACED, BOOTSTRAP, former=former)
    return held is not None and not same


def _id_of(token: str) -> str:
    """The key id inside a token; any other text is taken for the bootstrap key."""
    parts = token.split("_", 2)
    if len(parts) == 3 and parts[0] == PREFIX:
        body, checksum = token[:-8], token[-8:]
        if checksum == _checksum(body):
            return parts[1]
    return BOOTSTRAP


def _base62(secret: bytes) -> str:
    """`secret` as a number in base 62, most significant digit first, always of one length."""
    number, digits = int.from_bytes(secret), ""
    for _ in range(_SECRET_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode(errors='replace')):08x}"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
