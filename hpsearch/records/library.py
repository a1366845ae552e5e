"""Datasets and keys as they are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


class DatasetRecord(NamedTuple):
    """A name and the content it stands for; `info` is a `DatasetInfo` in its stored form."""

    owner: str
    name: str
    digest: str
    info: Mapping[str, Any]


class ContentRecord(NamedTuple):
    """A content, its size, and how often its test part has been opened."""

    digest: str
    bytes: int
    openings: int = 0


class KeyRecord(NamedTuple):
    """An API key.

    live
        True as long as it is neither expired nor revoked.
    """

    id: str
    name: str
    owner: str
    secret_sha256: str
    scopes: str
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    last_used_at: float | None = None
    live: bool = True

    @property
    def granted(self) -> Sequence[str]:
        """The scopes, one by one."""
        return self.scopes.split()


class QuotaRecord(NamedTuple):
    """The limits of one owner; None where the settings' own holds."""

    owner: str
    searches: int | None = None
    datasets: int | None = None
    dataset_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class NewKey:
    """An API key as it is made."""

    id: str
    name: str
    owner: str
    scopes: str
    secret_sha256: str
