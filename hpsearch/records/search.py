"""Searches as they are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from hpsearch.rules import RULES_NUMBER
from hpsearch.space import Params, params_from_json
from hpsearch.spec import ResolvedSpec, SearchSpec, edited
from hpsearch.trials import Observation, Recommendation, SearchState
from hpsearch.workloads import DatasetFacts

EVERYBODY = "*"  # in the sharing of a search; no owner is named so


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of a running search's spec; it took effect after round `after_round`."""

    after_round: int
    changes: Mapping[str, Any]
    at: float

    @property
    def space(self) -> Mapping[str, Mapping[str, Any]]:
        """The ranges that it changed, in full."""
        space: Mapping[str, Mapping[str, Any]] = self.changes.get("space", {})
        return space

    def to_json(self) -> dict[str, Any]:
        """The edit as it is stored with its search."""
        return {"after_round": self.after_round, "changes": dict(self.changes), "at": self.at}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Edit:
        """The edit that `to_json` wrote."""
        return cls(data["after_round"], data["changes"], data["at"])


@dataclass(frozen=True, slots=True)
class Recommended:
    """The recommendation of a search: the trial it was drawn for, and what is known of it.

    Early versions stored neither score, nor deviation, nor the number of trainings. `kept` names the
    hyperparameters that have the baseline's value. `cheaper` is the cost of the best setting, where a
    cheaper one that cannot be told from it is recommended.
    """

    round: int
    index: int
    params: Params
    correct: int
    examples: int
    score: float | None = None
    sd: float | None = None
    trainings: int | None = None
    kept: tuple[str, ...] = ()
    cheaper: float | None = None

    @classmethod
    def of(cls, made: Recommendation) -> Recommended:
        """The record of a recommendation that has just been made."""
        best = made.best
        return cls(best.round, best.index, dict(best.params), best.correct, best.examples,
                   made.score, made.sd, made.trainings, made.kept, made.cheaper)  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """The recommendation as it is stored with its search."""
        return {
            "round": self.round,
            "index": self.index,
            "params": dict(self.params),
            "correct": self.correct,
            "examples": self.examples,
            "score": self.score,
            "sd": self.sd,
            "trainings": self.trainings,
            **({"kept": list(self.kept)} if self.kept else {}),
            **({} if self.cheaper is None else {"cheaper": self.cheaper}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Recommended:
        """The recommendation that `to_json` wrote."""
        params, kept = params_from_json(data["params"]), tuple(data.get("kept", ()))
        return cls(**{**data, "params": params, "kept": kept})


@dataclass(frozen=True, slots=True)
class Reader:
    """An owner who reads what others granted them as well.

    everyone
        True of an operator, who reads the searches of every owner.
    """

    owner: str
    everyone: bool = False


Access = str | Reader
"""Whose searches: an owner's own, or those that a reader may see."""


class SearchRecord(NamedTuple):
    """A search. `warm_start` is empty where it was not read as well.

    spec, facts
        The spec and its dataset's description as they were stored; `resolved` reads them.
    dataset_digest
        None of a search whose trials are trained elsewhere.
    served_at
        When a job of it was claimed last.
    sharing
        Owners who may read it; `EVERYBODY` stands for all.
    """

    id: str
    owner: str
    name: str
    state: SearchState
    spec: Mapping[str, Any]
    facts: Mapping[str, Any]
    body_sha256: str = ""
    reason: str | None = None
    revision: int = 1
    round: int = 0
    dataset: str | None = None
    dataset_digest: str | None = None
    created_at: float = 0.0
    started_at: float | None = None
    finished_at: float | None = None
    best_round: int | None = None
    best_index: int | None = None
    best_params: Params | None = None
    best_accuracy: float | None = None
    best_score: float | None = None
    best_loss: float | None = None
    recommended: Recommended | None = None
    edits: Sequence[Edit] = ()
    digest: str | None = None
    digest_reason: str | None = None
    webhook: str | None = None
    rules: int = RULES_NUMBER
    served_at: float | None = None
    tags: Sequence[str] = ()
    note: str | None = None
    sharing: Sequence[str] = ()
    warm_start: Sequence[Observation] = ()

    def resolved(self, *, after: int | None = None) -> ResolvedSpec:
        """The resolved spec with its edits.

        `after` leaves out those that took effect later than after that round.
        """
        spec = SearchSpec.model_validate(self.spec)
        for edit in self.edits:
            if after is None or edit.after_round <= after:
                spec = edited(spec, edit.changes)
        return ResolvedSpec(spec, DatasetFacts.from_json(self.facts))


@dataclass(frozen=True, slots=True)
class NewSearch:
    """A search as it is submitted."""

    id: str
    owner: str
    name: str
    spec: Mapping[str, Any]
    facts: Mapping[str, Any]
    dataset: str | None
    dataset_digest: str | None
    idempotency_key: str | None
    webhook: str | None
    body_sha256: str
    rules: int
    tags: Sequence[str]
    note: str
    warm_start: Sequence[Observation]
