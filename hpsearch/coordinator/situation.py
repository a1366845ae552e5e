"""The situation of a search after a round: its snapshot, and what was made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hpsearch.coordinator.evidence import gather
from hpsearch.coordinator.snapshot import Snapshot
from hpsearch.evidence import Evidence
from hpsearch.narrowing import RULES
from hpsearch.reasons import Reason
from hpsearch.samplers import SAMPLERS
from hpsearch.space import Box, Range
from hpsearch.spec.models import SearchSpec
from hpsearch.spec.schedule import MODEL_BASED
from hpsearch.surrogate import Surrogate, fitted
from hpsearch.trials import Decision


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that the next plan is made from.

    box
        The ranges that the decisions have led to.
    decisions
        One for each hyperparameter; none before the first round is over.
    model
        The surrogate; None where the observations are too few for one.
    evidence
        None before the first round is over.
    """

    now: Snapshot
    box: Box
    decisions: Sequence[Decision] = ()
    model: Surrogate | None = None
    evidence: Evidence | None = None

    @classmethod
    def of(cls, now: Snapshot) -> Situation:
        """Fit the surrogate, narrow the ranges and gather the evidence."""
        spec, space, observations = now.resolved.spec, now.resolved.space, now.observations
        model = fitted(space, observations, epochs=spec.epochs.last)
        if not observations:
            return cls(now, now.box, model=model)
        made = cls(now, now.box, model=model).decided(
            RULES[spec.narrowing](space, now.box, observations, model)
        )
        if not now.round:  # what earlier searches taught moves the first box, and is no decision
            return replace(made, decisions=())
        evidence = gather(made.box, observations, model, searched=made.searched)
        return replace(made, evidence=replace(evidence, seconds=now.seconds))

    @property
    def searched(self) -> Box:
        """The ranges and levels in which there may be something to gain.

        Of a conditional space all that the sampler draws from: other levels have ranges of their own, and
        the box, which is made of the leading ones, says nothing of what is to be gained beside them.
        """
        resolved = self.now.resolved
        if resolved.space.conditions and draws_from_all(resolved.spec):
            return widened(resolved.box, self.box)
        return self.box

    def decided(self, decisions: Sequence[Decision]) -> Situation:
        """This situation with other decisions, and the ranges that they lead to."""
        box = {d.name: d.after for d in decisions}
        return replace(self, decisions=tuple(decisions), box=box)

    def explored(self, end: Reason) -> Situation:
        """This situation with the reason for which exploring ends here."""
        assert self.evidence is not None  # nothing ends before the first round
        return replace(self, evidence=replace(self.evidence, explored=end))


def draws_from_all(spec: SearchSpec) -> bool:
    """Tell whether trials are drawn from all that was asked for, and not from the box alone."""
    return spec.narrowing == MODEL_BASED and SAMPLERS[spec.sampler].model_based


def widened(asked: Box, box: Box) -> Box:
    """Return the box together with all that was asked for."""
    wide = dict(asked)
    for name, now in box.items():
        was = asked[name]
        if isinstance(now, Range) and isinstance(was, Range):
            wide[name] = was.moved(min(was.low, now.low), max(was.high, now.high))
    return wide
