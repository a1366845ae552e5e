"""Findings of the final test: optimism, and models that diverged."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hpsearch.report import statistics
from hpsearch.report.health.records import SearchRecords
from hpsearch.report.views import HealthNote
from hpsearch.trials import Role, TrialState

BEYOND_NOISE = 2.0  # standard deviations


def diverged_models(records: SearchRecords) -> Iterator[HealthNote]:
    """Final models whose training diverged; they count as they are and are not replaced."""
    shown = [m for m in records.models if m.role is not Role.OPTIMISM]
    diverged = [m for m in shown if m.state is TrialState.DIVERGED]
    if not diverged:
        return
    epochs = records.resolved.spec.final.epochs
    message = f"{len(diverged)} of {len(shown)} final models diverged"
    if any(m.role is Role.RECOMMENDED for m in diverged):
        message += ", the recommended one among them"
    yield HealthNote(
        code="final_diverged",
        severity="warning",
        message=message,
        numbers={"diverged": len(diverged), "models": len(shown), "epochs": epochs},
        advice=(
            f"the range holds values that do not last {epochs} epochs: search with epochs.last "
            "nearer to final.epochs" + records.resolved.workload.advice.or_lower
        ),
    )


def unsealed_scores(records: SearchRecords) -> Iterator[HealthNote]:
    """Test scores that the service has not measured."""
    own = records.resolved.workload.trained_here
    if own or not any(m.score is not None for m in records.models):
        return
    yield HealthNote(
        code="not_sealed",
        severity="info",
        message=(
            "the test scores are those that its trainers reported: that nothing of the test part "
            "was seen by the search is their promise, and no seal of this service"
        ),
        numbers={"models": len(records.models)},
        advice="score final trials, and them alone, on examples that no other trial was scored on",
    )


def optimism(records: SearchRecords) -> Iterator[HealthNote]:
    """A validation score that the test does not bear out."""
    model = next((m for m in records.models if m.role is Role.OPTIMISM), None)
    if model is None or model.test_correct is None or not model.test_examples:
        return
    validated, tested = model.validation_accuracy, model.test_correct / model.test_examples
    if validated is None:
        return
    gap = validated - tested
    noise = math.hypot(
        statistics.binomial_sd(model.correct, model.examples),
        statistics.binomial_sd(model.test_correct, model.test_examples),
    )
    if gap <= BEYOND_NOISE * noise:
        return
    yield HealthNote(
        code="optimism",
        severity="warning",
        message=(
            f"validation accuracy {validated:.3f} is {gap:.3f} above test accuracy "
            f"{tested:.3f}, beyond the noise of both ({noise:.3f})"
        ),
        numbers={"validation": validated, "test": tested, "gap": gap, "noise_sd": noise},
        advice=(
            "quote the test accuracy; the choice was fitted to the validation examples, so take "
            "more of them or validation.folds"
        ),
    )
