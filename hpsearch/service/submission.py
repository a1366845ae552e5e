"""Submitting a search: the spec is checked and becomes one row; the loop sees it from there."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from hpsearch import rules
from hpsearch.errors import Conflict, InvalidRequest, Mistake, NotFound, TooMany
from hpsearch.records import Act, NewSearch, SearchRecord
from hpsearch.report.digest import body_sha256
from hpsearch.service import provided, warm
from hpsearch.service.datasets import Datasets
from hpsearch.service.owners import limits_of
from hpsearch.settings import Settings
from hpsearch.spec import ResolvedSpec, parse, plan
from hpsearch.store import Store, Tx
from hpsearch.trials import Observation
from hpsearch.workloads import NO_DATASET, DatasetFacts, workload_of

KEY_LONGEST = 200  # characters of an Idempotency-Key


class Submission:
    """Submits specs; it needs the database, the datasets, and the caps."""

    def __init__(self, store: Store, datasets: Datasets, settings: Settings) -> None:
        self._store = store
        self._datasets = datasets
        self._settings = settings

    def submit(self, data: object, *, owner: str, key: str | None) -> tuple[SearchRecord, bool]:
        """The search that `data` asks for, and whether it is new.

        Raises
        ------
        InvalidSpec, Conflict, TooMany, InvalidRequest
            See `Searches.submit`; nothing is stored then.
        """
        if key is not None and not 0 < len(key) <= KEY_LONGEST:
            raise InvalidRequest(f"Idempotency-Key must have 1 to {KEY_LONGEST} characters")
        if isinstance(data, dict) and key is not None:
            known = self._repeated(owner, key, body_sha256(data))
            if known is not None:
                return known, False
        new = self._new(data, owner=owner, key=key)
        self._store.write(lambda tx: self._insert(tx, new))
        made = self._store.read(lambda tx: tx.searches.of(owner, new.id))
        if made is not None:
            return made, True
        known = self._repeated(owner, key or "", new.body_sha256)
        assert known is not None  # its key kept ours from being inserted
        return known, False

    def resolved(self, data: object, *, owner: str) -> ResolvedSpec:
        """The search that `data` would be; nothing is stored.

        Raises
        ------
        InvalidSpec, Conflict
            See `Searches.submit`.
        """
        resolved, _ = self._checked(data, owner)
        self._warm_start(resolved, owner)
        return resolved

    def _checked(self, data: object, owner: str) -> tuple[ResolvedSpec, dict[str, Any]]:
        """The search that `data` asks for, and the stored facts of its dataset, which allows its splits."""
        facts = self._facts(data, owner)
        data = self._with_network(data, owner)
        resolved = parse(data, facts if isinstance(facts, Mistake) else facts[0], self._settings)
        assert not isinstance(facts, Mistake)  # parse refuses it
        return resolved, self._datasets.require_splits(resolved, facts[1])

    def _new(self, data: object, *, owner: str, key: str | None) -> NewSearch:
        """The new search."""
        resolved, facts = self._checked(data, owner)
        webhook = resolved.spec.webhook
        return NewSearch(
            id=secrets.token_hex(10),
            owner=owner,
            name=resolved.spec.name,
            spec=provided.emptied(resolved.spec).to_json(),
            dataset=resolved.spec.dataset,
            dataset_digest=resolved.facts.digest or None,
            facts=facts,
            idempotency_key=key,
            webhook=None if webhook is None else webhook.url,
            body_sha256=body_sha256(data),
            rules=rules.RULES_NUMBER,
            tags=resolved.spec.tags,
            note=resolved.spec.note,
            warm_start=self._warm_start(resolved, owner),
        )

    def _with_network(self, data: object, owner: str) -> object:
        """A planned spec with the network of the earlier search that it begins with."""
        if not isinstance(data, dict) or not plan.is_asked(data):
            return data
        earlier = [one for one in warm.earlier(data) if isinstance(one, str)]
        if not earlier:
            return data
        search = self._store.read(lambda tx: tx.searches.of(owner, earlier[0]))
        return data if search is None else warm.with_network(data, search.resolved())

    def _warm_start(self, resolved: ResolvedSpec, owner: str) -> Sequence[Observation]:
        if not resolved.spec.warm_start:
            return ()
        return self._store.read(lambda tx: warm.frozen(tx, resolved, owner=owner))

    def _insert(self, tx: Tx, new: NewSearch) -> None:
        if tx.searches.of(new.owner, new.id) is not None:
            return  # the answer to an earlier COMMIT was lost
        tx.lock_owner(new.owner)
        digest = new.dataset_digest
        if digest is not None and tx.library.content(digest) is None:
            raise Conflict(f"dataset {new.dataset!r} has just been deleted")
        active = tx.searches.count_active(new.owner)
        limit = limits_of(tx, new.owner, self._settings).searches
        if active >= limit:
            raise TooMany(f"{active} searches are unfinished, the limit is {limit}; wait or cancel")
        if tx.searches.insert(new):
            tx.audit.add(Act.SEARCH_SUBMITTED, new.id, owner=new.owner, name=new.name)

    def _facts(self, data: object, owner: str) -> Mistake | tuple[DatasetFacts, dict[str, Any]]:
        if isinstance(data, dict) and not workload_of(data.get("objective")).trained_here:
            return NO_DATASET, {}
        name = data.get("dataset") if isinstance(data, dict) else None
        if not isinstance(name, str) or not name:
            return Mistake("dataset", "name a dataset, for example digits")
        try:
            info = self._datasets.find(name, owner=owner)
        except NotFound as error:
            return Mistake("dataset", str(error))
        facts = info.to_json()
        return DatasetFacts.from_json(facts), facts

    def _repeated(self, owner: str, key: str, body: str) -> SearchRecord | None:
        earlier = self._store.read(lambda tx: tx.searches.by_idempotency_key(owner, key))
        if earlier is not None and earlier.body_sha256 != body:
            raise Conflict(f"Idempotency-Key {key!r} was used for another spec; take a new one")
        return earlier
