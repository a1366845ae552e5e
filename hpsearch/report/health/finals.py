"""Findings of the final test: optimism, and models that diverged."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hpsearch.report import statistics
from hpsearch.report.health.stored import Stored
from hpsearch.report.views import HealthNote
from hpsearch.trials import Role, TrialState

BEYOND_NOISE = 2.0  # standard deviations


def diverged_models(stored: Stored) -> Iterator[HealthNote]:
    """Final models whose training diverged; they count as they are and are not replaced."""
    shown = [m for m in stored.models if m.role != Role.OPTIMISM]
    gone = [m for m in shown if m.state == TrialState.DIVERGED]
    if not gone:
        return
    epochs = stored.resolved.spec.final.epochs
    message = f"{len(gone)} of {len(shown)} final models diverged"
    if any(m.role == Role.RECOMMENDED for m in gone):
        message += ", the recommended one among them"
    yield HealthNote(
        code="final_diverged",
        severity="warning",
        message=message,
        numbers={"diverged": len(gone), "models": len(shown), "epochs": epochs},
        advice=(
            f"the range holds values that do not last {epochs} epochs: search with epochs.last "
            "nearer to final.epochs" + stored.resolved.workload.advice.or_lower
        ),
    )


def own_promise(stored: Stored) -> Iterator[HealthNote]:
    """Test scores that the service has not measured."""
    if stored.resolved.workload.trained_here or not any(m.score is not None for m in stored.models):
        return
    yield HealthNote(
        code="not_sealed",
        severity="info",
        message=(
            "the test scores are those that its trainers reported: that nothing of the test part "
            "was seen by the search is their promise, and no seal of this service"
        ),
        numbers={"models": len(stored.models)},
        advice="score final trials, and them alone, on examples that no other trial was scored on",
    )


def optimism(stored: Stored) -> Iterator[HealthNote]:
    """A validation score that the test does not bear out."""
    model = next((m for m in stored.models if m.role == Role.OPTIMISM), None)
    if model is None or model.test_correct is None or not model.examples or model.accuracy < 0:
        return
    tested = model.test_correct / model.test_examples
    gap = model.accuracy - tested
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
            f"validation accuracy {model.accuracy:.3f} is {gap:.3f} above test accuracy "
            f"{tested:.3f}, beyond the noise of both ({noise:.3f})"
        ),
        numbers={"validation": model.accuracy, "test": tested, "gap": gap, "noise_sd": noise},
        advice=(
            "quote the test accuracy; the choice was fitted to the validation examples, so take "
            "more of them or validation.folds"
        ),
    )
