"""The map stays true: paths that it names exist, its layers are the contracts, its indexes are complete."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
MAPS = ("README.md", "CONTRIBUTING.md", "docs/architecture.md")
PAGES = sorted(str(p.relative_to(PROJECT / "docs")) for p in (PROJECT / "docs").rglob("*.md"))
PACKAGES = ("api", "hpsearch", "lab", "migrations", "worker")
FOLDERS = (*PACKAGES, "benchmarks", "deploy", "examples", "tests")
FOREIGN = frozenset({"Study"})  # classes of other programs
DECISIONS = sorted(path.name for path in (PROJECT / "docs" / "decisions").glob("0*.md"))
_LINK = re.compile(r"\]\(([^)#\s]+)")
_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*(?:/|\.(?:py|md|toml|yml|json|js|html|sh|ipynb))")
_MEMBER = re.compile(r"([A-Z]\w+)\.(\w+)")


def links(document: Path) -> Iterator[str]:
    """The links of a document to files of the project, relative to its root."""
    for target in _LINK.findall(document.read_text()):
        if "://" not in target:
            path = (document.parent / target).resolve().relative_to(PROJECT)
            yield f"{path}/" if target.endswith("/") else str(path)


def named(document: Path) -> Iterator[str]:
    """The paths that a document names as code."""
    return filter(_PATH.fullmatch, _CODE.findall(document.read_text()))


def exists(path: str) -> bool:
    """True for a file or folder of the project, or a module named without `hpsearch/`."""
    return any(
        any(PROJECT.glob(f"{folder}{path.rstrip('/')}")) for folder in ("", "hpsearch/", "tests/")
    )


@pytest.mark.parametrize("name", MAPS)
def test_every_path_that_a_map_names_exists(name: str) -> None:
    document = PROJECT / name
    missing = {path for path in (*links(document), *named(document)) if not exists(path)}
    assert missing == set()


@pytest.mark.parametrize("name", PAGES)
def test_every_source_file_that_a_page_names_exists(name: str) -> None:
    document = PROJECT / "docs" / name
    sources = {path for path in named(document) if path.partition("/")[0] in FOLDERS}
    assert {path for path in (*links(document), *sources) if not exists(path)} == set()


@pytest.mark.parametrize("name", PAGES)
def test_every_test_that_a_page_names_by_its_file_exists(name: str) -> None:
    files = {path.name for path in (PROJECT / "tests").rglob("test_*.py")}
    tests = {path for path in named(PROJECT / "docs" / name) if path.startswith("test_")}
    assert tests <= files


@pytest.mark.parametrize("name", PAGES)
def test_every_method_that_a_page_names_exists(name: str, classes: dict[str, str]) -> None:
    codes = map(_MEMBER.fullmatch, _CODE.findall((PROJECT / "docs" / name).read_text()))
    members = {match.groups() for match in codes if match and not _PATH.fullmatch(match[0])}
    ours = {(c, m) for c, m in members if c not in FOREIGN}
    assert {(c, m) for c, m in ours if not re.search(rf"\b{m}\b", classes.get(c, ""))} == set()


@pytest.fixture(scope="module")
def classes() -> dict[str, str]:
    """The sources of all classes, by name; classes of one name together."""
    sources: dict[str, str] = {}
    for package in PACKAGES:
        for path in (PROJECT / package).rglob("*.py"):
            _, *parts = re.split(r"^class (?=\w)", path.read_text(), flags=re.MULTILINE)
            for part in parts:
                name = part.partition("(")[0].partition(":")[0]
                sources[name] = sources.get(name, "") + part
    return {name: source + _of_bases(source, sources) for name, source in sources.items()}


def _of_bases(source: str, sources: dict[str, str]) -> str:
    """The sources of the classes that a class is made of."""
    head = source.partition(":\n")[0].partition("(")[2]
    return "".join(sources.get(base.strip(), "") for base in head.rstrip(")").split(","))


def test_the_drawn_layers_are_those_of_the_contracts() -> None:
    text = (PROJECT / "docs" / "architecture.md").read_text()
    drawing = text.split("## Layers", 1)[1].split("```")[1].strip().splitlines()
    drawn = [line.split(" | ") for line in drawing if not line.startswith("-")][1:]
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (
        c["layers"] for c in contracts["contracts"] if c["name"] == "The layers of hpsearch"
    )
    assert [set(layer) for layer in drawn] == [set(re.split(r" [|:] ", layer)) for layer in layers]


@pytest.mark.parametrize("name", DECISIONS)
def test_every_decision_is_in_the_index_and_in_the_navigation(name: str) -> None:
    index = (PROJECT / "docs" / "decisions" / "README.md").read_text()
    assert f"]({name})" in index
    number = (PROJECT / "docs" / "decisions" / name).read_text().split(maxsplit=2)[1]
    assert name.startswith(f"{number}-")
    assert f"decisions/{name}" in navigation()


def test_every_page_is_in_the_navigation() -> None:
    assert set(PAGES) == navigation()


def navigation() -> set[str]:
    """The pages that mkdocs.yml lists."""
    text = (PROJECT / "mkdocs.yml").read_text()

    def pages(value: object) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            for item in value:
                yield from pages(item)
        elif isinstance(value, dict):
            for item in value.values():
                yield from pages(item)

    return set(pages(yaml.safe_load(text)["nav"]))
