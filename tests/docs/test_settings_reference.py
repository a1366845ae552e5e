"""docs/reference/settings.md: every setting is in it, as the code has it."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from hpsearch.environment import OTHER_NAMES
from hpsearch.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs" / "reference" / "settings.md"
SOURCES = ("api", "benchmarks", "deploy", "hpsearch", "lab", "migrations", "worker")
# Of a trial, set for its trainer (docs/external.md); the beginnings of several names.
NO_SETTINGS = re.compile(r"HPSEARCH_(TRIAL.*|.*_|)")
reference = SimpleNamespace(**runpy.run_path(str(PROJECT / "docs" / "site" / "settings.py")))


def listed() -> dict[str, list[str]]:
    """The rows of the page, by variable."""
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    assert len({name for name, _ in rows}) == len(rows)
    return {name: cells.split(" | ") for name, cells in rows}


def test_the_page_is_what_the_code_says():
    assert PAGE.read_text() == reference.page(), (
        "write it anew: python docs/site/settings.py > docs/reference/settings.md"
    )


def test_no_setting_is_missing():
    fields = {reference.variable(n, f) for n, f in Settings.model_fields.items()}
    assert set(listed()) == fields | {f"HPSEARCH_{name}" for name in OTHER_NAMES}


def test_no_variable_of_ours_in_the_sources_is_missing():
    files = [PROJECT / "docker-compose.yml", *(PROJECT / "docs").glob("*.md")]
    for folder in SOURCES:
        files += [f for f in (PROJECT / folder).rglob("*") if f.suffix in (".py", ".yaml", ".cfg")]
    named = {name for f in files for name in re.findall(r"\bHPSEARCH_[A-Z_]*", f.read_text())}
    unknown = {name for name in named - set(listed()) if not NO_SETTINGS.fullmatch(name)}
    assert unknown == set()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_has_a_sentence_and_every_number_a_unit(name):
    field = Settings.model_fields[name]
    assert field.description
    assert re.fullmatch(r"[A-Z].*\.", field.description)
    number = any(str(kind.__name__) in ("int", "float") for kind in kinds(field.annotation))
    if number and name != "port":
        assert reference.unit(name, field)


def kinds(annotation):
    return [
        kind for kind in getattr(annotation, "__args__", (annotation,)) if isinstance(kind, type)
    ]


def test_a_number_without_a_unit_is_noticed():
    assert reference.unit("max_things", Settings.model_fields["port"]) == ""
    assert reference.unit("lease_seconds", Settings.model_fields["lease_seconds"]) == "s"
    assert reference.unit("job_size", Settings.model_fields["job_size"]) == "trials"
