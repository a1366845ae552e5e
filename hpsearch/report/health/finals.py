"""Findings of the final test: optimism, and models that diverged."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hpsearch.metrics import METRICS, sign
from hpsearch.records import Recommended, TrialRecord
from hpsearch.report import statistics, words
from hpsearch.report.health.records import SearchRecords
from hpsearch.report.views import HealthNote, MetricScoreView
from hpsearch.report.yardsticks import metric_views
from hpsearch.trials import OF_RANGE, Role, TrialState

BEYOND_NOISE = 2.0  # standard deviations
FAR = 4.0  # standard deviations
CI_WIDTH = 3.92  # standard deviations between the ends of a 95 % interval


def diverged_models(records: SearchRecords) -> Iterator[HealthNote]:
    """Final models whose training diverged; they count as they are and are not replaced."""
    shown = [m for m in records.models if m.role in (*OF_RANGE, Role.NETWORK)]
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


def failed_models(records: SearchRecords) -> Iterator[HealthNote]:
    """Final models that could not be trained; they have no score and are not replaced."""
    failed = [m for m in records.models if m.state is TrialState.FAILED]
    if not failed:
        return
    yield HealthNote(
        code="final_failed",
        severity="warning",
        message=f"{len(failed)} of {len(records.models)} final models failed: {failed[0].error}",
        numbers={"failed": len(failed), "models": len(records.models)},
        advice=(
            "the range may hold values that cannot be trained: see where trials failed, and set "
            "hard limits, or report them as diverged"
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


def no_better_than_constant(records: SearchRecords) -> Iterator[HealthNote]:
    """A test score that the same answer for every example would have reached too."""
    objective = records.resolved.spec.objective
    score = _objective(records)
    if records.resolved.workload.trained_here and not records.resolved.workload.classifies:
        yield from _no_better_than_the_mean(records)
        return
    if score is None or score.beats_baseline is not False:
        return
    assert score.value is not None  # it was compared with the baseline
    assert score.baseline is not None
    metric = METRICS[objective]
    value, baseline = metric.text(score.value), metric.text(score.baseline)
    interval = " to ".join(metric.text(end) for end in score.ci95 or ())
    holds = f", whose 95 % interval is {interval}," if interval else ""
    low, high = score.ci95 or (None, None)
    yield HealthNote(
        code="no_better_than_constant",
        severity="warning",
        message=(
            f"the test {metric.title} {value}{holds} is no better than that of the same answer for "
            f"every example, {baseline}"
        ),
        numbers={
            "metric": objective, "value": score.value, "low": low, "high": high,
            "baseline": score.baseline,
        },
        advice="no range and no value here is shown to be good: look at the data and its labels "
        "first, then at other models or far wider ranges",
    )  # fmt: skip


def _no_better_than_the_mean(records: SearchRecords) -> Iterator[HealthNote]:
    """A regression whose R² may be 0: always answering the mean has that at the most."""
    score = None if records.test is None else metric_views(records.test, ()).get("r2")
    if score is None or score.value is None or score.ci95 is None or score.ci95[0] > 0:
        return
    text, (low, high) = METRICS["r2"].text, score.ci95
    yield HealthNote(
        code="no_better_than_constant",
        severity="warning",
        message=(
            f"the test R² {text(score.value)}, whose 95 % interval is {text(low)} to {text(high)}, is "
            "no better than always answering the mean, which has 0"
        ),
        numbers={"metric": "r2", "value": score.value, "low": low, "high": high, "baseline": 0.0},
        advice="no range and no value here is shown to be good: look at the data and its target "
        "first, then at other models or far wider ranges",
    )


def no_test_interval(records: SearchRecords) -> Iterator[HealthNote]:
    """A test score by the objective whose uncertainty is not known, or only roughly."""
    score = _objective(records)
    if score is None or score.note is None:
        return
    title = METRICS[records.resolved.spec.objective].title
    yield HealthNote(
        code="no_test_interval",
        severity="info",
        message=f"the test {title} is uncertain ({score.note})",
        numbers={"metric": records.resolved.spec.objective, "value": score.value},
        advice="only more test examples, of every class, would make it certain"
        if records.resolved.workload.classifies
        else "look at the largest errors, and take more test examples",
    )


def _objective(records: SearchRecords) -> MetricScoreView | None:
    """The recommended model's score on the test part by the search's objective."""
    if records.test is None:
        return None
    return metric_views(records.test, records.labels).get(records.resolved.spec.objective)


def below_validation(records: SearchRecords) -> Iterator[HealthNote]:
    """Final models that score far below what validation promised of the recommended one."""
    recommended, spec = records.search.recommended, records.resolved.spec
    if recommended is None or recommended.score is None or not records.models:
        return
    expected, noise = recommended.score, _promise_noise(records, recommended)
    if noise is None:
        return
    tested = [(m, _rank_value(records, m)) for m in records.models if m.role in OF_RANGE]
    low = [(m, v) for m, v in tested if v is not None and expected - v > FAR * noise]
    if not low:
        return
    chosen = any(m.role is Role.RECOMMENDED for m, _ in low)
    worst = min(v for _, v in low)
    which = "the recommended one among them" if chosen else "none of them the recommended one"
    longer = spec.final.epochs != spec.epochs.last
    lengths = f"the final trains {spec.final.epochs} epochs and trials had {spec.epochs.last}"
    shown = sign(spec.objective) * spec.score_sign
    yield HealthNote(
        code="below_validation",
        severity="warning",
        message=(
            f"{len(low)} of {len(tested)} final models, {which}, are far below their validation: "
            f"{words.number(shown * worst)} on the test part where validation promised "
            f"{words.number(shown * expected)} (noise {words.number(noise)})"
        ),
        numbers={
            "models": len(low), "of": len(tested), "expected": shown * expected,
            "worst": shown * worst, "noise_sd": noise,
        },
        advice="quote the test score; "
        + (f"{lengths}: search with epochs.last nearer to it" if longer else
           "the choice was fitted to the validation examples, or the test part is of another kind"),
    )  # fmt: skip


def _rank_value(records: SearchRecords, model: TrialRecord) -> float | None:
    """A final model's objective on the test part, higher is better; None where it is not known."""
    objective, test = records.resolved.spec.objective, records.test
    if test is not None:
        value = test.models[model.idx] if model.idx < len(test.models) else None
        return None if value is None else sign(objective) * value
    if objective == "accuracy":
        return model.test_accuracy
    return model.score if model.test_correct is None else None


def _promise_noise(records: SearchRecords, promised: Recommended) -> float | None:
    """Standard deviation of a test score about what validation promises; None where nothing tells.

    That of the promise, of one training, and of both parts' examples; of an external search nobody
    knows the examples. Without a surrogate the spread of full trainings stands for a training's.
    """
    training = records.latest(lambda evidence: evidence.noise_sd)
    if training is None:
        scores = [t.score for t in records.full if t.score is not None]
        training = statistics.mean_sd(scores)[1]
    if not training:
        return None
    return math.hypot(training, promised.sd or 0.0, _examples_noise(records))


def _examples_noise(records: SearchRecords) -> float:
    """Standard deviation that test and validation examples give to the difference of two scores."""
    tested = next((records.tested(m) for m in records.models if m.test_examples), 0)
    validated, score, recommended = (
        records.validation_examples,
        _objective(records),
        records.models[0],
    )
    if not tested or not validated:
        return 0.0
    sd = 0.0
    if score is not None and score.ci95 is not None:
        sd = (score.ci95[1] - score.ci95[0]) / CI_WIDTH
    elif recommended.test_correct is not None:
        sd = statistics.binomial_sd(recommended.test_correct, tested)
    return sd * math.sqrt(1 + tested / validated)


def optimism(records: SearchRecords) -> Iterator[HealthNote]:
    """A validation score that the test does not bear out."""
    model = next((m for m in records.models if m.role is Role.OPTIMISM), None)
    if model is None:
        return
    validated, tested = model.validation_accuracy, records.test_accuracy(model)
    if validated is None or tested is None:
        return
    gap, noise = validated - tested, _share_noise(records, model)
    if noise is None:
        return
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


def _share_noise(records: SearchRecords, model: TrialRecord) -> float | None:
    """Standard deviation of a model's validation minus its test accuracy.

    Examples in groups are alike: the interval by groups of the recommended model tells their spread,
    and without one, of few groups, nothing does.
    """
    if records.resolved.facts.groups:
        return _noise_by_groups(records, model)
    if records.resolved.workload.counts:
        return math.hypot(
            statistics.binomial_sd(model.correct, model.examples),
            statistics.binomial_sd(model.test_correct or 0, model.test_examples or 1),
        )
    shares = (model.validation_accuracy, records.test_accuracy(model))
    pairs = zip(shares, (records.validation_examples, records.tested(model)), strict=True)
    return math.sqrt(sum(share * (1 - share) / n for share, n in pairs if share and n))


def _noise_by_groups(records: SearchRecords, model: TrialRecord) -> float | None:
    score = None if records.test is None else records.test.metrics.get("accuracy")
    if score is None or score.ci95 is None or not model.examples:
        return None
    sd = (score.ci95[1] - score.ci95[0]) / CI_WIDTH
    return sd * math.sqrt(1 + (model.test_examples or 0) / model.examples)
