"""The tests that a file has of its own: `python -m support.own FILE...` prints them, one a line.

Tests mirror the packages. In the mirror of its package a module's own tests are those whose file
has its name; where none has, those that import it, or one of its names from where the package shows
it; and of a module that no test imports, those of the modules that do.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
PROJECT = TESTS.parent
PACKAGES = ("hpsearch", "api", "worker", "migrations", "lab")


def own(path: Path) -> list[Path]:
    """The files of tests that a file of the project has of its own, in order.

    Raises
    ------
    ValueError
        It is no module of a package and no test.
    """
    path = path.resolve()
    if path.is_relative_to(TESTS) and path.suffix == ".py" and path.is_file():
        return [path] if path.name.startswith("test_") else _using(_name(path), _tests(TESTS))
    relative = path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path
    if relative.parts[0] not in PACKAGES or path.suffix != ".py" or not path.is_file():
        raise ValueError(f"{relative} is no module of {', '.join(PACKAGES)} and no file of tests")
    return _near(relative) or _using(_name(path), _tests(TESTS)) or _nearest(path)


def _near(module: Path) -> list[Path]:
    """The tests in the mirror of a module's package that have its name; none, those that use it."""
    tests = mirror(module)
    return list(_named(module, tests)) or _using(_name(PROJECT / module), tests)


def _nearest(path: Path) -> list[Path]:
    """The tests of those who import a module that no test does, or of those who import them."""
    seen, now = {path}, {path}
    while now:
        names = {_name(one) for one in now}
        now = {one for one in _modules() if names & _imported(one)} - seen
        seen |= now
        if found := {test for one in now for test in _near(one.relative_to(PROJECT))}:
            return sorted(found)
    return mirror(path.relative_to(PROJECT))


@cache
def _modules() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((PROJECT / package).rglob("*.py"))]


def mirror(module: Path) -> list[Path]:
    """The tests beside which those of a module lie; `module` is relative to the project."""
    first, *inner = module.parts
    if first == "hpsearch" and len(inner) == 1:
        return sorted(TESTS.glob("test_*.py"))
    return _tests(TESTS / (inner[0] if first == "hpsearch" else first))


@cache
def _tests(folder: Path) -> list[Path]:
    return sorted(folder.rglob("test_*.py"))


def _named(module: Path, tests: list[Path]) -> Iterator[Path]:
    """Those that are called as the module, or as it with a word before or behind."""
    for test in tests:
        if f"_{module.stem}_" in f"{test.stem}_":
            yield test


def _using(name: str, tests: list[Path]) -> list[Path]:
    return [test for test in tests if name in _imported(test)]


@cache
def _imported(path: Path) -> frozenset[str]:
    """The modules that a file names in its imports, also those that a package stands before."""
    return frozenset(origin for name in _names(path) for origin in _origins(name))


def _names(path: Path) -> Iterator[str]:
    """What a file imports, and what it takes from that by a dot: `nn.Stack` after `import nn`."""
    called: dict[str, str] = {}
    tree = list(ast.walk(ast.parse(path.read_text())))
    for node in tree:
        if isinstance(node, ast.Import):
            called |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            called |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    yield from called.values()
    for node in tree:
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
            continue
        if node.value.id in called:
            yield f"{called[node.value.id]}.{node.attr}"


def _origins(name: str) -> Iterator[str]:
    """The name itself, and the module from which its package has it."""
    yield name
    package, _, word = name.rpartition(".")
    shown = _shown(package)
    if word in shown and shown[word] != name:
        yield from _origins(shown[word])
        yield shown[word].rpartition(".")[0]


@cache
def _shown(package: str) -> dict[str, str]:
    """The names that a package takes from its modules."""
    path = PROJECT.joinpath(*package.split("."), "__init__.py")
    if not package or not path.is_file():
        return {}
    return {name.rpartition(".")[2]: name for name in _names(path) if name.startswith(package)}


def _name(path: Path) -> str:
    """The dotted name by which a file is imported."""
    root = TESTS if path.is_relative_to(TESTS) else PROJECT
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def main() -> int:
    """Print the tests of the files that are named."""
    try:
        found = {test: None for name in sys.argv[1:] for test in own(Path(name))}
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if not found:
        print("name a file: make test-of FILE=hpsearch/space.py", file=sys.stderr)
        return 2
    print(*(test.relative_to(PROJECT) for test in found), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
