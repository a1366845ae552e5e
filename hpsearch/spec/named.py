"""Values that a planned document names beyond the caps; what its plan chooses is made to fit them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpsearch.errors import Mistake
from hpsearch.settings import Settings
from hpsearch.spec import caps as limits
from hpsearch.spec import plan
from hpsearch.spec.models import SearchSpec
from hpsearch.spec.resolved import ResolvedSpec
from hpsearch.workloads import NO_DATASET


def beyond(data: Mapping[str, Any], asked: SearchSpec, caps: Settings) -> list[Mistake]:
    """Mistakes of what a document names, each at a field that it has.

    Parameters
    ----------
    data, asked
        The document as it was sent, and as it validated.
    """
    if not plan.is_asked(data):
        return limits.beyond(ResolvedSpec(asked, NO_DATASET), caps)
    mistakes = limits.beyond(ResolvedSpec(_least(data, asked), NO_DATASET), caps)
    return [_of_user(data, mistake) for mistake in mistakes]


def _least(data: Mapping[str, Any], asked: SearchSpec) -> SearchSpec:
    """The spec with the least that can stand in place of what the plan chooses."""
    changes: dict[str, Any] = {}
    if not plan.names(data, "rounds"):
        changes["rounds"] = (asked.finalists.rounds or 0) + 1
    if not plan.names(data, "trials_per_round"):
        changes["trials_per_round"] = 1
    if not plan.names(data, "epochs.last"):
        last = asked.epochs.first if plan.names(data, "epochs.first") else 1
        changes["epochs"] = asked.epochs.model_copy(update={"last": last})
    if not plan.names(data, "final.epochs"):
        changes["final"] = asked.final.model_copy(update={"epochs": 1})
    return asked.model_copy(update=changes)


def _of_user(data: Mapping[str, Any], mistake: Mistake) -> Mistake:
    """The mistake at the named field that asks for the least of an unnamed one."""
    path, message = mistake
    if path == "epochs.last" and not plan.names(data, path):
        return Mistake("epochs.first", message)
    if path == "trials_per_round" and not plan.names(data, path):
        path = "rounds"
    if path == "rounds" and not plan.names(data, path):
        return Mistake("finalists.rounds", f"with one round to explore: {message}")
    return Mistake(path, message)
