"""Views of searches that have ended: they do not change any more, so each is made once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from hpsearch.records import SearchRecord

V = TypeVar("V")
KEPT = 64  # views of a process, those that were asked for last


class Finished(Generic[V]):
    """Views of ended searches by id, revision and end, for the threads of one process.

    Whatever still changes of an ended search raises its revision: tags, a note, who may read it, a
    prune that takes its curves. What changes without that is no part of a view kept here. In a database
    that was set back under a running API a revision may name another state, and has another end.
    """

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._views: OrderedDict[tuple[str, int, float | None], V] = OrderedDict()
        self._lock = Lock()

    def view(self, search: SearchRecord, make: Callable[[], V]) -> V:
        """The view of a search that has ended, made unless it is known."""
        key = (search.id, search.revision, search.finished_at)
        with self._lock:
            known = self._views.get(key)
            if known is not None:
                self._views.move_to_end(key)
                return known
        made = make()  # not under the lock: nobody waits for another search's view
        with self._lock:
            self._views[key] = made
            while len(self._views) > self._most:
                self._views.popitem(last=False)
        return made
