from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hpsearch import errors
from hpsearch.supervisor import child as module
from hpsearch.supervisor.child import Child, Program

PARENT = """
import os, signal, sys
from pathlib import Path
from hpsearch.supervisor.child import Child, Program
program = Program("made", [sys.executable, "-c", "import signal; signal.pause()"])
made = Child(program, logs=Path(sys.argv[1]), environment=os.environ)
made.start()
print(made.pid, flush=True)
signal.pause()
"""


@pytest.fixture
def launch(tmp_path):
    started = []

    def run(code: str) -> Child:
        program = Program("made", [sys.executable, "-c", code])
        made = Child(program, logs=tmp_path, environment=os.environ)
        started.append(made)
        made.start()
        return made

    yield run
    for made in started:
        made.kill()


def test_an_end_is_told_once(launch, until):
    made = launch("import sys; print('a word'); sys.exit(7)")
    assert until(made.ended, "it ends") == 7
    assert made.ended() is None
    assert made.pid is None
    assert made.last_lines(5) == ["a word"]


def test_only_the_latest_life_is_quoted(launch, until):
    made = launch("print('first')")
    until(lambda: made.ended() is not None, "it ends")
    made.start()
    until(lambda: made.ended() is not None, "it ends again")
    assert made.last_lines(5) == ["first"]
    assert made.log.read_text() == "first\nfirst\n"


def test_lines_are_read_when_they_are_whole(launch, until):
    made = launch("import sys; sys.stdin.read(); print('later')")
    until(lambda: made.ended() is not None, "it ends")
    assert made.new_lines() == ["later"]
    with made.log.open("ab") as log:
        log.write(b"half \xff")
        log.flush()
        assert made.new_lines() == []
        log.write(b"done\nnext")
    assert made.new_lines() == ["half \N{REPLACEMENT CHARACTER}done"]


def test_a_full_log_moves_away_while_it_is_written(launch, until, monkeypatch):
    monkeypatch.setattr(module, "LOG_BYTES", 1000)
    made = launch(
        "import time\nfor i in range(10**9): print('line', i, flush=True); time.sleep(0.001)"
    )
    old = made.log.with_name("made.log.1")
    until(lambda: made.new_lines() and old.exists(), "the log has moved")
    assert old.read_text().startswith("line 0\n")
    assert until(made.new_lines, "it goes on in the new file")[0].startswith("line")
    assert made.log.stat().st_size < old.stat().st_size + 1000


def test_a_line_without_end_is_cut(launch, until, monkeypatch):
    monkeypatch.setattr(module, "READ_BYTES", 100)
    made = launch("print('x' * 250)")
    until(lambda: made.ended() is not None, "it ends")
    assert [made.new_lines() for _ in range(4)] == [["x" * 100], ["x" * 100], ["x" * 50], []]


def test_a_log_that_was_removed_disturbs_nobody(launch, until):
    made = launch("print('a word')")
    until(lambda: made.ended() is not None, "it ends")
    made.log.unlink()
    assert made.new_lines() == []
    assert made.last_lines(3) == []


def test_what_a_process_leaves_behind_ends_with_it(launch, until, is_alive):
    made = launch(
        "import subprocess, sys\n"
        "left = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        "print(left.pid, flush=True)\n"
    )
    until(lambda: made.ended() is not None, "it ends")
    left = int(made.last_lines(1)[0])
    until(lambda: not is_alive(left), "its child ends")


def test_a_program_that_is_not_there_is_named(tmp_path):
    made = Child(Program("made", ["/no/such/program"]), logs=tmp_path, environment={})
    with pytest.raises(errors.Misconfigured, match=r"made cannot be started: .*No such file"):
        made.start()


def test_killing_what_has_ended_is_nothing(launch):
    made = launch("import signal; signal.pause()")
    made.kill()
    made.kill()
    made.terminate()
    assert made.pid is None


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not tell of a parent's death")
def test_a_child_ends_with_its_parent(tmp_path, until, is_alive):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        until(lambda: not is_alive(pid), "the child ends")
