"""Owners: what they may be called, and the limits that are set for one of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from hpsearch.errors import InvalidRequest
from hpsearch.records import Act, QuotaRecord
from hpsearch.service.sharing import ALL
from hpsearch.settings import Settings
from hpsearch.store import Store, Tx

_NAME = re.compile(r"[^\W_](?:[\w.@+-]| (?! )){0,99}(?<! )")
_FORM = "1 to 100 letters, digits and . _ @ + -, a letter or digit first, and single spaces between them"
# As every database can hold them, and JSON.
MOST = {"searches": 2**31 - 1, "datasets": 2**31 - 1, "dataset_bytes": 2**53}


def check_name(tx: Tx, owner: str) -> None:
    """Refuse the name of a new owner that could be taken for another one's.

    Owners who have a key already keep their names.

    Raises
    ------
    InvalidRequest
        It has another form, or is the word for everybody.
    """
    well_formed = _NAME.fullmatch(owner) and unicodedata.is_normalized("NFC", owner)
    if (well_formed and owner != ALL) or tx.keys.has_owner(owner):
        return
    if well_formed:
        raise InvalidRequest(f"no owner can be called {owner!r}: a search is shared with it")
    raise InvalidRequest(f"owner {owner!r} must have {_FORM}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What an owner may have: unfinished searches, datasets, and bytes of datasets."""

    searches: int
    datasets: int
    dataset_bytes: int


def limits_of(tx: Tx, owner: str, settings: Settings) -> Limits:
    """The limits of an owner: their own, else those of the settings."""
    own = tx.quotas.of(owner)
    return Limits(
        settings.max_active_searches if own.searches is None else own.searches,
        settings.max_datasets if own.datasets is None else own.datasets,
        settings.max_dataset_bytes if own.dataset_bytes is None else own.dataset_bytes,
    )


class Owners:
    """The use cases about the limits of owners; they are the operator's."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self) -> Sequence[QuotaRecord]:
        """Owners with limits of their own, by name."""
        return self._store.read(lambda tx: tx.quotas.all_set())

    def limit(
        self,
        owner: str,
        *,
        searches: int | None = None,
        datasets: int | None = None,
        dataset_bytes: int | None = None,
        reset: bool = False,
    ) -> QuotaRecord:
        """Set limits of an owner; those that are None stay as they are.

        With `reset` the ones that are not named are those of the settings again.

        Raises
        ------
        InvalidRequest
            Nobody of this name has a key, or a limit is below 0 or beyond what a database holds.
        """
        asked = {"searches": searches, "datasets": datasets, "dataset_bytes": dataset_bytes}
        given = {name: value for name, value in asked.items() if value is not None}
        for name, value in given.items():
            if not 0 <= value <= MOST[name]:
                raise InvalidRequest(f"{name} {value} must lie between 0 and {MOST[name]}")
        if not given and not reset:
            raise InvalidRequest("name a limit to set, or reset them all to the settings'")

        def put(tx: Tx) -> QuotaRecord:
            if not tx.keys.has_owner(owner):
                raise InvalidRequest(
                    f"no key belongs to {owner[:100]!r}; `hpsearch keys list` shows the owners"
                )
            tx.lock_owner(owner)
            before = QuotaRecord(owner) if reset else tx.quotas.of(owner)
            limits = QuotaRecord(**{**before._asdict(), **given})
            tx.quotas.put(limits)
            tx.audit.add(Act.OWNER_LIMITED, owner, **limits._asdict())
            return limits

        return self._store.write(put)
