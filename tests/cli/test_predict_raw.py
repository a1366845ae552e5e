"""`hpsearch predict` on the raw file of a table with words and gaps."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from nn.test_raw import model, rows

from hpsearch.cli.predict import predict, read
from hpsearch.errors import InvalidDataset, InvalidRequest

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


@pytest.mark.parametrize("name", ["rows", "rows.txt", "rows.table", "rows.npz", "rows.csv"])
@pytest.mark.parametrize("kind", ["text", "gzip", "arrays"])
def test_the_bytes_say_what_a_file_is_for_a_model_of_numbers(
    tmp_path: Path, name: str, kind: str
) -> None:
    """As in uploads: no name of a file hides what it is."""
    plain = SimpleNamespace(columns=(), about={"feature_names": ["a", "b"]})
    file, text = tmp_path / name, b"b;a;note\n1;2;x\n3;4,5;y\n"
    if kind == "arrays":
        with file.open("wb") as to:
            np.savez(to, x=np.array([[2, 1], [4.5, 3]]))
    else:
        file.write_bytes(gzip.compress(text) if kind == "gzip" else text)
    np.testing.assert_array_equal(read(file, plain), [[2, 1], [4.5, 3]])


def test_what_is_no_file_of_examples_is_named(tmp_path: Path) -> None:
    plain = SimpleNamespace(columns=(), about={"feature_names": ["a", "b"]})
    file = tmp_path / "rows.thing"
    with pytest.raises(InvalidRequest, match="No such file"):
        read(file, plain)
    file.write_bytes(b"%PDF-1.7\n...")
    with pytest.raises(InvalidDataset, match="a PDF document"):
        read(file, plain)
