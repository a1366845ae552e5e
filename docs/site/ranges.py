"""The figure of docs/narrowing.md: ranges over rounds, from what GET .../rounds answers.

curl -H "Authorization: Bearer $KEY" http://127.0.0.1:8080/api/v1/searches/$ID/rounds |
    python docs/site/ranges.py > docs/images/ranges.svg
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape

WIDTH, LEFT, ROW, TOP = 720, 120, 34, 40
ROOM = 200  # that a word needs in a bar beside its best trial
VERDICTS = {"narrowed": "#00897b", "kept": "#78909c", "unidentified": "#b0bec5"}
OPEN = "#ef6c00"


def main() -> None:
    """Read rounds, write the figure."""
    rounds = [r for r in json.load(sys.stdin)["items"] if r["kind"] != "final"]
    names = list(rounds[0]["ranges"])
    height = TOP + len(names) * (len(rounds) * ROW + 60)
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
          'font-family="sans-serif" font-size="13" role="img">')  # fmt: skip
    print("<title>Ranges over the rounds of a search</title>")
    for place, name in enumerate(names):
        top = TOP + place * (len(rounds) * ROW + 60)
        print("\n".join(_panel(name, rounds, top)))
    print("</svg>")


def _panel(name: str, rounds: Sequence[dict[str, Any]], top: int) -> Iterator[str]:
    """One hyperparameter: a bar for each round, the best trial as a dot."""
    spans = [
        (math.log10(r["ranges"][name]["low"]), math.log10(r["ranges"][name]["high"]))
        for r in rounds
    ]
    low, high = math.floor(min(a for a, _ in spans)), math.ceil(max(b for _, b in spans))
    scale = (WIDTH - LEFT - 20) / (high - low)

    def x(value: float) -> float:
        return LEFT + (value - low) * scale

    bottom = top + len(rounds) * ROW
    yield f'<text x="{LEFT}" y="{top - 10}" fill="#546e7a" font-weight="bold">{escape(name)}</text>'
    for tick in range(low, high + 1):
        yield f'<line x1="{x(tick):.0f}" x2="{x(tick):.0f}" y1="{top}" y2="{bottom}" stroke="#cfd8dc"/>'
        yield f'<text x="{x(tick):.0f}" y="{bottom + 16}" fill="#546e7a" text-anchor="middle">1e{tick}</text>'
    for row, (one, (a, b)) in enumerate(zip(rounds, spans, strict=True)):
        y = top + row * ROW + 6
        decided = one["decisions"].get(name, {})
        verdict = decided.get("verdict", "")
        colour = VERDICTS.get(verdict, OPEN)
        yield f'<text x="{LEFT - 10}" y="{y + 15}" fill="#546e7a" text-anchor="end">round {one["number"]}</text>'
        yield (f'<rect x="{x(a):.1f}" y="{y}" width="{(b - a) * scale:.1f}" height="22" rx="3" '
               f'fill="{colour}" fill-opacity="0.55"><title>{escape(decided.get("reason", ""))}</title></rect>')  # fmt: skip
        inside = (b - a) * scale > ROOM
        at = x(a) + 6 if inside else x(b) + 8
        yield f'<text x="{at:.1f}" y="{y + 15}" fill="#263238">{escape(verdict)}</text>'
        if best := one.get("best"):
            value = math.log10(best["params"][name])
            yield f'<circle cx="{x(value):.1f}" cy="{y + 11}" r="5" fill="#263238"><title>best trial</title></circle>'


if __name__ == "__main__":
    main()
