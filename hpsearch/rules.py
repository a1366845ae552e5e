"""The rules number, and fields of a spec that came later: what keeps stored searches comparable.

Whatever changes a split, a draw, a plan, a decision or a bit for an unchanged spec raises `RULES_NUMBER`,
once a release, and adds the releases before to `RELEASES` (docs/decisions/0016-rules-number.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, get_args

from pydantic import BaseModel

from hpsearch.errors import Conflict

RULES_NUMBER = 2
RELEASES: Final[Mapping[int, str]] = {1: "0.1.x", 2: "0.2.x"}
"""Rules number -> the releases that have it."""


def check_same(rules: int, search_id: str) -> None:
    """Nothing, for a search that this build trains and decides as the one that made it.

    Raises
    ------
    Conflict
        It was made under other rules: a difference would say nothing.
    """
    if rules != RULES_NUMBER:
        release = RELEASES.get(rules, "the release that made it")
        raise Conflict(
            f"search {search_id} was made under rules {rules}, this build has {RULES_NUMBER}; "
            f"install {release} to train it again"
        )


def mixed(rules: int) -> str | None:
    """The reason for which a search submitted under `rules` and ending now has no digest, or None."""
    if rules == RULES_NUMBER:
        return None
    return (
        f"it was submitted under rules {rules} and completed under rules {RULES_NUMBER}; "
        "a digest is of one number"
    )


@dataclass(frozen=True, slots=True)
class Since:
    """Marks a field that came with a release: `Annotated[int, Since("0.2")] = 3`.

    While it has its default it is left out of what is stored, so that a spec which does not use it
    is stored, and has the digest, as before.
    """

    release: str


def to_json(model: BaseModel, *, exclude: set[str] | None = None) -> dict[str, Any]:
    """A model as it is stored: plain JSON, defaults written out, but no `Since` field's."""
    data = model.model_dump(mode="json", exclude_none=True, exclude=exclude)
    _drop_unused(model, data)
    return data


def _drop_unused(value: Any, data: Any) -> None:
    """Remove from `data`, the JSON of `value`, each `Since` field that has its default."""
    if isinstance(value, BaseModel):
        if not _has_late_fields(type(value)):
            return
        for name, field in type(value).model_fields.items():
            default = field.get_default(call_default_factory=True, validated_data={})
            if (
                any(isinstance(m, Since) for m in field.metadata)
                and getattr(value, name) == default
            ):
                data.pop(name, None)
            elif name in data:
                _drop_unused(getattr(value, name), data[name])
    for inner, stored in _items(value, data):
        _drop_unused(inner, stored)


@cache
def _has_late_fields(kind: type[BaseModel]) -> bool:
    """Tell whether a model, or one inside it, has a `Since` field; most have none."""
    fields = kind.model_fields.values()
    return any(
        any(isinstance(m, Since) for m in field.metadata)
        or any(_has_late_fields(inner) for inner in _models(field.annotation))
        for field in fields
    )


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _items(value: Any, data: Any) -> Iterator[tuple[Any, Any]]:
    """The parts of a mapping or a sequence, each beside its JSON."""
    if isinstance(value, dict):
        yield from ((inner, data[key]) for key, inner in value.items() if key in data)
    elif isinstance(value, list | tuple):
        yield from zip(value, data, strict=True)
