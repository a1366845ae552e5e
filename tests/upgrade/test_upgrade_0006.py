"""A database of schema 0006 moves up and down, and its searches go on under the rules of this build.

`schema_0006.py` made its rows with the build before, and `schema_0006.json` of what became of them.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from golden.__main__ import portably
from upgrade.rows import columns, contents, emptied, fill

from hpsearch import rules
from migrations import schema

HERE = Path(__file__).parent
ROWS = (HERE / "schema_0006.sql").read_text()
EXPECTED = json.loads((HERE / "schema_0006.json").read_text())
BEFORE = "0006"
# Those that had ended keep the digest of the old build; of the others no build has all bits.
ENDED = ("completed", "completed, choices", "completed elsewhere")


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


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def outcome(request, new_database, with_builtin, tmp_path_factory):
    """What comes of the old searches, the schema having been taken up, down and up again."""
    home = tmp_path_factory.mktemp("onward")
    with_builtin(home / "data")
    with new_database(request.param, home) as url:
        fill(emptied(url), ROWS, BEFORE)
        moved(url)
        moved(url, BEFORE)
        moved(url)
        made = portably("upgrade.onward", str(home), url, json.dumps(EXPECTED["held"]))
        moved(url, BEFORE)
        moved(url)
        made["again"] = portably("upgrade.onward", str(home), url)
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
    digests = EXPECTED["digests"]
    assert outcome["digests"] == {name: digests[name] if name in ENDED else None for name in shown}
    assert outcome["withheld"] == {
        name: None if name in ENDED else rules.mixed(1) for name in shown
    }


def test_none_of_them_is_compared_with_other_rules(outcome):
    """Replays of decisions and of training are refused, and say which release to install."""
    told = outcome["replayed"]
    assert len(told) == 2 * len(EXPECTED["shown"])
    for lines in told.values():
        (line,) = lines
        assert "was made under rules 1, this build has" in line
        assert "; install 0.1.x to train it again" in line
