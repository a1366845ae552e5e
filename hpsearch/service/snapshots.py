"""What the coordinator is told, now or as it was after some round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpsearch.coordinator import Snapshot
from hpsearch.evidence import Evidence
from hpsearch.reasons import Reason
from hpsearch.service.stored import earlier, observations, resolved
from hpsearch.space import Box, box_from_json
from hpsearch.spec import ResolvedSpec
from hpsearch.trials import RoundKind, TrialState

Row = Any


def snapshot(
    row: Row, rounds: Sequence[Row], trials: Sequence[Row], *, after: int, seconds: float | None
) -> Snapshot:
    """What is known once round `after` is over.

    rounds, trials
        Those of the search, later ones may be among them.
    seconds
        Since the search began.
    """
    what = resolved(row, after=after)
    over = [r for r in rounds if r.number <= after]
    seen = [t for t in trials if t.round <= after]
    return Snapshot(
        resolved=what,
        box=box_after(what, row, over),
        observations=[*earlier(row), *observations(seen)],
        failed=sum(t.state == TrialState.FAILED for t in seen),
        kinds=[RoundKind(r.kind) for r in over],
        correct_masks={(t.round, t.idx): t.right for t in seen if t.right is not None},
        seconds=None if what.spec.max_seconds is None else seconds,
        ended=why_explored(over, row.edits or (), after),
        moved=unseen(over, row.edits or (), after),
    )


def why_explored(
    over: Sequence[Row], edits: Sequence[Mapping[str, Any]], after: int
) -> Reason | None:
    """The reason for which exploring ended, where it has; an edit made later lets it go on."""
    for r in over:
        end = Evidence.from_json(r.evidence).explored if r.evidence else None
        if end is not None:
            later = any(r.number < edit["after_round"] <= after for edit in edits)
            return None if later else end
    return None


def unseen(over: Sequence[Row], edits: Sequence[Mapping[str, Any]], after: int) -> bool:
    """Whether ranges were edited after the last round that explored."""
    explored = [r.number for r in over if r.kind == RoundKind.EXPLORE]
    last = max(explored, default=0)
    return any("space" in e["changes"] and last <= e["after_round"] <= after for e in edits)


def box_after(what: ResolvedSpec, row: Row, over: Sequence[Row]) -> Box:
    """The ranges after the last of some rounds: as it drew them, or as they were edited since."""
    if not over:
        return what.box
    box = dict(box_from_json(over[-1].box))
    for edit in row.edits or ():
        if edit["after_round"] == over[-1].number:
            box |= {name: what.box[name] for name in edit["changes"].get("space", {})}
    return box
