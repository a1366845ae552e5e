"""The answer of a completed search, from its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hpsearch.report import health, statistics
from hpsearch.report.build import best_view, moment, range_view, trial_seed
from hpsearch.report.verdicts import histories, reaches_beyond, telling
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

Row = Any


def result(stored: health.Stored, final: Row, dataset_openings: int) -> ResultView:
    """The answer of a completed search.

    Parameters
    ----------
    stored
        Its rows, the final test's models among them.
    final
        The final job.
    """
    search, spec = stored.search, stored.resolved.spec
    finalists = [FinalistView.model_validate(f) for f in stored.latest("finalists") or ()]
    best = best_view(search, search.best_round)
    assert best is not None  # a completed search has a finite trial
    return ResultView(
        id=search.id,
        name=search.name,
        state=search.state,
        ranges=_ranges(stored),
        recommended=recommended(search.recommended, stored.full),
        best_trial=best,
        test=_test(stored, final, dataset_openings),
        optimism=_optimism(stored.models),
        health=[note.sentence for note in health.notes(stored)],
        digest=search.digest,
        digest_reason=search.digest_reason,
        objective=spec.objective,
        finalists=finalists,
        indistinguishable=sum(f.indistinguishable for f in finalists[1:]) if finalists else None,
        importance=importance(stored),
        rules=search.rules,
    )


def recommended(chosen: Row, full: Sequence[Row]) -> RecommendedView:
    """The parameters to use.

    chosen
        As it is stored with the search.
    full
        Trials that were trained in full; those of the same parameters count.
    """
    same = [t for t in full if t.params == chosen["params"] and t.examples]
    shares = [t.correct / t.examples for t in same]
    counted = chosen["examples"] > 0  # of an external search, scores alone are known
    if counted and not shares:
        shares = [chosen["correct"] / chosen["examples"]]
    binomial = statistics.binomial_sd(chosen["correct"], chosen["examples"]) if counted else 0.0
    return RecommendedView(
        params=chosen["params"],
        validation_accuracy=statistics.mean_sd(shares)[0],
        sd=chosen.get("sd") or binomial,
        score=chosen.get("score"),
        trainings=chosen.get("trainings"),
    )


def importance(stored: health.Stored) -> list[ImportanceView]:
    """Of each hyperparameter by the newest evidence, the largest share first."""
    found = [ImportanceView.model_validate(i) for i in stored.latest("importance") or ()]
    return sorted(found, key=lambda i: (-i.total, i.name))


def _ranges(stored: health.Stored) -> dict[str, ResultRangeView]:
    told, views = histories(stored.decisions), {}
    for name, now in sorted(stored.box.items()):
        verdict, reason = telling(told[name])
        asked = stored.resolved.box[name]
        views[name] = ResultRangeView(
            **range_view(now).model_dump(),
            verdict=verdict,
            reason=reason,
            asked=range_view(asked),
            outside_asked=reaches_beyond(now, asked),
        )
    return views


def _test(stored: health.Stored, final: Row, dataset_openings: int) -> TestView:
    shown = [m for m in stored.models if m.role != Role.OPTIMISM]
    seed, external = stored.resolved.spec.seed, not stored.resolved.workload.trained_here
    counts = stored.resolved.workload.classifies
    views = [
        TestModelView(
            params=m.params,
            seed=[trial_seed(seed, m.round, m.idx)]
            if external
            else [seed, Stream.INIT, m.round, m.idx, 0],
            accuracy=_accuracy(m),
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
    examples = next((m.test_examples for m in stored.models if m.test_examples), 0)
    finite = first.test_correct is not None
    return TestView(
        accuracy=views[0].accuracy,
        ci95=statistics.wilson(first.test_correct, first.test_examples) if finite else None,
        mean=mean,
        sd=sd,
        models=views,
        ensemble_accuracy=(
            None if final.ensemble_correct is None else final.ensemble_correct / examples
        ),
        examples=examples,
        opened_at=moment(final.opened_at),
        attempts=final.openings,
        dataset_openings=dataset_openings,
        score=views[0].score,
        score_mean=score_mean,
        score_sd=score_sd,
        sealed=not external,
    )


def _accuracy(model: Row) -> float | None:
    return None if model.test_correct is None else model.test_correct / model.test_examples


def _optimism(models: Sequence[Row]) -> float | None:
    """Validation minus test accuracy of the model trained on the training part alone."""
    model = next((m for m in models if m.role == Role.OPTIMISM), None)
    tested = None if model is None else _accuracy(model)
    if model is None or tested is None or model.accuracy < 0:
        return None
    return float(model.accuracy - tested)
