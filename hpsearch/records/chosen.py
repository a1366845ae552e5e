"""The trials of a search whose settings its user chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hpsearch.records.search import SearchRecord
from hpsearch.space import Level, Params
from hpsearch.spec import ResolvedSpec, given
from hpsearch.trials import Observation

Key = tuple[tuple[str, bool, Level], ...]


def key(params: Params) -> Key:
    """Return a key that the trials of one configuration share; 1 and true are two levels."""
    return tuple((name, isinstance(params[name], bool), params[name]) for name in sorted(params))


def same(one: Params, other: Params) -> bool:
    """Tell whether two settings are one."""
    return key(one) == key(other)


def baselines(search: SearchRecord, *, after: int) -> list[Params]:
    """Every baseline that the search has had up to the end of a round.

    Any edit may change one: where a condition follows other choices, so does what it has values of.
    """
    times = {0, *(e.after_round for e in search.edits)}
    made = (given.baseline_of(search.resolved(after=t)) for t in sorted(times) if t <= after)
    return [one for one in made if one is not None]


def parted(
    own: Sequence[Observation], resolved: ResolvedSpec, known: Sequence[Params]
) -> tuple[Sequence[Observation], Sequence[Observation]]:
    """A search's own observations: those of its ranges, and a baseline's that lies outside.

    Among the first ones those are marked whose setting the user chose.
    """
    if not known and not resolved.spec.try_first:
        return own, ()
    outside = {key(one) for one in known if not given.is_searched(resolved, one)}
    chosen = {key(one) for one in (*known, *given.first_of(resolved))}
    keyed = [(o, key(o.params)) for o in own]
    within = [
        replace(o, chosen=True) if k in chosen and o.round == 1 else o
        for o, k in keyed
        if k not in outside
    ]
    return within, [o for o, k in keyed if k in outside]
