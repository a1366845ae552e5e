"""What an upload with groups or a time seals: whole groups, the last stretch of time, every class."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch import errors
from hpsearch.data import DatasetInfo, DatasetStore
from hpsearch.data.parse.parameters import reading_of
from hpsearch.data.parse.sealing import stamp
from hpsearch.data.parse.work import ingest
from hpsearch.data.sealed import open_test

PUBLISHED = Path(__file__).parent / "published"
Take = Callable[..., DatasetInfo]


@pytest.fixture
def files(tmp_path: Path) -> DatasetStore:
    return DatasetStore(str(tmp_path / "store"), tmp_path / "cache", parse=ingest)


@pytest.fixture
def take(files: DatasetStore, tmp_path: Path) -> Take:
    """take(text or path, parameters): the description of the dataset."""

    def taken(content: str | Path, **words: Any) -> DatasetInfo:
        file = content if isinstance(content, Path) else tmp_path / "upload.csv"
        if isinstance(content, str):
            file.write_text(content)
        words.setdefault("filename", file.name)
        return files.ingest_upload(file, "application/octet-stream", reading_of(words))

    return taken


def csv(header: str, *columns: Any) -> str:
    rows = "\n".join(",".join(map(str, row)) for row in zip(*columns, strict=True))
    return f"{header}\n{rows}\n"


def visits(rows: int = 300, size: int = 6, prefix: str = "") -> list[list[Any]]:
    """A measurement, a group, a day and a class of each row."""
    rng = np.random.default_rng(3)
    group = [f"{prefix}g{i // size}" for i in range(rows)]
    day = [f"2024-{1 + i // 30:02}-{1 + i % 28:02}" for i in range(rows)]
    return [rng.integers(0, 99, rows).tolist(), group, day, (np.arange(rows) % 2).tolist()]


def test_columns_without_a_header_keep_their_made_names_beside_others(take: Take) -> None:
    x, group, _, y = visits()
    rows = csv("", x, group, y).lstrip("\n")
    assert take(rows, header="none", groups="c2").feature_names == ("c1",)
    numbers = csv("", x, [n % 7 for n in x], y).lstrip("\n")
    assert take(numbers, header="none").feature_names == ()
    assert take(numbers, header="none", drop="c2").feature_names == ("c1",)


def test_a_group_that_may_be_a_gap_is_noted(take: Take) -> None:
    x, group, _, y = visits()
    for at in range(12):
        group[at] = "NA" if at % 2 else "nan"
    info = take(csv("x,g,y", x, group, y), groups="g")
    assert (
        codes(info)["group_may_be_missing"] == "'NA' of column 'g' is taken for a group of 6 rows"
    )
    assert info.group_counts[2] == 6
    assert "group_may_be_missing" not in codes(
        take(csv("x,g,y", x, group, y), groups="g", missing="NA")
    )


def codes(info: DatasetInfo) -> dict[str, str]:
    return {note.code: note.message for note in info.notes}


def test_no_group_lies_in_both_parts(files: DatasetStore, take: Take) -> None:
    info = take(csv("x,g,d,y", *visits()), groups="g", drop="d")
    train, test = files.open_train(info), open_test(files, info)
    assert not set(train.facts.groups) & set(test.facts.groups)
    assert info.group_counts == (40, 10, 0)
    assert (info.n_train, info.n_test) == (240, 60)
    assert set(test.y) == {0, 1}
    assert info.feature_names == ("x",)  # the group is no feature
    assert not info.together


def test_nothing_that_trains_is_later_than_what_is_sealed(files: DatasetStore, take: Take) -> None:
    x, g, _, y = visits()
    mixed = np.random.default_rng(0).permutation(300)
    time = mixed // 7
    info = take(csv("x,g,t,y", x, g, time, y), time="t", drop="g")
    train, test = files.open_train(info), open_test(files, info)
    assert train.facts.time.max() < test.facts.time.min()
    assert info.times == ("0", "33", "34", "42")
    assert info.stamps == 34
    assert np.array_equal(files.test_rows(info), np.flatnonzero(time >= 34))


def test_dates_are_shown_as_dates(take: Take) -> None:
    x, _, _, y = visits(120)
    day = [f"{1 + i % 28:02}.{1 + i // 28:02}.2023 {i % 24:02}:00" for i in range(120)]
    info = take(csv("x,t,y", x, day, y), time="t")
    assert info.times[0] == "2023-01-01"
    assert info.times[2] == "2023-04-13"
    assert stamp(19358.5, dated=True) == "2023-01-01 12:00:00"
    assert stamp(-0.25, dated=True) == "1969-12-31 18:00:00"
    assert stamp(3.5, dated=False) == "3.5"


def test_by_both_known_groups_are_taken_out_of_training(files: DatasetStore, take: Take) -> None:
    x, g, _, y = visits(size=7)
    info = take(csv("x,g,t,y", x, g, range(300), y), groups="g", time="t")
    train, test = files.open_train(info), open_test(files, info)
    assert train.facts.time.max() < test.facts.time.min()
    assert not set(train.facts.groups) & set(test.facts.groups)
    assert (info.n_train, info.n_test) == (
        238,
        60,
    )  # rows 238 and 239 have later ones of their group
    assert sum(info.class_counts) == 298
    assert codes(info)["rows_set_aside"].startswith("2 rows of 300 are in neither part")
    assert np.array_equal(files.test_rows(info), np.arange(240, 300))


def test_groups_that_are_there_all_the_time_leave_nothing_to_train_on(take: Take) -> None:
    x, _, _, y = visits()
    group = np.arange(300) % 50
    with pytest.raises(errors.InvalidDataset, match="0 of all 300 rows would stay") as refused:
        take(csv("x,g,t,y", x, group, range(300), y), groups="g", time="t")
    assert refused.value.mistakes[0].path == "groups"
    assert "time= without groups=" in refused.value.mistakes[0].message


def test_the_order_of_rows_and_a_prefix_of_names(files: DatasetStore, take: Take) -> None:
    columns = visits()
    info = take(csv("x,g,d,y", *columns), groups="g", drop="d")
    held = {columns[1][row] for row in files.test_rows(info)}
    mixed = np.random.default_rng(1).permutation(300)
    moved = [[column[row] for row in mixed] for column in columns]
    again = take(csv("x,g,d,y", *moved), groups="g", drop="d")
    assert {moved[1][row] for row in files.test_rows(again)} == held
    prefixed = take(csv("x,g,d,y", *visits(prefix="x-")), groups="g", drop="d")
    assert prefixed.digest != info.digest
    assert prefixed.group_counts == info.group_counts


def test_one_group_of_most_rows_is_refused_with_its_size(take: Take) -> None:
    group = ["big"] * 900 + [f"s{i // 10}" for i in range(90)]
    text = csv("x,g,y", range(990), group, np.arange(990) % 2)
    with pytest.raises(errors.InvalidDataset, match=r"'big' .* has 900 of 990 rows \(90.9%\)"):
        take(text, groups="g")


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (range(90), "every row is a group of its own, which separates nothing"),
        (["a"] * 45 + ["b"] * 45, "there are 2 groups: a split takes 3 groups"),
        ([""] * 90, "every row is a group of its own"),
    ],
)
def test_groups_that_separate_nothing_are_refused(take: Take, column: Any, said: str) -> None:
    with pytest.raises(errors.InvalidDataset, match=said) as refused:
        take(csv("x,g,y", np.arange(90) % 13, column, np.arange(90) % 2), groups="g")
    assert refused.value.mistakes[0].path == "groups"


@pytest.mark.parametrize(
    ("column", "label", "said"),
    [
        (np.arange(90) // 60, np.arange(90) % 2, "fewer than 3 different times"),
        (np.arange(90) // 72 + np.arange(90) // 80, np.arange(90) % 2, "share one of the times"),
        (np.minimum(np.arange(90), 20), np.arange(90) % 2, "seals 70 of 90"),
        (np.arange(90), np.arange(90) // 80, "the training part has no row of class '1', which has 10"),
        (np.arange(90), np.arange(90) < 5, "the test part has no row of class 'True', which has 5"),
    ],
)  # fmt: skip
def test_times_that_make_no_parts_are_refused(
    take: Take, column: Any, label: Any, said: str
) -> None:
    with pytest.raises(errors.InvalidDataset, match=said) as refused:
        take(csv("x,t,y", np.arange(90) % 13, column, label), time="t")
    assert refused.value.mistakes[0].path == "time"


def test_a_class_of_one_group_is_refused(take: Take) -> None:
    y = ["rare" if 30 <= i < 40 else "a" if i % 2 else "b" for i in range(100)]
    with pytest.raises(errors.InvalidDataset, match=r"class 'rare'.*rare=11 does"):
        take(csv("x,g,y", np.arange(100) % 7, np.arange(100) // 10, y), groups="g")
    info = take(csv("x,g,y", np.arange(100) % 7, np.arange(100) // 10, y), groups="g", rare=11)
    assert info.classes == ("a", "b")


def test_rows_without_a_group_are_groups_and_large_ones_are_noted(take: Take) -> None:
    group = ["", "NA"] * 10 + ["big"] * 30 + [f"s{i // 5}" for i in range(50)]
    info = take(csv("x,g,y", range(100), group, np.arange(100) % 2), groups="g", missing="NA")
    assert info.group_counts[2] == 20
    assert sum(info.group_counts[:2]) == 31
    found = codes(info)
    assert "20 rows of 100 without a value" in found["rows_without_group"]
    assert "'big' of column 'g' has 30 of 100 rows (30.0%)" in found["large_group"]
    assert set(codes(take(csv("x,g,y", range(100), np.arange(100) // 10, np.arange(100) % 2),
                          groups="g"))) >= {"few_groups"}  # fmt: skip


def test_equal_rows_of_two_groups_are_counted_and_not_joined(take: Take) -> None:
    info = take(
        csv("x,g,y", np.arange(100) % 5, np.arange(100) // 5, np.arange(100) % 2), groups="g"
    )
    assert info.group_counts == (16, 4, 0)
    assert "20 of 20 test rows are training rows too" in codes(info)["test_rows_in_training"]


@pytest.mark.parametrize("fact", ["groups", "weight"])
def test_the_last_column_is_the_label_where_none_is_named(take: Take, fact: str) -> None:
    text = csv("x,y,g", range(60), [0, 1] * 30, np.arange(60) // 3)
    with pytest.raises(
        errors.InvalidDataset, match="'g' is taken for the label, for none is named"
    ):
        take(text, **{fact: "g"})
    with pytest.raises(errors.InvalidDataset, match="'g' is named by label= too"):
        take(text, label="g", **{fact: "g"})
    assert take(text, label="y", **{fact: "g"}).feature_names == ("x",)


def test_a_format_without_columns_takes_neither(tmp_path: Path, files: DatasetStore) -> None:
    """So a given test part, which an .npz alone brings, never meets groups."""
    np.savez(tmp_path / "a.npz", x=np.eye(9), y=np.arange(9) % 2)
    for name in ("groups", "time"):
        with pytest.raises(errors.InvalidRequest, match=name):
            files.ingest_upload(
                tmp_path / "a.npz", "application/octet-stream",
                reading_of({name: "a", "filename": "a.npz"}),
            )  # fmt: skip


def test_speakers_and_towns_of_published_files(files: DatasetStore, take: Take) -> None:
    vowel = take(
        PUBLISHED / "11-vowel-speakers" / "vowel.dat", header="none", groups="c2", drop="c1"
    )
    assert vowel.group_counts == (4, 1, 0)
    assert (vowel.n_train, vowel.n_test) == (44, 11)
    assert {"c1", "c2"} <= {one.name for one in vowel.left_out}
    assert set(open_test(files, vowel).y) == set(range(11))
    titanic = take(
        PUBLISHED / "05-titanic-missing-leak" / "titanic.csv",
        label="survived", missing="?", groups="home.dest", drop="boat,body",
    )  # fmt: skip
    train, test = files.open_train(titanic), open_test(files, titanic)
    assert not set(train.facts.groups) & set(test.facts.groups)
    assert titanic.group_counts[2] == 26
    file = PUBLISHED / "07-weather-dates" / "seattle-weather.csv"
    with pytest.raises(errors.InvalidDataset, match="the test part has no row of class 'rain'"):
        take(file, rare=3, time="date")
    weather = take(file, label="temp_max", task="regression", time="date")
    assert weather.times[1] < weather.times[2]
