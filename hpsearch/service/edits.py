"""Edits of a running search: the spec that a change leads to, and its preview.

An edit changes the spec from the next round on. It is stored as the full ranges and values it
leads to, beside the round after which it takes effect, and never touches what has been trained.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpsearch.edges import full_range
from hpsearch.errors import Conflict, InvalidSpec, Mistake
from hpsearch.plural import counted
from hpsearch.records import Edit, RoundRecord, SearchRecord, TrialRecord
from hpsearch.report.preview import planned, view_of
from hpsearch.report.views import NextRoundView
from hpsearch.rules import to_json
from hpsearch.settings import Settings
from hpsearch.space import Dimension, Range
from hpsearch.spec import ResolvedSpec, SearchSpec, given, implied, merged, needs, parse, raised
from hpsearch.spec.edits import STORED_FIELDS
from hpsearch.spec.labels import FIELDS as LABELS
from hpsearch.spec.labels import Labels, labels_in
from hpsearch.spec.models import TrialsSpec
from hpsearch.store import Tx
from hpsearch.trials import EDITABLE, ENDED
from hpsearch.workloads.dense import ARCHITECTURE, ModelSpec

FIXED_CONDITION = re.compile(r"space\.[^.]+\.when\b")  # the path of a mistake in a condition
FORBIDS = re.compile(r"(forbid\[\d+\]) forbids it")  # the mistake of a setting


def searched_fields(spec: SearchSpec) -> set[str]:
    """The fields of the model that the search gives values to."""
    fields = set(spec.space)
    return {*fields, "hidden_sizes"} if fields & ARCHITECTURE.keys() else fields


def as_asked(spec: SearchSpec) -> dict[str, Any]:
    """A stored spec in a form that can be submitted again, every default written out.

    What is searched is left out of the model: fixing it as well would be a mistake. So is a
    batch size that nobody asked for, which a small dataset may not have.
    """
    left_out = searched_fields(spec)
    if spec.model.batch_size == ModelSpec().batch_size:
        left_out.add("batch_size")
    data = spec.to_json()
    if "model" in data:
        data["model"] = {k: value for k, value in data["model"].items() if k not in left_out}
    if spec.tags:
        data["tags"] = [*spec.tags]
    if spec.note:
        data["note"] = spec.note
    return data


def check_editable(search: SearchRecord) -> None:
    """Refuse a search that may not be edited any more.

    Raises
    ------
    Conflict
        Its choice is frozen, or it has ended.
    """
    if search.state in EDITABLE:
        return
    hint = "continue it with a new search" if search.state in ENDED else "its choice is frozen"
    raise Conflict(f"search {search.id} is {search.state} and cannot be edited any more; {hint}")


@dataclass(frozen=True, slots=True)
class Asked:
    """An edit as it was sent: `labels`, which may change at any time, and the `rest`."""

    labels: Labels
    rest: object
    mistakes: Sequence[Mistake] = ()

    @classmethod
    def of(cls, changes: object) -> Asked:
        """The parts of an edit, and the mistakes of its labels."""
        if not isinstance(changes, dict):
            return cls(Labels(), changes)
        labels, mistakes = labels_in(changes)
        rest = {name: value for name, value in changes.items() if name not in LABELS}
        return cls(labels, rest, mistakes)

    @property
    def of_labels_alone(self) -> bool:
        """True where nothing else is to change."""
        return self.rest == {} and (self.labels != Labels() or bool(self.mistakes))

    def check_labels(self) -> None:
        """Refuse labels with mistakes.

        Raises
        ------
        InvalidSpec
            With every one of them.
        """
        if self.mistakes:
            raise InvalidSpec(
                f"the edit has {counted(len(self.mistakes), 'mistake')}", self.mistakes
            )


def checked(
    search: SearchRecord, changes: object, caps: Settings, known: Sequence[Mistake] = ()
) -> dict[str, Any]:
    """`changes` in their stored form: with every range in full, and a budget as what follows from it.

    Ranges, `epochs` and `trials_per_round` may be given in part; the other fields of each stay
    as they are. `known` are mistakes of its labels, which are reported with the others.

    Raises
    ------
    InvalidSpec
        With every mistake that the edited spec would have, and its path.
    """
    if not isinstance(changes, dict):
        raise InvalidSpec("an edit is a JSON object", [Mistake("", "expected an object")])
    now = search.resolved()
    asked = as_asked(now.spec)
    mistakes = [*known, *_refused(asked, changes), *_too_late(search, changes)]
    if search.round:  # they have been trained, whatever becomes of the ranges
        asked.pop("try_first", None)
    changes, more = raised.unfolded(_without(changes, {m.path for m in mistakes}), now, caps)
    mistakes += more
    allowed = _completed(now.spec, asked, changes)
    mistakes += _other_conditions(asked, allowed)
    if isinstance(allowed.get("space"), dict):
        allowed["space"] = implied.followed(now.spec, allowed["space"])
    mistakes += _out_of_rounds(search, allowed, now.spec.rounds)
    edited = None
    try:
        edited = parse(merged(asked, allowed, allowed=STORED_FIELDS), now.facts, caps, stored=True)
    except InvalidSpec as error:
        paths = {m.path for m in mistakes}
        wrong = [_forbidding(allowed, m) for m in error.mistakes if m.path not in paths]
        mistakes += [_way_out(search, m) for m in wrong]
    else:
        mistakes += _unmeasured(search, edited)
    if mistakes or edited is None:
        raise InvalidSpec(f"the edit has {counted(len(mistakes), 'mistake')}", mistakes)
    return _stored(now.spec, edited.spec, allowed)


def _too_late(search: SearchRecord, changes: Mapping[str, Any]) -> list[Mistake]:
    """The mistake of trying something first once the first round has begun."""
    if "try_first" not in changes or not search.round:
        return []
    message = (
        "the first round has begun; what is to be tried now is a search that continues this one"
    )
    return [Mistake("try_first", message)]


def _way_out(search: SearchRecord, mistake: Mistake) -> Mistake:
    """A mistake of the edited spec, with the way out where it lies in what cannot be edited."""
    path, why = mistake
    another = f'continue it with a new search, "warm_start": ["{search.id}"]'
    if path == "final.networks":
        why = (
            "a baseline is compared by single networks, and this search recommends several together"
        )
        return Mistake("baseline", f"{why}; {another}")
    if FIXED_CONDITION.match(path):
        return Mistake(
            path, f"{why}; conditions cannot be edited: keep what they name, or {another}"
        )
    return mistake


def _forbidding(changes: Mapping[str, Any], mistake: Mistake) -> Mistake:
    """A mistake, with the way out where an edit does not go with what is or becomes forbidden.

    That of a setting which stays, and which the edit forbids, is at what forbids it.
    """
    if mistake.path.startswith("forbid") and "forbid" not in changes:
        return Mistake(mistake.path, f'{mistake.message}; or give another "forbid" as well')
    field, forbids = mistake.path.partition("[")[0], FORBIDS.match(mistake.message)
    if forbids is None or "forbid" not in changes or field in changes:
        return mistake
    message = f"it forbids {mistake.path}; forbid less, or give another {field} as well"
    return Mistake(forbids[1], message)


def _unmeasured(search: SearchRecord, edited: ResolvedSpec) -> list[Mistake]:
    """Mistakes of requiring a metric that this search has not measured from its first trial on.

    Workers measure what the spec asks for as it was submitted.
    """
    measured = needs.also_measured(search.resolved(after=-1))
    message = (
        "is not measured in this search, whose trials measure what was asked for when it was submitted; "
        "continue it with a new search that requires it"
    )
    return [
        Mistake(f"require[{i}].metric", f"{one.metric!r} {message}")
        for i, one in enumerate(edited.spec.require)
        if one.metric in needs.also_measured(edited) and one.metric not in measured
    ]


def _other_conditions(asked: Mapping[str, Any], allowed: Mapping[str, Any]) -> list[Mistake]:
    """Mistakes of changing beside what a hyperparameter is active: earlier trials have or lack values."""
    space = allowed.get("space")
    return [
        Mistake(
            f"space.{name}.when",
            "a condition cannot be edited, for earlier trials were drawn under it; submit a new search",
        )
        for name, changed in (space.items() if isinstance(space, dict) else ())
        if isinstance(changed, Mapping) and changed.get("when") != asked["space"][name].get("when")
    ]


def _out_of_rounds(search: SearchRecord, allowed: Mapping[str, Any], planned: int) -> list[Mistake]:
    """Mistakes of asking for fewer rounds than have begun, or for ranges that no round looks at."""
    rounds = allowed.get("rounds")
    if isinstance(rounds, int) and 0 < rounds < search.round:
        return [Mistake("rounds", f"{rounds} is too few: {search.round} rounds have begun already")]
    if "space" in allowed and search.round >= (
        rounds if isinstance(rounds, int) and rounds > 0 else planned
    ):
        return [
            Mistake("space", f"round {search.round} is the last one, and no round would look there; "
                    f'ask for more as well, for example "rounds": {search.round + 1}')
        ]  # fmt: skip
    return []


def turned_log(search: SearchRecord, changes: Mapping[str, Any]) -> list[str]:
    """The ranges that `changes` has as log ones, where some trials may have been drawn otherwise."""
    times = {0, *(edit.after_round for edit in search.edits)}
    before = [search.resolved(after=after).spec.space for after in times]
    return [
        name
        for name, new in changes.get("space", {}).items()
        if new.get("scale") == "log" and any(not _is_log(old[name]) for old in before)
    ]


def _is_log(dimension: Dimension) -> bool:
    return isinstance(dimension, Range) and dimension.scale == "log"


def check_places(basis: Basis, changes: Mapping[str, Any]) -> None:
    """Refuse ranges in which some trial has no place.

    Raises
    ------
    InvalidSpec
        A range would be a log one, and a trial was drawn at zero or below.
    """
    mistakes = []
    for name in turned_log(basis.search, changes):
        params = [t.params for t in basis.trials] + [o.params for o in basis.search.warm_start]
        tried = [float(p[name]) for p in params if name in p]  # type: ignore[arg-type]  # a range holds numbers
        misplaced = [value for value in tried if value <= 0]
        if misplaced:
            mistakes.append(
                Mistake(
                    f"space.{name}",
                    f"a log range has no place for {min(misplaced):.15g}, which {len(misplaced)} of "
                    'its trials have; use "scale": "linear", or submit a new search',
                )
            )
    if mistakes:
        raise InvalidSpec("the edit cannot be made", mistakes)


def check_left(basis: Basis, changes: Mapping[str, Any]) -> None:
    """Refuse an edit that leaves all trained settings forbidden, and no round to train anything else.

    Raises
    ------
    InvalidSpec
        With the way out.
    """
    if not {"forbid", "rounds"} & changes.keys() or not basis.trials:
        return
    search = basis.search
    edited = search._replace(edits=[*search.edits, Edit(search.round, changes, basis.time)])
    resolved = edited.resolved()
    if not resolved.space.forbidden:
        return
    own = [t for t in basis.trials if t.role is None]
    if search.round < resolved.spec.rounds or any(resolved.space.permits(t.params) for t in own):
        return
    path, what = ("forbid", "it forbids") if "forbid" in changes else ("rounds", "forbidden are")
    message = (
        f"{what} all {counted(len(own), 'trial')} of this search, and round {search.round} is the last "
        f'one; forbid less, or ask for more rounds, for example "rounds": {search.round + 1}'
    )
    raise InvalidSpec("the edit cannot be made", [Mistake(path, message)])


def _refused(asked: Mapping[str, Any], changes: Mapping[str, Any]) -> list[Mistake]:
    """Mistakes of changing what cannot be edited at all."""
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
            name: full_range(asked["space"][name], change)
            for name, change in changes["space"].items()
        }
    if isinstance(changes.get("trials_per_round"), dict):
        full["trials_per_round"] = {**_trials(spec.trials), **changes["trials_per_round"]}
    return full


def _trials(trials: TrialsSpec) -> dict[str, int]:
    return {"first": trials.first, "last": trials.last}


def _stored(now: SearchSpec, edited: SearchSpec, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The edit as values, which `merged` puts into the present spec to get the edited one.

    A range that the caps limited because of another one's change is part of it.
    """
    stored = {name: value for name, value in changes.items() if name != "space"}
    for name in (*given.FIELDS, "forbid"):  # as they are stored with a new search: complete
        if name in stored:
            stored[name] = edited.model_dump(mode="json", include={name})[name]
    space = {
        name: to_json(dimension)
        for name, dimension in edited.space.items()
        if name in changes.get("space", ()) or dimension != now.space[name]
    }
    return {**stored, "space": space} if space else stored


@dataclass(frozen=True, slots=True)
class Basis:
    """Everything that the next decision of a search rests on."""

    search: SearchRecord
    rounds: Sequence[RoundRecord]
    trials: Sequence[TrialRecord]
    time: float


def read(tx: Tx, search_id: str) -> Basis | None:
    """Basis it; None where there is no such search."""
    search = tx.searches.get(search_id)
    if search is None:
        return None
    return Basis(search, tx.trials.rounds(search_id), tx.trials.of(search_id), tx.time())


def preview(basis: Basis, changes: Mapping[str, Any], *, job_size: int) -> NextRoundView:
    """The next round as it would be with `changes`, from the trials that have ended by now."""
    # Here, because the API, which decides nothing else, need not wait for them to load.
    from hpsearch.coordinator import Snapshot, decide

    search = basis.search
    if changes:
        edit = Edit(search.round, changes, basis.time)
        search = search._replace(edits=[*search.edits, edit])
    seconds = 0.0 if search.started_at is None else basis.time - search.started_at
    now = Snapshot.of(search, basis.rounds, basis.trials, after=search.round, seconds=seconds)
    open_trials = _open(basis.rounds)
    if now.round and not now.own and open_trials:
        return planned(now.resolved, now.box, begun=now.round, open_trials=open_trials)
    plan = decide(now, job_size=job_size)
    return view_of(plan, now.resolved, begun=now.round, open_trials=open_trials)


def _open(rounds: Sequence[RoundRecord]) -> int:
    """Trials of the round that runs now which have not ended; 0 where none runs."""
    if not rounds or not rounds[-1].open_jobs:
        return 0
    return rounds[-1].planned - rounds[-1].ended
