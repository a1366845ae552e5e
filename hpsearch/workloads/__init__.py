"""Kinds of training: what a search asks each of them, and which one its objective names.

To add a kind, subclass `Workload` and register it; docs/decisions/0017-workloads.md has the reasons.
"""

from __future__ import annotations

from hpsearch.metrics import fitting
from hpsearch.one_of import OneOf
from hpsearch.registry import Registry
from hpsearch.workloads.base import (
    NO_DATASET,
    Advice,
    DatasetFacts,
    Setup,
    ShapeKey,
    ValidParts,
    Workload,
)
from hpsearch.workloads.dense import Dense, ModelSpec
from hpsearch.workloads.external import MONTH_SECONDS, External

__all__ = [
    "MONTH_SECONDS",
    "NO_DATASET",
    "OBJECTIVES",
    "WORKLOADS",
    "Advice",
    "DatasetFacts",
    "Dense",
    "External",
    "ModelSpec",
    "Setup",
    "ShapeKey",
    "ValidParts",
    "Workload",
    "default_objective",
    "objectives",
    "workload_of",
]

WORKLOADS: Registry[type[Workload]] = Registry("workload", {"dense": Dense, "external": External})


def objectives() -> tuple[str, ...]:
    """Every objective that a search may have."""
    return tuple(name for kind in WORKLOADS.values() for name in kind.objectives())


def default_objective(facts: DatasetFacts) -> str:
    """The objective of a spec that names none: the first metric for the dataset's targets."""
    return fitting(facts.task, facts.classes)[0]


OBJECTIVES = OneOf(objectives, lambda name: name in objectives())


def workload_of(objective: object) -> type[Workload]:
    """The kind of training that an objective belongs to; the first one for an unknown objective."""
    first, *others = WORKLOADS.values()
    return next((kind for kind in others if objective in kind.objectives()), first)
