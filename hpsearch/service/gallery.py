"""What the figures of a search show: as much of it as a picture can hold, and no more."""

from __future__ import annotations

from hpsearch.report import build
from hpsearch.report.views import RangeView, RoundView, SurfaceView, TrialView
from hpsearch.service.reading import found
from hpsearch.service.stored import resolved
from hpsearch.store import Row, Store, Tx
from hpsearch.trials import RoundKind

POINTS = 2_500  # trials in a picture; more of them are slow to draw and hide each other
BEST = 500  # of these, the best of all
CURVES = 60  # learning curves


class Gallery:
    """The use cases of figures. `owner` restricts every one; a stranger's id is not found."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def asked(self, search_id: str, *, owner: str) -> dict[str, RangeView]:
        """The ranges of the spec, edits included."""
        row = found(self._store, owner, search_id)
        return build.box_view(resolved(row).box)

    def rounds(self, search_id: str, *, owner: str) -> list[RoundView]:
        """All rounds in order."""
        found(self._store, owner, search_id)
        return self._store.read(
            lambda tx: build.round_views(
                tx.searches.rounds(search_id), tx.searches.decisions(search_id), {}
            )
        )

    def sample(self, search_id: str, *, owner: str) -> tuple[list[TrialView], int]:
        """Trials for a picture, and of how many they are.

        All that have ended; of more than `POINTS` the best ones and every so many-th of the rest.
        """
        found(self._store, owner, search_id)

        def read(tx: Tx) -> tuple[list[Row], int]:
            begun = [r for r in tx.searches.rounds(search_id) if r.kind != RoundKind.FINAL]
            ended = sum(r.completed + r.stopped + r.diverged for r in begun)
            if ended <= POINTS:
                return list(tx.searches.sampled(search_id, every=1, limit=POINTS)), ended
            every = -(-ended // (POINTS - BEST))
            rows = [*tx.searches.sampled(search_id, every=every, limit=POINTS - BEST)]
            rows += tx.searches.observed(search_id, best=True, limit=BEST)
            return list({(r.round, r.idx): r for r in rows}.values()), ended

        rows, ended = self._store.read(read)
        return [build.trial_view(row) for row in rows], ended

    def curves(self, search_id: str, *, owner: str) -> list[TrialView]:
        """The learning curves of the best trials and of the newest."""
        found(self._store, owner, search_id)

        def read(tx: Tx) -> list[Row]:
            half = CURVES // 2
            rows = [
                *tx.searches.observed(search_id, best=True, limit=half),
                *tx.searches.observed(search_id, best=False, limit=half),
            ]
            return list({(r.round, r.idx): r for r in rows}.values())

        return [build.trial_view(row, curve=True) for row in self._store.read(read)]

    def surface(self, search_id: str, *, owner: str) -> SurfaceView | None:
        """The newest surface that was stored; None before there is a surrogate."""
        found(self._store, owner, search_id)
        rounds = self._store.read(lambda tx: tx.searches.rounds(search_id))
        stored = [r.evidence["surface"] for r in rounds if (r.evidence or {}).get("surface")]
        return SurfaceView.model_validate(stored[-1]) if stored else None
