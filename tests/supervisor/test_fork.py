"""Forks of the supervisor: programs that have nothing of it but the modules it has loaded."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hpsearch.supervisor import fork

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is forked")

# A parent with a lock, a handler, an ignored signal and a variable, as the supervisor has them.
PARENT = """
import fcntl, json, os, signal, sys
from pathlib import Path
from hpsearch.supervisor.child import Child, Program, module
folder, name, *words = sys.argv[1:]
sys.path.insert(0, folder)
lock = open(Path(folder) / "lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
signal.signal(signal.SIGTERM, lambda *_: None)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.environ["ONLY_OF_THE_PARENT"] = "1"
if "closed" in words:
    os.close(0)  # the log gets this number
environment = {"PATH": os.environ["PATH"], "OF_THE_CHILD": "1"}
made = Child(
    Program(name, module(name, *words), forks=True), logs=Path(folder), environment=environment
)
made.start()
if "end" in words:
    made.terminate()
print(made.pid, flush=True)
while (code := made.ended()) is None:
    signal.pause() if "live" in words else os.waitid(os.P_PID, made.pid, os.WEXITED | os.WNOWAIT)
print(json.dumps(code))
"""

TELLS = """
import json, os, signal, sys, threading
names = ("SIGTERM", "SIGHUP", "SIGINT")
print(json.dumps({
    "argv": sys.argv[1:], "name": __name__, "environment": dict(os.environ),
    "files": [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
              if os.path.exists(f"/proc/self/fd/{n}") and int(n) > 2],
    "signals": [str(signal.getsignal(getattr(signal, name))) for name in names],
    "session": os.getsid(0) == os.getpid(), "stdin": sys.stdin.read(),
    "called": open("/proc/self/comm").read().strip(),
}))
"""


@pytest.fixture
def begin(tmp_path):
    """begin(TEXT, WORD...): a parent whose fork runs a program of this text."""
    started = []

    def run(text: str, *words: str) -> subprocess.Popen[str]:
        (tmp_path / "made_here.py").write_text(text)
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", PARENT, str(tmp_path), "made_here", *words],
            stdout=subprocess.PIPE, text=True, cwd=tmp_path,
        )  # fmt: skip
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def _ended(process: subprocess.Popen[str], folder: Path) -> tuple[int, str]:
    """The exit code of the fork, and what it has written."""
    said, _ = process.communicate(timeout=30)
    return json.loads(said.splitlines()[1]), (folder / "made_here.log").read_text()


def test_a_fork_has_nothing_of_its_parent_but_modules(begin, tmp_path):
    code, said = _ended(begin(TELLS, "one", "closed"), tmp_path)
    told = json.loads(said)
    assert code == 0
    assert told["argv"] == ["one", "closed"]
    assert told["name"] == "__main__"
    assert set(told["environment"]) == {"PATH", "OF_THE_CHILD"}
    assert told["files"] == []
    default, ignored, interrupt = told["signals"]
    assert default == str(signal.SIG_DFL)
    assert ignored == str(signal.SIG_IGN)  # as nohup has it, and as an executed program keeps it
    assert "default_int_handler" in interrupt
    assert told["session"]
    assert told["stdin"] == ""
    assert told["called"] == "hpsearch-made_h"


# All in forks of one parent, whose modules take most of the time.
PARENT_OF_ALL = """
import json, os, sys
from pathlib import Path
from hpsearch.supervisor.child import Child, Program, module
folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
names = sorted(file.stem for file in folder.glob("case*.py"))
forks = [Child(Program(name, module(name), forks=True), logs=folder, environment=dict(os.environ))
         for name in names]
for fork in forks:
    fork.start()
for fork in forks:
    os.waitid(os.P_PID, fork.pid, os.WEXITED | os.WNOWAIT)
print(json.dumps([fork.ended() for fork in forks]))
"""

ENDS = [
    ("import sys; sys.exit(78)", 78, ""),
    ("import sys; sys.exit('the reason')", 1, "the reason\n"),
    ("raise ValueError('broken')", 1, "ValueError: broken\n"),
    ("import os; os.kill(os.getpid(), 9)", -9, ""),
    ("import atexit; atexit.register(print, 'at the end')", 0, "at the end\n"),
    ("import threading\nthreading.Timer(0.1, print, ['later']).start()", 0, "later\n"),
    ("from hpsearch import streams\nstreams.prepare()\nprint('over another')", 0, "over another\n"),
    ("import nothing_of_this_name", 1, "No module named 'nothing_of_this_name'\n"),
]


def test_a_fork_ends_as_a_program_does(tmp_path):
    for number, (text, _, _) in enumerate(ENDS):
        (tmp_path / f"case{number}.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-P", "-c", PARENT_OF_ALL, str(tmp_path)],
        stdout=subprocess.PIPE, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert json.loads(done.stdout) == [code for _, code, _ in ENDS]
    for number, (text, _, said) in enumerate(ENDS):
        log = (tmp_path / f"case{number}.log").read_text()
        assert log.endswith(said), text


def test_a_signal_that_comes_at_once_is_not_swallowed_by_the_parents_handler(begin, tmp_path):
    ended, log = _ended(begin("import time; time.sleep(20); print('missed it')", "end"), tmp_path)
    assert (ended, log) == (-signal.SIGTERM, "")


def test_a_killed_parent_takes_its_forks_along_and_its_lock(begin, tmp_path, until, is_alive):
    process = begin("import signal\nprint('up', flush=True)\nsignal.pause()\n", "live")
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    until(lambda: "up" in (tmp_path / "made_here.log").read_text(), "it runs")
    os.kill(pid, signal.SIGSTOP)  # it lives on for as long as we like
    process.kill()
    process.wait()
    with (tmp_path / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # nobody else holds it
    os.kill(pid, signal.SIGCONT)
    until(lambda: not is_alive(pid), "it ends")


def test_modules_of_the_working_folder_are_not_taken_for_ours(tmp_path):
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "__init__.py").write_text("raise SystemExit('not ours')")
    (tmp_path / "main.py").write_text(
        "import sys\n"
        "from hpsearch.supervisor import fork\n"
        "print(*fork.load(['no_such_module', 'api.routing']))\n"
        "print(sys.modules['api'].__file__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "main"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    loaded, file = done.stdout.splitlines()
    assert loaded == "no_such_module api.routing"
    assert not file.startswith(str(tmp_path))


def test_a_folder_that_pythonpath_names_stays_in_the_path(tmp_path):
    (tmp_path / "main.py").write_text(
        "import sys\n"
        "from hpsearch.supervisor import fork\n"
        "print(sys.path[:2], [*fork.load([]), *fork.load([])], sys.path[:1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "main"], cwd=tmp_path, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    here = str(tmp_path)
    assert done.stdout == f"{[here, here]} [] {[here]}\n"


def test_every_module_that_is_loaded_for_forks_exists():
    program = (
        "import importlib, sys\n"
        "from hpsearch.supervisor import fork\n"
        "names = [*fork.TO_MIGRATE, *fork.TO_SERVE, *fork.TO_WORK]\n"
        "assert list(fork.load(names)) == names\n"
        "print([name for name in names if name not in sys.modules])\n"
        "print([name for name in fork.LEFT_OUT if name in sys.modules])\n"
        "import rich, yaml\n"  # those who want them have them
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n[]\n"


def test_where_nothing_can_be_forked_programs_are_executed(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not fork.possible()
