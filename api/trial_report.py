"""The bodies that trainers send."""

from __future__ import annotations

from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hpsearch.errors import InvalidRequest
from hpsearch.service.external import TrialUpdate
from hpsearch.spec import from_pydantic
from hpsearch.trials import SCORE_MOST, TrialState

Body = TypeVar("Body", bound="TrialHeartbeat")


class TrialHeartbeat(BaseModel):
    """A sign of life."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    token: str = Field(min_length=1, max_length=100, description="Of the lease.")


class TrialReportBody(TrialHeartbeat):
    """A score after some epoch, or the end of a trial that has none."""

    epoch: int | None = Field(
        None, ge=1, le=1000, description="After which epoch; without it, after the last one."
    )
    score: float | None = Field(
        None,
        ge=-SCORE_MOST,
        le=SCORE_MOST,
        description="Higher is better. On examples kept for validation, of a final trial on those "
        "kept for the test.",
    )
    loss: float | None = Field(
        None,
        ge=-SCORE_MOST,
        le=SCORE_MOST,
        description="Shown; between equal scores the lower one is better.",
    )
    state: Literal["diverged", "failed"] | None = Field(
        None,
        description="diverged: trained, to nothing that could be scored, which is the worst "
        "score. failed: could not be trained, which says nothing about its parameters.",
    )
    message: str | None = Field(None, max_length=2000, description="Why, for people.")

    @model_validator(mode="after")
    def _one_of_both(self) -> TrialReportBody:
        if (self.score is None) == (self.state is None):
            raise ValueError('give a "score", or a "state" of diverged or failed')
        return self


def beat(data: object) -> TrialHeartbeat:
    """`data` as a heartbeat.

    Raises
    ------
    InvalidRequest
        With every mistake in it.
    """
    return _read(TrialHeartbeat, data)


def trial_update(data: object) -> TrialUpdate:
    """`data` as a trainer's word on its trial.

    Raises
    ------
    InvalidRequest
        With every mistake in it.
    """
    body = _read(TrialReportBody, data)
    return TrialUpdate(
        token=body.token,
        epoch=body.epoch,
        score=body.score,
        loss=body.loss,
        state=None if body.state is None else TrialState(body.state),
        message=body.message,
    )


def _read(kind: type[Body], data: object) -> Body:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        mistakes = "; ".join(f"{m.path or 'the body'}: {m.message}" for m in from_pydantic(error))
        raise InvalidRequest(f"this is no report of a trial: {mistakes}") from error
