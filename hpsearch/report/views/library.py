"""Datasets and keys."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hpsearch.report.views.base import View


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


class KeyView(View):
    """An API key, its secret left out."""

    id: str
    name: str
    owner: str
    scopes: list[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None = Field(None, description="To the minute; null before the first use.")
