"""The situation of a search after a round: its snapshot, and what was made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hpsearch.coordinator.evidence import gather
from hpsearch.coordinator.snapshot import Snapshot
from hpsearch.evidence import Evidence
from hpsearch.narrowing import RULES
from hpsearch.reasons import Reason
from hpsearch.space import Box
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
        evidence = replace(gather(made.box, observations, model), seconds=now.seconds)
        return replace(made, evidence=evidence)

    def decided(self, decisions: Sequence[Decision]) -> Situation:
        """This situation with other decisions, and the ranges that they lead to."""
        box = {d.name: d.after for d in decisions}
        return replace(self, decisions=tuple(decisions), box=box)

    def explored(self, end: Reason) -> Situation:
        """This situation with the reason for which exploring ends here."""
        assert self.evidence is not None  # nothing ends before the first round
        return replace(self, evidence=replace(self.evidence, explored=end))
