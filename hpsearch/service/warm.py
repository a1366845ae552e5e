"""Warm start: trials of earlier searches, or of others, frozen into a new one as its round 0.

The observations are copied: what becomes of an earlier search later changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hpsearch.errors import InvalidSpec, Mistake
from hpsearch.plural import counted
from hpsearch.records import SearchRecord, observations
from hpsearch.records.chosen import baselines, parted
from hpsearch.service import provided
from hpsearch.space import Space
from hpsearch.spec import ResolvedSpec
from hpsearch.store import Tx
from hpsearch.trials import Observation, SearchState
from hpsearch.workloads.dense import network_fields

SOURCES = (
    SearchState.COMPLETED,
    SearchState.CANCELLED,
    SearchState.FAILED,
    SearchState.PAUSED,
)
TRIALS_MOST = 2_000  # of one earlier search: half the best ones, half the newest


def earlier(data: Mapping[str, Any]) -> Sequence[object]:
    """The items of a document's `warm_start`, whatever they are."""
    items = data.get("warm_start")
    return items if isinstance(items, list) else ()


def with_network(data: Mapping[str, Any], old: ResolvedSpec) -> dict[str, Any]:
    """A planned document with the network of an earlier search, where it neither names nor searches it.

    The plan of today may choose another one than the earlier search had, whose trials would then
    tell nothing.
    """
    model, space = data.get("model", {}), data.get("space", {})
    named = isinstance(model, Mapping) and isinstance(space, Mapping)
    if not named or not old.spec.workload.trained_here:
        return dict(data)
    fields = network_fields(old.spec.model, {*model, *space, *old.spec.space})
    return {**data, "model": {**fields, **model}}


def frozen(tx: Tx, new: ResolvedSpec, *, owner: str) -> list[Observation]:
    """The observations that `new` begins with; their sources count its `warm_start` from 1.

    Raises
    ------
    InvalidSpec
        With a mistake for every earlier search that is not there or not comparable.
    """
    mistakes, earlier, known = list[Mistake](), list[Observation](), set[str]()
    for i, one in enumerate(new.spec.warm_start):
        place = f"warm_start[{i}]"
        items = (
            _of_search(tx, new, one, owner=owner, place=place, again=one in known)
            if isinstance(one, str)
            else provided.accepted(one, new, place)
        )
        known |= {one} if isinstance(one, str) else set()
        mistakes += [item for item in items if isinstance(item, Mistake)]
        earlier += [replace(item, source=i + 1) for item in items if isinstance(item, Observation)]
    if mistakes:
        raise InvalidSpec(f"the search spec has {counted(len(mistakes), 'mistake')}", mistakes)
    return earlier


def _of_search(
    tx: Tx, new: ResolvedSpec, search_id: str, *, owner: str, place: str, again: bool
) -> Sequence[Observation] | list[Mistake]:
    """The observations of an earlier search, or why there are none."""
    search = tx.searches.of(owner, search_id)
    why = f"{search_id} is listed twice" if again else _refused(search, new)
    if why is None and search is not None:
        taken = _taken(tx, search, new.space)
        if taken:
            return taken
        none = not tx.trials.observed(search_id, best=False, limit=1)
        why = f"search {search_id} has no trial" + (
            " that has ended" if none else " within the limits of this space"
        )
    return [Mistake(place, why or "")]


def _refused(search: SearchRecord | None, new: ResolvedSpec) -> str | None:
    """The reason why a search cannot be built on; None where it can."""
    if search is None:
        return "there is no such search of yours"
    if search.state not in SOURCES:
        return f"search {search.id} is {search.state}; pause it, or wait for its end"
    differing = _differences(search.resolved(), new)
    return f"search {search.id} has {'; '.join(differing)}" if differing else None


def _differences(old: ResolvedSpec, new: ResolvedSpec) -> list[str]:
    """Differences, in words, that keep the trials of one search from telling about another."""
    if old.spec.workload is not new.spec.workload:
        return [f"another objective: {old.spec.objective}, not {new.spec.objective}"]
    if old.facts.digest != new.facts.digest:
        here, there = new.facts.digest[:12], old.facts.digest[:12]
        return [f"another dataset: {old.spec.dataset!r} of {there}, not {here}"]
    searched, wanted = sorted(old.spec.space), sorted(new.spec.space)
    if searched != wanted:
        return [f"other hyperparameters: {', '.join(searched)}, not {', '.join(wanted)}"]
    way, wanted_way = old.spec.direction, new.spec.direction
    if way != wanted_way:
        return [
            f'another direction: {way}, not {wanted_way}; begin with it under "direction": "{way}"'
        ]
    one, other = _fixed(old), _fixed(new)
    return [
        f"another {name}: {_shown(one[name])}, not {_shown(other[name])}"
        for name in one
        if one[name] != other[name]
    ]


def _fixed(resolved: ResolvedSpec) -> dict[str, Any]:
    """Fields that must be the same for scores to compare, by path."""
    spec = resolved.spec
    fixed = spec.workload.fixed(spec.model, spec.space)
    return {
        **{f"model.{name}": value for name, value in fixed.items()},
        "objective": spec.objective,
        "weight": resolved.weight,
        "validation.folds": spec.validation.folds,
        "validation.repeats": spec.validation.repeats,
        "validation_fraction": None if spec.validation.folds else spec.validation_fraction,
    }


def _shown(value: object) -> str:
    return str(list(value)) if isinstance(value, tuple) else str(value)


def _taken(tx: Tx, search: SearchRecord, space: Space) -> Sequence[Observation]:
    """The observations of a search that lie within the limits of `space`, in order."""
    trials = tx.trials.best_and_newest(search.id, limit=TRIALS_MOST)
    ordered = sorted(trials, key=lambda t: (t.round, t.idx))
    epochs = {r.number: r.epochs for r in tx.trials.rounds_of([search.id])[search.id]}
    known = baselines(search, after=search.round)
    own, _ = parted(observations(ordered, epochs), search.resolved(), known)
    return provided.inside(own, space)
