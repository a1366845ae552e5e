"""The gain over the baseline: its view, from the records of a completed search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hpsearch.directions import turned
from hpsearch.evidence import Gain, Gains
from hpsearch.records import TrialRecord
from hpsearch.records.chosen import same
from hpsearch.report import statistics
from hpsearch.report.views import BaselineView, GainMetricView, GainView
from hpsearch.spec import given
from hpsearch.trials import Role, TrialState

if TYPE_CHECKING:  # its package reads gains
    from hpsearch.report.health.records import SearchRecords

SAME = "same setting: the search recommends the one that you had"
THE_TRAINERS_WORD = "not paired, of scores as its trainers reported them: the trainer's word"
OURS = (Role.RECOMMENDED, Role.REPEATED)


def baseline_view(records: SearchRecords) -> BaselineView | None:
    """The baseline; None of a search without one."""
    params = given.baseline_of(records.resolved)
    if params is None:
        return None
    asked = records.resolved.box
    scores = [t.score for t in records.full if t.score is not None and same(t.params, params)]
    return BaselineView(
        params=dict(params),
        outside=[n for n in sorted(params) if not asked[n].contains(params[n])],  # type: ignore[arg-type]  # its kind was checked
        validation_score=turned(statistics.mean_sd(scores)[0], records.resolved.spec.score_sign),
        trainings=len(scores),
    )


def gain_view(records: SearchRecords) -> GainView | None:
    """The gain of the recommended setting; None where there is no baseline, or no recommendation."""
    params, chosen = given.baseline_of(records.resolved), records.search.recommended
    if params is None or chosen is None:
        return None
    if same(chosen.params, params):
        return _of_none(records)
    if not records.resolved.workload.trained_here:
        return _reported(records.models, records.resolved.spec.score_sign)
    made = None if records.test is None else records.test.gains
    return None if made is None else _measured(made, records.resolved.spec.objective)


def _of_none(records: SearchRecords) -> GainView:
    """The gain of a setting over itself."""
    test = records.test
    scores = {} if test is None else {n: s.value for n, s in test.metrics.items()}
    metrics = {
        name: GainMetricView(value=0.0, recommended=value, baseline=value, note=SAME)
        for name, value in scores.items()
    }
    objective = metrics.get(records.resolved.spec.objective)
    first = next((m.score for m in records.models if m.role is Role.RECOMMENDED), None)
    shown = turned(first, records.resolved.spec.score_sign)
    value = shown if objective is None else objective.recommended
    return GainView(
        value=0.0,
        recommended=value,
        baseline=value,
        note=SAME,
        same_setting=True,
        models=1,
        paired=records.resolved.workload.trained_here,
        metrics=metrics,
    )


def _measured(gains: Gains, objective: str) -> GainView:
    views = {name: _view(gain, gains, name) for name, gain in gains.metrics.items()}
    own = views.get(objective) or GainMetricView(value=None, note=gains.note)
    return GainView(
        **own.model_dump(), same_setting=False, models=gains.models, paired=True, metrics=views
    )


def _view(gain: Gain, gains: Gains, name: str) -> GainMetricView:
    return GainMetricView(
        value=gain.value,
        low=gain.low,
        high=gain.high,
        probability=gain.probability,
        recommended=gains.recommended.get(name),
        baseline=gains.baseline.get(name),
        note=gain.note,
    )


def _reported(models: Sequence[TrialRecord], sign: int) -> GainView:
    """The gain of an external search, by the scores of its final trials.

    sign: the factor from rank values, by which the gain goes, to scores as they were reported.
    """
    ours = [m for m in models if m.role in OURS]
    theirs = [m for m in models if m.role is Role.BASELINE]
    lost = [m for m in (*ours, *theirs) if m.state is not TrialState.COMPLETED or m.score is None]
    means = [
        statistics.mean_sd([m.score for m in side if m.score is not None])[0]
        for side in (ours, theirs)
    ]
    if lost or not theirs:
        reason = f"no gain: {len(lost)} of {len(ours) + len(theirs)} models have no score"
        gain = Gain(None, note=reason)
    else:
        from hpsearch.metrics.gain import of_scores  # loads SciPy, which the API has no use for

        gain = of_scores(*([m.score or 0.0 for m in side] for side in (ours, theirs)))
    notes = (gain.note, THE_TRAINERS_WORD)
    return GainView(
        value=gain.value,
        low=gain.low,
        high=gain.high,
        probability=gain.probability,
        recommended=turned(means[0], sign),
        baseline=turned(means[1], sign),
        note="; ".join(n for n in notes if n),
        same_setting=False,
        models=len(theirs),
        paired=False,
    )
