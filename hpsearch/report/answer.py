"""The answer of a completed search, from its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpsearch.report import statistics
from hpsearch.report.build import best_view, moment, range_view
from hpsearch.report.views import (
    RecommendedView,
    ResultRangeView,
    ResultView,
    TestModelView,
    TestView,
)
from hpsearch.space import Box, Dimension, Range, box_from_json
from hpsearch.spec import ResolvedSpec
from hpsearch.trials import Role, RoundKind, Stream, Verdict

Row = Any
MANY_DIVERGED = 0.2  # share of diverged trials that is worth a word
SMALL_VALIDATION = 200  # examples below which candidates can hardly be told apart


def result(
    search: Row,
    resolved: ResolvedSpec,
    rounds: Sequence[Row],
    decisions: Sequence[Row],
    final: Row,
    models: Sequence[Row],
    dataset_openings: int,
) -> ResultView:
    """The answer of a completed search.

    Parameters
    ----------
    final, models
        The final job and its trials by index.
    """
    ranges = _ranges(resolved, box_from_json(rounds[-1].box), decisions)
    chosen = search.recommended
    recommended = RecommendedView(
        params=chosen["params"],
        validation_accuracy=chosen["correct"] / chosen["examples"],
        sd=statistics.binomial_sd(chosen["correct"], chosen["examples"]),
    )
    test = _test(search, resolved, final, models, dataset_openings)
    gap = _optimism(models)
    best = best_view(search, search.best_round)
    assert best is not None  # a completed search has a finite trial
    return ResultView(
        id=search.id,
        name=search.name,
        state=search.state,
        ranges=ranges,
        recommended=recommended,
        best_trial=best,
        test=test,
        optimism=gap,
        health=_health(ranges, test, chosen["examples"], _diverged(rounds)),
        digest=search.digest,
        digest_reason=search.digest_reason,
    )


def _ranges(
    resolved: ResolvedSpec, box: Box, decisions: Sequence[Row]
) -> dict[str, ResultRangeView]:
    views = {}
    for name in sorted(box):
        history = [d for d in decisions if d.name == name]
        verdict, reason = _telling(history)
        now, asked = box[name], resolved.box[name]
        views[name] = ResultRangeView(
            **range_view(now).model_dump(),
            verdict=verdict,
            reason=reason,
            asked=range_view(asked),
            outside_asked=reaches_beyond(now, asked),
        )
    return views


def _telling(history: Sequence[Row]) -> tuple[Verdict, str]:
    """Verdict and reason of a range: those of the last decision, and of the last that moved it.

    A range that was narrowed early and could not be told from flat later is narrowed, not
    unidentified. One that was opened and then kept is kept, and the reason tells both.
    """
    last = history[-1]
    moved = next((d for d in reversed(history) if d.before != d.after), last)
    if moved is last:
        return Verdict(last.verdict), last.reason
    verdict = moved.verdict if moved.verdict == Verdict.NARROWED else last.verdict
    told = f"after round {moved.round}: {moved.reason}; after round {last.round}: {last.reason}"
    return Verdict(verdict), told


def reaches_beyond(now: Dimension, asked: Dimension) -> bool:
    """Whether a range holds values that were not asked for."""
    if isinstance(now, Range) and isinstance(asked, Range):
        return now.low < asked.low or now.high > asked.high
    return False


def _test(
    search: Row, resolved: ResolvedSpec, final: Row, models: Sequence[Row], dataset_openings: int
) -> TestView:
    shown = [m for m in models if m.role != Role.OPTIMISM]
    seed = resolved.spec.seed
    views = [
        TestModelView(
            params=m.params,
            seed=[seed, Stream.INIT, m.round, m.idx, 0],
            accuracy=_accuracy(m),
            role=m.role,
        )
        for m in shown
    ]
    first = shown[0]
    drawn = [v.accuracy for v in views if v.role is Role.DRAWN and v.accuracy is not None]
    mean, sd = statistics.mean_sd(drawn)
    examples = next((m.test_examples for m in models if m.test_examples), 0)
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
    )


def _accuracy(model: Row) -> float | None:
    return None if model.test_correct is None else model.test_correct / model.test_examples


def _optimism(models: Sequence[Row]) -> float | None:
    """Validation minus test accuracy of the model trained on the training part alone."""
    model = models[-1]
    tested = _accuracy(model)
    return None if tested is None or model.accuracy < 0 else model.accuracy - tested


def _diverged(rounds: Sequence[Row]) -> tuple[int, int]:
    """Diverged trials of all rounds but the final, and all trials of them."""
    explored = [r for r in rounds if r.kind != RoundKind.FINAL]
    return sum(r.diverged for r in explored), sum(r.planned for r in explored)


def _health(
    ranges: Mapping[str, ResultRangeView],
    test: TestView,
    validation_examples: int,
    diverged_trials: tuple[int, int],
) -> list[str]:
    """What a careful reader of the result should know."""
    notes = []
    for name, view in ranges.items():
        if view.verdict in (Verdict.OPEN_LOW, Verdict.OPEN_HIGH, Verdict.OPEN_BOTH):
            notes.append(
                f"{name} is {view.reason.split(':')[0]}: search further out, or set limits"
            )
        if view.outside_asked:
            notes.append(f"the best range of {name} reaches beyond the one that was asked for")
    diverged = sum(m.accuracy is None for m in test.models)
    if diverged:
        notes.append(f"{diverged} of {len(test.models)} final models diverged; narrow the ranges")
    count, planned = diverged_trials
    if count > MANY_DIVERGED * planned:
        notes.append(
            f"{count} of {planned} trials diverged; a lower hard_high for learning_rate saves them"
        )
    if validation_examples < SMALL_VALIDATION:
        notes.append(
            f"{validation_examples} validation examples are few: accuracies that differ by less "
            f"than {2 * statistics.binomial_sd(validation_examples // 2, validation_examples):.2f} "
            "may not differ at all"
        )
    return notes
