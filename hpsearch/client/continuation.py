"""The spec that goes on where a search has ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

WARM_STARTS = 8  # earlier searches that a spec may name


def continued(
    spec: Mapping[str, Any], search: str, *, rounds: int | None, exists: Callable[[str], bool]
) -> dict[str, Any]:
    """The spec of a search, warm-started from it and from its own warm starts that still exist.

    What it tried first is in its trials; the baseline stays the one to be beaten.
    """
    earlier = [
        item for item in spec.get("warm_start", ()) if not isinstance(item, str) or exists(item)
    ]
    following = {
        **{name: value for name, value in spec.items() if name != "try_first"},
        "warm_start": [*earlier, search][-WARM_STARTS:],
        "seed": int(spec.get("seed", 0)) + 1,
    }
    return following if rounds is None else {**following, "rounds": rounds}
