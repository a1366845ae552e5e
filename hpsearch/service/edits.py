"""Editing a running search: what a change makes of its spec, and trying it out beforehand.

An edit changes the spec from the next round on. It is stored as the full ranges and values it
leads to, beside the round after which it takes effect, and never touches what has been trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hpsearch.errors import Conflict, InvalidSpec, Mistake
from hpsearch.plural import counted
from hpsearch.report.preview import planned, view_of
from hpsearch.report.views import NextRoundView
from hpsearch.rules import to_json
from hpsearch.service.stored import resolved
from hpsearch.settings import Settings
from hpsearch.spec import SearchSpec, merged, parse
from hpsearch.spec.models import TrialsSpec
from hpsearch.store import Row, Tx
from hpsearch.trials import EDITABLE, ENDED
from hpsearch.workloads import DatasetFacts
from hpsearch.workloads.dense import ARCHITECTURE, ModelSpec


def as_asked(spec: SearchSpec) -> dict[str, Any]:
    """A stored spec in a form that can be submitted again, every default written out.

    What is searched is left out of the model: fixing it as well would be a mistake. So is a
    batch size that nobody asked for, which a small dataset may not have.
    """
    gone = set(spec.space)
    if gone & ARCHITECTURE.keys():
        gone.add("hidden_sizes")
    if spec.model.batch_size == ModelSpec().batch_size:
        gone.add("batch_size")
    data = spec.to_json()
    if "model" in data:
        data["model"] = {k: value for k, value in data["model"].items() if k not in gone}
    return data


def check_editable(row: Row) -> None:
    """Nothing, for a search that may still be edited.

    Raises
    ------
    Conflict
        Its choice is frozen, or it has ended.
    """
    if row.state in EDITABLE:
        return
    hint = "continue it with a new search" if row.state in ENDED else "its choice is frozen"
    raise Conflict(f"search {row.id} is {row.state} and cannot be edited any more; {hint}")


def checked(row: Row, changes: object, caps: Settings) -> dict[str, Any]:
    """`changes` as they are stored: with every range in full.

    Ranges, `epochs` and `trials_per_round` may be given in part; the other fields of each stay
    as they are.

    Raises
    ------
    InvalidSpec
        With every mistake that the edited spec would have, and its path.
    """
    if not isinstance(changes, dict):
        raise InvalidSpec("an edit is a JSON object", [Mistake("", "expected an object")])
    now = resolved(row)
    asked = as_asked(now.spec)
    mistakes = _refused(asked, changes)
    allowed = _completed(now.spec, asked, _without(changes, {m.path for m in mistakes}))
    mistakes += _out_of_rounds(row, allowed, now.spec.rounds)
    edited = None
    try:
        edited = parse(merged(asked, allowed), DatasetFacts.from_json(row.facts), caps)
    except InvalidSpec as error:
        mistakes += [m for m in error.mistakes if m.path not in {told.path for told in mistakes}]
    if mistakes or edited is None:
        raise InvalidSpec(f"the edit has {counted(len(mistakes), 'mistake')}", mistakes)
    return _stored(now.spec, edited.spec, allowed)


def _out_of_rounds(row: Row, allowed: Mapping[str, Any], planned: int) -> list[Mistake]:
    """Fewer rounds than have begun, or ranges that no round would look at any more."""
    rounds = allowed.get("rounds")
    if isinstance(rounds, int) and 0 < rounds < row.round:
        return [Mistake("rounds", f"{rounds} is too few: {row.round} rounds have begun already")]
    if "space" in allowed and row.round >= (
        rounds if isinstance(rounds, int) and rounds > 0 else planned
    ):
        return [
            Mistake("space", f"round {row.round} is the last one, and no round would look there; "
                    f'ask for more as well, for example "rounds": {row.round + 1}')
        ]  # fmt: skip
    return []


def turned_log(row: Row, changes: Mapping[str, Any]) -> list[str]:
    """The ranges that `changes` has as log ones, where some trials may have been drawn otherwise."""
    before = [row.spec["space"], *(e["changes"].get("space", {}) for e in row.edits or ())]
    return [
        name
        for name, new in changes.get("space", {}).items()
        if new.get("scale") == "log"
        and any(old[name].get("scale") != "log" for old in before if name in old)
    ]


def check_places(seen: Read, changes: Mapping[str, Any]) -> None:
    """Nothing, where every trial has a place in the ranges that `changes` gives.

    Raises
    ------
    InvalidSpec
        A range would be a log one, and a trial was drawn at zero or below.
    """
    mistakes = []
    for name in turned_log(seen.row, changes):
        tried = [t.params[name] for t in seen.trials]
        tried += [line["params"][name] for line in seen.row.warm_start or ()]
        misplaced = [value for value in tried if value <= 0]
        if misplaced:
            mistakes.append(
                Mistake(
                    f"space.{name}",
                    f"a log range has no place for {min(misplaced):g}, which {len(misplaced)} of "
                    'its trials have; use "scale": "linear", or submit a new search',
                )
            )
    if mistakes:
        raise InvalidSpec("the edit cannot be made", mistakes)


def _refused(asked: Mapping[str, Any], changes: Mapping[str, Any]) -> list[Mistake]:
    """What cannot be edited at all."""
    try:
        merged(asked, changes)
    except InvalidSpec as error:
        return list(error.mistakes)
    return []


def _without(changes: Mapping[str, Any], paths: set[str]) -> dict[str, Any]:
    """The changes whose paths are not among `paths`."""
    left = {name: value for name, value in changes.items() if name not in paths}
    if isinstance(left.get("space"), dict):
        left["space"] = {k: v for k, v in left["space"].items() if f"space.{k}" not in paths}
    return left


def _completed(
    spec: SearchSpec, asked: Mapping[str, Any], changes: Mapping[str, Any]
) -> dict[str, Any]:
    """`changes` with ranges and trials given in part filled up from the present spec."""
    full = dict(changes)
    if isinstance(changes.get("space"), dict):
        full["space"] = {
            name: {**asked["space"][name], **part} if _is_part(asked["space"][name], part) else part
            for name, part in changes["space"].items()
        }
    if isinstance(changes.get("trials_per_round"), dict):
        full["trials_per_round"] = {**_trials(spec.trials), **changes["trials_per_round"]}
    return full


def _is_part(present: Mapping[str, Any], change: object) -> bool:
    """Whether a change of a dimension is about fields of the one there is."""
    return isinstance(change, dict) and "choices" not in present and "choices" not in change


def _trials(trials: TrialsSpec) -> dict[str, int]:
    return {"first": trials.first, "last": trials.last}


def _stored(now: SearchSpec, edited: SearchSpec, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The edit as values: what `merged` has to put into the present spec to get the edited one.

    A range that the caps limited because of another one's change is part of it.
    """
    stored = {name: value for name, value in changes.items() if name != "space"}
    space = {
        name: to_json(dimension)
        for name, dimension in edited.space.items()
        if name in changes.get("space", ()) or dimension != now.space[name]
    }
    return {**stored, "space": space} if space else stored


@dataclass(frozen=True, slots=True)
class _AsIf:
    """A search as it would be with one more edit, under the column names of the store."""

    spec: Mapping[str, Any]
    facts: Mapping[str, Any]
    edits: list[Mapping[str, Any]]
    warm_start: list[Mapping[str, Any]] | None


@dataclass(frozen=True, slots=True)
class Read:
    """What a preview is made from."""

    row: Row
    rounds: list[Row]
    trials: list[Row]
    time: float


def read(tx: Tx, search_id: str) -> Read | None:
    """Everything that the next decision of a search rests on."""
    row = tx.searches.get(search_id)
    if row is None:
        return None
    return Read(
        row, list(tx.searches.rounds(search_id)), list(tx.searches.trials(search_id)), tx.time()
    )


def preview(seen: Read, changes: Mapping[str, Any], *, job_size: int) -> NextRoundView:
    """What the next round would be with `changes`, from the trials that have ended by now."""
    # Here, because the API, which decides nothing else, need not wait for them to load.
    from hpsearch.coordinator import decide
    from hpsearch.service.snapshots import snapshot

    row = seen.row
    edit = {"after_round": row.round, "changes": changes}
    edits = [*(row.edits or ()), *([edit] if changes else ())]
    as_if = _AsIf(row.spec, row.facts, edits, row.warm_start)
    seconds = 0.0 if row.started_at is None else seen.time - row.started_at
    now = snapshot(as_if, seen.rounds, seen.trials, after=row.round, seconds=seconds)
    open_trials = _open(seen.rounds)
    if now.round and not now.own and open_trials:
        return planned(now.resolved, now.box, begun=now.round, open_trials=open_trials)
    plan = decide(now, job_size=job_size)
    return view_of(plan, now.resolved, begun=now.round, open_trials=open_trials)


def _open(rounds: list[Row]) -> int:
    """Trials of the round that runs now which have not ended; 0 where none runs."""
    if not rounds or not rounds[-1].open_jobs:
        return 0
    last = rounds[-1]
    ended = last.completed + last.stopped + last.diverged + last.failed + last.cancelled
    return int(last.planned - ended)
