"""The recommended setting against the one that its user had."""

from __future__ import annotations

from pydantic import Field

from hpsearch.combinations import Level
from hpsearch.report.views.base import View


class GainMetricView(View):
    """The gain by one metric, beside the values of both settings."""

    value: float | None = Field(
        description="Mean over the models of the recommended setting against that of the baseline's; "
        "above 0 the recommended one is better, also by a metric that is minimised."
    )
    low: float | None = Field(None, description="Lower end of the 95 % interval.")
    high: float | None = Field(None, description="Upper end.")
    probability: float | None = Field(
        None, description="That the recommended setting is the better one; null with the interval."
    )
    recommended: float | None = Field(
        None,
        description="The metric of the recommended setting, by its own direction: a mean. Of an "
        "external search its score as reported.",
    )
    baseline: float | None = Field(None, description="That of the baseline, likewise.")
    note: str | None = Field(None, description="Why there is no interval, or what it leaves out.")


class GainView(GainMetricView):
    """The gain on the test part by the search's objective, and by every other metric."""

    same_setting: bool = Field(
        description="The recommendation is the baseline: the gain is 0, without an interval."
    )
    models: int = Field(description="Trainings of each setting in the final test.")
    paired: bool = Field(
        description="Compared example by example, by whole groups where there are groups; false of an "
        "external search, whose scores are the trainer's word."
    )
    metrics: dict[str, GainMetricView] = Field(
        {}, description="By the names of all metrics of the task; empty of an external search."
    )


class BaselineView(View):
    """The setting to be beaten."""

    params: dict[str, Level]
    outside: list[str] = Field(
        [], description="Hyperparameters whose value lies outside what was asked for."
    )
    validation_score: float | None = Field(
        None,
        description="Mean score of its full trainings, higher is better; as reported, of an external "
        "search: better as its direction says.",
    )
    trainings: int = Field(0, description="How often it was trained in full.")
