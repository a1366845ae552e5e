"""The page docs/reference/settings.md: every setting, made from the code.

python docs/site/settings.py > docs/reference/settings.md
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from hpsearch.environment import OTHER_NAMES, PREFIX
from hpsearch.settings import Settings, Unit

INTRODUCTION = """\
# Settings

Environment variables, read once when a process starts. Give all processes of a service the same ones, secrets apart; an empty one
counts as unset. `hpsearch doctor` names variables that look like settings and are none. `python docs/site/settings.py` writes this page from
[hpsearch/settings.py](../../hpsearch/settings.py)."""
TABLE = "| variable | default | unit | allowed | what it is |\n|---|---|---|---|---|"
UNITS = {"seconds": "s", "bytes": "bytes", "days": "days", "hours": "h", "gflops": "GFLOP/s"}
BOUNDS = {"gt": "above", "ge": "from", "lt": "below", "le": "to"}
# The data folder depends on the machine: its default is said in words.
DEFAULTS = {"home": "the user's data folder"}
_HEADING = re.compile(r"^    # ([A-Z][^.]*)[.]|^    (\w+): ", re.MULTILINE)


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *_tables(), *_others()])


def variable(name: str, field: FieldInfo) -> str:
    """The environment's name of a field."""
    alias = field.validation_alias
    return alias if isinstance(alias, str) else f"{PREFIX}{name.upper()}"


def unit(name: str, field: FieldInfo) -> str:
    """The unit of a number: the end of its name, or the mark beside its type."""
    marked = [mark.name for mark in field.metadata if isinstance(mark, Unit)]
    return marked[0] if marked else UNITS.get(name.rpartition("_")[2], "")


def _tables() -> Iterator[str]:
    headings = _headings()
    for name, field in Settings.model_fields.items():
        if name in headings:
            yield f"\n## {headings[name]}\n\n{TABLE}"
        cells = (f"`{variable(name, field)}`", _default(name, field), unit(name, field))
        yield f"| {' | '.join(cells)} | {_allowed(field)} | {_cell(field.description or '')} |"


def _others() -> Iterator[str]:
    yield "\n## Read by others\n\n| variable | what it is |\n|---|---|"
    for name, text in OTHER_NAMES.items():
        yield f"| `{PREFIX}{name}` | {_cell(text)} |"
    yield ""


def _headings() -> dict[str, str]:
    """The comments of the class, each by the field that follows."""
    found, heading = {}, None
    for comment, name in _HEADING.findall(inspect.getsource(Settings)):
        if comment:
            heading = comment
        elif heading and name in Settings.model_fields:
            found[name], heading = heading, None
    return found


def _default(name: str, field: FieldInfo) -> str:
    if name in DEFAULTS:
        return DEFAULTS[name]
    value = field.get_default()
    if value is None or value == "":
        return "empty"
    if isinstance(value, bool):
        return f"`{int(value)}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _allowed(field: FieldInfo) -> str:
    kind: Any = field.annotation
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    if kind is bool:
        return "`0`, `1`"
    bounds = [
        f"{word} {getattr(mark, attribute):,}"
        for mark in field.metadata
        for attribute, word in BOUNDS.items()
        if hasattr(mark, attribute)
    ]
    return " ".join(bounds)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(page(), end="")
