"""Reasons as JSON: the name of the kind beside its facts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hpsearch.reasons import course
from hpsearch.reasons.base import Reason, StoredReason
from hpsearch.reasons.wording import REASONS, ReasonKind, kind_of, words

# The usual end of exploring, which 0.1.0 stored without facts: what follows from it is asked again.
_ROUNDS_DONE = re.compile(r"all (\d+) rounds are done")


def to_json(reason: Reason) -> dict[str, Any] | None:
    """Return the facts for the store; None for a reason that is known by its sentence alone."""
    if isinstance(reason, StoredReason):
        return None
    return {"kind": kind_of(reason), **_fields(reason)}


def from_json(facts: Mapping[str, Any] | None, sentence: str) -> Reason:
    """Build a reason from stored facts.

    Without facts, or where they are of a kind that this build does not know, the reason is the
    sentence that was stored beside them.
    """
    stored = StoredReason(sentence)
    if facts is None and (rounds := _ROUNDS_DONE.fullmatch(sentence)):
        return course.RoundsDone(int(rounds[1]))
    if facts is None or facts.get("kind") not in REASONS:
        return stored
    nested = {
        name: from_json(value, sentence) if isinstance(value, dict) and "kind" in value else value
        for name, value in facts.items()
        if name != "kind"
    }
    if any(isinstance(value, StoredReason) for value in nested.values()):
        return stored
    try:
        return _adapter(REASONS[facts["kind"]]).validate_python(nested)
    except ValidationError:  # another build gave this kind other facts
        return stored


def sentence(facts: Mapping[str, Any] | None, stored: str) -> str:
    """Return the sentence for a stored reason: worded from its facts, else as it was stored."""
    reason = from_json(facts, stored)
    if facts is None or isinstance(reason, StoredReason):
        return words(reason)
    return REASONS[facts["kind"]].words(reason)


def agrees(stored: Reason | None, now: Reason | None) -> bool:
    """Tell whether two reasons have the same facts; a stored sentence agrees with any reason."""
    if isinstance(stored, StoredReason):
        return now is not None
    return stored == now


def _fields(value: Any) -> dict[str, Any]:
    return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}


def _plain(value: Any) -> Any:
    if isinstance(value, Reason):
        return to_json(value)
    if is_dataclass(value):
        return _fields(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


@cache
def _adapter(kind: ReasonKind) -> TypeAdapter[Reason]:
    return TypeAdapter(kind.facts)
