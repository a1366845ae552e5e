"""Fenced blocks of a document, and what keeps some of their lines from being executed here."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
# Lines that are not executed, by the reason.
SKIPPED = {
    r"^make (demo|test|serve)\b": "a test suite or a service of its own; `served` is that service",
    r"^hpsearch serve\b": "the service is up already",
    r"\bFOLDER\b": "needs MNIST's files",
    r"^hpsearch lab\b": "takes minutes; tests/lab runs it",
    r"^hpsearch move\b": "needs PostgreSQL, and a service that is stopped; tests/docs/test_runbook.py has both",
    r"^kubectl\b": "needs a cluster; tests/deploy reads the manifests",
}
# What comes before a line that needs something of its own.
BEFORE = {
    "hpsearch pause ID": 'LONG=$(hpsearch submit long.json)\nuntil hpsearch status "$LONG" --json '
    "| grep '\"running\"' > /dev/null; do :; done\n",
}
INSTEAD = {
    "hpsearch pause ID": (" ID", ' "$LONG"'),
    "keys revoke ID": ("revoke ID", 'revoke "$(latest_key)"'),
    "hpsearch predict": (
        "examples.csv",
        "examples.npz",
    ),  # of the digits, whose columns have no names
    # One that is still there when it is paused.
    "SEARCH=$(": ("examples/digits.json", "slow.json"),
}


@dataclass(frozen=True)
class Block:
    """One block: its language and its text."""

    language: str
    text: str


def blocks(document: Path) -> list[Block]:
    """The blocks of a document in order, with their indentation taken away."""
    return fenced(document.read_text())


def fenced(document: str) -> list[Block]:
    """The same of a text."""
    found = []
    for indent, language, text in _BLOCK.findall(document):
        lines = [line.removeprefix(indent) for line in text.splitlines()]
        found.append(Block(language, "\n".join(lines) + "\n"))
    return found


def commands(text: str) -> list[str]:
    """The commands of a block, with the lines joined that belong together."""
    return re.sub(r"\\\n\s*", "", text).splitlines()


def skipped(command: str) -> str | None:
    """The pattern by which a command is left out."""
    return next((pattern for pattern in SKIPPED if re.search(pattern, command)), None)


def script(text: str, url: str) -> str:
    """A block as it is executed: against `url`, on the search that the document made."""
    kept = [command for command in commands(text) if not skipped(command)]
    return "\n".join(_executed(command).replace("http://127.0.0.1:8080", url) for command in kept)


def _executed(command: str) -> str:
    before = "".join(lines for words, lines in BEFORE.items() if words in command)
    if re.search(r"/result\b|hpsearch (result|replay) ID", command):
        before += 'ended "$ID"\n'
    for words, (old, new) in INSTEAD.items():
        if words in command:
            command = command.replace(old, new)
    # The document's own id is that of a search on another machine.
    command = re.sub(r"^ID=[0-9a-f]{20}\b.*", "ID=$(latest)", command)
    return before + re.sub(r"(?<![$\w])ID\b(?!=)", '"$ID"', command)


def answers(output: str) -> list[Any]:
    """Every JSON document in what commands printed."""
    found, at, decoder = [], 0, json.JSONDecoder()
    while (at := output.find("{", at)) >= 0:
        try:
            document, at = decoder.raw_decode(output, at)
            found.append(document)
        except ValueError:
            at += 1
    return found


def excerpt(text: str) -> Any:
    """An answer as a document shows it, without the dots for what is left out; None: no answer."""
    if "..." not in text:
        return json.loads(text)
    whole = re.sub(r",?\s*\.\.\.", "", text)
    return json.loads(whole)


def unlike(shown: Any, real: Any, path: str = "") -> list[str]:
    """Where an excerpt has a name or a type that the real answer has not."""
    if isinstance(shown, dict) and isinstance(real, dict):
        return [
            line
            for name, value in shown.items()
            for line in (
                unlike(value, real[name], f"{path}.{name}")
                if name in real
                else [f"{path}.{name} is not there"]
            )
        ]
    if isinstance(shown, list) and isinstance(real, list):
        return unlike(shown[0], real[0], f"{path}[0]") if shown and real else []
    number = (int, float)
    same = isinstance(shown, number) == isinstance(real, number) and isinstance(
        shown, str
    ) == isinstance(real, str)
    return (
        []
        if same or real is None or shown is None
        else [f"{path}: {shown!r} is shown, {real!r} is real"]
    )
