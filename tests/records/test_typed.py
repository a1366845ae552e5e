"""A misspelt field of a record is noticed before it runs: by mypy, as `make check` calls it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIELDS = [  # module, record, a field, and the field misspelt
    ("records", "TrialRecord", "rank_value", "rank_values"),
    ("records", "SearchRecord", "recommended", "recomended"),
    ("evidence", "Evidence", "noise_sd", "noise"),
]
PLANTED = """
def {field}_of(record: {record}) -> object:
    return record.{field}
"""


@pytest.mark.slow
def test_a_misspelt_field_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "planted.py"
    imports = [f"from hpsearch.{module} import {record}\n" for module, record, *_ in FIELDS]
    uses = [PLANTED.format(record=r, field=f) for _, r, *both in FIELDS for f in both]
    file.write_text("".join(imports + uses))
    # The options of `make check`, and so its cache: what it has read is not read again.
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir",
         str(ROOT / ".mypy_cache"), str(file)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    errors = [line for line in done.stdout.splitlines() if "error:" in line]
    assert len(errors) == len(FIELDS), done.stdout
    for (_, record, _, wrong), error in zip(FIELDS, errors, strict=True):
        assert f'"{record}" has no attribute "{wrong}"' in error
