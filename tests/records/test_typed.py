"""A misspelt field of a record is noticed before it runs: by mypy, as `make check` calls it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLANTED = """
from hpsearch.{module} import {record}


def planted(record: {record}) -> object:
    return record.{field}
"""


def mypy(folder: Path, record: str, field: str, module: str) -> subprocess.CompletedProcess[str]:
    file = folder / "planted.py"
    file.write_text(PLANTED.format(record=record, field=field, module=module))
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir",
         str(ROOT / ".mypy_cache"), "--follow-imports", "silent", str(file)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "record", "right", "wrong"),
    [
        ("records", "TrialRecord", "rank_value", "rank_values"),
        ("records", "SearchRecord", "recommended", "recomended"),
        ("evidence", "Evidence", "noise_sd", "noise"),
    ],
)
def test_a_misspelt_field_is_an_error(
    tmp_path: Path, module: str, record: str, right: str, wrong: str
) -> None:
    done = mypy(tmp_path, record, wrong, module)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f'"{record}" has no attribute "{wrong}"' in done.stdout
    done = mypy(tmp_path, record, right, module)
    assert done.returncode == 0, done.stdout + done.stderr
