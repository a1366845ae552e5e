"""The body that asks for a new key."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hpsearch.errors import InvalidRequest
from hpsearch.spec import from_pydantic

Scope = Literal["read", "submit", "admin"]


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
    scopes: list[Scope] = Field(
        ["read", "submit"], min_length=1, max_length=3, description="What it may do."
    )
    days: int | None = Field(
        None, ge=1, le=36_500, description="Days until it expires; never without it."
    )


def key_request(data: object) -> KeyRequest:
    """`data` as a request for a key.

    Raises
    ------
    InvalidRequest
        With every mistake in it.
    """
    try:
        return KeyRequest.model_validate(data)
    except ValidationError as error:
        mistakes = "; ".join(f"{m.path or 'the body'}: {m.message}" for m in from_pydantic(error))
        raise InvalidRequest(f"this is no request for a key: {mistakes}") from error
