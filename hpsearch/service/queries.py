"""Queries of users about their searches. Nothing here changes anything, or fits a model."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hpsearch.directions import sign_in
from hpsearch.errors import Conflict, InvalidRequest, NotFound, Stale
from hpsearch.records import Access, Reported, RoundRecord, SearchRecord, TrialRecord
from hpsearch.report import answer, build, health, progress
from hpsearch.report.statement import Facts, statement
from hpsearch.report.tuning import tuning_curve
from hpsearch.report.views import (
    HealthView,
    Page,
    ResultView,
    RoundView,
    StatementView,
    StatusView,
    TuningCurveView,
    WaitingView,
)
from hpsearch.service import cursors, provided
from hpsearch.service.edits import as_asked
from hpsearch.service.finished import Finished
from hpsearch.service.moments import moment
from hpsearch.service.sharing import as_seen
from hpsearch.space import Choices, Params
from hpsearch.spec import ResolvedSpec
from hpsearch.store import Store, Tx
from hpsearch.trials import ENDED, SearchState, TrialState

POLL_SECONDS = 0.2  # how often a waiting caller's revision is looked up
SORTS = ("round", "-validation_accuracy", "-score")
TRIALS = 2_000  # that the health report looks at where some failed
FULL_TRAININGS = 2_000  # that the answer and the health report look at, the newest ones
FIRST_TRIALS = 2_000  # of the first round, that a statement looks at
CURVES = 100  # trials on a page with their learning curves


def get_or_404(
    store: Store, owner: Access, search_id: str, if_revision: int | None = None
) -> SearchRecord:
    """A search of an owner's.

    Raises
    ------
    NotFound
        There is none of this id, or it is somebody else's.
    Stale
        It is not at `if_revision` any more.
    """
    search = store.read(lambda tx: tx.searches.of(owner, search_id))
    if search is None:
        raise NotFound(f"no search {search_id[:60]!r}")
    if if_revision is not None and search.revision != if_revision:
        raise Stale(
            f"search {search_id} is at revision {search.revision}, not {if_revision}; read it again"
        )
    return as_seen(search, owner)


class SearchQueries:
    """The use cases that read. `owner` restricts every one; a stranger's id is not found.

    It is an owner, or a reader, who sees what others granted as well.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._results: Finished[ResultView] = Finished()
        self._rounds: Finished[Sequence[RoundView]] = Finished()

    def list(
        self,
        *,
        owner: Access,
        state: str | None = None,
        tags: Sequence[str] = (),
        words: str | None = None,
        since: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
        others: bool = False,
    ) -> Page:
        """Searches, newest first.

        tags, words, since
            Only those with all of these tags, with these words in name, note or a tag, and submitted
            since a day or a time as RFC 3339 has it.
        others
            Only those that belong to somebody else.
        """
        if state is not None and state not in set(SearchState):
            raise InvalidRequest(f"state {state!r} is not one of {', '.join(SearchState)}")
        begin = None if since is None else moment(since, "since")
        key = cursors.decode(cursor, (float, str))
        after = None if key is None else (float(key[0]), str(key[1]))
        rows = self._store.read(
            lambda tx: tx.searches.page(
                owner,
                others=others,
                state=state,
                limit=limit + 1,
                after=after,
                tags=tags,
                words=words,
                since=begin,
            )
        )
        last = rows[limit - 1] if len(rows) > limit else None
        return Page(
            items=[*self._statuses([as_seen(row, owner) for row in rows[:limit]])],
            next=None if last is None else cursors.encode((last.created_at, last.id)),
        )

    def status(self, search_id: str, *, owner: Access) -> StatusView:
        """The status of a search."""
        return self._status(get_or_404(self._store, owner, search_id))

    def wait(self, search_id: str, *, owner: Access, revision: int, seconds: float) -> StatusView:
        """The status as soon as its revision is not `revision`, or after `seconds`.

        An ended search does not change any more, so nobody has to wait for that.
        """
        deadline = time.monotonic() + seconds
        while True:
            search = get_or_404(self._store, owner, search_id)
            left = deadline - time.monotonic()
            if search.revision != revision or search.state in ENDED or left <= 0:
                return self._status(search)
            time.sleep(min(POLL_SECONDS, left))

    def spec(self, search_id: str, *, owner: Access) -> dict[str, Any]:
        """The spec as it is now, edits included, in a form that can be submitted again."""
        stored = get_or_404(self._store, owner, search_id)
        edited = stored.resolved().spec
        spec = as_asked(edited)
        if stored.tags:
            spec["tags"] = [*stored.tags]
        if stored.note:
            spec["note"] = stored.note
        if None not in edited.earlier:
            return spec
        search = self._store.read(lambda tx: tx.searches.get(search_id))
        begun = () if search is None else search.warm_start
        return provided.filled(spec, begun, sign=edited.score_sign)

    def rounds(
        self, search_id: str, *, owner: Access, limit: int = 100, cursor: str | None = None
    ) -> Page:
        """Every round with its ranges, counts, evidence and decisions, in order."""
        search = get_or_404(self._store, owner, search_id)
        sign = sign_in(search.spec)
        after = cursors.decode(cursor, (int,))

        def read(tx: Tx) -> Sequence[RoundView]:
            return build.round_views(
                tx.trials.rounds(search_id),
                tx.trials.decisions(search_id),
                tx.trials.running([search_id])[search_id],
                sign=sign,
            )

        # A search has at most a few dozen rounds: they are read together and cut here.
        ended = search.state in ENDED
        views = (
            self._rounds.view(search, lambda: self._store.read(read))
            if ended
            else self._store.read(read)
        )
        left = [r for r in views if after is None or (r.number,) > after]
        more = cursors.encode((left[limit - 1].number,)) if len(left) > limit else None
        return Page(items=left[:limit], next=more)

    def trials(
        self,
        search_id: str,
        *,
        owner: Access,
        round: int | None = None,
        state: str | None = None,
        sort: str | None = None,
        curve: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        """Trials by (round, index), or best first: by validation accuracy, or by the objective's score.

        With `curve` every trial has its learning curve, and a page at most 100 of them.
        """
        search = get_or_404(self._store, owner, search_id)
        if state is not None and state not in set(TrialState):
            raise InvalidRequest(f"state {state!r} is not one of {', '.join(TrialState)}")
        if sort is not None and sort not in SORTS:
            raise InvalidRequest(f"sort {sort!r} is not one of {', '.join(SORTS)}")
        limit = min(limit, CURVES) if curve else limit
        best_first = sort in ("-validation_accuracy", "-score")
        # Of a search without accuracies the two are one, and the rank value has an index.
        by_score = sort == "-score" and search.dataset_digest is not None
        types = (float | None, int, int) if best_first else (int, int)
        after = cursors.decode(cursor, types)

        def read(tx: Tx) -> Sequence[TrialRecord]:
            asked: dict[str, Any] = {
                "number": round, "state": state, "curve": curve, "limit": limit + 1, "after": after
            }  # fmt: skip
            if best_first:
                return tx.trials.best_page(search_id, by_score=by_score, **asked)
            return tx.trials.page(search_id, **asked)

        trials = self._store.read(read)
        more = None
        if len(trials) > limit:
            last = trials[limit - 1]
            place = (last.round, last.idx)
            rank = last.score if by_score else last.rank_value
            more = cursors.encode((rank, *place) if best_first else place)
        sign = sign_in(search.spec)
        views = [build.trial_view(t, curve=curve, sign=sign) for t in trials[:limit]]
        return Page(items=views, next=more)

    def reported(self, search_id: str, *, owner: Access) -> Reported:
        """The numbers beside their scores that trainers of a search have reported."""
        get_or_404(self._store, owner, search_id)
        return self._store.read(lambda tx: tx.trials.reported(search_id))

    def result(self, search_id: str, *, owner: Access) -> ResultView:
        """The best range and its test score.

        Raises
        ------
        Conflict
            The search has not completed.
        """
        search = get_or_404(self._store, owner, search_id)
        if search.state is not SearchState.COMPLETED:
            raise Conflict(f"{_not_completed(search)}; it has no result{_yet(search)}")

        def read(tx: Tx) -> ResultView:
            final = tx.final.get(search_id)
            assert final is not None  # a completed search has one
            return answer.result(_records(tx, search), final, _openings(tx, search))

        view = self._results.view(search, lambda: self._store.read(read))
        # A replay, and other searches on the dataset, still open its test part.
        openings = self._store.read(lambda tx: _openings(tx, search))
        test = view.test.model_copy(update={"dataset_openings": openings})
        return view.model_copy(update={"test": test})

    def statement(self, search_id: str, *, owner: Access) -> StatementView:
        """The text that a paper needs of a completed search.

        Raises
        ------
        Conflict
            The search has not completed.
        """
        search = get_or_404(self._store, owner, search_id)
        if search.state is not SearchState.COMPLETED:
            raise Conflict(
                f"{_not_completed(search)}; it has no statement{_yet(search)}: {_way(search)}"
            )
        return self._store.read(lambda tx: statement_of(tx, search_id))

    def tuning_curve(self, search_id: str, *, owner: Access) -> TuningCurveView:
        """The best score of so many random trials, of a search in any state; or why it is not known."""
        search = get_or_404(self._store, owner, search_id)
        rounds, first = self._store.read(
            lambda tx: (tx.trials.rounds(search_id), _first_trials(tx, search_id))
        )
        # A new band takes a second, for which no transaction stays open.
        return tuning_curve(search, progress.searching(rounds), first)

    def model(self, search_id: str, *, owner: Access) -> tuple[int, Iterator[bytes]]:
        """The recommended model's file as the final test trained it: its size, and its pieces.

        Raises
        ------
        Conflict
            The search has not completed.
        NotFound
            No model was kept: it diverged, was trained elsewhere, or the search ended before
            models were kept.
        """
        search = get_or_404(self._store, owner, search_id)
        if not search.resolved().workload.trained_here:
            raise NotFound(
                f"search {search_id} was trained elsewhere; its model is with its trainer"
            )
        if search.state is not SearchState.COMPLETED:
            raise Conflict(f"search {search_id} is {search.state}; it has no model{_yet(search)}")
        size = self._store.read(lambda tx: tx.models.size(search_id))
        if not size:
            raise NotFound(
                f"search {search_id} keeps no model: the recommended one diverged in the final "
                "test, or the search ended before models were kept; submit its spec again"
            )
        return size, self._pieces(search_id)

    def _pieces(self, search_id: str) -> Iterator[bytes]:
        for number in itertools.count():
            piece = self._store.read(lambda tx: tx.models.piece(search_id, number))  # noqa: B023  # called at once
            if piece is None:
                return
            yield piece

    def health(self, search_id: str, *, owner: Access) -> HealthView:
        """Findings that a careful reader of this search should know, in whatever state it is."""
        search = get_or_404(self._store, owner, search_id)
        notes = self._store.read(lambda tx: health.notes(_records(tx, search)))
        return HealthView(id=search.id, state=search.state, revision=search.revision, notes=notes)

    def _status(self, search: SearchRecord) -> StatusView:
        return self._statuses([search])[0]

    def _statuses(self, searches: Sequence[SearchRecord]) -> Sequence[StatusView]:
        """The statuses of searches, with as many queries for many as for one."""
        ids = [search.id for search in searches]

        def read(tx: Tx) -> Sequence[StatusView]:
            rounds, running, time = tx.trials.rounds_of(ids), tx.trials.running(ids), tx.time()
            deliveries = tx.outbox.of([search.id for search in searches if search.webhook])
            warm = tx.searches.warm_start_trials(
                [search.id for search in searches if search.spec.get("warm_start")]
            )
            return [
                build.status(
                    search,
                    search.resolved(),
                    rounds[search.id],
                    running[search.id],
                    time,
                    delivery=deliveries.get(search.id),
                    warm_start_trials=warm.get(search.id, 0),
                )
                for search in searches
            ]

        return self._store.read(read)


def statement_of(tx: Tx, search_id: str) -> StatementView:
    """The statement of a search that has completed."""
    search, final = tx.searches.get(search_id), tx.final.get(search_id)
    assert search is not None
    assert final is not None  # a completed search has one
    fingerprints = [*tx.queue.fingerprints(search_id), *tx.plans.deciders(search_id)]
    first = _first_trials(tx, search_id)
    return statement(Facts.of(_records(tx, search), final, fingerprints, first))


def _first_trials(tx: Tx, search_id: str) -> Sequence[TrialRecord]:
    """The trials of the first round."""
    return tx.trials.page(
        search_id, number=1, state=None, curve=False, limit=FIRST_TRIALS, after=None
    )


def _not_completed(search: SearchRecord) -> str:
    failed = search.state is SearchState.FAILED and search.reason
    return f"search {search.id} is {search.state}{f': {search.reason}' if failed else ''}"


def _way(search: SearchRecord) -> str:
    """The way to a statement for a search that has none yet."""
    if search.state is SearchState.PAUSED:
        return "resume it, and ask again when it has completed"
    if search.state in ENDED:
        return "continue it or submit its spec again, and ask for that one's when it has completed"
    return "ask again when it has completed; GET .../result answers then, too"


def _yet(search: SearchRecord) -> str:
    return "" if search.state in ENDED else " yet"


def _records(tx: Tx, search: SearchRecord) -> health.SearchRecords:
    resolved = search.resolved()
    epochs, rounds = resolved.spec.epochs.last, tx.trials.rounds(search.id)
    failures = any(r.failed for r in progress.searching(rounds))
    return health.SearchRecords(
        search=search,
        resolved=resolved,
        rounds=rounds,
        decisions=tx.trials.decisions(search.id),
        full=tx.trials.full_trainings(search.id, epochs=epochs, limit=FULL_TRAININGS),
        models=tx.final.models(search.id),
        trained=tx.trials.sampled(search.id, every=1, limit=TRIALS) if failures else (),
        failed=tx.trials.failed(search.id, limit=TRIALS) if failures else (),
        waiting=_waiting(tx, search, resolved, rounds),
        tried=_tried(tx, search, resolved),
        having=_having(tx, search, resolved),
    )


def _waiting(
    tx: Tx, search: SearchRecord, resolved: ResolvedSpec, rounds: Sequence[RoundRecord]
) -> WaitingView | None:
    """Trials that wait for a trainer elsewhere; nothing is asked where there can be none."""
    if resolved.workload.trained_here:
        return None
    running = tx.trials.running([search.id])[search.id]
    return progress.waiting(search, resolved, rounds, running, tx.time())


def _tried(tx: Tx, search: SearchRecord, resolved: ResolvedSpec) -> Sequence[Params]:
    """The levels that trials had, each set once; those of the trials that it began with as well."""
    names = [name for name, asked in resolved.box.items() if isinstance(asked, Choices)]
    if not names:
        return ()
    before = tx.searches.get(search.id) if resolved.spec.earlier else None
    return [*tx.trials.tried(search.id, names), *(o.params for o in (before or search).warm_start)]


def _having(tx: Tx, search: SearchRecord, resolved: ResolvedSpec) -> Mapping[str, int]:
    """Trials with a value of each hyperparameter that has a condition."""
    names = sorted(resolved.space.conditions)
    return tx.trials.having(search.id, names) if names else {}


def _openings(tx: Tx, search: SearchRecord) -> int:
    """Number of openings of the dataset's test part; an external search has none."""
    content = None if search.dataset_digest is None else tx.library.content(search.dataset_digest)
    return 0 if content is None else content.openings
