"""Trials run by real commands that do what commands really do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support.agents import Stubborn
from support.command_fixtures import alive
from support.waiting import until

from hpsearch.agent.agent import _Slot
from hpsearch.agent.surroundings import Tail, secrets_of
from hpsearch.trials import RoundKind

PY = sys.executable


def script(tmp_path: Path, text: str, name: str = "t.py") -> str:
    file = tmp_path / name
    file.write_text(text)
    return str(file)


# Values and environment


def test_values_arrive_as_words_and_variables(begin: Any, tmp_path: Path) -> None:
    code = (
        "import json, os, sys\n"
        "own = {n: v for n, v in os.environ.items() if n.startswith(('HPSEARCH_', 'DATABASE', 'REDIS'))}\n"
        "print(json.dumps({'score': 1.0, 'metrics': {}}))\n"
        f"json.dump([sys.argv[1:], own, sys.stdin.read(), sorted(os.environ)], open({str(tmp_path / 'seen')!r}, 'w'))\n"
    )
    environment = {
        **os.environ, "HPSEARCH_API_KEY": "the-key", "HPSEARCH_URL": "http://x", "DATABASE_URL": "a",
        "REDIS_URL": "b", "MINE": "holds the-key too", "HPSEARCH_TRIAL_ID": "old",
    }  # fmt: skip
    trial = begin(
        PY, script(tmp_path, code), "--lr={lr}", "--text={text}", params={"lr": 32.0, "text": "a b; $HOME *'"},
        environment=environment, key="the-key",
    )  # fmt: skip
    assert trial.outcome().state == "completed"
    words, own, stdin, names = json.loads((tmp_path / "seen").read_text())
    assert words == ["--lr=32.0", "--text=a b; $HOME *'"]
    assert stdin == ""
    assert own.pop("HPSEARCH_TRIAL_PARAMS") == '{"lr": 32.0, "text": "a b; $HOME *\'"}'
    assert own == {
        "HPSEARCH_TRIAL_SEARCH": "s1", "HPSEARCH_TRIAL_ID": "1-6", "HPSEARCH_TRIAL_KIND": "explore",
        "HPSEARCH_TRIAL_ROLE": "", "HPSEARCH_TRIAL_EPOCHS": "1", "HPSEARCH_TRIAL_SEED": "77",
        "HPSEARCH_TRIAL_ATTEMPT": "1",
    }  # fmt: skip
    assert "MINE" not in names
    assert "PYTHONUNBUFFERED" in names


def test_a_value_that_cannot_be_written_returns_the_trial(begin: Any) -> None:
    trial = begin(PY, "--x={x}", params={"x": None})
    outcome = trial.outcome()
    assert outcome.state == "returned"
    assert "{x?" in str(outcome.fault)
    assert [r["state"] for r in trial.heard.reports] == ["returned"]


# Ends


@pytest.mark.parametrize(
    ("command", "state", "said"),
    [
        ("echo score=0.5", "completed", None),
        ("echo score=0.5; exit 3", "failed", "exit status 3; its last lines:\nscore=0.5"),
        ("echo score=0.5; kill -9 $$", "failed", "signal 9"),
        ("sh -c 'kill -9 $$'; exit $?", "failed", "signal 9"),
        (f"{PY} -c 1/0; true", "failed", "without a score"),
        (f"{PY} -c 1/0; true", "failed", "ZeroDivisionError"),
        (f"{PY} -c 'input()'", "failed", "EOFError"),
        ("echo score=nan", "diverged", None),
        ("echo score=0.5; echo score=-inf", "diverged", None),
        ("echo score=0.99 >&2", "failed", "without a score"),
        ("exec 1>&-; sleep 0.2; exit 4", "failed", "exit status 4"),
        ("head -c 300000 /dev/urandom; echo; echo score=0.5", "completed", None),
        ("echo score=0.4; printf score=0.5", "completed", None),
        ("while :; do echo noise; done & sleep 0.2; echo score=0.5", "completed", None),
    ],
)
def test_a_command_ends(begin: Any, command: str, state: str, said: str | None) -> None:
    trial = begin("sh", "-c", command.replace("{", "{{"))
    outcome = trial.outcome()
    assert outcome.state == state, outcome
    (report,) = trial.heard.reports
    assert said is None or said in report["message"]
    assert state != "completed" or report == {"score": 0.5, "epoch": 1}
    assert len(report.get("message", "")) <= 2000


def test_secrets_do_not_leave_in_the_last_lines(begin: Any) -> None:
    environment = {**os.environ, "MY_TOKEN": "tok-123456", "PLAIN": "seen-by-all"}
    command = "echo $MY_TOKEN $PLAIN postgresql://u:pass-word@h/x Authorization: Bearer abc; exit 1"
    trial = begin("sh", "-c", command, environment=environment, key="key-of-service")
    message = trial.outcome().why
    assert "seen-by-all postgresql://u:***@h/x" in message
    assert not any(secret in message for secret in ("tok-123456", "pass-word", "abc"))


def test_half_a_secret_does_not_leave_either() -> None:
    """A long line is cut, and a private key has several lines."""
    environment = {
        "MY_KEY": "-----BEGIN-----\nfirst-line-of-it\nsecond-line\n",
        "DB_PASS": "p" * 500,
    }
    tail = Tail(secrets_of(environment, None))
    tail.add([b"x" * 600 + b"p" * 500 + b"y" * 10, b"  first-line-of-it", b"key: second-line"])
    text = tail.text(2000)
    assert "***yyyyyyyyyy" in text
    assert not any(secret in text for secret in ("pp", "first-line", "second-line"))


def test_a_hyperparameter_that_is_not_active_is_none_of_the_trials_facts(begin: Any) -> None:
    """{seed} is the seed that is searched, also where the trial has none."""
    words = ("{seed?--seed={seed}}", "{epochs}")
    trial = begin("echo", *words, params={}, searched=frozenset({"seed"}))
    assert "last lines:\n1" in (trial.outcome().why or "")


def test_a_command_that_is_no_program_returns_the_trial_and_ends_the_agent(begin: Any) -> None:
    trial = begin("/no/such/program", "{x}", params={"x": 1})
    outcome = trial.outcome()
    assert outcome.state == "returned"
    assert "/no/such/program: No such file" in str(outcome.fault)


# Processes


def test_a_score_counts_at_once_though_processes_stay(begin: Any, stubborn: Any) -> None:
    """The end is that of the command, not that of its output."""
    started = f"import subprocess, sys; subprocess.Popen([sys.executable, {str(stubborn.file)!r}], start_new_session=True)"
    wait = f"while [ ! -s {stubborn.file.parent}/pids ]; do sleep 0.02; done; echo score=0.5"
    trial = begin("sh", "-c", f'{PY} -c "$0"; {wait}', started, grace=20.0)
    until(lambda: trial.heard.reports, seconds=30, what="the report")
    assert not stubborn.gone()
    trial.run.stop_within = 0.1
    assert trial.outcome().state == "completed"
    assert stubborn.gone()


def test_a_background_process_holds_nothing_up(begin: Any) -> None:
    begun = time.monotonic()
    trial = begin("sh", "-c", "sleep 30 & echo score=0.5")
    assert trial.outcome().state == "completed"
    assert time.monotonic() - begun < 15


# A double fork into a session of its own, with an empty environment.
DAEMON = """
import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execve(sys.executable, [sys.executable, sys.argv[1]], {})
    os._exit(0)
os.wait()
"""
LAUNCHERS = {
    "shell": "{w}; true",
    "session": "setsid {w}; true",
    "background": "{w} & {w} & wait",
    "nohup": "nohup {w} > /dev/null 2>&1 & wait",
    "timeout": "timeout 50 {w}",
    "xargs": "echo 1 2 | xargs -P2 -n1 {w}",
    "daemon": "{daemon}; sleep 60",
}
OF_GROUP_OR_TREE = ("shell", "background", "timeout", "xargs")


@pytest.mark.parametrize(("reaper", "names"), [(True, tuple(LAUNCHERS)), (False, OF_GROUP_OR_TREE)])
def test_nothing_is_left_whatever_has_started_it(
    begin: Any, tmp_path: Path, reaper: bool, names: tuple[str, ...]
) -> None:
    """Without a subreaper, as on macOS, what is of the command's group or below it."""
    trials, scripts = [], []
    for name in names:
        (tmp_path / name).mkdir()
        scripts.append(Stubborn(tmp_path / name / "w.py"))
        daemon = script(tmp_path / name, DAEMON, "daemon.py")
        command = LAUNCHERS[name].replace("{w}", scripts[-1].command)
        command = command.replace("{daemon}", f"{PY} {daemon} {scripts[-1].file}")
        trials.append(begin("sh", "-c", command, reaper=reaper))
    for name, stubborn in zip(names, scripts, strict=True):
        stubborn.begun(2 if name in ("background", "xargs") else 1)
    for trial in trials:
        trial.run.stop_within = 0.4
    assert [trial.outcome().state for trial in trials] == ["returned"] * len(names)
    assert [name for name, s in zip(names, scripts, strict=True) if not s.gone()] == []


def test_the_time_limit_ends_everything(begin: Any, stubborn: Any) -> None:
    trial = begin("sh", "-c", f"{stubborn.command}; true", limit=1.0, grace=0.4)
    outcome = trial.outcome()
    assert outcome.state == "failed"
    assert "not done after 1 seconds, its time limit" in outcome.why
    assert trial.heard.reports == [{"state": "failed", "message": outcome.why}]
    assert stubborn.gone()


def test_a_first_word_that_returns_at_once_is_no_training(begin: Any, stubborn: Any) -> None:
    trial = begin("sh", "-c", f"setsid {stubborn.command} &", grace=0.4)
    outcome = trial.outcome()
    assert outcome.state == "failed"
    assert "without a score" in outcome.why
    assert stubborn.gone()


def test_one_of_two_trials_is_stopped(begin: Any, stubborn: Any, tmp_path: Path) -> None:
    daemon = script(tmp_path, DAEMON, "daemon.py")
    command = f"{PY} {daemon} {stubborn.file}; echo score=0.5; sleep 60"
    one = begin("sh", "-c", command, grace=0.4)
    (first,) = stubborn.begun()
    other = begin("sh", "-c", command, grace=0.4)
    second = stubborn.begun(2)[1]
    one.run.stop_within = 0.2
    assert one.outcome().state == "returned"
    assert not alive(first)
    assert alive(second)
    assert other.thread.is_alive()
    other.run.stop_within = 0.2
    other.outcome()
    assert not alive(second)


POOL = """
import multiprocessing, os, time
if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        print(*pool.map(abs, [1, 2]), flush=True)
        print("ready", os.getpgid(0), flush=True)
        open(os.environ["READY"], "w").write(str(os.getpgid(0)))
        time.sleep(60)
"""


def test_idle_pools_leave_nothing(begin: Any, tmp_path: Path) -> None:
    """A pool starts new workers while its old ones are killed."""
    pool = script(tmp_path, POOL)
    trials = []
    for number in range(4):
        environment = {**os.environ, "READY": str(tmp_path / f"ready{number}")}
        trials.append(begin(PY, pool, environment=environment, grace=0.0))
    ready = [tmp_path / f"ready{number}" for number in range(4)]
    until(lambda: all(f.exists() and f.read_text() for f in ready), seconds=60, what="the pools")
    for trial in trials:
        trial.run.stop_within = 0.0
    assert [trial.outcome().state for trial in trials] == ["returned"] * 4
    for file in ready:
        with pytest.raises(ProcessLookupError):
            os.killpg(int(file.read_text()), 0)


def test_a_command_that_stopped_itself_ends_within_its_grace(begin: Any) -> None:
    trial = begin("sh", "-c", "kill -STOP $$", limit=0.5, grace=20.0)
    begun = time.monotonic()
    assert trial.outcome().state == "failed"
    assert time.monotonic() - begun < 10  # SIGCONT lets it take its SIGTERM


@pytest.mark.parametrize("answer", ["exit 0", "kill -TERM $$"])
def test_a_stop_that_was_asked_for_is_no_failure(begin: Any, tmp_path: Path, answer: str) -> None:
    command = f"trap 'echo score=0.7; trap - TERM; {answer}' TERM; touch {tmp_path}/ready; while :; do sleep 0.05; done"
    trial = begin("sh", "-c", command, grace=20.0)
    until((tmp_path / "ready").exists, seconds=30, what="the command")
    trial.run.stop_within = 20.0
    assert trial.outcome().state == "returned"
    assert trial.heard.reports == [{"state": "returned"}]


AGENT = """
import os, sys, threading, time
sys.path.insert(0, sys.argv[1])
from hpsearch.agent.child import Child

def start():  # the thread ends, and nothing of the trial with it
    child = Child()
    child.order(sys.argv[3:], dict(os.environ), grace=0.4)
    children.append(child)

children = []
thread = threading.Thread(target=start)
thread.start()
thread.join()
print("begun", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("killed", ["agent", "both"])
def test_a_killed_agent_leaves_nothing(stubborn: Any, tmp_path: Path, killed: str) -> None:
    """Its supervisor notices; where that is killed too, the command itself dies with it."""
    root = str(Path(__file__).resolve().parents[2])
    # In place of a shell where both are killed: a shell's children would have nobody.
    command = ["sh", "-c", f"setsid {stubborn.command} & wait"] if killed == "agent" else [PY, str(stubborn.file)]  # fmt: skip
    agent = subprocess.Popen(
        [PY, "-c", AGENT, root, "--", *command], stdout=subprocess.PIPE, text=True
    )
    assert agent.stdout is not None
    (pid,) = stubborn.begun()
    assert agent.stdout.readline() == "begun\n"  # the thread that started it has ended
    assert alive(pid)
    if killed == "both":
        os.kill(parent(pid), signal.SIGKILL)
    agent.kill()
    agent.communicate()
    until(lambda: not alive(pid), seconds=10, what="its end")


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_trial_whose_supervisor_is_killed_has_failed(begin: Any, stubborn: Any) -> None:
    trial = begin(PY, str(stubborn.file))
    (pid,) = stubborn.begun()
    os.kill(parent(pid), signal.SIGKILL)
    outcome = trial.outcome()
    assert outcome.state == "failed"
    assert outcome.orphaned
    until(stubborn.gone, seconds=10, what="the command's end")


# Scores and epochs


def test_epochs_are_reported_as_they_come(begin: Any, tmp_path: Path) -> None:
    """The last one waits for the end: the command may fail yet."""
    command = (
        "echo epoch=1 score=.1; echo epoch=2 score=.2; echo epoch=2 score=.2; echo epoch=3 score=.3;"
        f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"
    )
    trial = begin("sh", "-c", command, epochs=3, rungs=[2, 3])
    until(lambda: len(trial.heard.reports) == 2, seconds=30, what="two reports")
    assert [r["epoch"] for r in trial.heard.reports] == [1, 2]
    (tmp_path / "go").touch()
    assert trial.outcome().state == "completed"
    assert trial.heard.reports[2:] == [{"score": 0.3, "epoch": 3}]


def test_the_service_stops_a_trial(begin: Any) -> None:
    trial = begin("sh", "-c", "echo epoch=1 score=.1; sleep 60", epochs=3, stop_after=1)
    assert trial.outcome().state == "stopped"
    assert len(trial.heard.reports) == 1  # nothing is returned


@pytest.mark.parametrize(
    ("lines", "epochs", "reports"),
    [
        (["score=.1", "score=.2"], 2, [{"score": 0.1, "epoch": 1}, {"score": 0.2, "epoch": 2}]),
        (["score=.1", "score=.2"], 3, [{"score": 0.2, "epoch": 3}]),
        (["epoch=1 score=.1", "score=.2"], 3, [{"score": 0.1, "epoch": 1}, {"score": 0.2, "epoch": 3}]),
        (["epoch=1 score=.1"], 3, [{"score": 0.1, "epoch": 1}, {"score": 0.1, "epoch": 1, "state": "completed"}]),
        (["epoch=1 score=nan", "epoch=2 score=1"], 3, [{"state": "diverged"}]),
        (['{"score": 1, "metrics": {"f1": 0.5}, "cost": 2}'], 1,
         [{"metrics": {"f1": 0.5}, "cost": 2, "score": 1.0, "epoch": 1}]),
        (["replicate=2 score=.3", "replicate=1 score=.1"], 3, [{"replicates": [0.1, 0.3], "epoch": 3}]),
        (["epoch=1 score=.1", "replicate=1 score=.2", "replicate=1 score=.2"], 2,
         [{"score": 0.1, "epoch": 1}, {"score": 0.2, "epoch": 2}]),
        (["replicate=1 score=.1", "replicate=2 score=nan"], 1, [{"state": "diverged"}]),
    ],
)  # fmt: skip
def test_scores_become_reports(begin: Any, lines: list[str], epochs: int, reports: Any) -> None:
    trial = begin("printf", "%s\\n", *(line.replace("{", "{{") for line in lines), epochs=epochs)
    trial.outcome()
    assert trial.heard.reports == reports


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["epoch=0 score=.1"], "the epochs 1 to 3"),
        (["epoch=4 score=.1"], "epoch 4"),
        (["epoch=1 score=.1", "epoch=1 score=.2"], "0.2 after 0.1"),
        (["epoch=2 score=.1", "epoch=1 score=.2"], "after that of epoch 2"),
        (["epoch=2 replicate=1 score=.1"], "compared after the last one, 3"),
        (["replicate=1 score=.1", "replicate=1 score=.2"], "0.2 after 0.1"),
        (["replicate=1 score=.1", "score=.2"], "and others have none"),
        ([f"replicate={n} score=.1" for n in range(21)], "more than 20 replicates"),
    ],
)
def test_epochs_that_cannot_be_fail_the_trial(begin: Any, lines: list[str], why: str) -> None:
    trial = begin("printf", "%s\\n", *lines, epochs=3)
    outcome = trial.outcome()
    assert outcome.state == "failed"
    assert why in outcome.why


def test_a_final_trial_reports_its_last_score_alone(begin: Any) -> None:
    lines = ["epoch=1 score=.1", "epoch=2 score=.2"]
    trial = begin("printf", "%s\\n", *lines, epochs=2, kind=RoundKind.FINAL)
    trial.outcome()
    assert trial.heard.reports == [{"score": 0.2, "epoch": 2}]


def test_a_command_that_does_not_fit_the_search_costs_one_trial_nothing(begin: Any) -> None:
    """Halving compares epochs that the command does not tell: the agent ends, and the trial waits."""
    trial = begin("echo", "score=0.5", epochs=4, rungs=[2, 4])
    outcome = trial.outcome()
    assert outcome.state == "returned"
    assert "epoch=2 score=..." in str(outcome.fault)
    assert trial.heard.reports == [{"state": "returned"}]


def test_scores_may_come_by_a_file(begin: Any, tmp_path: Path) -> None:
    """Then standard output holds none; several ranks may write there what they like."""
    command = (
        "echo score=9; echo epoch=1 score=.1 >> $HPSEARCH_TRIAL_SCORE_FILE;"
        f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done;"
        'printf "epoch=2 score=.2" >> "$0"'
    )
    trial = begin("sh", "-c", command, "{score_file}", epochs=2, score_file=True)
    until(lambda: trial.heard.reports, seconds=30, what="the first report")
    (tmp_path / "go").touch()
    trial.outcome()
    assert trial.heard.reports == [{"score": 0.1, "epoch": 1}, {"score": 0.2, "epoch": 2}]


def test_a_print_without_flush_is_known_before_the_end(begin: Any) -> None:
    code = "print('epoch=1 score=0.5'); import time; time.sleep(60)"
    trial = begin(PY, "-c", code, epochs=2)
    until(lambda: trial.heard.reports, seconds=30, what="the report")
    trial.run.stop_within = 0.3
    trial.outcome()


@pytest.mark.parametrize(
    ("beside", "said"),
    [
        ('"note": "\\ud800"', "surrogates"),
        ('"note": 5', "give text"),
        ('"metrics": {"f1": NaN}', "finite"),
        ('"metrics": 3', "for each name"),
        (f'"cost": 1{"0" * 400}', "too large"),
    ],
)
def test_a_report_that_cannot_be_sent_is_a_failure_with_the_reason(
    begin: Any, beside: str, said: str
) -> None:
    """The thread that speaks with the service lives on: without it nobody would keep the trial."""
    line = f'{{"score": 0.5, {beside}}}'.replace("{", "{{").replace("}", "}}")
    trial = begin("printf", "%s\\n", line)
    outcome = trial.outcome()
    assert outcome.state == "failed"
    assert said in (outcome.why or "")
    (report,) = trial.heard.reports
    assert report == {"state": "failed", "message": outcome.why}


def test_a_service_that_answers_nonsense_ends_the_agent(begin: Any) -> None:
    trial = begin("echo", "score=0.5", answers=RuntimeError("no service says that"))
    outcome = trial.outcome()
    assert str(outcome.fault) == "no service says that"


def test_a_supervisor_that_has_ended_before_its_trial_is_replaced() -> None:
    slot = _Slot()
    slot.prepare()
    first = slot.take()
    first.close()
    slot.prepare()
    spare = slot._spare
    assert spare is not None
    os.kill(spare._process.pid, signal.SIGKILL)
    until(lambda: spare.ended, seconds=10, what="its end")
    second = slot.take()
    assert second is not spare
    assert not second.ended
    second.close()
