"""`hpsearch predict` on the raw file of a table with words and gaps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from nn.test_raw import model, rows

from hpsearch.cli.predict import predict
from hpsearch.errors import InvalidRequest

LINES = "id,age,city,size,member,flown,label\n1,30,Rome,high,yes,2020-05-01,y\n2,NA,Bonn,low,no,2020-05-02,n\n"


@pytest.fixture
def winner(tmp_path: Path) -> Path:
    file = tmp_path / "winner.npz"
    file.write_bytes(model().dump())
    return file


def test_the_raw_file_is_taken_with_what_was_left_out(winner, tmp_path, capsys) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(LINES)
    predict(winner, file, header=None, as_json=True)
    said = json.loads(capsys.readouterr().out)
    wanted = model().predict_proba(
        rows(age=None, city="Bonn", size="low", member="no", flown="2020-05-02")
    )
    found = [list(one["probabilities"].values()) for one in said["predictions"]]
    np.testing.assert_array_equal(np.float32(found), wanted)
    assert said["warnings"] == []


def test_an_unknown_level_is_said_and_a_column_that_is_missing_refused(
    winner, tmp_path, capsys
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(LINES.replace("Rome", "Oslo"))
    predict(winner, file, header=None, as_json=False)
    streams = capsys.readouterr()
    assert "hpsearch: warning: column 'city': 1 of 2 values are no level" in streams.err
    assert streams.out.startswith("label,n,y\n")
    file.write_text(LINES.replace("size", "hat"))
    with pytest.raises(InvalidRequest, match="lacks the column 'size'"):
        predict(winner, file, header=None, as_json=False)
