"""The answer of a completed search, from its records."""

from __future__ import annotations

from collections.abc import Sequence

from hpsearch.metrics import wilson
from hpsearch.records import FinalRecord, Recommended, TrialRecord
from hpsearch.report import health, statistics
from hpsearch.report.build import (
    best_view,
    format_rfc3339,
    importance_views,
    range_view,
    trial_seed,
)
from hpsearch.report.verdicts import conclusion, histories, reaches_beyond
from hpsearch.report.views import (
    FinalistView,
    ImportanceView,
    RecommendedView,
    ResultRangeView,
    ResultView,
    TestModelView,
    TestView,
)
from hpsearch.trials import Role, Stream


def result(records: health.SearchRecords, final: FinalRecord, dataset_openings: int) -> ResultView:
    """The answer of a completed search.

    Parameters
    ----------
    records
        Those of the search, the final test's models among them.
    """
    search, spec = records.search, records.resolved.spec
    finalists = [
        FinalistView.model_validate(f, from_attributes=True)
        for f in records.latest(lambda evidence: evidence.finalists) or ()
    ]
    best = best_view(search, search.best_round)
    assert best is not None  # a completed search has a finite trial
    assert search.recommended is not None  # which is then recommended
    return ResultView(
        id=search.id,
        name=search.name,
        state=search.state,
        ranges=_ranges(records),
        recommended=recommended(search.recommended, records.full),
        best_trial=best,
        test=_test(records, final, dataset_openings),
        optimism=_optimism(records.models),
        health=[note.sentence for note in health.notes(records)],
        digest=search.digest,
        digest_reason=search.digest_reason,
        objective=spec.objective,
        finalists=finalists,
        indistinguishable=sum(f.indistinguishable for f in finalists[1:]) if finalists else None,
        importance=importance(records),
        rules=search.rules,
    )


def recommended(chosen: Recommended, full: Sequence[TrialRecord]) -> RecommendedView:
    """The parameters to use.

    full
        Trials that were trained in full; those of the same parameters count.
    """
    same = [t for t in full if t.params == chosen.params and t.examples]
    shares = [t.correct / t.examples for t in same]
    counted = chosen.examples > 0  # of an external search, scores alone are known
    if counted and not shares:
        shares = [chosen.correct / chosen.examples]
    binomial = statistics.binomial_sd(chosen.correct, chosen.examples) if counted else 0.0
    return RecommendedView(
        params=chosen.params,
        validation_accuracy=statistics.mean_sd(shares)[0],
        sd=chosen.sd or binomial,
        score=chosen.score,
        trainings=chosen.trainings,
    )


def importance(records: health.SearchRecords) -> list[ImportanceView]:
    """Importance of each hyperparameter by the newest evidence, the largest share first."""
    newest = records.latest(lambda evidence: evidence.importance or None)
    return sorted(importance_views(newest or ()), key=lambda i: (-i.total, i.name))


def _ranges(records: health.SearchRecords) -> dict[str, ResultRangeView]:
    history, views = histories(records.decisions), {}
    for name, now in sorted(records.box.items()):
        verdict, reason = conclusion(history[name])
        asked = records.resolved.box[name]
        views[name] = ResultRangeView(
            **range_view(now).model_dump(),
            verdict=verdict,
            reason=reason,
            asked=range_view(asked),
            outside_asked=reaches_beyond(now, asked),
        )
    return views


def _test(records: health.SearchRecords, final: FinalRecord, dataset_openings: int) -> TestView:
    shown = [m for m in records.models if m.role is not Role.OPTIMISM]
    workload, seed = records.resolved.workload, records.resolved.spec.seed
    external, counts = not workload.trained_here, workload.classifies
    views = [
        TestModelView(
            params=m.params,
            seed=[trial_seed(seed, m.round, m.idx)]
            if external
            else [seed, Stream.INIT, m.round, m.idx, 0],
            accuracy=m.test_accuracy,
            role=m.role,
            score=None if counts else m.score,
        )
        for m in shown
    ]
    first = shown[0]
    drawn = [v.accuracy for v in views if v.role is Role.DRAWN and v.accuracy is not None]
    mean, sd = statistics.mean_sd(drawn)
    scores = [v.score for v in views if v.role is Role.DRAWN and v.score is not None]
    score_mean, score_sd = statistics.mean_sd(scores)
    examples = next((m.test_examples for m in records.models if m.test_examples), 0)
    interval = None
    if first.test_correct is not None and first.test_examples:
        interval = wilson(first.test_correct, first.test_examples)
    return TestView(
        accuracy=views[0].accuracy,
        ci95=interval,
        mean=mean,
        sd=sd,
        models=views,
        ensemble_accuracy=(
            None if final.ensemble_correct is None else final.ensemble_correct / examples
        ),
        examples=examples,
        opened_at=format_rfc3339(final.opened_at),
        attempts=final.openings,
        dataset_openings=dataset_openings,
        score=views[0].score,
        score_mean=score_mean,
        score_sd=score_sd,
        sealed=not external,
    )


def _optimism(models: Sequence[TrialRecord]) -> float | None:
    """Validation minus test accuracy of the model trained on the training part alone."""
    model = next((m for m in models if m.role is Role.OPTIMISM), None)
    if model is None or model.validation_accuracy is None or model.test_accuracy is None:
        return None
    return model.validation_accuracy - model.test_accuracy
