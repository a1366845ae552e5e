"""Excerpts of files that other people published, as they are, with what is right for each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hpsearch import errors
from hpsearch.data import DatasetInfo, DatasetStore
from hpsearch.data.parse.parameters import reading_of
from hpsearch.data.parse.work import ingest

HOME = Path(__file__).parent / "published"
"""A folder for each file, with its source, licence and facts in `about.json`."""


@pytest.fixture
def take(tmp_path: Path) -> Any:
    """take("01", parameters): the description of a file's dataset."""
    store = DatasetStore(str(tmp_path / "store"), tmp_path / "cache", parse=ingest)

    def taken(number: str, **words: Any) -> DatasetInfo:
        (folder,) = HOME.glob(f"{number}-*")
        (file,) = (path for path in folder.iterdir() if path.name != "about.json")
        words.setdefault("filename", file.name)
        return store.ingest_upload(file, "application/octet-stream", reading_of(words))

    return taken


def kinds(info: DatasetInfo) -> dict[str, str]:
    """Kind of each column of the file: that of a date by its parts."""
    stored = {c.source or c.name: "date" if c.part else c.kind for c in info.columns}
    return stored | {one.name: one.kind for one in info.left_out}


@pytest.mark.parametrize(
    ("number", "parameters"),
    [
        ("01", {"label": "species", "missing": "NA"}),
        ("03", {}),
        ("04", {}),
        ("05", {"label": "survived", "missing": "?"}),
        ("06", {"label": "Effect Amount of damage", "rare": 3}),
        ("07", {"rare": 3}),
        ("08", {"missing": "?"}),
        ("12", {}),
        ("13", {}),
        ("18", {}),
    ],
)
def test_kinds_gaps_and_classes_are_those_of_the_list(
    take: Any, number: str, parameters: dict[str, Any]
) -> None:
    (folder,) = HOME.glob(f"{number}-*")
    about = json.loads((folder / "about.json").read_text())
    info = take(number, **parameters)
    found = kinds(info)
    rare = parameters.get("rare", 0)
    counts = {k: n for k, n in about["facts"]["class_counts"].items() if n >= rare}
    assert dict(zip(info.classes, info.class_counts, strict=True)) == counts
    words = {"category", "boolean", "ordered"}
    for name, kind in about.get("kinds", {}).items():
        if kind in ("number", "date"):
            assert found[name] == kind, name
        elif kind == "category":
            assert found[name] in words, name
    if not rare:
        gaps = {c.name: c.missing for c in info.columns if c.missing}
        assert gaps == about["facts"]["missing"]
    for name, levels in about.get("levels", {}).items():
        column = next(column for column in info.columns if column.name == name)
        assert list(column.levels) == levels


def test_what_is_left_out_is_said(take: Any) -> None:
    assert kinds(take("05", label="survived"))["name"] == "text"
    assert kinds(take("08"))[""] == kinds(take("18"))[""] == "index"
    flares = take("16", label="c-class-flares", drop="m-class-flares,x-class-flares", rare=3)
    assert kinds(flares)["m-class-flares"] == "dropped"
    assert kinds(flares)["largest-spot-area"] == "constant"
    assert flares.classes == ("0", "1", "2", "3")


def test_what_may_be_either_is_asked_and_a_parameter_answers(take: Any) -> None:
    for number, said in (("10", "header=true"), ("11", "header=true"), ("15", "no header")):
        with pytest.raises(errors.InvalidDataset, match=said):
            take(number)
    assert len(take("11", header="none").classes) == 11
    mushroom = take("15", header="none")
    assert mushroom.label == "c23"
    assert {one.kind for one in mushroom.left_out} == {"constant"}


def test_counts_are_predicted_and_damage_is_said(take: Any) -> None:
    with pytest.raises(errors.InvalidDataset, match="task=regression"):
        take("09")
    low, high, mean, sd = take("09", task="regression").target  # of the rows that train
    assert 1 <= low < mean < high <= 402
    assert sd > 0
    damaged = take("14", label="CO(GT)", task="regression", missing="-200")
    assert "padded_rows" in {note.code for note in damaged.notes}
    assert "sheet" in {note.code for note in take("17").notes}  # the first of several
    assert take("17", sheet="mtcars", task="regression").target
    assert {note.code for note in take("02").notes} == {"equal_rows"}
