"""Views for the figures of a search: as much of it as a picture can hold, and no more."""

from __future__ import annotations

from collections.abc import Sequence

from hpsearch.directions import Direction, sign_in
from hpsearch.records import Access, TrialRecord
from hpsearch.report import build
from hpsearch.report.coordinates import Ended, coordinates
from hpsearch.report.views import CoordinatesView, RangeView, RoundView, SurfaceView, TrialView
from hpsearch.service.queries import get_or_404
from hpsearch.store import Store, Tx
from hpsearch.trials import RoundKind

POINTS = 2_500  # trials in a picture; more of them are slow to draw and hide each other
BEST = 500  # of these, the best of all
CURVES = 60  # learning curves


class FigureQueries:
    """The use cases of figures. `owner` restricts every one; a stranger's id is not found."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def asked(self, search_id: str, *, owner: Access) -> dict[str, RangeView]:
        """The ranges of the spec, edits included."""
        search = get_or_404(self._store, owner, search_id)
        return build.box_view(search.resolved().box)

    def rounds(self, search_id: str, *, owner: Access) -> list[RoundView]:
        """All rounds in order."""
        sign = self._sign(search_id, owner)
        return self._store.read(
            lambda tx: build.round_views(
                tx.trials.rounds(search_id), tx.trials.decisions(search_id), {}, sign=sign
            )
        )

    def direction(self, search_id: str, *, owner: Access) -> Direction:
        """The direction in which the scores of a search are better."""
        return "minimize" if self._sign(search_id, owner) < 0 else "maximize"

    def _sign(self, search_id: str, owner: Access) -> int:
        return sign_in(get_or_404(self._store, owner, search_id).spec)

    def sample(self, search_id: str, *, owner: Access) -> tuple[list[TrialView], int]:
        """Trials for a picture, and of how many they are.

        All that have ended; of more than `POINTS` the best ones and every so many-th of the rest.
        """
        sign = self._sign(search_id, owner)

        def read(tx: Tx) -> tuple[Sequence[TrialRecord], int]:
            rounds = tx.trials.rounds_of([search_id])[search_id]
            begun = [r for r in rounds if r.kind is not RoundKind.FINAL]
            ended = sum(r.completed + r.stopped + r.diverged for r in begun)
            if ended <= POINTS:
                return tx.trials.sampled(search_id, every=1, limit=POINTS), ended
            every = -(-ended // (POINTS - BEST))
            some = tx.trials.sampled(search_id, every=every, limit=POINTS - BEST)
            best = tx.trials.observed(search_id, best=True, limit=BEST)
            return list({(t.round, t.idx): t for t in (*some, *best)}.values()), ended

        trials, ended = self._store.read(read)
        return [build.trial_view(t, sign=sign) for t in trials], ended

    def coordinates(self, search_id: str, *, owner: Access) -> CoordinatesView:
        """The trials of `sample` as parallel coordinates, over all ranges that they were drawn from."""
        search = get_or_404(self._store, owner, search_id)
        resolved = search.resolved()
        ranges = {name: [view] for name, view in build.box_view(resolved.box).items()}
        for one in self.rounds(search_id, owner=owner):
            for name, view in one.ranges.items():
                ranges.setdefault(name, []).append(view)
        trials, of = self.sample(search_id, owner=owner)
        direction = self.direction(search_id, owner=owner)
        return coordinates(Ended(trials, of, direction), ranges, build.conditions_view(resolved))

    def curves(self, search_id: str, *, owner: Access) -> list[TrialView]:
        """The learning curves of the best trials and of the newest."""
        sign = self._sign(search_id, owner)
        trials = self._store.read(lambda tx: tx.trials.best_and_newest(search_id, limit=CURVES))
        return [build.trial_view(t, curve=True, sign=sign) for t in trials]

    def surface(self, search_id: str, *, owner: Access) -> SurfaceView | None:
        """The newest surface that was stored; None before there is a surrogate."""
        sign = self._sign(search_id, owner)
        rounds = self._store.read(lambda tx: tx.trials.rounds(search_id))
        for r in reversed(rounds):
            if r.evidence is not None and r.evidence.surface is not None:
                return build.surface_view(r.evidence.surface, sign=sign)
        return None
