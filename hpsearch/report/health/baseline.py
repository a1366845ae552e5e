"""Findings about the setting that a search was to beat."""

from __future__ import annotations

from collections.abc import Iterator

from hpsearch.metrics import METRICS
from hpsearch.report import words
from hpsearch.report.gain import gain_view
from hpsearch.report.health.records import SearchRecords
from hpsearch.report.views import GainView, HealthNote
from hpsearch.trials import SearchState

FEWER = "keep it, or search on: more rounds, other ranges, other hyperparameters"
UNKNOWN = "a setting that diverges is none to keep; where trainings failed, mend the cause and search again"


def not_beaten(records: SearchRecords) -> Iterator[HealthNote]:
    """A gain that may be none, is a loss, or could not be measured."""
    if records.search.state is not SearchState.COMPLETED:
        return  # its models are known before they have been trained
    gain = gain_view(records)
    if gain is None or (gain.low is not None and gain.low > 0):
        return
    worse = gain.high is not None and gain.high < 0
    known = gain.low is not None or gain.same_setting
    said = "the search has not beaten" if known else "nothing tells whether the search has beaten"
    advice = f"your setting is the better one: {FEWER}" if worse else FEWER
    yield HealthNote(
        code="baseline_not_beaten",
        severity="warning" if worse else "info",
        message=f"{said} your setting: {_why(records, gain)}",
        numbers={
            "gain": gain.value, "low": gain.low, "high": gain.high,
            "probability": gain.probability, "models": gain.models,
        },
        advice=UNKNOWN if gain.value is None else advice,
    )  # fmt: skip


def _why(records: SearchRecords, gain: GainView) -> str:
    if gain.same_setting:
        return "it recommends that very setting"
    metric = METRICS.get(records.resolved.spec.objective)
    title = "the score" if metric is None else metric.title
    if gain.value is None:
        return gain.note or "nothing could be compared"
    value = f"its gain by {title} is {words.signed(gain.value)}"
    if gain.low is None or gain.high is None:
        return f"{value}, and no interval tells it from none ({gain.note})"
    ends = f"{words.signed(gain.low)} to {words.signed(gain.high)}"
    return f"{value}, with a 95 % interval of {ends}"
