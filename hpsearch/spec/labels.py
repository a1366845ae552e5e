"""Labels of a search: tags and a note, which its user may change at any time.

They say nothing of what is searched: they lie beside the stored spec, and outside the digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from hpsearch.errors import Mistake

TAGS_MOST = 20
TAG_MOST = 50  # characters
NOTE_MOST = 4_000  # characters
FIELDS = ("tags", "note")


def _tag(value: str) -> str:
    if not value.isprintable() or value != value.strip() or not value:
        raise ValueError(
            f"a tag has 1 to {TAG_MOST} printable characters, and no space at its ends"
        )
    return value


def _distinct(tags: tuple[str, ...]) -> tuple[str, ...]:
    twice = next((tag for i, tag in enumerate(tags) if tag in tags[:i]), None)
    if twice is not None:
        raise ValueError(f"{twice!r} is listed twice; drop one of the two")
    return tags


def _plain(value: str) -> str:
    if not all(c.isprintable() or c in "\n\t" for c in value):
        raise ValueError("a note is plain text: printable characters, tabs and line ends")
    return value


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Tags = Annotated[
    tuple[Annotated[str, Field(max_length=TAG_MOST), AfterValidator(_tag)], ...],
    BeforeValidator(_as_tuple),
    Field(max_length=TAGS_MOST),
    AfterValidator(_distinct),
]
Note = Annotated[str, Field(max_length=NOTE_MOST), AfterValidator(_plain)]


class Labels(BaseModel):
    """A change of labels: None leaves one as it is, an empty one takes it away."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    tags: Tags | None = None
    note: Note | None = None


def labels_in(changes: Mapping[str, Any]) -> tuple[Labels, list[Mistake]]:
    """The labels among some changes, and their mistakes."""
    asked = {name: changes[name] for name in FIELDS if name in changes}
    mistakes = [
        Mistake(name, "give a list of texts" if name == "tags" else "give a text")
        for name, value in asked.items()
        if value is None
    ]
    try:
        labels = Labels.model_validate(asked)
    except ValidationError as error:
        return Labels(), [*mistakes, *map(_mistake, error.errors(include_url=False))]
    return labels, mistakes


def _mistake(item: Any) -> Mistake:
    path = ""
    for part in item["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return Mistake(path, item["msg"].removeprefix("Value error, "))
