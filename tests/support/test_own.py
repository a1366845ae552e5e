"""Each file has tests of its own, and those that carry its name come first."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.own import PACKAGES, PROJECT, TESTS, main, own


def names(file: str) -> list[str]:
    return [str(test.relative_to(TESTS)) for test in own(PROJECT / file)]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_has_some(package: str) -> None:
    for module in (PROJECT / package).rglob("*.py"):
        found = own(module)
        assert found, module
        assert all(test.is_file() and test.name.startswith("test_") for test in found)


def test_a_file_of_the_same_name_is_its_own() -> None:
    assert names("hpsearch/space.py") == ["test_space.py"]
    assert names("hpsearch/service/external.py") == [
        "service/test_external.py",
        "service/test_external_ends.py",
    ]
    assert names("api/routes/keys.py") == ["api/test_api_keys.py"]


def test_without_one_it_is_who_uses_the_module() -> None:
    """Directly, as the package shows it, or by a dot; and if nobody does, through another one."""
    assert "data/test_kinds.py" in names("hpsearch/data/parse/choices.py")
    assert "narrowing/test_level_set.py" in names("hpsearch/narrowing/level_set/hull.py")
    assert "nn/test_values.py" in names("hpsearch/nn/initializers.py")
    assert names("hpsearch/data/parse/__main__.py") == ["data/test_data_child.py"]


def test_a_test_is_its_own() -> None:
    assert names("tests/test_space.py") == ["test_space.py"]
    assert "machines/test_job_life.py" in names("tests/machines/machine.py")


@pytest.mark.parametrize(
    "file", ["README.md", "docs/index.md", "hpsearch/nothing.py", "/etc/passwd"]
)
def test_what_is_no_module_is_refused(
    file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["own", str(PROJECT / file)])
    assert main() == 2
    out, said = capsys.readouterr()
    assert out == ""
    assert Path(file).name in said
    assert "is no module of hpsearch, api" in said


def test_no_file_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["own"])
    assert main() == 2
    assert "FILE=" in capsys.readouterr().err
