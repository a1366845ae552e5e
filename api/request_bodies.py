"""Bodies that the routes read besides specs: an edit, a new key, a trainer's heartbeat and report.

What an edit may say is the service's to judge; its model is for the OpenAPI document alone.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from hpsearch.errors import InvalidReport, InvalidRequest, Mistake
from hpsearch.service.trial_reports import TrialUpdate
from hpsearch.space import Choices
from hpsearch.spec import from_pydantic
from hpsearch.spec.budget import COST_MOST, BudgetSpec
from hpsearch.spec.combinations import FORBIDDEN_MOST, Forbid
from hpsearch.spec.labels import Note, Tags
from hpsearch.spec.models import Setting
from hpsearch.spec.needs import METRIC_NAME, METRIC_NAME_MOST, NAME_MOST, Requirements
from hpsearch.trials import REPLICATES_MOST, SCORE_MOST, TrialState, mean_score

KeyScope = Literal["read", "submit", "operate", "admin"]
MetricName = Annotated[
    str,
    Field(
        min_length=1, max_length=METRIC_NAME_MOST, pattern=METRIC_NAME, description="Of a metric."
    ),
]
MetricValue = Annotated[float, Field(ge=-SCORE_MOST, le=SCORE_MOST)]
METRICS_MOST = 32
REMARK_MOST = 2000  # characters of a note or a link
Body = TypeVar("Body", bound=BaseModel)


def _without_defaults(schema: dict[str, Any]) -> None:
    """Take the defaults out: a field that is left out of an edit stays as it is."""
    for field in schema["properties"].values():
        field.pop("default", None)


class _Edit(BaseModel):
    """Base of edits: any field may be left out."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_without_defaults)


class RangeEdit(_Edit):
    """Fields of a range; those left out stay as they are, null takes a hard limit or a guess away."""

    low: float = Field(0.0, description="Lower edge, inclusive.")
    high: float = Field(0.0, description="Upper edge, inclusive; above low.")
    scale: Literal["log", "linear"] = "linear"
    integer: bool = False
    hard_low: float | None = Field(None, description="Never search below.")
    hard_high: float | None = Field(None, description="Never search above.")
    guess: float | None = Field(None, description="The value that you believe in.")


class EpochsEdit(_Edit):
    """Fields of `epochs`; those left out stay as they are."""

    first: int = Field(1, ge=1)
    last: int = Field(1, ge=1)
    halving: bool = True
    budget: int | None = Field(None, ge=1)


class TrialsEdit(_Edit):
    """Trials of the first and of the last exploring round; what is left out stays as it is."""

    first: int = Field(1, ge=1)
    last: int = Field(1, ge=1)


class SearchEdit(_Edit):
    """Changes of a running search; whatever is left out stays as it is."""

    space: dict[str, RangeEdit | Choices] = Field(
        {}, description="New ranges, or parts of them, of hyperparameters that are searched."
    )
    rounds: int = Field(1, ge=1, description="Not fewer than have begun.")
    trials_per_round: int | TrialsEdit = Field(1)
    epochs: EpochsEdit = EpochsEdit()
    budget: BudgetSpec = Field(
        BudgetSpec(epochs=1),
        description="A larger one, in the unit of the present one; more rounds follow from it.",
    )
    tags: Tags = Field((), description="In place of those it has; also of a search that has ended.")
    note: Note = Field("", description="Likewise.")
    baseline: Setting | None = Field(
        None,
        description="Another setting to be beaten, as a whole; null: none. Trained from then on.",
    )
    try_first: list[Setting] = Field(
        [], description="Settings for the first round, as a whole, as long as it has not begun."
    )
    require: Requirements = Field(
        (),
        description="Other requirements, as a whole, from the next decision on. A metric that the "
        "trials have not measured from the first one on is refused.",
    )
    cheapest: str | None = Field(
        None, max_length=NAME_MOST, description="Likewise; null: the best, whatever it costs."
    )
    forbid: Forbid = Field(
        (),
        max_length=FORBIDDEN_MOST,
        description="Other combinations, as a whole, from the next decision on. What was trained before "
        "is neither trained again nor recommended where they forbid it.",
    )


class KeyRequest(BaseModel):
    """A new key: for whom, for what, for how long."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(min_length=1, max_length=100, description="What the key is for.")
    owner: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="Whose searches and datasets it opens; the key's own name without it.",
    )
    scopes: list[KeyScope] = Field(
        ["read", "submit"], min_length=1, max_length=4, description="What it may do."
    )
    days: int | None = Field(
        None, ge=1, le=36_500, description="Days until it expires; never without it."
    )


class SharingRequest(BaseModel):
    """Owners who may read a search besides its own."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sharing: list[Annotated[str, Field(min_length=1, max_length=100)]] | Literal["all"] = Field(
        description='Names of owners, or "all"; an empty list takes every grant back.'
    )

    @field_validator("sharing", mode="wrap")
    @classmethod
    def _left_to_the_service(cls, value: object, _handler: object) -> object:
        """Whatever was sent: pydantic would tell both forms' mistakes, by names of its own."""
        return value


class OperateRequest(BaseModel):
    """The act of an operator on a search, and its reason."""

    model_config = ConfigDict(extra="forbid", strict=True)

    action: Literal["pause", "resume", "cancel"]
    reason: str = Field(
        min_length=1, max_length=500, description="On one line; the owner reads it in the status."
    )


class TrialHeartbeat(BaseModel):
    """A sign of life."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    token: str = Field(min_length=1, max_length=100, description="Of the lease.")


class _Beside(BaseModel):
    """The fields of a report beside its score."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)

    metrics: dict[MetricName, MetricValue] | None = Field(
        None,
        max_length=METRICS_MOST,
        description="Other numbers beside the score, by name. They decide nothing but what the spec's "
        "`require` names; those of the last report that has some are kept.",
    )
    cost: float | None = Field(
        None,
        ge=0,
        le=COST_MOST,
        description="What this trial has cost so far, in all, in a unit of your own.",
    )
    note: Note | None = Field(
        None,
        min_length=1,
        max_length=REMARK_MOST,
        description="For people, in plain text, in place of the note before.",
    )
    link: str | None = Field(
        None,
        max_length=REMARK_MOST,
        description="http(s) address of more about this trial, in place of the one before.",
    )

    @field_validator("link")
    @classmethod
    def _leads_to_a_page(cls, link: str | None) -> str | None:
        if link is not None and not _is_page(link):
            raise ValueError(
                f"{link!r} is no address of a page; write https://example.org/run/7, without a user"
            )
        return link


def _is_page(link: str) -> bool:
    """True of an http(s) address with a host, in which nothing is hidden."""
    if not (link.isascii() and link.isprintable()) or set(link) & set(' "<>\\^`{|}'):
        return False
    try:
        parts = urlsplit(link)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        )
    except ValueError:
        return False


class TrialReportBody(_Beside, TrialHeartbeat):
    """A score after some epoch, or the end of a trial that has none."""

    epoch: int | None = Field(
        None, ge=1, le=1000, description="After which epoch; without it, after the last one."
    )
    score: float | None = Field(
        None,
        json_schema_extra={"minimum": -SCORE_MOST, "maximum": SCORE_MOST},
        description="Better as the search's direction says: higher, or lower where it minimises. On "
        "examples kept for validation, of a final trial on those kept for the test.",
    )
    replicates: list[float] | None = Field(
        None,
        json_schema_extra={"minItems": 2, "maxItems": REPLICATES_MOST},
        description="In place of `score`, which is their mean: scores of several trainings of this trial, "
        "with a seed each. Each counts as a training of its parameters.",
    )
    loss: float | None = Field(
        None,
        json_schema_extra={"minimum": -SCORE_MOST, "maximum": SCORE_MOST},
        description="Shown; between equal scores the lower one is better.",
    )
    state: Literal["completed", "diverged", "failed", "returned"] | None = Field(
        None,
        description="completed: the training has ended before its last epoch, and its last score "
        "stands. diverged: trained, to nothing that could be scored (NaN), which is the worst "
        "score. failed: could not be trained, which says nothing about its parameters. returned: "
        "its trainer stops; the trial waits for another one, its scores are forgotten, and it is "
        "no loss.",
    )
    message: str | None = Field(None, max_length=2000, description="Why, for people.")

    @field_validator("score", "loss")
    @classmethod
    def _within_reach(cls, value: float | None) -> float | None:
        if value is not None and abs(value) > SCORE_MOST:
            raise ValueError(f"{value:g} is beyond {SCORE_MOST:g}; report it on another scale")
        return value

    @field_validator("replicates")
    @classmethod
    def _all_within_reach(cls, values: list[float] | None) -> list[float] | None:
        if values is not None and not 2 <= len(values) <= REPLICATES_MOST:
            raise ValueError(
                f'there are {len(values)}; give 2 to {REPLICATES_MOST} scores, or a single one as "score"'
            )
        for value in values or ():
            cls._within_reach(value)
        return values

    @property
    def scored(self) -> float | None:
        """The score, or the mean of the replicates."""
        return self.score if self.replicates is None else mean_score(self.replicates)

    @model_validator(mode="after")
    def _one_of_both(self) -> TrialReportBody:
        if self.score is not None and self.replicates is not None:
            raise ValueError('give a "score", or "replicates", whose mean it is, and not both')
        score = self.scored
        both = score is not None and self.state is not None
        if (both and self.state != "completed") or (score is None and self.state is None):
            raise ValueError(
                'give a "score", or a "state" of completed (which may have one), diverged, failed '
                "or returned"
            )
        return self


def parse_key_request(data: object) -> KeyRequest:
    """`data` as a request for a key; InvalidRequest with every mistake in it."""
    return _parse(KeyRequest, data, "request for a key")


def parse_sharing(data: object) -> SharingRequest:
    """`data` as a sharing; InvalidRequest with every mistake in it."""
    return _parse(SharingRequest, data, "sharing")


def parse_operation(data: object) -> OperateRequest:
    """`data` as an operator's act; InvalidRequest with every mistake in it."""
    return _parse(OperateRequest, data, "act of an operator")


def parse_heartbeat(data: object) -> TrialHeartbeat:
    """`data` as a heartbeat; InvalidRequest with every mistake in it."""
    return _parse(TrialHeartbeat, data, "report of a trial")


def parse_trial_report(data: object) -> TrialUpdate:
    """`data` as the report of a trial; InvalidRequest with every mistake in it.

    Raises
    ------
    InvalidReport
        Its metrics, cost, note or link have mistakes: all are listed by their paths.
    """
    _check_beside(data)
    body = _parse(TrialReportBody, data, "report of a trial")
    returned = body.state == "returned"
    return TrialUpdate(
        token=body.token,
        epoch=body.epoch,
        score=body.scored,
        loss=body.loss,
        state=None if body.state is None or returned else TrialState(body.state),
        message=body.message,
        returned=returned,
        metrics=body.metrics,
        cost=body.cost,
        note=body.note,
        link=body.link,
        replicates=body.replicates,
    )


def _check_beside(data: object) -> None:
    """Refuse a report for what it has beside its score alone, each mistake with its path."""
    if not isinstance(data, dict):
        return
    try:
        _Beside.model_validate({n: data[n] for n in _Beside.model_fields if n in data})
    except ValidationError as error:
        mistakes = [_worded(m) for m in from_pydantic(error)]
        raise InvalidReport("this is no report of a trial", mistakes) from error


def _worded(mistake: Mistake) -> Mistake:
    """A mistake; that of a bad name lies at the metric itself."""
    path, message = mistake.path.removesuffix(".[key]"), mistake.message
    if mistake.path.endswith(".[key]"):
        message = (
            "the name of a metric has 1 to 60 letters, digits, spaces and _ . : / -, and begins "
            "with a letter or _"
        )
    return Mistake(path, message)


def _parse(kind: type[Body], data: object, title: str) -> Body:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        mistakes = "; ".join(f"{m.path or 'the body'}: {m.message}" for m in from_pydantic(error))
        raise InvalidRequest(f"this is no {title}: {mistakes}") from error
