"""The answer of a completed search, from its records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hpsearch.directions import turned
from hpsearch.evidence import WeightedTest
from hpsearch.metrics import wilson
from hpsearch.narrowing.basis import basis_of
from hpsearch.records import FinalRecord, Recommended, TrialRecord
from hpsearch.report import gain, health, needs, statistics, yardsticks
from hpsearch.report.build import (
    best_view,
    conditions_view,
    finalist_view,
    format_rfc3339,
    importance_views,
    range_view,
    surrogate_check_view,
    trial_seed,
)
from hpsearch.report.health.effects import untried
from hpsearch.report.lengths import length_view
from hpsearch.report.verdicts import conclusion, histories, reaches_beyond
from hpsearch.report.views import (
    ImportanceView,
    RecommendedView,
    ResultRangeView,
    ResultView,
    TestModelView,
    TestView,
)
from hpsearch.trials import OF_RANGE, Role, Stream, TrialState

WEIGHTED = "rows count by weights: metrics.accuracy has the interval, of resampled rows"
IN_GROUPS = (
    "the test examples are in groups, and Wilson's interval takes each for itself; that of "
    "metrics.accuracy is by whole groups"
)


def result(records: health.SearchRecords, final: FinalRecord, dataset_openings: int) -> ResultView:
    """The answer of a completed search.

    Parameters
    ----------
    records
        Those of the search, the final test's models among them.
    """
    search, spec = records.search, records.resolved.spec
    sign = spec.score_sign
    finalists = [
        finalist_view(f, sign=sign)
        for f in records.latest(lambda evidence: evidence.finalists) or ()
    ]
    best = best_view(search, search.best_round, sign=sign)
    assert best is not None  # a completed search has a finite trial
    assert search.recommended is not None  # which is then recommended
    return ResultView(
        id=search.id,
        name=search.name,
        state=search.state,
        ranges=_ranges(records),
        recommended=recommended(search.recommended, records.full, sign=sign),
        best_trial=best,
        test=_test(records, final, dataset_openings),
        optimism=_optimism(records),
        health=[note.sentence for note in health.notes(records)],
        digest=search.digest,
        digest_reason=search.digest_reason,
        objective=spec.objective,
        finalists=finalists,
        indistinguishable=sum(f.indistinguishable for f in finalists[1:]) if finalists else None,
        importance=importance(records),
        noise_sd=records.latest(lambda evidence: evidence.noise_sd),
        surrogate_check=surrogate_check_view(
            records.latest(lambda evidence: evidence.surrogate_check)
        ),
        rules=search.rules,
        effective_with=conditions_view(records.resolved),
        direction=spec.direction,
        baseline=gain.baseline_view(records),
        gain=gain.gain_view(records),
        requirements=needs.requirement_views(records),
        cheapest=needs.cheapest_view(records),
        length=length_view(records),
        ended=search.reason,
    )


def recommended(
    chosen: Recommended, full: Sequence[TrialRecord], *, sign: int = 1
) -> RecommendedView:
    """The parameters to use.

    full
        Trials that were trained in full; those of the same parameters count.
    sign
        The factor from rank values to scores as they are shown.
    """
    same = [t for t in full if t.params == chosen.params and t.examples]
    shares = [t.validation_accuracy for t in same if t.validation_accuracy is not None]
    counted = chosen.examples > 0  # of an external search, scores alone are known
    if counted and not shares:
        shares = [chosen.correct / chosen.examples]
    binomial = statistics.binomial_sd(chosen.correct, chosen.examples) if counted else 0.0
    return RecommendedView(
        params=chosen.params,
        validation_accuracy=statistics.mean_sd(shares)[0],
        sd=chosen.sd or binomial,
        score=turned(chosen.score, sign),
        trainings=chosen.trainings,
        kept=list(chosen.kept),
    )


def importance(records: health.SearchRecords) -> list[ImportanceView]:
    """Importance of each hyperparameter by the newest evidence, the largest share first."""
    newest = records.latest(lambda evidence: evidence.importance or None)
    return sorted(importance_views(newest or ()), key=lambda i: (-i.total, i.name))


def _ranges(records: health.SearchRecords) -> dict[str, ResultRangeView]:
    history, views = histories(records.decisions), {}
    for name, now in sorted(records.box.items()):
        verdict, reason = conclusion(history[name])
        asked, last = records.resolved.workload.space.dimensions[name], history[name][-1]
        views[name] = ResultRangeView(
            **range_view(now).model_dump(),
            verdict=verdict,
            reason=reason,
            basis=basis_of(
                verdict,
                last.numbers,
                last.facts,
                now,
                hyperparameters=len(records.box),
                untried=bool(untried(records, name, now)),
            ),
            asked=range_view(asked),
            outside_asked=reaches_beyond(now, asked),
            **_given(records, name),
        )
    return views


def _given(records: health.SearchRecords, name: str) -> dict[str, Any]:
    """Beside which levels a hyperparameter is active, and in how many trials it was; nothing of the others."""
    condition = records.resolved.space.conditions.get(name)
    if condition is None:
        return {}
    given = {parent: list(levels) for parent, levels in sorted(condition.items())}
    return {"given": given, "trials": records.having.get(name, 0), "of": records.seen}


def _test(records: health.SearchRecords, final: FinalRecord, dataset_openings: int) -> TestView:
    shown = [m for m in records.models if m.role in OF_RANGE]
    workload, seed = records.resolved.workload, records.resolved.spec.seed
    external, counts = not workload.trained_here, workload.classifies
    scores = records.test
    by_weight = None if scores is None else scores.weighted
    objective = dict(enumerate(() if scores is None else scores.models))
    views = [
        TestModelView(
            params=m.params,
            seed=[trial_seed(seed, m.round, m.idx)]
            if external
            else [seed, Stream.INIT, m.round, m.idx, 0],
            accuracy=records.test_accuracy(m),
            role=m.role,
            score=None if counts else turned(m.score, records.resolved.spec.score_sign),
            error=m.error if m.state is TrialState.FAILED else None,
            objective=objective.get(m.idx),
        )
        for m in shown
    ]
    first = shown[0]
    drawn = [v for v in views if v.role is Role.DRAWN]
    mean, sd = statistics.mean_sd([v.accuracy for v in drawn if v.accuracy is not None])
    score_mean, score_sd = statistics.mean_sd([v.score for v in drawn if v.score is not None])
    objective_mean, objective_sd = statistics.mean_sd(
        [v.objective for v in drawn if v.objective is not None]
    )
    examples = next((m.test_examples for m in records.models if m.test_examples), 0)
    interval, note = _accuracy_interval(records, first)
    return TestView(
        accuracy=views[0].accuracy,
        ci95=interval,
        ci95_note=note,
        mean=mean,
        sd=sd,
        models=views,
        ensemble_accuracy=_ensemble(final, by_weight, examples),
        examples=examples,
        opened_at=format_rfc3339(final.opened_at),
        attempts=final.openings,
        dataset_openings=dataset_openings,
        score=views[0].score,
        score_mean=score_mean,
        score_sd=score_sd,
        sealed=not external,
        objective_mean=objective_mean,
        objective_sd=objective_sd,
        **yardsticks.fields(scores, records.labels),
    )


def _accuracy_interval(
    records: health.SearchRecords, model: TrialRecord
) -> tuple[tuple[float, float] | None, str | None]:
    """Wilson's interval of a model's accuracy; without one the reason, if there is an accuracy."""
    if model.test_correct is None or not model.test_examples:
        return None, None
    if records.resolved.facts.groups:
        return None, IN_GROUPS
    if records.test is not None and records.test.weighted is not None:
        return None, WEIGHTED
    return wilson(model.test_correct, model.test_examples), None


def _ensemble(final: FinalRecord, by_weight: WeightedTest | None, examples: int) -> float | None:
    """Accuracy of the models of the range together."""
    if by_weight is not None:
        return by_weight.ensemble
    return None if final.ensemble_correct is None else final.ensemble_correct / examples


def _optimism(records: health.SearchRecords) -> float | None:
    """Validation minus test accuracy of the model trained on the training part alone."""
    model = next((m for m in records.models if m.role is Role.OPTIMISM), None)
    tested = None if model is None else records.test_accuracy(model)
    if model is None or model.validation_accuracy is None or tested is None:
        return None
    return model.validation_accuracy - tested
