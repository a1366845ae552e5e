"""Ranges as users write them: changed in part, with an edge that is a wall, without a scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpsearch.other_words import intended

BY_SIZE = ("learning_rate", "weight_decay", "init_std", "eps", "clip_norm")  # of which sizes count
FEW, MANY = 10.0, 1000.0  # high by low, from which a range holds several sizes; for any name


def walled(change: Mapping[str, Any]) -> dict[str, Any]:
    """The change of a range, where an edge that is named alone becomes a hard limit as well.

    One that names the hard limit, or takes it away with null, decides that itself.
    """
    edges = [edge for edge in ("low", "high") if isinstance(change.get(edge), int | float)]
    return {**{f"hard_{edge}": change[edge] for edge in edges}, **change}


def full_range(present: object, change: object) -> object:
    """The changed range or choices, with the fields that the change leaves as they are.

    The condition is among these, whatever else is changed.
    """
    if not isinstance(change, Mapping):
        return change
    before = present if isinstance(present, Mapping) else {}
    condition = {"when": before["when"]} if before.get("when") is not None else {}
    if "choices" in change:
        return {**condition, **change}
    kept = before if "choices" not in before else condition
    return {**kept, **walled(change)}


def changed(spec: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON of a spec with changes in it, which may name parts of its fields."""
    full = {**spec, **changes}
    for name, part in changes.items():
        whole = spec.get(name)
        if isinstance(whole, Mapping) and isinstance(part, Mapping):
            full[name] = {**whole, **part}
            if name == "space":
                full[name] |= {key: full_range(whole.get(key), new) for key, new in part.items()}
    return full


def crowded(name: str, low: float, high: float) -> bool:
    """Tell whether a linear scale hides the smaller values of a range: most draws have the size of `high`."""
    by_size = intended(name, BY_SIZE) is not None
    if low <= 0:
        return low == 0 and by_size
    return high / low > (FEW if by_size else MANY)


def linear_in_silence(spec: object) -> list[str]:
    """Names of ranges of a submitted document that have no scale, where one is worth a word."""
    space = spec.get("space") if isinstance(spec, Mapping) else None
    return [
        name
        for name, given in (space.items() if isinstance(space, Mapping) else ())
        if isinstance(given, Mapping) and "scale" not in given
        and all(isinstance(given.get(edge), int | float) for edge in ("low", "high"))
        and crowded(name, given["low"], given["high"])
    ]  # fmt: skip
