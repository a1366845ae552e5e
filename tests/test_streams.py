"""Standard streams that are closed, full, or of an encoding that lacks what is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.command_fixtures import STATUS, contract

from hpsearch.report.words import plain

__all__ = ["contract"]

ROOT = Path(__file__).resolve().parents[1]
NAME = "caf\N{LATIN SMALL LETTER E WITH ACUTE} \N{CJK UNIFIED IDEOGRAPH-6570}"
NOBODY, FULL, CLOSED, LOST = 141, "/dev/full", "&-", 74


@pytest.fixture
def shell(contract, tmp_path):
    """shell(LINE): a line of bash, in which $hpsearch is the command, asking the test's server."""

    def run(line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HPSEARCH_")}
        own = {"hpsearch": f"{sys.executable} -P -m hpsearch.cli", "PYTHONPATH": str(ROOT),
               "HPSEARCH_URL": contract.url, "HPSEARCH_HOME": str(tmp_path / "home")}  # fmt: skip
        return subprocess.run(
            ["bash", "-c", line], env={**kept, **own, **environment}, capture_output=True,
            check=False, timeout=60,
        )  # fmt: skip

    return run


def many(contract, count: int) -> None:
    items = [{**STATUS, "id": f"s{i}", "name": NAME * 20} for i in range(count)]
    contract.answer(200, {"items": items, "next": None})


@pytest.mark.parametrize("words", ["list --limit 1000", "list --json --limit 1000"])
def test_a_reader_that_has_enough_ends_the_command_as_it_ends_others(contract, shell, words):
    many(contract, 1000)  # more than a pipe holds
    done = shell(f"$hpsearch {words} | head -c 10; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr) == (NOBODY, b"")
    assert len(done.stdout) == 10


@pytest.mark.parametrize("words", ["status s1", "list", "list --json", "spec s1", "--help"])
@pytest.mark.parametrize("to", [FULL, CLOSED])
def test_an_output_that_takes_nothing_is_one_sentence(contract, shell, words, to):
    body = {"items": [STATUS], "next": None} if "list" in words else STATUS
    contract.answer(200, body)
    done = shell(f"$hpsearch {words} >{to}")
    assert done.returncode == LOST
    why = "No space left on device" if to == FULL else "Bad file descriptor"
    if "--json" in words:
        assert json.loads(done.stderr)["error"]["exit_code"] == LOST
    else:
        assert done.stderr.decode() == f"hpsearch: standard output: {why}\n"


@pytest.mark.parametrize("to", [FULL, CLOSED])
def test_messages_that_nobody_can_read_change_neither_output_nor_exit_code(contract, shell, to):
    contract.answer(200, {**STATUS, "id": "s9"})
    submitted = shell(f"echo '{{}}' | $hpsearch submit - 2>{to}")
    assert (submitted.returncode, submitted.stdout) == (0, b"s9\n")
    contract.answers.clear()
    contract.problem(404, "Not found", "no such search")
    assert shell(f"$hpsearch status s1 2>{to}").returncode == 5


def test_the_other_programs_are_as_careful(shell):
    done = shell(f"{sys.executable} -P -m migrations heads >/dev/full")
    assert (done.returncode, done.stderr) == (LOST, b"hpsearch: standard output: No space left on device\n")  # fmt: skip
    assert shell(f"{sys.executable} -P -m migrations heads 1>&- 2>&-").returncode == LOST


def test_python_s_own_streams_stay_usable_for_libraries(shell):
    code = ("import sys; from hpsearch import streams; streams.prepare(); print('a', flush=True); "
            "sys.__stdout__.write('b'); sys.__stderr__.write('c'); sys.__stdout__.fileno()")  # fmt: skip
    done = shell(f'{sys.executable} -c "{code}"')
    assert (done.returncode, done.stdout, done.stderr) == (0, b"a\nb", b"c")


def test_a_closed_input_is_said(shell):
    done = shell("$hpsearch submit - <&-")
    assert (done.returncode, done.stderr) == (2, b"hpsearch: standard input: Bad file descriptor\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "ascii:strict", "cp437"])
@pytest.mark.parametrize("words", ["status s1", "list", "status s1 --json"])
def test_a_character_that_cannot_be_shown_is_an_escape(contract, shell, encoding, words):
    view = {**STATUS, "name": NAME}
    contract.answer(200, {"items": [view], "next": None} if words == "list" else view)
    done = shell(f"$hpsearch {words}", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    if "--json" in words:
        assert json.loads(done.stdout)["name"] == NAME
    else:
        assert rb"\u6570" in done.stdout


def test_a_locale_without_utf8_shows_an_error_as_well(contract, shell):
    contract.problem(404, "Not found", f"no search {NAME}")
    done = shell("$hpsearch status s1", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.returncode == 5
    assert done.stderr.startswith(b"hpsearch: no search caf")


def test_a_name_cannot_turn_the_direction_of_a_line():
    assert plain("a\N{RIGHT-TO-LEFT OVERRIDE}b\N{LINE SEPARATOR}c") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"  # fmt: skip
