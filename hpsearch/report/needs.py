"""Requirements and costs of the recommendation: their views, from the records of a completed search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hpsearch.directions import turned
from hpsearch.plural import counted
from hpsearch.records import Recommended, TrialRecord, observations
from hpsearch.records.chosen import Key, key, same
from hpsearch.report import statistics
from hpsearch.report.build import trial_id
from hpsearch.report.views import CheapestView, CostPointView, RequirementView
from hpsearch.report.yardsticks import metric_views
from hpsearch.spec import ResolvedSpec, needs
from hpsearch.spec.needs import Requirement

if TYPE_CHECKING:  # its package reads requirements
    from hpsearch.report.health.records import SearchRecords

NORMAL = 1.959964  # standard deviations on either side that hold 95 % of a normal distribution
THE_TRAINERS_WORD = "of the trainings it was chosen by, as reported: the trainer's word"


def requirement_views(records: SearchRecords) -> list[RequirementView]:
    """Every requirement against the recommendation; none before there is one."""
    chosen = records.search.recommended
    if chosen is None:
        return []
    return [_view(records, chosen, one) for one in records.resolved.spec.require]


def cheapest_view(records: SearchRecords) -> CheapestView | None:
    """The recommendation by its cost; None where the spec asks for no cheap one."""
    resolved, chosen = records.resolved, records.search.recommended
    name = resolved.spec.cheapest
    if name is None or chosen is None:
        return None
    own = [t for t in records.full if same(t.params, chosen.params)]
    return CheapestView(
        quantity=name,
        cost=_mean(resolved, name, own or [_untrained(records, chosen)]),
        instead_of=chosen.cheaper,
        curve=curve(records, name),
    )


def curve(records: SearchRecords, name: str) -> list[CostPointView]:
    """The best score by cost: each point costs more than the one before, and scores better."""
    resolved, groups = records.resolved, dict[Key, list[TrialRecord]]()
    for t in reversed(records.full):  # the oldest first
        groups.setdefault(key(t.params), []).append(t)
    points = []
    for trials in groups.values():
        cost = _mean(resolved, name, trials)
        score = statistics.mean_sd([t.score for t in trials if t.score is not None])[0]
        if cost is not None and score is not None and _meets(resolved, trials):
            points.append((cost, -score, trials[0].round, trials[0].idx))
    made: list[CostPointView] = []
    best = math.inf
    for cost, loss, number, index in sorted(points):
        if loss < best:
            best = loss
            score = turned(-loss, resolved.spec.score_sign)
            assert score is not None  # one was measured
            made.append(CostPointView(cost=cost, score=score, trial=trial_id(number, index)))
    return made


def _view(records: SearchRecords, chosen: Recommended, one: Requirement) -> RequirementView:
    resolved = records.resolved
    view = RequirementView(
        metric=one.metric,
        at_most=one.at_most,
        at_least=one.at_least,
        known=needs.is_known(resolved, one.metric),
    )
    own = [t for t in records.full if same(t.params, chosen.params)]
    value = _mean(resolved, one.metric, own or [_untrained(records, chosen)])
    met = None if value is None else one.met_by(value)
    view = view.model_copy(update={"chosen_by": value, "met": met})
    if view.known:
        return view.model_copy(update={"value": value, "probability": float(met or False)})
    if resolved.workload.trained_here:
        return _tested(records, one, view)
    return _reported(resolved, one, view, own)


def _tested(records: SearchRecords, one: Requirement, view: RequirementView) -> RequirementView:
    """The view with what the sealed test part says of the recommended model."""
    scores = records.test
    score = None if scores is None else metric_views(scores, records.labels).get(one.metric)
    if score is None or score.value is None:
        why = "the recommended model has no value on the test part"
        said = None if score is None else score.note
        return view.model_copy(update={"note": said or why})
    found: dict[str, float | str | None] = {"value": score.value, "note": score.note}
    if score.ci95 is None:
        found["note"] = score.note or "no interval, and so no probability"
        return view.model_copy(update=found)
    low, high = score.ci95
    found |= {"low": low, "high": high, "probability": _normal(one, score.value, low, high)}
    return view.model_copy(update=found)


def _normal(one: Requirement, value: float, low: float, high: float) -> float | None:
    """The probability that the true value meets a requirement, by the half of the interval towards it."""
    towards = value - low if one.limit < value else high - value
    if towards <= 0:
        return None
    behind = (value - one.limit) * NORMAL / towards
    sign = 1 if one.at_most is None else -1
    return 0.5 * math.erfc(-sign * behind / math.sqrt(2))


def _reported(
    resolved: ResolvedSpec, one: Requirement, view: RequirementView, own: Sequence[TrialRecord]
) -> RequirementView:
    """The view with what trainers reported of the recommended setting."""
    values = _values(resolved, one.metric, own)
    if not own:
        return view.model_copy(
            update={"note": "it was not trained in full, so nothing was reported"}
        )
    if not values or len(values) < len(own):
        missing = counted(len(own) - len(values), "training")
        return view.model_copy(update={"note": f"{missing} of it reported no {one.metric}"})
    mean, sd = statistics.mean_sd(values)
    assert mean is not None  # there are values
    if not sd:
        why = (
            "one training alone" if sd is None else f"all {len(values)} trainings reported the same"
        )
        note = f"no probability: {why}; {THE_TRAINERS_WORD}"
        return view.model_copy(update={"value": mean, "note": note})
    from scipy import stats  # the API has no other use for it

    error, freedom = sd / math.sqrt(len(values)), len(values) - 1
    half = float(stats.t.ppf(0.975, freedom)) * error
    sign = 1 if one.at_most is None else -1
    probability = float(stats.t.cdf(sign * (mean - one.limit) / error, freedom))
    return view.model_copy(
        update={
            "value": mean,
            "low": mean - half,
            "high": mean + half,
            "probability": probability,
            "note": f"{counted(len(values), 'training')}, {THE_TRAINERS_WORD}",
        }
    )


def _meets(resolved: ResolvedSpec, trials: Sequence[TrialRecord]) -> bool:
    values = [(one, _mean(resolved, one.metric, trials)) for one in resolved.spec.require]
    return all(value is not None and one.met_by(value) for one, value in values)


def _mean(resolved: ResolvedSpec, name: str, trials: Sequence[TrialRecord]) -> float | None:
    """A quantity of a setting: known, or the mean over its trainings, all of which have to have it."""
    known = needs.known(resolved, trials[0].params).get(name)
    if known is not None:
        return known
    values = _values(resolved, name, trials)
    return statistics.mean_sd(values)[0] if len(values) == len(trials) else None


def _values(resolved: ResolvedSpec, name: str, trials: Sequence[TrialRecord]) -> list[float]:
    values = [needs.measured(resolved, name, o) for o in observations(trials)]
    return [value for value in values if value is not None]


def _untrained(records: SearchRecords, chosen: Recommended) -> TrialRecord:
    """A trial of the recommended setting of which nothing is known, where none was trained in full."""
    return TrialRecord(records.search.id, chosen.round, chosen.index, chosen.params)
