"""The snapshot of a search, from which the coordinator decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hpsearch.reasons import Reason
from hpsearch.space import Box
from hpsearch.spec import ResolvedSpec
from hpsearch.trials import Observation, RoundKind


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
    """

    resolved: ResolvedSpec
    box: Box
    observations: Sequence[Observation] = ()
    failed: int = 0
    kinds: Sequence[RoundKind] = ()
    correct_masks: Mapping[tuple[int, int], bytes] = field(default_factory=dict)
    seconds: float | None = None
    ended: Reason | None = None
    moved: bool = False

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
    def epochs_trained(self) -> int:
        """Epochs of this search's trials so far."""
        return sum(o.epochs for o in self.own)
