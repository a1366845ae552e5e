"""Retention: what ended long ago goes, wholly or but for its results, over all owners.

One search is one transaction, so that nobody waits long and a prune that is interrupted has
simply done less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hpsearch.records import Act, ContentRecord
from hpsearch.service import Services
from hpsearch.store import Store, Tx
from hpsearch.store.retention import OldSearch

BATCH = 10_000  # events removed in one transaction


@dataclass(frozen=True, slots=True)
class Pruned:
    """Counts of what was removed, or would be.

    searches
        That were removed; with `keep_results` that lost curves and history.
    trials
        Of these searches.
    datasets, bytes
        Contents that nothing refers to any more.
    """

    searches: int
    trials: int
    events: int
    datasets: int
    bytes: int


def prune(
    services: Services, *, older_than: float, keep_results: bool = False, dry_run: bool = False
) -> Pruned:
    """Remove what ended more than `older_than` seconds ago and all that only it refers to.

    Parameters
    ----------
    keep_results
        Keep the searches with their rounds, trials, decisions and results: only learning
        curves, per-example outcomes and the event history go. Such a search can be trained
        again and compared, but its decisions cannot be recomputed.
    dry_run
        Count, and change nothing.
    """
    store = services.store
    old = store.read(
        lambda tx: tx.retention.candidates(older_than=older_than, with_curves=keep_results)
    )
    if dry_run:
        return _planned(store, old, older_than=older_than, keep_results=keep_results)
    store.write(
        lambda tx: tx.audit.add(Act.PRUNE, older_than=older_than, keep_results=keep_results)
    )
    remove = _slim if keep_results else _forget
    removed = [search for search in old if remove(store, search.id, older_than)]
    events = sum(search.events for search in removed) + _sweep_events(store, older_than)
    contents = store.read(lambda tx: tx.retention.unreferenced())
    for content in contents:
        services.datasets.sweep(content.digest)
    return _summed(removed, events, contents)


def _slim(store: Store, search_id: str, older_than: float) -> bool:
    def slim(tx: Tx) -> bool:
        slimmed = tx.retention.slim(search_id, older_than=older_than)
        if slimmed:
            tx.audit.add(Act.SEARCH_PRUNED, search_id, keep_results=True)
        return slimmed

    return store.write(slim)


def _forget(store: Store, search_id: str, _older_than: float) -> bool:
    def forget(tx: Tx) -> bool:
        if not tx.searches.delete(search_id):  # it has been resumed since it was listed
            return False
        tx.retention.forget_history(search_id)
        tx.audit.add(Act.SEARCH_PRUNED, search_id, keep_results=False)
        return True

    return store.write(forget)


def _sweep_events(store: Store, older_than: float) -> int:
    total = 0
    while removed := store.write(
        lambda tx: tx.retention.forget_stray_events(older_than=older_than, limit=BATCH)
    ):
        total += removed
    return total


def _planned(
    store: Store, old: Sequence[OldSearch], *, older_than: float, keep_results: bool
) -> Pruned:
    events = store.read(lambda tx: tx.retention.stray_events(older_than=older_than))
    contents = store.read(
        lambda tx: tx.retention.unreferenced(but_old=None if keep_results else older_than)
    )
    return _summed(old, sum(search.events for search in old) + events, contents)


def _summed(
    searches: Sequence[OldSearch], events: int, contents: Sequence[ContentRecord]
) -> Pruned:
    return Pruned(
        searches=len(searches),
        trials=sum(search.trials for search in searches),
        events=events,
        datasets=len(contents),
        bytes=sum(content.bytes for content in contents),
    )
