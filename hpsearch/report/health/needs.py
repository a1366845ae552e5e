"""Findings about what the recommendation had to keep."""

from __future__ import annotations

from collections.abc import Iterator

from hpsearch.report import need_words
from hpsearch.report.health.records import SearchRecords
from hpsearch.report.needs import requirement_views
from hpsearch.report.views import HealthNote, RequirementView
from hpsearch.trials import SearchState

SURE = 0.95  # probability from which a requirement counts as met


def requirements(records: SearchRecords) -> Iterator[HealthNote]:
    """Requirements that the recommendation breaks, that were not measured, or that it may break."""
    if records.search.state is not SearchState.COMPLETED:
        return
    for one in requirement_views(records):
        if one.met is not True:
            yield _not_met(one)
        elif not one.known and one.probability is not None and one.probability < SURE:
            yield _not_sure(one)


def _not_met(one: RequirementView) -> HealthNote:
    asked = need_words.asked(one)
    if one.met is None:
        message = (
            f"nothing tells whether the recommendation keeps {asked}: it was not measured in full "
            "trainings of it"
        )
        advice = "have every training report it, or require something that is measured"
    else:
        message = (
            f"the recommendation does not keep {asked}: it has {need_words.quantity(one.chosen_by)}, and "
            "no setting that was trained in full is known to meet all that is required"
        )
        advice = "require less, search other ranges, or spend a larger budget"
    return HealthNote(
        code="requirement_not_met", severity="warning", message=message, numbers=_numbers(one),
        advice=advice,
    )  # fmt: skip


def _not_sure(one: RequirementView) -> HealthNote:
    assert one.probability is not None  # the caller has looked
    return HealthNote(
        code="requirement_not_sure",
        severity="info",
        message=f"the recommendation keeps {need_words.asked(one)} with a probability of "
        f"{need_words.percent(one.probability)}: its value is {need_words.quantity(one.value)}",
        numbers=_numbers(one),
        advice="require a little more than you need, so that luck in validation is no matter",
    )


def _numbers(one: RequirementView) -> dict[str, float | int | str | None]:
    return {
        "metric": one.metric, "at_most": one.at_most, "at_least": one.at_least,
        "chosen_by": one.chosen_by, "value": one.value, "low": one.low, "high": one.high,
        "probability": one.probability,
    }  # fmt: skip
