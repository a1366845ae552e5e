"""The Python client: a method for each route of the contract.

Its calls are in groups by what they are about: datasets and trials to train have a class each, on one
connection, and those about searches stand here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from hpsearch.client import polling, search_calls
from hpsearch.client.address import path_of
from hpsearch.client.arguments import (
    Search,
    count,
    document,
    names,
    number,
    search_id,
)
from hpsearch.client.continuation import continued
from hpsearch.client.dataset_client import DatasetClient
from hpsearch.client.figure import Figure
from hpsearch.client.labels import labelled
from hpsearch.client.search_calls import at
from hpsearch.client.trainer_client import TrainerClient
from hpsearch.edges import changed
from hpsearch.errors import Conflict, NotFound
from hpsearch.report import views

if TYPE_CHECKING:
    from pandas import DataFrame


class Client(DatasetClient, TrainerClient):
    """Speaks with the service at `url`, showing `key` with every request.

    Every method raises the errors of `hpsearch.errors` that the service answered with, and
    Unavailable when nothing answers. For `patience` seconds what reads and `submit` are tried
    again, with growing pauses, and whatever a rate limit refuses. It may be used by threads, in
    forked processes, and pickled to others; what is pickled holds the key.
    """

    # Searches

    def plan(self, spec: Mapping[str, Any] | bytes) -> views.PlanView:
        """Everything that a search of this spec would do; nothing is stored."""
        return search_calls.plan(self._transport, spec)

    def submit(self, spec: Mapping[str, Any] | bytes) -> views.SubmittedView:
        """POST a spec (its JSON bytes, or a mapping) and return the new search's status, with its plan.

        Connection errors and 503 are answered by trying again under the same
        Idempotency-Key, so that one call makes one search.
        """
        return search_calls.submit(self._transport, spec)

    def status(
        self, search: Search, *, wait: float = 0.0, after: views.StatusView | None = None
    ) -> views.StatusView:
        """The status; with `wait`, as soon as its revision differs from that of `after`.

        After `wait` seconds without a change the status is returned as it is.
        """
        return search_calls.status(self._transport, search, wait=number(wait, "wait"), after=after)

    def follow(self, search: Search) -> Iterator[views.StatusView]:
        """The status now and after every change, until the search has ended.

        A service that is away for less than a minute is waited for.
        """
        first = search if isinstance(search, views.StatusView) else self.status(search)
        return polling.changes(self.status, first)

    def wait(
        self, search: Search, *, progress: bool = True, timeout: float | None = None
    ) -> views.StatusView:
        """The status at the end of a search; `state` says whether it completed.

        With `progress` a line of it is kept up to date in a terminal and in a notebook.

        Raises
        ------
        Conflict
            The search has not ended after `timeout` seconds; it goes on.
        """
        seconds = None if timeout is None else number(timeout, "timeout")
        first = self.status(search)
        return polling.last(polling.changes(self.status, first, timeout=seconds), show=progress)

    def list(
        self,
        *,
        state: str | None = None,
        limit: int | None = None,
        tags: Iterable[str] = (),
        q: str | None = None,
        since: str | None = None,
        shared: bool = False,
        everyone: bool = False,
    ) -> Iterator[views.StatusView]:
        """The searches of this key, newest first.

        With `shared` those of others that its owner may read, with `everyone` those of every owner (the
        key then needs the scope operate as well).

        Those with all of `tags`, with the text `q` in name, note or a tag, submitted `since` a day or
        a time.
        """
        most = None if limit is None else count(limit, "limit")
        asked = {
            "state": state, "tag": names(tags, "tags"), "q": q, "since": since,
            "shared": "true" if shared else None, "everyone": "true" if everyone else None,
        }  # fmt: skip
        items = self._transport.items(views.StatusView, path_of("searches"), asked, most)
        yield from islice(items, most)

    def tag(
        self,
        search: Search,
        add: Iterable[str] = (),
        *,
        remove: Iterable[str] = (),
        note: str | None = None,
    ) -> views.StatusView:
        """Give a search more tags, take some away, or give it another note; in any state.

        Raises
        ------
        InvalidSpec
            A tag or the note that cannot be; nothing is changed then.
        """
        return labelled(self, search, names(add, "add"), names(remove, "remove"), note)

    def rounds(self, search: Search) -> Iterator[views.RoundView]:
        """The rounds so far, each with the decisions on its evidence."""
        yield from self._transport.items(views.RoundView, at(search, "rounds"), {})

    def trials(
        self,
        search: Search,
        *,
        round: int | None = None,  # the contract's own word
        state: str | None = None,
        sort: str | None = None,
        curve: bool = False,
    ) -> Iterator[views.TrialView]:
        """All trials, page by page; `sort` is `round`, or best first `-score` or `-validation_accuracy`.

        With `curve` each has its learning curve.
        """
        with_curve = "true" if curve else None
        of_round = None if round is None else count(round, "round")
        params = {"round": of_round, "state": state, "sort": sort, "curve": with_curve}
        yield from self._transport.items(views.TrialView, at(search, "trials"), params)

    def trials_frame(self, search: Search, *, state: str | None = None) -> DataFrame:
        """The trials as a pandas frame: a row each, a column for each hyperparameter.

        Raises
        ------
        Misconfigured
            pandas is not installed.
        """
        from hpsearch.client import trials_frame

        return trials_frame.of_trials(self.trials(search, state=state))

    def trials_csv(self, search: Search, to: IO[bytes] | str | PathLike[str]) -> None:
        """Write all trials as the service's CSV, models of the final test too.

        To a file, or to one that is open for bytes.
        """
        options = {"headers": {"Accept": "text/csv"}, "params": {"role": "true"}}
        self._transport.save(at(search, "trials"), to, **options)

    def figure(
        self, search: Search, name: str, *, x: str | None = None, y: str | None = None
    ) -> Figure:
        """A figure of a search: ranges, trials, curves, surface, importance, parallel or tuning.

        x, y: the hyperparameters on the axes of `trials`. A notebook shows it by itself.
        """
        params = {axis: value for axis, value in (("x", x), ("y", y)) if value is not None}
        path = at(search, "figures", name)
        figure = Figure.of(name, self._transport.json("GET", path, params=params))
        if figure is None:
            raise self._transport.not_understood(path, "no figure")
        return figure

    def progress(self, *searches: Search) -> Figure:
        """Figure of one to five searches side by side: the best score of each over the epochs it has spent."""
        path = path_of("figures", "progress")
        ids = ",".join(search_id(one) for one in searches)
        figure = Figure.of("progress", self._transport.json("GET", path, params={"searches": ids}))
        if figure is None:
            raise self._transport.not_understood(path, "no figure")
        return figure

    def coordinates(self, search: Search) -> views.CoordinatesView:
        """The trials as parallel coordinates, to draw them oneself; many trials are sampled."""
        return self._transport.view(views.CoordinatesView, "GET", at(search, "coordinates"))

    def result(self, search: Search) -> views.ResultView:
        """The best range and its test score; Conflict until the search has completed."""
        return self._transport.view(views.ResultView, "GET", at(search, "result"))

    def result_if_any(self, search: Search) -> views.ResultView | None:
        """The result; None of a search that has not completed."""
        try:
            return self.result(search)
        except Conflict:
            return None

    def model(self, search: Search, file: str | PathLike[str], format: str | None = None) -> Path:
        """Write the trained winner to `file`, which `hpsearch.nn.Model.load` reads; `file`.

        format
            "onnx", "safetensors", "torch" or "sklearn" for other libraries; None for what the end of the
            file's name tells (.onnx, .safetensors, .pt, .pkl), else "npz". Of safetensors a .json lies
            beside it, of torch a .py.

        Raises
        ------
        Conflict, NotFound
            The search has not completed, or keeps no model; nothing is written then.
        InvalidRequest
            The file cannot be written, or the format cannot say what the model has.
        Misconfigured
            The format's library is not installed here; the message names the extra that brings it.
        """
        return search_calls.model(self._transport, search, file, format)

    def report_html(self, search: Search, file: str | PathLike[str]) -> Path:
        """Write everything about a search, figures included, to one HTML file; `file`.

        Raises
        ------
        InvalidRequest
            The file cannot be written.
        """
        return self._transport.download_file(at(search, "report"), file)

    def statement(self, search: Search, *, format: views.StatementFormat = "text") -> str:
        """The text that a paper needs of a completed search: text, markdown, latex or json; Conflict until then."""
        return search_calls.statement(self._transport, search, format)

    def tuning_curve(self, search: Search) -> views.TuningCurveView:
        """The best score of so many random trials, with its band; or why it is not known."""
        return self._transport.view(views.TuningCurveView, "GET", at(search, "tuning-curve"))

    def health(self, search: Search) -> views.HealthView:
        """Findings about a search in any state, each with its number and an advice."""
        return self._transport.view(views.HealthView, "GET", at(search, "health"))

    def spec(self, search: Search) -> dict[str, Any]:
        """The spec as it is now, edits and defaults written out; it can be submitted again."""
        path = at(search, "spec")
        answer = self._transport.json("GET", path)
        if not isinstance(answer, dict):
            raise self._transport.not_understood(path, "no spec")
        return answer

    def edit(
        self, search: Search, changes: Mapping[str, Any], *, seen: views.StatusView | None = None
    ) -> views.StatusView:
        """Change ranges, rounds, trials, epochs or what is forbidden in a running search from its next round on.

        Its `tags` and its `note` may be changed at any time, and count at once.

        With `seen`, only if the search has not changed since that status.
        """
        return search_calls.patch(self._transport, views.StatusView, search, changes, seen)

    def preview(
        self, search: Search, changes: Mapping[str, Any], *, seen: views.StatusView | None = None
    ) -> views.NextRoundView:
        """The next round as it would be with these changes, which are not made."""
        return search_calls.patch(
            self._transport, views.NextRoundView, search, changes, seen, dry_run="true"
        )

    def continue_(
        self, search: Search, *, rounds: int | None = None, changes: Mapping[str, Any] | None = None
    ) -> views.StatusView:
        """Submit the spec of a search again, warm-started from it and from its own warm starts.

        The ranges are those that were asked for, edits included; the trials of the first search
        narrow them from the start. `changes` are put into the spec, those of a range or of another
        field with parts field by field. The seed is the next one, so that nothing is trained twice
        and the choice is not made on the same validation examples again.
        """
        spec, known = self.spec(search), search_id(search)
        spec = continued(spec, known, rounds=rounds, exists=self._exists)
        return self.submit(changed(spec, document(changes or {}, "the changes")))

    def _exists(self, search: str) -> bool:
        try:
            self.status(search)
        except NotFound:
            return False
        return True

    def pause(self, search: Search, *, reason: str | None = None) -> views.StatusView:
        """Hand out no more jobs; running ones end.

        With a `reason`, as an operator of anybody's search, who reads it; so do `resume` and `cancel`.
        """
        return search_calls.steer(self._transport, search, "pause", reason)

    def resume(self, search: Search, *, reason: str | None = None) -> views.StatusView:
        """Go on with a paused search, or rerun the frozen final test of a failed one."""
        return search_calls.steer(self._transport, search, "resume", reason)

    def cancel(self, search: Search, *, reason: str | None = None) -> views.StatusView:
        """End a search; its trials stay readable."""
        return search_calls.steer(self._transport, search, "cancel", reason)

    def share(self, search: Search, owners: Iterable[str] | Literal["all"]) -> views.StatusView:
        """Let these owners read a search, or all; nobody else may any more."""
        sharing = owners if owners == "all" else names(owners, "owners")
        body = {"sharing": sharing}
        return self._transport.view(views.StatusView, "PUT", at(search, "sharing"), json=body)

    def delete(self, search: Search) -> None:
        """Remove an ended search and all its trials."""
        self._transport.send("DELETE", at(search))

    # The operator

    def audit(
        self,
        *,
        since: str | None = None,
        until: str | None = None,
        actor: str | None = None,
        target: str | None = None,
        action: str | None = None,
        limit: int | None = None,
    ) -> Iterator[views.AuditView]:
        """The audit, who did what to what, the newest acts first; it needs a key with the scope admin.

        `since` a day or time and before `until`, of one `actor` (a key's id, an owner, an address),
        on one `target`, of one `action`.
        """
        most = None if limit is None else count(limit, "limit")
        asked = {
            "since": since, "until": until, "actor": actor, "target": target, "action": action
        }  # fmt: skip
        items = self._transport.items(views.AuditView, path_of("audit"), asked, most)
        yield from islice(items, most)
