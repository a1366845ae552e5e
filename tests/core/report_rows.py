"""Rows as the store gives them, by the names of its columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.builders import resolve

from hpsearch.space import Range, box_to_json
from hpsearch.trials import Role, SearchState


@dataclass(frozen=True)
class Trial:
    round: int = 1
    idx: int = 0
    role: str | None = None
    params: dict[str, Any] = field(default_factory=lambda: {"learning_rate": 0.1})
    state: str = "completed"
    epochs: int = 2
    correct: int = 90
    examples: int = 100
    loss: float | None = 0.5
    accuracy: float = 0.9
    score: float | None = 0.9
    cohort: int = 0
    curve: Any = None
    right: bytes | None = None
    error: str | None = None
    test_correct: int | None = None
    test_examples: int | None = None


@dataclass(frozen=True)
class Search:
    id: str = "s1"
    name: str = "first"
    dataset: str = "digits"
    state: str = SearchState.RUNNING
    reason: str | None = None
    revision: int = 3
    created_at: float = 1_700_000_000.0
    started_at: float | None = 1_700_000_010.0
    finished_at: float | None = None
    best_round: int | None = 1
    best_index: int | None = 4
    best_accuracy: float | None = 0.93
    best_score: float | None = 0.93
    best_params: dict[str, Any] | None = field(default_factory=lambda: {"learning_rate": 0.1})
    edits: list[dict[str, Any]] | None = None
    recommended: dict[str, Any] | None = field(
        default_factory=lambda: {
            "params": {"learning_rate": 0.1}, "correct": 279, "examples": 300,
            "score": 0.925, "sd": 0.004, "trainings": 3,
        }
    )  # fmt: skip
    digest: str | None = "abc"
    digest_reason: str | None = None
    webhook: str | None = None
    rules: int = 1


@dataclass(frozen=True)
class Round:
    number: int = 1
    kind: str = "explore"
    epochs: int = 2
    rungs: list[int] | None = None
    epochs_planned: int | None = 64
    evidence: dict[str, Any] | None = None
    box: dict[str, Any] = field(default_factory=lambda: box_to_json(resolve().box))
    created_at: float = 1_700_000_010.0
    finished_at: float | None = 1_700_000_060.0
    planned: int = 32
    open_jobs: int = 0
    completed: int = 22
    stopped: int = 6
    diverged: int = 4
    failed: int = 0
    cancelled: int = 0
    epochs_trained: int = 50
    best_index: int | None = 4
    best_accuracy: float | None = 0.93
    best_score: float | None = 0.93
    best_params: dict[str, Any] | None = field(default_factory=lambda: {"learning_rate": 0.1})


def json_of(dimension: Any) -> Any:
    return box_to_json({"x": dimension})["x"]


def rate(**edges: float) -> Range:
    return resolve().box["learning_rate"].model_copy(update=edges)


@dataclass(frozen=True)
class Made:
    round: int = 1
    name: str = "learning_rate"
    before: dict[str, Any] = field(default_factory=lambda: json_of(rate()))
    after: dict[str, Any] = field(default_factory=lambda: json_of(rate()))
    verdict: str = "narrowed"
    reason: str = "narrowed to 40%"
    numbers: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] | None = None


@dataclass(frozen=True)
class Final:
    opened_at: float | None = 1_700_000_200.0
    openings: int = 1
    ensemble_correct: int | None = 192


def models(scores=(190, 180, 170), gauge: int | None = 188):
    """A recommended model, drawn ones, and the one for optimism; None diverged."""
    roles = [Role.RECOMMENDED, *[Role.DRAWN] * (len(scores) - 1), Role.OPTIMISM]
    return [
        Trial(5, i, role=role, accuracy=0.96 if role is Role.OPTIMISM else -1.0,
              correct=288, examples=300, state="diverged" if score is None else "completed",
              test_correct=score, test_examples=None if score is None else 200)
        for i, (role, score) in enumerate(zip(roles, [*scores, gauge], strict=True))
    ]  # fmt: skip
