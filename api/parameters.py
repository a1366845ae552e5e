"""Path, query and header parameters, validated before a handler sees them."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hpsearch.data import Reading
from hpsearch.data.parse.parameters import reading_of
from hpsearch.report.views import StatementFormat
from hpsearch.spec.labels import TAG_MOST, TAGS_MOST
from hpsearch.trials import SearchState, TrialState

MAX_WAIT_SECONDS = 30.0
MAX_PAGE = 1_000
_VISIBLE = r"^[!-~]+$"
_ON_A_LINE = r"^[^\x00-\x1f\x7f]+$"  # PostgreSQL has no NUL, and a line end stands between two tags
Tag = Annotated[str, Field(min_length=1, max_length=TAG_MOST, pattern=_ON_A_LINE)]

Cursor = Annotated[
    str | None,
    Field(max_length=500, pattern=_VISIBLE, description="`next` of the page before this one."),
]
Limit = Annotated[int, Field(ge=1, le=MAX_PAGE, description="Items on a page.")]


class Parameters(BaseModel):
    """Base of parameters that flask-openapi3 takes from a request by the model's JSON schema.

    It asks for the schema with every request, and Pydantic makes it anew each time.
    """

    @classmethod
    def model_json_schema(cls, *options: Any, **named: Any) -> dict[str, Any]:
        """As Pydantic has it; without options made once."""
        if options or named:
            return super().model_json_schema(*options, **named)
        return _schema(cls)


@cache
def _schema(model: type[Parameters]) -> dict[str, Any]:
    return super(Parameters, model).model_json_schema()


class Query(Parameters):
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


class AuditQuery(PageQuery):
    """A selection of the audit."""

    since: str | None = Field(
        None,
        max_length=40,
        pattern=_VISIBLE,
        description="Only acts on this day or later, or at this time or later; UTC where it has no zone.",
    )
    until: str | None = Field(
        None, max_length=40, pattern=_VISIBLE, description="Only acts before this day or time."
    )
    actor: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        pattern=_ON_A_LINE,
        description="Only acts of this key, owner, user of the command line or address, or of this kind: "
        "key, command line, service, stranger.",
    )
    target: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        pattern=_ON_A_LINE,
        description="Only acts on the search or key of this id, or the dataset of this name.",
    )
    action: str | None = Field(
        None, max_length=40, pattern=_VISIBLE, description="Only acts of this word, as key.made."
    )


class SearchesQuery(PageQuery):
    """A page of searches."""

    state: SearchState | None = Field(None, description="Only searches in this state.")
    tag: list[Tag] = Field(
        [],
        max_length=TAGS_MOST,
        description="Only searches with this tag; repeated, with all of them.",
    )
    q: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        pattern=_ON_A_LINE,
        description="Only searches with this text in their name, note or a tag, in letters of any case.",
    )
    since: str | None = Field(
        None,
        max_length=40,
        pattern=_VISIBLE,
        description="Only searches submitted on this day or later, or at this time or later; UTC where "
        "it has no zone.",
    )
    shared: bool = Field(
        False,
        description="Searches of others that this key's owner may read, instead of one's own.",
    )
    everyone: bool = Field(
        False,
        description="Searches of every owner, or with `shared` of every other one; the key needs the "
        "scope operate as well.",
    )


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


class StatementQuery(Query):
    """The form of a statement."""

    format: StatementFormat | None = Field(None, description="Instead of what Accept says.")


class TrialsQuery(PageQuery):
    """A selection of trials, and their order."""

    round: int | None = Field(None, ge=0, le=10_000, description="Only trials of this round.")
    state: TrialState | None = Field(None, description="Only trials in this state.")
    sort: Literal["round", "-validation_accuracy", "-score"] = Field(
        "round",
        description="By round and index, or best first: by validation accuracy, or by the objective's "
        "score. Of an external search both are by its score, in its direction.",
    )
    curve: bool = Field(
        False, description="With learning curves; a page then has at most 100 trials."
    )
    role: bool = Field(
        False, description="As CSV: with a column role, which models of the final test have."
    )


class SubmitQuery(Query):
    """The choice between a search and its plan."""

    dry_run: bool = Field(False, description="Store nothing, and answer what the search would do.")


class EditQuery(Query):
    """The choice between an edit and its preview."""

    dry_run: bool = Field(
        False, description="Store nothing, and answer what the next round would be."
    )


_TEXT = r"^[^\x00-\x1f\x7f]+$"
_ColumnName = Annotated[str, Field(min_length=1, max_length=200, pattern=_TEXT)]
_Words = Annotated[str, Field(min_length=1, max_length=20_000, pattern=_TEXT)]
_LIST = "a list as a line of CSV, and may be repeated"


class UploadQuery(Query):
    """Options for reading a file that could be read in more than one way."""

    label: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        pattern=_TEXT,
        description="Column that holds the class or the target, by its name, or by its number from "
        "0 where there are no names; without it the file's own, or the last one. Tables only.",
    )
    task: Literal["classification", "regression"] | None = Field(
        None,
        description="regression: the labels are numbers to predict. Without it they are classes.",
    )
    drop: list[_Words] = Field([], description=f"Columns to leave out: {_LIST}.")
    kind: list[_Words] = Field(
        [],
        description="Kinds of columns, each NAME:KIND with number, boolean, category, ordered, "
        f"date, date-dmy, date-mdy, date-ymd, text or id: {_LIST}.",
    )
    ordered: list[_Words] = Field(
        [], description=f"Levels from low to high, each NAME:LOW<...<HIGH: {_LIST}."
    )
    missing: list[_Words] = Field(
        [], description=f"Words that stand for a missing value, the label's apart: {_LIST}."
    )
    rare: int | None = Field(
        None, ge=2, le=1_000_000, description="Classes with fewer examples are left out, and said."
    )
    names: list[_Words] = Field([], description=f"Names of all columns: {_LIST}.")
    header: str | None = Field(
        None,
        max_length=8,
        pattern=r"^[A-Za-z0-9]+$",
        description="Whether the first line names the columns: true, false or none; or the number "
        "of the line that does. Without it the lines below tell; where they do not, the answer is "
        "422.",
    )
    delimiter: str | None = Field(
        None,
        min_length=1,
        max_length=5,
        description="Separator of a text file: a character, tab, or space for any run of blanks.",
    )
    decimal: Literal[".", ","] | None = Field(None, description="Decimal mark of a text file.")
    encoding: str | None = Field(
        None, max_length=40, pattern=_VISIBLE, description="Encoding of a text file, as latin-1."
    )
    sheet: str | None = Field(
        None, max_length=200, pattern=_TEXT, description="Sheet of a workbook."
    )
    groups: _ColumnName | None = Field(
        None,
        description="Column that says which rows belong together: each group lies in one part of "
        "every split, the sealed one included.",
    )
    time: _ColumnName | None = Field(
        None,
        description="Column that says when each row was: the latest rows are sealed, and searches "
        "validate on rows later than those they train on.",
    )
    weight: _ColumnName | None = Field(
        None,
        description="Column of numbers that say how much each row counts.",
    )
    filename: str = Field(
        "", max_length=255, description="Name of the file: its suffix is a hint of what it is."
    )
    as_: Literal["image", "table"] | None = Field(
        None,
        alias="as",
        description="Images have one scale for all pixels, a table one for each column. Without "
        "it two dimensions are a table, more an image. Files with arrays only.",
    )
    dry_run: bool = Field(
        False, description="Store nothing, and answer with status 200 what would be stored."
    )
    positive: str | None = Field(
        None,
        min_length=1,
        max_length=64,
        description="Of two classes, the one that f1, f2, f0_5 and average_precision speak of; the "
        "second one without it.",
    )

    @property
    def reading(self) -> Reading:
        """The parameters as the service takes them.

        Raises: InvalidRequest for one that is malformed.
        """
        return reading_of(self.model_dump(by_alias=True, exclude={"dry_run"}))


class IdempotencyHeader(Parameters):
    """Makes a repeated submission harmless."""

    idempotency_key: str | None = Field(
        None,
        alias="Idempotency-Key",
        max_length=200,
        pattern=_VISIBLE,
        description="The same key and body again answer with the first search and status 200.",
    )


class IfMatchHeader(Parameters):
    """Makes a change conditional."""

    if_match: str | None = Field(
        None,
        alias="If-Match",
        description="ETag of the status that the change is based on; 412 if it is older.",
    )


class IfNoneMatchHeader(Parameters):
    """Makes a read conditional."""

    if_none_match: str | None = Field(
        None, alias="If-None-Match", description="ETag already known; 304 if nothing changed."
    )
