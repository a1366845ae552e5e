"""Edits of a running search: what may be changed, and the spec that comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpsearch.errors import InvalidSpec, Mistake
from hpsearch.spec.models import SearchSpec

EDITABLE_FIELDS = ("space", "rounds", "trials_per_round", "epochs")


def edited(spec: SearchSpec, changes: Mapping[str, Any]) -> SearchSpec:
    """`spec` with `changes` in it, which were checked before; `merged` says how they combine."""
    return SearchSpec.model_validate(merged(spec.to_json(), changes))


def merged(spec: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON of a spec with changes in it.

    A range in `space` replaces the one of its name, the others stay; fields of `epochs` are
    replaced one by one.

    Raises
    ------
    InvalidSpec
        A change of something that cannot be edited, or of a hyperparameter that is not searched.
    """
    mistakes = [
        Mistake(str(name), f"cannot be edited; what can be is {', '.join(EDITABLE_FIELDS)}")
        for name in changes
        if name not in EDITABLE_FIELDS
    ]
    space = changes.get("space", {})
    if isinstance(space, Mapping):
        mistakes += [
            Mistake(
                f"space.{name}",
                f"is not searched here; only the ranges of {', '.join(sorted(spec['space']))} "
                "can be edited",
            )
            for name in space
            if name not in spec["space"]
        ]
    if mistakes:
        raise InvalidSpec("the edit cannot be made", mistakes)
    result = {**spec, **changes}
    for name in ("space", "epochs"):
        if isinstance(changes.get(name), Mapping):
            result[name] = {**spec[name], **changes[name]}
    return result
