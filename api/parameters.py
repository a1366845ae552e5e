"""Path, query and header parameters, validated before a handler sees them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hpsearch.trials import SearchState, TrialState

MAX_WAIT_SECONDS = 30.0
MAX_PAGE = 1_000
_VISIBLE = r"^[!-~]+$"

Cursor = Annotated[
    str | None,
    Field(max_length=500, pattern=_VISIBLE, description="`next` of the page before this one."),
]
Limit = Annotated[int, Field(ge=1, le=MAX_PAGE, description="Items on a page.")]


class Query(BaseModel):
    """Base of query parameters: an unknown one is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoQuery(Query):
    """The query of routes that take no parameters."""


class SearchPath(BaseModel):
    """The id of a search."""

    id: str = Field(max_length=64, pattern=r"^[A-Za-z0-9_-]+$", description="Id of the search.")


class TrialPath(SearchPath):
    """The id of a search and of one of its trials."""

    trial: str = Field(
        pattern=r"^[0-9]{1,4}-[0-9]{1,6}$", description="Id of the trial, such as 1-6."
    )


class DatasetPath(BaseModel):
    """The name of a dataset."""

    name: str = Field(
        max_length=64,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Name of the dataset: letters, digits, dots, dashes and underscores.",
    )


class KeyPath(BaseModel):
    """The id of a key."""

    id: str = Field(max_length=32, pattern=r"^[A-Za-z0-9_-]+$", description="Id of the key.")


class PageQuery(Query):
    """A page of a list."""

    limit: Limit = 100
    cursor: Cursor = None


class SearchesQuery(PageQuery):
    """A page of searches."""

    state: SearchState | None = Field(None, description="Only searches in this state.")


class StatusQuery(Query):
    """The time to wait for news."""

    wait: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        description=(
            f"Seconds to wait for a change, at the most {MAX_WAIT_SECONDS:g}: from the revision in "
            "If-None-Match, or else from the present one."
        ),
    )


class ClaimQuery(Query):
    """The time to wait for a trial, and its lease."""

    wait: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        description=f"Seconds to wait for an open trial, at the most {MAX_WAIT_SECONDS:g}.",
    )
    lease: float | None = Field(
        None,
        ge=1,
        le=3600,
        description="Seconds of silence after which the trial is given to somebody else; without "
        "it those of the service, 30 unless it is set up otherwise.",
    )


class TrialsQuery(PageQuery):
    """A selection of trials, and their order."""

    round: int | None = Field(None, ge=0, le=10_000, description="Only trials of this round.")
    state: TrialState | None = Field(None, description="Only trials in this state.")
    sort: Literal["round", "-validation_accuracy"] = Field(
        "round", description="By round and index, or best validation accuracy first."
    )
    curve: bool = Field(
        False, description="With learning curves; a page then has at most 100 trials."
    )


class EditQuery(Query):
    """The choice between an edit and its preview."""

    dry_run: bool = Field(
        False, description="Store nothing, and answer what the next round would be."
    )


class UploadQuery(Query):
    """Options for reading a CSV file."""

    label: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="Column that holds the class; the last one without it. CSV only.",
    )


class IdempotencyHeader(BaseModel):
    """Makes a repeated submission harmless."""

    idempotency_key: str | None = Field(
        None,
        alias="Idempotency-Key",
        max_length=200,
        pattern=_VISIBLE,
        description="The same key and body again answer with the first search and status 200.",
    )


class IfMatchHeader(BaseModel):
    """Makes a change conditional."""

    if_match: str | None = Field(
        None,
        alias="If-Match",
        description="ETag of the status that the change is based on; 412 if it is older.",
    )


class IfNoneMatchHeader(BaseModel):
    """Makes a read conditional."""

    if_none_match: str | None = Field(
        None, alias="If-None-Match", description="ETag already known; 304 if nothing changed."
    )
