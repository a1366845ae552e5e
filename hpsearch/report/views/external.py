"""A trial that is trained elsewhere: what its trainer is given, and told."""

from __future__ import annotations

from pydantic import Field

from hpsearch.combinations import Level
from hpsearch.report.views.base import View
from hpsearch.states import Role, RoundKind


class LeaseView(View):
    """For how long a trial belongs to its trainer without a word from it."""

    token: str = Field(description="Shows that the trial is yours; sent with every report.")
    seconds: float = Field(description="Every heartbeat and every report begins them anew.")


class OrderView(View):
    """One trial to be trained."""

    search: str
    trial: str
    kind: RoundKind = Field(description="final: to be scored on the test part.")
    role: Role | None = Field(None, description="Of a model of the final test.")
    params: dict[str, Level]
    epochs: int = Field(description="To be trained for, unless a report is answered with stop.")
    rungs: list[int] = Field(description="Epochs that have to be reported; the last one ends it.")
    seed: int = Field(description="For everything random in it; below 2**31, one for each trial.")
    attempt: int = Field(description="How often it has been handed out, returned ones included.")
    lease: LeaseView


class VerdictView(View):
    """The answer to a report."""

    trial: str
    stop: bool = Field(description="The trial is over, and nothing of it is wanted any more.")
    reason: str | None = Field(None, description="Why it is over.")


class HeartbeatView(View):
    """The answer to a heartbeat."""

    trial: str
    seconds: float = Field(description="Until the next word is due.")
