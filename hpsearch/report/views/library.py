"""Datasets and keys."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from hpsearch.report.views.base import View
from hpsearch.report.views.health import HealthNote

MOST_NAMES = 100
MOST_LEVELS = 20


class ColumnView(View):
    """A stored column of a table, and what its numbers stand for."""

    name: str
    kind: Literal["number", "boolean", "category", "ordered"]
    levels: list[str] | None = Field(
        None, description=f"Words of a category, the first {MOST_LEVELS}, or of false and true."
    )
    n_levels: int | None = Field(None, description="Number of levels.")
    missing: int = Field(0, description="Examples without a value, of both parts together.")
    source: str | None = Field(
        None, description="Column of the file that a date's part comes from."
    )
    part: str | None = Field(None, description="Part of a date: days since 1970, or a cycle.")
    unit: str | None = Field(
        None, description="Mark that stands beside the file's numbers, such as %, and is taken off."
    )


class LeftOutView(View):
    """A column of the file that is not stored."""

    name: str
    kind: str = Field(
        description="text, id, constant, index, empty, dropped, groups, time or weight."
    )
    reason: str


class SpreadView(View):
    """Targets of a regression, of the training part."""

    min: float
    max: float
    mean: float
    sd: float


class GroupsView(View):
    """Groups of rows, each of which lies in one part."""

    column: str
    n_train: int = Field(description="Groups of the training part.")
    n_test: int = Field(description="Groups of the sealed part; none of them is in training.")
    rows_without: int = Field(
        description="Rows of the file whose group is missing: each is one by itself."
    )


class TimeView(View):
    """The time of rows: all that is sealed is later than all that trains."""

    column: str
    train: tuple[str, str] = Field(description="First and last time of the training part.")
    test: tuple[str, str] = Field(description="Those of the sealed part.")
    cut: str = Field(description="The first time that is sealed.")
    stamps: int = Field(description="Different times in the training part.")


class PartWeightView(View):
    """The weights of a part's rows."""

    rows: int = Field(description="Rows with a weight above 0; the others neither train nor score.")
    sum: float
    effective_rows: float = Field(
        description="Rows of equal weight that they come to: (sum w)² / sum w²."
    )


class WeightView(View):
    """The column by which rows count, and what it comes to."""

    column: str
    train: PartWeightView
    test: PartWeightView


class DatasetView(View):
    """A dataset; the test part shows its size alone.

    A built-in one is made when it is first used; until then its digest and sizes are null.
    """

    name: str
    digest: str | None = None
    kind: Literal["image", "tabular"] | None = None
    shape: list[int] | None = None
    features: int | None = None
    n_train: int | None = None
    n_test: int | None = None
    classes: list[str] | None = None
    test_split: Literal["given", "made"] | None = None
    licence: str
    source: str
    builtin: bool
    label: str | None = Field(None, description="Column of the classes, where columns have names.")
    feature_names: list[str] | None = Field(
        None, description=f"Names of the features, the first {MOST_NAMES}; none in an .npz file."
    )
    class_counts: list[int] | None = Field(
        None, description="Examples of each class, of both parts together; null in older datasets."
    )
    majority_share: float | None = Field(
        None, description="Share of the most frequent class: what always saying it would score."
    )
    task: Literal["classification", "regression"] | None = Field(
        None, description="regression: the labels are numbers to predict."
    )
    positive: str | None = Field(
        None,
        description="Of two classes, the one that f1, f2, f0_5 and average_precision speak of.",
    )
    target: SpreadView | None = Field(None, description="The targets of a regression.")
    notes: list[HealthNote] = Field([], description="Findings at ingest; warnings come first.")
    columns: list[ColumnView] | None = Field(
        None, description=f"Stored columns of a table, the first {MOST_NAMES}; null without names."
    )
    left_out: list[LeftOutView] = Field([], description="Columns of the file that are not stored.")
    groups: GroupsView | None = Field(
        None, description="Groups that split the rows, where the upload named their column."
    )
    time: TimeView | None = Field(
        None, description="Time that splits the rows, where the upload named its column."
    )
    weight: WeightView | None = Field(
        None, description="How much rows count; null where every row counts the same."
    )


class TestRowsView(View):
    """The examples that were split off and sealed: their numbers in the file, not their values."""

    __test__ = False  # pytest would otherwise take the name for a test class

    name: str
    digest: str
    examples: int = Field(description="Examples in the file.")
    rows: list[int] = Field(
        description="Numbers of the sealed ones, ascending. The first example has the number 0; a "
        "line of names is none."
    )


class KeyView(View):
    """An API key, its secret left out."""

    id: str
    name: str
    owner: str
    scopes: list[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None = Field(
        None, description="Written within a minute; null before the first use."
    )


class WhoamiView(View):
    """The key that a request was sent with, and what it opens."""

    owner: str = Field(description="Whose searches and datasets it opens.")
    scopes: list[str] = Field(description="Of read, submit, operate and admin, in this order.")
    key_id: str
    key_name: str = Field(description="What the key is for, as it was made.")
    expires_at: str | None = Field(description="Null of a key without an end.")


class AuditView(View):
    """A row of the audit: who did what to what, and when."""

    id: int = Field(
        description="Grows from row to row; rows that were added at once may lie either way."
    )
    at: str
    actor: str = Field(
        description="In what way somebody acted: key, command line, service, or stranger, who has no "
        "valid key."
    )
    key_id: str | None = None
    owner: str | None = Field(None, description="Owner of the key that was shown.")
    os_user: str | None = Field(
        None, description="User of the operating system, at the command line."
    )
    address: str | None = None
    request_id: str | None = None
    action: str = Field(description="Such as key.made, search.cancelled or dataset.put.")
    target: str | None = Field(None, description="Id or name of what was acted on.")
    detail: dict[str, Any] = Field({}, description="More about the act; never a secret.")
    times: int = Field(1, description="How many acts the row stands for; of refused keys alone.")
