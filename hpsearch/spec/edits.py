"""Edits of a running search: what may be changed, and the spec that comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpsearch.errors import InvalidSpec, Mistake, with_question
from hpsearch.spec.labels import FIELDS as LABELS
from hpsearch.spec.models import SearchSpec

EDITABLE_FIELDS = (
    "space", "rounds", "trials_per_round", "epochs", "budget", "baseline", "try_first",
    "require", "cheapest", "forbid",
)  # fmt: skip
STORED_FIELDS = (
    "space", "rounds", "trials_per_round", "epochs", "max_seconds", "max_cost", "baseline",
    "try_first", "require", "cheapest", "forbid",
)  # fmt: skip
"""A budget that is raised is stored as what follows from it, as that of a new search is."""
_FIXED = f"cannot be edited; what can be is {', '.join((*EDITABLE_FIELDS, *LABELS))}"


def edited(spec: SearchSpec, changes: Mapping[str, Any]) -> SearchSpec:
    """`spec` with `changes` in it, which were checked before; `merged` says how they combine."""
    return SearchSpec.model_validate(merged(spec.to_json(), changes, allowed=STORED_FIELDS))


def merged(
    spec: Mapping[str, Any],
    changes: Mapping[str, Any],
    *,
    allowed: Sequence[str] = EDITABLE_FIELDS,
) -> dict[str, Any]:
    """The JSON of a spec with changes in it.

    A range in `space` replaces the one of its name, the others stay; fields of `epochs` are
    replaced one by one. A baseline, what is tried first, what is required and what is forbidden
    are replaced as a whole.

    Raises
    ------
    InvalidSpec
        A change of something that cannot be edited, or of a hyperparameter that is not searched.
    """
    mistakes = [
        Mistake(str(name), with_question(_FIXED, str(name), (*EDITABLE_FIELDS, *LABELS)))
        for name in changes
        if name not in allowed
    ]
    space = changes.get("space", {})
    if isinstance(space, Mapping):
        names = ", ".join(sorted(spec["space"]))
        unsearched = f"is not searched here; only the ranges of {names} can be edited"
        mistakes += [
            Mistake(f"space.{name}", with_question(unsearched, name, spec["space"]))
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
