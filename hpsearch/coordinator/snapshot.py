"""The snapshot of a search, from which the coordinator decides."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hpsearch.reasons import Reason
from hpsearch.records import Edit, RoundRecord, SearchRecord, TrialRecord, observations
from hpsearch.records.chosen import baselines, parted
from hpsearch.space import Box, Params
from hpsearch.spec import ResolvedSpec, given
from hpsearch.trials import OBSERVED, Observation, RoundKind, TrialState


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that is known about a search whose last round is over.

    resolved
        The spec as it is now, edits included.
    box
        The ranges that the last round drew from.
    observations
        Every finished trial in order of (round, index), earlier searches' trials first.
    failed
        Trials that could not be trained.
    failures
        The same as observations: they tell nothing but that their parameters were tried.
    kinds
        The kind of every round that is over.
    correct_masks
        For each trial of a repeat round by (round, index): one packed bit per validation
        example, whether the trial classified it correctly.
    seconds
        Seconds since the search began; None where no time limit was asked for.
    ended
        The reason for which exploring ended, once it has.
    moved
        Whether ranges were edited and no round has looked there yet.
    untrained
        Epochs of the observations for which a score stands that was reached in fewer.
    cost
        Sum of the costs that were reported for this search's trials, lost attempts and failed trials
        among them.
    baseline
        The setting to be beaten; None where there is none.
    aside
        Trainings of a baseline that lies outside what is searched: they say nothing of the ranges.
    """

    resolved: ResolvedSpec
    box: Box
    observations: Sequence[Observation] = ()
    failed: int = 0
    failures: Sequence[Observation] = ()
    kinds: Sequence[RoundKind] = ()
    correct_masks: Mapping[tuple[int, int], bytes] = field(default_factory=dict)
    seconds: float | None = None
    ended: Reason | None = None
    moved: bool = False
    untrained: int = 0
    cost: float = 0.0
    baseline: Params | None = None
    aside: Sequence[Observation] = ()

    @classmethod
    def of(
        cls,
        search: SearchRecord,
        rounds: Sequence[RoundRecord],
        trials: Sequence[TrialRecord],
        *,
        after: int,
        seconds: float | None,
    ) -> Snapshot:
        """The state once round `after` is over; later rounds and trials may be among the records.

        seconds
            Since the search began.
        """
        resolved = search.resolved(after=after)
        over = [r for r in rounds if r.number <= after]
        known = [t for t in trials if t.round <= after]
        own = observations(known, {r.number: r.epochs for r in over})
        trained = sum(t.epochs for t in known if t.role is None and t.state in OBSERVED)
        failed = [t for t in known if t.role is None and t.state is TrialState.FAILED]
        beaten = baselines(search, after=after)
        inside, aside = parted(own, resolved, beaten)
        failures, _ = parted([_failed(t) for t in failed], resolved, beaten)
        return cls(
            resolved=resolved,
            box=box_after(search, over),
            observations=[*search.warm_start, *inside],
            baseline=given.baseline_of(resolved),
            aside=aside,
            failed=sum(t.state is TrialState.FAILED for t in known),
            failures=failures,
            kinds=[r.kind for r in over],
            correct_masks={(t.round, t.idx): t.right for t in known if t.right is not None},
            seconds=None if resolved.spec.max_seconds is None else seconds,
            untrained=sum(o.epochs for o in own) - trained,
            cost=math.fsum(t.whole_cost or 0.0 for t in known if t.role is None),
            ended=exploration_end_reason(over, search.edits, after),
            moved=edited_since_exploring(search, over, after),
        )

    @property
    def round(self) -> int:
        """The number of rounds that are over."""
        return len(self.kinds)

    @property
    def explored(self) -> int:
        """The number of those that explored."""
        return sum(kind is RoundKind.EXPLORE for kind in self.kinds)

    @property
    def repeated(self) -> int:
        """The number of those that repeated the finalists."""
        return sum(kind is RoundKind.REPEAT for kind in self.kinds)

    @property
    def repeats(self) -> frozenset[int]:
        """The numbers of the rounds that repeated the finalists."""
        return frozenset(
            number for number, kind in enumerate(self.kinds, 1) if kind is RoundKind.REPEAT
        )

    @property
    def own(self) -> Sequence[Observation]:
        """The trials of this search itself."""
        return [o for o in self.observations if not o.source]

    @property
    def permitted(self) -> Sequence[Observation]:
        """The observations that may be trained again and chosen: an edit can forbid what was tried."""
        space = self.resolved.space
        if not space.forbidden:
            return self.observations
        return [o for o in self.observations if space.permits(o.params)]

    @property
    def epochs_trained(self) -> int:
        """Epochs of this search's trials so far."""
        return sum(o.epochs for o in (*self.own, *self.aside)) - self.untrained


def _failed(trial: TrialRecord) -> Observation:
    return Observation(
        trial.round,
        trial.idx,
        trial.params,
        trial.state,
        epochs=0,
        correct=0,
        examples=0,
        loss=None,
    )


def exploration_end_reason(
    over: Sequence[RoundRecord], edits: Sequence[Edit], after: int
) -> Reason | None:
    """The reason why exploring ended, where it has; an edit made later lets it go on."""
    for r in over:
        if r.evidence is not None and r.evidence.explored is not None:
            later = any(r.number < edit.after_round <= after for edit in edits)
            return None if later else r.evidence.explored
    return None


def edited_since_exploring(search: SearchRecord, over: Sequence[RoundRecord], after: int) -> bool:
    """True where ranges were edited after the last round that explored."""
    last = max((r.number for r in over if r.kind is RoundKind.EXPLORE), default=0)
    times = sorted({e.after_round for e in search.edits if last <= e.after_round <= after})
    return any(edited_ranges(search, at) for at in times)


def box_after(search: SearchRecord, over: Sequence[RoundRecord]) -> Box:
    """The ranges after the last of some rounds: as it drew them, or as they were edited since."""
    if not over:
        return search.resolved(after=0).box
    last = over[-1].number
    return {**over[-1].ranges, **edited_ranges(search, last)}


def edited_ranges(search: SearchRecord, at: int) -> Box:
    """The ranges that were edited after round `at`, as they then are.

    One that other requirements cut at another place than before is among them; one of which nothing but
    the condition followed other choices is not.
    """
    edits = [edit for edit in search.edits if edit.after_round == at]
    if not any("space" in edit.changes or "require" in edit.changes for edit in edits):
        return {}
    new, old = (search.resolved(after=after) for after in (at, at - 1))
    now, before = new.box, old.box
    named = {
        name
        for edit in edits
        for name in edit.space
        if new.spec.space[name].when == old.spec.space[name].when
    }
    return {name: now[name] for name in now if name in named or now[name] != before[name]}
