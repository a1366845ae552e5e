"""A finding on the asked space: a linear scale where values differ by their size."""

from __future__ import annotations

from collections.abc import Iterator

from hpsearch.digits import in_full
from hpsearch.edges import crowded
from hpsearch.report.health.records import SearchRecords
from hpsearch.report.views import HealthNote
from hpsearch.space import Range


def linear_scale(records: SearchRecords) -> Iterator[HealthNote]:
    """A range over several sizes on a linear scale, where nearly all draws have the largest one."""
    for name, asked in sorted(records.resolved.spec.space.items()):
        if not isinstance(asked, Range) or asked.scale != "linear":
            continue
        if crowded(name, asked.low, asked.high):
            from_zero = "" if asked.low > 0 else " and a low above 0"
            yield HealthNote(
                code="linear_scale",
                severity="info",
                message=f"{name} is searched on a linear scale from {in_full(asked.low)} to {in_full(asked.high)}: "
                f"nine tenths of all draws lie above {asked.low + (asked.high - asked.low) / 10:g}",
                numbers={"low": asked.low, "high": asked.high},
                advice=f'give space.{name} "scale": "log"{from_zero}, if its smaller values matter',
            )
