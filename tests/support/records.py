"""Records of a small search, with a default for every field."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Any

from hpsearch.records import (
    DecisionRecord,
    FinalRecord,
    Recommended,
    RoundRecord,
    SearchRecord,
    TrialRecord,
)
from hpsearch.space import Dimension, Range, box_to_json
from hpsearch.trials import JobState, Role, RoundKind, SearchState, TrialState, Verdict
from support.builders import FACTS, resolve

RATE = {"learning_rate": 0.1}
RECOMMENDED = Recommended(1, 4, RATE, 279, 300, score=0.925, sd=0.004, trainings=3)
FACTS_JSON = {
    "digest": FACTS.digest, "n_train": FACTS.n_train, "features": FACTS.features,
    "classes": [str(label) for label in range(FACTS.classes)],
}  # fmt: skip


def typed(fields: dict[str, Any], **words: type[StrEnum]) -> dict[str, Any]:
    """`fields`, in which words may stand as plain text."""
    return {
        name: words[name](value) if name in words and value is not None else value
        for name, value in fields.items()
    }


def make_trial(round: int = 1, idx: int = 0, **fields: Any) -> TrialRecord:
    base = TrialRecord(
        "s1", round, idx, RATE, TrialState.COMPLETED, epochs=2, correct=90, examples=100,
        rank_value=0.9, loss=0.5, score=0.9,
    )  # fmt: skip
    made = base._replace(**typed(fields, state=TrialState, role=Role))
    if "rank_value" in fields:
        return made
    return made._replace(rank_value=made.correct / made.examples if made.examples else made.score)


def make_search(**fields: Any) -> SearchRecord:
    base = SearchRecord(
        "s1", "me", "first", SearchState.RUNNING, resolve().spec.to_json(), FACTS_JSON,
        dataset="digits", dataset_digest=FACTS.digest, revision=3,
        created_at=1_700_000_000.0, started_at=1_700_000_010.0, best_round=1, best_index=4,
        best_accuracy=0.93, best_score=0.93, best_params=RATE, recommended=RECOMMENDED,
        digest="abc",
    )  # fmt: skip
    return base._replace(**typed(fields, state=SearchState))


def recommending(**fields: Any) -> SearchRecord:
    """A search that recommends something else in these fields."""
    return make_search(recommended=replace(RECOMMENDED, **fields))


def not_begun(**fields: Any) -> SearchRecord:
    nothing = dict.fromkeys(
        ("started_at", "best_round", "best_index", "best_params", "best_accuracy", "best_score",
         "recommended")
    )  # fmt: skip
    return make_search(state=SearchState.QUEUED, **{**nothing, **fields})


def make_round(number: int = 1, **fields: Any) -> RoundRecord:
    base = RoundRecord(
        "s1", number, RoundKind.EXPLORE, 2, box_to_json(resolve().box), 32, epochs_planned=64,
        created_at=1_700_000_010.0, finished_at=1_700_000_060.0, completed=22, stopped=6,
        diverged=4, epochs_trained=50, best_index=4, best_accuracy=0.93, best_score=0.93,
        best_params=RATE,
    )  # fmt: skip
    return base._replace(**typed(fields, kind=RoundKind))


def json_of(dimension: Dimension) -> Any:
    return box_to_json({"x": dimension})["x"]


def rate(**edges: float) -> Range:
    return resolve().box["learning_rate"].model_copy(update=edges)


def make_decision(round: int = 1, **fields: Any) -> DecisionRecord:
    base = DecisionRecord(
        "s1", round, "learning_rate", json_of(rate()), json_of(rate()), Verdict.NARROWED,
        "narrowed to 40%", {},
    )  # fmt: skip
    return base._replace(**typed(fields, verdict=Verdict))


def make_final(**fields: Any) -> FinalRecord:
    return FinalRecord(5, JobState.DONE, 1, 1_700_000_200.0, 192)._replace(**fields)


def models(scores=(190, 180, 170), gauge: int | None = 188) -> list[TrialRecord]:
    """A recommended model, drawn ones, and the one for optimism; None diverged."""
    roles = [Role.RECOMMENDED, *[Role.DRAWN] * (len(scores) - 1), Role.OPTIMISM]
    return [
        make_trial(
            5, i, role=role, correct=288, examples=300,
            rank_value=0.96 if role is Role.OPTIMISM else None,
            state=TrialState.DIVERGED if score is None else TrialState.COMPLETED,
            test_correct=score, test_examples=None if score is None else 200,
        )
        for i, (role, score) in enumerate(zip(roles, [*scores, gauge], strict=True))
    ]  # fmt: skip
