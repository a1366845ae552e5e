"""A database of schema 0006 moves up and down, and its searches go on to the digests of the old build.

`schema_0006.py` made its rows with the build before, and `schema_0006.json` of what became of them.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from golden.__main__ import portably
from upgrade.rows import columns, contents, emptied, fill

from migrations import schema

HERE = Path(__file__).parent
ROWS = (HERE / "schema_0006.sql").read_text()
EXPECTED = json.loads((HERE / "schema_0006.json").read_text())
BEFORE = "0006"


def moved(url, revision=None):
    """Move a database to a revision, up to the newest by default."""
    database = schema.Database(url)
    if revision is None:
        database.upgrade()
    else:
        database.downgrade(revision)
    database.close()


@pytest.fixture
def old_url(database_url):
    """The old rows on each kind of database."""
    fill(emptied(database_url), ROWS, BEFORE)
    return database_url


def test_every_old_row_survives_the_way_up_and_down(old_url):
    old = columns(old_url)
    before = contents(old_url, old)
    moved(old_url)
    moved(old_url, BEFORE)
    assert columns(old_url) == old
    assert contents(old_url, old) == before


@pytest.fixture
def outcome(old_url, with_builtin, tmp_path):
    """What comes of the old searches, the schema having been taken up, down and up again."""
    moved(old_url)
    moved(old_url, BEFORE)
    moved(old_url)
    home = tmp_path / "onward"
    home.mkdir()
    with_builtin(home / "data")
    made = portably("upgrade.onward", str(home), old_url, json.dumps(EXPECTED["held"]))
    moved(old_url, BEFORE)
    moved(old_url)
    made["again"] = portably("upgrade.onward", str(home), old_url)
    return made


def test_the_old_searches_go_on(outcome):
    """One went on in round 2 of 4, one from a pause, one elsewhere under its old lease."""
    shown = EXPECTED["shown"]
    assert outcome["states"] == dict.fromkeys(shown, "completed")
    for name, rounds in shown.items():
        decided = [reasons for reasons in rounds if reasons]
        assert outcome["reasons"][name][: len(decided)] == decided, name
    assert outcome["again"]["reasons"] == outcome["reasons"]
    assert outcome["again"]["digests"] == outcome["digests"]
    if outcome["fingerprint"] != EXPECTED["fingerprint"]:
        pytest.skip(
            f"the old digests were made under {EXPECTED['fingerprint']}, and this machine computes "
            f"under {outcome['fingerprint']}: they were not compared"
        )
    assert outcome["withheld"] == dict.fromkeys(shown)
    assert outcome["digests"] == EXPECTED["digests"]
    assert [line for lines in outcome["replayed"].values() for line in lines] == []
    assert {"completed", "completed, decisions"} <= outcome["replayed"].keys()
