"""Scores in the output of a program, by a strict rule.

A line is a score where the whole of it is `score=0.5` or `score: 0.5`, `epoch=3 score=0.5`, `replicate=2 score=0.5`, or a
JSON object with a number `score` (and `epoch`, `replicate`, `metrics`, `cost`, `note`, `link`). Logs are full of numbers
that look like scores and are none: `best_score=0.9`, a line of `set -x`, a progress bar that repeats the last value.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

LINE_MOST = 64 * 1024  # bytes; of a longer line its end is read
BESIDE = ("metrics", "cost", "note", "link")

_CURSOR = re.compile(r"\x1b\[[0-?]*[ -/]*[A-HJKf]")
_ESCAPE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and others
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles, links
    r"|\x1b[ -/]+[0-~]"  # character sets
    r"|\x1b[0-Z\\-~]"
)
_NUMBER = r"([+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|nan|inf(?:inity)?))"
_WHOLE = re.compile(
    r"(?:epoch\s*[=:]\s*(?P<epoch>[0-9]{1,9})[ \t]+)?(?:replicate\s*[=:]\s*(?P<replicate>[0-9]{1,9})[ \t]+)?"
    rf"score\s*[=:]\s*(?i:{_NUMBER})"
)
# A bar ends in ] or a digit, and what was printed stands behind it on the same line.
_BEHIND_BAR = re.compile(rf"(.*[\]0-9])score=(?i:{_NUMBER})", re.DOTALL)
_GLUED = re.compile(rf".*score\s*[=:]\s*(?i:{_NUMBER})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Score:
    """A score that a program has written.

    epoch
        After which it was reached; None where the line does not say.
    beside
        Metrics, cost, note and link of the same line.
    replicate
        The number of the training, where there are several of one trial; None where the line does not say.
    """

    value: float
    epoch: int | None = None
    beside: Mapping[str, Any] = field(default_factory=dict)
    replicate: int | None = None


def score_of(line: bytes) -> Score | None:
    """The score that a line is, without its end; None of any other line."""
    text, overwritten = _last(line)
    if text.startswith("{"):
        return _of_json(text)
    whole = _WHOLE.fullmatch(text)
    if whole:
        numbers = (whole["epoch"], whole["replicate"])
        epoch, replicate = (None if number is None else int(number) for number in numbers)
        return Score(float(whole[3]), epoch, replicate=replicate)
    behind = _BEHIND_BAR.fullmatch(text) if overwritten else None
    if behind and (behind[1].endswith("]") or not _GLUED.fullmatch(behind[1])):
        return Score(float(behind[2]))
    return None


def shown(line: bytes) -> str:
    """A line as a terminal shows it in the end: without colours, and what was written over."""
    return _last(line)[0]


def _last(line: bytes) -> tuple[str, bool]:
    """The text that is left of a line, and whether something was written over."""
    text = line[-LINE_MOST:].decode("utf-8", "replace").lstrip("\ufeff")
    text = _ESCAPE.sub("", _CURSOR.sub("\r", text)).rstrip("\r")
    last = re.split("[\r\b]", text)[-1]
    return last.strip().lstrip("\ufeff"), len(last) < len(text)


def _of_json(text: str) -> Score | None:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    value = data.get("score") if isinstance(data, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        value = float(value)
    except OverflowError:
        return None
    beside = {name: data[name] for name in BESIDE if data.get(name) is not None}
    return Score(value, _whole(data.get("epoch")), beside, _whole(data.get("replicate")))


def _whole(number: object) -> int | None:
    """The number of an epoch or a replicate; None where it is no whole one."""
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    return int(number) if math.isfinite(number) and number == int(number) else None


class Lines:
    """Lines of a stream that comes in pieces; of a line that never ends, a bounded part is kept."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def add(self, piece: bytes) -> Iterator[bytes]:
        """The lines that a piece completes."""
        *complete, rest = piece.split(b"\n")
        for end in complete:
            self._keep(end)
            yield bytes(self._rest)
            self._rest.clear()
        self._keep(rest)

    def end(self) -> Iterator[bytes]:
        """The last line, where the stream ended without a line's end."""
        if self._rest:
            yield bytes(self._rest)
            self._rest.clear()

    def _keep(self, piece: bytes) -> None:
        self._rest += piece[-LINE_MOST:]
        del self._rest[:-LINE_MOST]
