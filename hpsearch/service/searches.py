"""Changes of searches by their users: submit, edit, pause, resume, cancel, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpsearch.errors import Conflict, InvalidRequest, NotFound
from hpsearch.records import Access, Act, Reader, SearchRecord
from hpsearch.report import plan
from hpsearch.report.build import sharing_view
from hpsearch.report.views import NextRoundView, PlanView, StatusView, SubmittedView
from hpsearch.service import edits, sharing
from hpsearch.service.datasets import Datasets
from hpsearch.service.queries import SearchQueries, get_or_404
from hpsearch.service.steering import STEPS, Request, step
from hpsearch.service.submission import Submission
from hpsearch.settings import Settings
from hpsearch.spec.labels import FIELDS as LABELS
from hpsearch.spec.labels import Labels
from hpsearch.store import Store, Tx

REASON_MOST = 500  # characters of an operator's reason
EDIT_ATTEMPTS = 20  # a search that runs moves on between reading and writing, now and then


class Searches(SearchQueries):
    """The use cases about searches. `owner` restricts every one; a stranger's id is not found.

    With `if_revision`, a change is made only to a search that is at it; otherwise `Stale`.
    """

    def __init__(self, store: Store, datasets: Datasets, settings: Settings) -> None:
        super().__init__(store)
        self._datasets = datasets
        self._settings = settings
        self._submission = Submission(store, datasets, settings)

    def submit(
        self, data: object, *, owner: str, idempotency_key: str | None = None
    ) -> tuple[SubmittedView, bool]:
        """Store a new search; the loop sees it from there.

        Returns
        -------
        tuple
            The status with the plan, and whether the search is new: a repeated idempotency key gives the
            search that it made before.

        Raises
        ------
        InvalidSpec
            With every mistake; nothing is stored.
        Conflict
            The idempotency key belongs to another spec.
        TooMany
            The owner has as many unfinished searches as the settings allow.
        """
        search, new = self._submission.submit(data, owner=owner, key=idempotency_key)
        assert isinstance(data, dict)  # nothing else is a spec
        resolved = search.resolved(after=0)
        made = plan.view_of(resolved, data, edits.as_asked(resolved.spec))
        return SubmittedView(**dict(self._status(search)), plan=made), new

    def plan(self, data: object, *, owner: str) -> PlanView:
        """Everything that a search of this spec would do; nothing is stored.

        Raises
        ------
        InvalidSpec, Conflict
            As `submit` does.
        """
        resolved = self._submission.resolved(data, owner=owner)
        assert isinstance(data, dict)  # nothing else is a spec
        return plan.view_of(resolved, data, edits.as_asked(resolved.spec))

    def edit(
        self, search_id: str, changes: object, *, owner: str, if_revision: int | None = None
    ) -> StatusView:
        """Change ranges, rounds, trials or epochs from the next round on; tags and note at once.

        Raises
        ------
        InvalidSpec
            With every mistake that the edited spec would have.
        Conflict
            The search is finalizing or has ended, and more than its tags or note is to change.
        """
        for _ in range(EDIT_ATTEMPTS):
            search = get_or_404(self._store, owner, search_id, if_revision)
            asked = edits.Asked.of(changes)
            full = self._checked(search, asked)
            if self._store.write(lambda tx: _edit(tx, search, full, asked.labels, if_revision)):  # noqa: B023  # called at once
                return self.status(search_id, owner=owner)
        raise Conflict(f"search {search_id} moves on too fast to be edited; pause it first")

    def _checked(self, search: SearchRecord, asked: edits.Asked) -> Mapping[str, Any]:
        """The changes of a search's spec in their stored form; none where labels alone change."""
        if asked.of_labels_alone:
            asked.check_labels()
            return {}
        edits.check_editable(search)
        full = edits.checked(search, asked.rest, self._settings, asked.mistakes)
        if edits.turned_log(search, full) or {"forbid", "rounds"} & full.keys():
            basis = self._read(search.id)
            edits.check_places(basis, full)
            edits.check_left(basis, full)
        return full

    def preview(
        self, search_id: str, changes: object, *, owner: str, if_revision: int | None = None
    ) -> NextRoundView:
        """The next round as it would be with these changes; nothing is stored.

        Raises
        ------
        InvalidSpec, Conflict
            As `edit` does.
        """
        get_or_404(self._store, owner, search_id, if_revision)
        basis = self._read(search_id)
        edits.check_editable(basis.search)
        asked = edits.Asked.of(changes)
        full = edits.checked(basis.search, asked.rest, self._settings, asked.mistakes)
        edits.check_places(basis, full)
        edits.check_left(basis, full)
        return edits.preview(basis, full, job_size=self._settings.job_size)

    def _read(self, search_id: str) -> edits.Basis:
        """Everything that the next decision of a search rests on."""
        basis = self._store.read(lambda tx: edits.read(tx, search_id))
        if basis is None:
            raise NotFound(f"no search {search_id[:60]!r}")
        return basis

    def share(
        self, search_id: str, with_: object, *, owner: str, if_revision: int | None = None
    ) -> StatusView:
        """Let owners read a search, and no others: a list of them, or the word "all".

        Raises
        ------
        InvalidRequest
            It is neither.
        """
        granted = sharing.checked(with_, owner=owner)
        get_or_404(self._store, owner, search_id, if_revision)
        if not self._store.write(lambda tx: _share(tx, search_id, granted, if_revision, owner)):
            get_or_404(self._store, owner, search_id, if_revision)
        return self.status(search_id, owner=owner)

    def operate(self, search_id: str, action: str, *, reason: str, owner: Access) -> StatusView:
        """Pause, resume or cancel a search of any owner, who reads the reason in its status.

        `owner` is a reader who sees everyone; of anybody else their own searches.

        Raises
        ------
        InvalidRequest
            Another action, or no reason.
        Conflict
            As `pause`, `resume` and `cancel` do.
        """
        if action not in STEPS:
            raise InvalidRequest(f"action {action[:40]!r} is not one of {', '.join(STEPS)}")
        reason = reason.strip()
        if not 0 < len(reason) <= REASON_MOST or not reason.isprintable():
            raise InvalidRequest(
                f"reason: say why on one line, in 1 to {REASON_MOST} characters; its owner reads it"
            )
        if isinstance(owner, Reader) and not owner.everyone:
            owner = owner.owner
        search = get_or_404(self._store, owner, search_id)
        self._steer(action, Request(search_id, search.owner, why=reason))
        return self.status(search_id, owner=owner)

    def pause(self, search_id: str, *, owner: str, if_revision: int | None = None) -> StatusView:
        """Start nothing more; jobs that run are finished and kept.

        Raises
        ------
        Conflict
            The search is neither queued nor running.
        """
        self._steer("pause", Request(search_id, owner, if_revision))
        return self.status(search_id, owner=owner)

    def resume(self, search_id: str, *, owner: str, if_revision: int | None = None) -> StatusView:
        """Go on after a pause, or run the frozen final test again after it failed.

        Raises
        ------
        Conflict
            The search is neither paused nor failed in its final test.
        """
        self._steer("resume", Request(search_id, owner, if_revision))
        return self.status(search_id, owner=owner)

    def cancel(self, search_id: str, *, owner: str, if_revision: int | None = None) -> StatusView:
        """End a search for good; what was trained stays readable.

        Raises
        ------
        Conflict
            The search has ended already.
        """
        self._steer("cancel", Request(search_id, owner, if_revision))
        return self.status(search_id, owner=owner)

    def _steer(self, action: str, asked: Request) -> None:
        """Take a step of a search, or say why it cannot be taken."""
        search = get_or_404(self._store, asked.owner, asked.search, asked.revision)
        taken = step(action, search.state)
        if not self._store.write(lambda tx: taken.take(tx, asked)):
            search = get_or_404(self._store, asked.owner, asked.search, asked.revision)
            raise Conflict(taken.refusal.format(id=search.id, state=search.state))

    def delete(self, search_id: str, *, owner: str) -> None:
        """Remove an ended search and everything about it.

        Raises
        ------
        Conflict
            The search has not ended.
        """
        search = get_or_404(self._store, owner, search_id)
        if not self._store.write(lambda tx: _delete(tx, search_id, owner)):
            raise Conflict(f"search {search_id} is {search.state}; cancel it first")
        if search.dataset_digest is not None:
            self._datasets.sweep(search.dataset_digest)


def _edit(
    tx: Tx,
    search: SearchRecord,
    changes: Mapping[str, Any],
    labels: Labels,
    revision: int | None,
) -> bool:
    """Write an edit of the spec, other labels, or both; False where the search has moved on."""
    if changes and not tx.searches.edit(search, changes):
        return False
    if labels != Labels():
        fence = None if changes else revision  # the edit itself has just raised the revision
        if not tx.searches.label(search.id, tags=labels.tags, note=labels.note, revision=fence):
            return False
    named = [name for name in LABELS if getattr(labels, name) is not None]
    fields = sorted([*changes, *named])
    tx.audit.add(Act.SEARCH_EDITED, search.id, owner=search.owner, fields=fields)
    return True


def _share(
    tx: Tx, search_id: str, granted: tuple[str, ...], revision: int | None, owner: str
) -> bool:
    """Let these owners read a search; nothing is noted where they do already."""
    held = tx.searches.of(owner, search_id)
    if held is not None and held.sharing == granted and revision in (None, held.revision):
        return True
    done = tx.searches.share(search_id, granted, revision)
    if done:
        told = sharing_view(granted)
        tx.audit.add(Act.SEARCH_SHARED, search_id, owner=owner, sharing=told)
    return done


def _delete(tx: Tx, search_id: str, owner: str) -> bool:
    """Remove an ended search."""
    removed = tx.searches.delete(search_id)
    if removed:
        tx.audit.add(Act.SEARCH_DELETED, search_id, owner=owner)
    return removed
