"""The audit: who did what to what, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple


class ActorKind(StrEnum):
    """In what way somebody acts: with a key, at the command line, as the service, or with no valid key."""

    KEY = "key"
    COMMAND_LINE = "command line"
    SERVICE = "service"
    STRANGER = "stranger"


class Act(StrEnum):
    """Acts that are audited, each with the word that it is stored by."""

    KEY_MADE = "key.made"
    KEY_REVOKED = "key.revoked"
    KEY_ALLOWED = "key.allowed"
    KEY_REFUSED = "key.refused"
    KEY_USED_AFTER_EXPIRY = "key.used_after_expiry"
    KEY_USED_AFTER_REVOCATION = "key.used_after_revocation"
    BOOTSTRAP_SET = "bootstrap.set"
    BOOTSTRAP_REPLACED = "bootstrap.replaced"
    SEARCH_SUBMITTED = "search.submitted"
    SEARCH_EDITED = "search.edited"
    SEARCH_PAUSED = "search.paused"
    SEARCH_RESUMED = "search.resumed"
    SEARCH_CANCELLED = "search.cancelled"
    SEARCH_SHARED = "search.shared"
    SEARCH_DELETED = "search.deleted"
    SEARCH_PRUNED = "search.pruned"
    DATASET_PUT = "dataset.put"
    DATASET_DELETED = "dataset.deleted"
    OWNER_LIMITED = "owner.limited"
    PRUNE = "prune"
    SCHEMA_UPGRADED = "schema.upgraded"
    SCHEMA_DOWNGRADED = "schema.downgraded"
    SERVICE_MOVED = "service.moved"
    SERVICE_RESTORED = "service.restored"


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever acts.

    key_id, owner
        The key that was shown and its owner.
    os_user
        The user of the operating system, at the command line.
    address, request_id
        The client's address and the id of its request.
    """

    kind: ActorKind
    key_id: str | None = None
    owner: str | None = None
    os_user: str | None = None
    address: str | None = None
    request_id: str | None = None


class AuditRecord(NamedTuple):
    """A row of the audit; the fields of its actor have the names that `Actor` has.

    target
        The id or name of what was acted on.
    times
        How often, where one row stands for many acts.
    """

    id: int
    at: float
    actor: ActorKind
    key_id: str | None
    owner: str | None
    os_user: str | None
    address: str | None
    request_id: str | None
    action: str
    target: str | None
    detail: Mapping[str, Any]
    times: int
