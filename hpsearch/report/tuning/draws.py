"""The random draws of a search that a tuning curve is computed from, and the curve's view.

Only trials of the first round that were drawn from all that was asked for count: not the settings that its
user named, not those about a guess, and nothing of later rounds, whose ranges follow from scores.
"""

from __future__ import annotations

from collections.abc import Sequence

from hpsearch.directions import turned
from hpsearch.metrics import METRICS
from hpsearch.plural import counted
from hpsearch.records import RoundRecord, SearchRecord, TrialRecord
from hpsearch.report.tuning.band import Band, band
from hpsearch.report.tuning.curve import Estimate, Scores, expected_best, median_best
from hpsearch.report.views import TuningCurveView, TuningPointView
from hpsearch.spec import ResolvedSpec, given, guesses

MOST = 1_000  # draws; of more the first ones, which are as random as all
CONFIDENCE = 0.95
EACH = 16  # trials up to which every number of them has a point
A_DOUBLING = 4  # points in each doubling of the trials beyond
UNBOUNDED = (float("-inf"), float("inf"))


def tuning_curve(
    search: SearchRecord, rounds: Sequence[RoundRecord], first: Sequence[TrialRecord]
) -> TuningCurveView:
    """The tuning curve of a search.

    Parameters
    ----------
    rounds
        All that have begun.
    first
        The trials of the first round, `MOST` of the draws and all before them at the least.
    """
    resolved = search.resolved(after=0)
    reason = _reason(search, resolved, rounds)
    drawn = [] if reason else _drawn(resolved, rounds[0], first)
    known = sum(t.score is not None for t in drawn)
    if reason is None and known < 2:
        reason = f"{counted(known, 'drawn trial')} of the first round with a score tells nothing"
    no_band = None if reason else _no_band(resolved)
    made = None if reason or no_band else band(len(drawn), CONFIDENCE)
    points = [] if reason else _points(resolved, [t.score for t in drawn], made)
    return TuningCurveView(
        objective=resolved.spec.objective,
        direction=resolved.spec.direction,
        draws=len(drawn),
        lost=len(drawn) - known,
        epochs=rounds[0].epochs if rounds else None,
        confidence=None if made is None else CONFIDENCE,
        points=points,
        not_available=reason,
        no_band=no_band,
    )


def _reason(
    search: SearchRecord, resolved: ResolvedSpec, rounds: Sequence[RoundRecord]
) -> str | None:
    """The reason why the first round has no draws that a curve can be computed from."""
    if search.warm_start:
        return "the search began with earlier trials, which had a say in what its first round drew"
    if not rounds or rounds[0].open_jobs or rounds[0].ended < rounds[0].planned:
        return "the first round has not ended, and the trials that end first are not all alike"
    if len(rounds[0].ladder) > 1:
        return (
            "it is about trials that are trained in full, and in the first round the worse ones were stopped "
            "early (epochs.halving)"
        )
    if rounds[0].epochs < resolved.spec.epochs.last:
        return (
            f"it is about trials that are trained in full, and those of the first round had "
            f"{rounds[0].epochs} of {counted(resolved.spec.epochs.last, 'epoch')}"
        )
    return None


def _no_band(resolved: ResolvedSpec) -> str | None:
    """The reason why the draws are not independent, or None."""
    if resolved.spec.sampler != "random":
        return (
            "the first round has the points of a Sobol sequence, which lie more evenly than independent "
            "draws; sampler random has a band"
        )
    shaping = sorted(n for n in resolved.space.shaping if len(resolved.box[n].grid()) > 1)
    if shaping:
        return f"trials that are trained together share {', '.join(shaping)}, so that they are not independent"
    return None


def _drawn(
    resolved: ResolvedSpec, first: RoundRecord, trials: Sequence[TrialRecord]
) -> list[TrialRecord]:
    """The trials drawn from all that was asked for."""
    named = len(given.begins_with(resolved, first.planned))
    before = named + guesses.drawn_near(resolved, first.planned - named)
    ordered = sorted(trials, key=lambda t: t.idx)
    return [t for t in ordered if t.idx >= before][:MOST]


def _points(
    resolved: ResolvedSpec, scores: Sequence[float | None], made: Band | None
) -> list[TuningPointView]:
    """The points of the curve, in the direction of the scores that are shown."""
    metric, sign = METRICS.get(resolved.spec.objective), resolved.spec.score_sign
    ranked = Scores.of(scores, UNBOUNDED if metric is None else metric.rank_bounds)
    points = []
    for k in _counts(len(scores)):
        mean, median = expected_best(ranked, k, made), median_best(ranked, k, made)
        mean, median = (_shown(one, sign) for one in (mean, median))
        points.append(
            TuningPointView(
                trials=k,
                expected=mean.value,
                expected_low=mean.low,
                expected_high=mean.high,
                median=median.value,
                median_low=median.low,
                median_high=median.high,
            )
        )
    return points


def _shown(rank: Estimate, sign: int) -> Estimate:
    """An estimate of rank values as one of scores, in which the lower end is the smaller number."""
    low, high = (rank.low, rank.high) if sign > 0 else (rank.high, rank.low)
    return Estimate(turned(rank.value, sign), turned(low, sign), turned(high, sign))


def _counts(n: int) -> list[int]:
    """The numbers of trials that have a point: few of many, the last one always."""
    further = (round(EACH * 2 ** (j / A_DOUBLING)) for j in range(64))
    return sorted({k for k in (*range(1, EACH + 1), *further, n) if k <= n})
