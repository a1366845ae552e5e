"""The supervisor with its real broker; API, loop and worker are stand-ins that do as told."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hpsearch.supervisor import broker
from hpsearch.supervisor.address import url_of

CRASH = "import sys\nprint('the reason why')\nsys.exit(1)\n"


def test_it_serves_until_it_is_told_to_stop(stand_ins, descendants, is_alive, interrupt):
    box = stand_ins()
    process, url = box.serve("--workers", "3")
    service = json.loads((box.home / "run" / "service.json").read_text())
    assert service == {"pid": process.pid, "url": url}
    assert stat.S_IMODE((box.home / "api.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((box.home / "run").stat().st_mode) == 0o700
    assert broker.answers(box.home / "run" / "broker.sock")
    below = descendants(process.pid)
    assert len(below) == 4
    assert interrupt(process) == 0
    assert not any(is_alive(pid) for pid in below)
    assert not (box.home / "run" / "service.json").exists()
    assert not (box.home / "run" / "broker.sock").exists()
    assert "'run', '--concurrency', '3'" in box.log("worker")


def test_processes_find_their_settings(stand_ins):
    tell = "import json, os\nprint(json.dumps(dict(os.environ)), flush=True)\n"
    box = stand_ins(migrations=tell)
    box.environment["HPSEARCH_HOME"] = "home"  # relative to where it is started
    box.serve("--workers", "1")
    seen = json.loads(box.log("migrations"))
    assert seen["HPSEARCH_HOME"] == str(box.home)
    assert seen["HPSEARCH_API_KEY_FILE"] == str(box.home / "api.key")
    assert seen["OPENBLAS_NUM_THREADS"] == "1"
    assert int(seen["HPSEARCH_PORT"]) > 0


def test_a_key_of_the_environment_is_used_instead(stand_ins):
    box = stand_ins()
    box.environment["HPSEARCH_API_KEY"] = "k" * 40
    box.serve()
    assert not (box.home / "api.key").exists()


@pytest.mark.parametrize("terminal", [True, False])
def test_a_link_that_signs_in_is_shown_to_a_terminal_alone(stand_ins, terminal):
    box = stand_ins()
    ours, theirs = os.openpty() if terminal else os.pipe()
    command = [sys.executable, "-P", "-m", "hpsearch.cli", "serve", "--port", "0"]
    process = subprocess.Popen(command, env=box.environment, cwd=box.home.parent, stdout=theirs)
    os.close(theirs)
    said = ""
    while "/docs" not in said:
        said += os.read(ours, 4096).decode()
    process.terminate()
    assert process.wait(timeout=20) == 0
    os.close(ours)
    key = (box.home / "api.key").read_text().strip()
    assert (f"/#key={key}" in said) is terminal
    assert (key in said) is terminal


def test_a_short_key_is_refused_before_anything_starts(stand_ins):
    box = stand_ins()
    box.environment["HPSEARCH_API_KEY"] = "short"
    done = box.run("serve", "--port", "0")
    assert done.returncode == 78
    assert done.stderr.startswith("hpsearch: HPSEARCH_API_KEY has 5 characters")
    assert not (box.home / "logs").exists()


def test_two_services_do_not_share_a_folder(stand_ins):
    box = stand_ins()
    process, url = box.serve()
    done = box.run("serve", "--port", "0")
    assert done.returncode == 3
    assert (
        done.stderr == f"hpsearch: already running on {box.home}: process {process.pid} at {url}\n"
    )
    assert process.poll() is None


def test_without_workers_there_is_no_worker(stand_ins):
    box = stand_ins()
    box.serve("--workers", "0")
    assert not (box.home / "logs" / "worker.log").exists()


def test_a_process_that_dies_is_started_again(stand_ins, descendants, until, is_alive):
    box = stand_ins()
    process, _ = box.serve("--workers", "1")
    before = set(descendants(process.pid))
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any(is_alive(pid) for pid in before), "they are dead")
    until(lambda: len(descendants(process.pid)) == len(before), "they are started again")
    until(lambda: broker.answers(box.home / "run" / "broker.sock"), "the broker is back")
    process.terminate()
    _, said = process.communicate(timeout=20)
    assert process.returncode == 0
    for name in ("broker", "api", "loop", "worker"):
        assert f"{name} ended after" in said
    assert "(exit -9); again in 0.5 s" in said


def test_a_process_that_keeps_dying_ends_the_service(stand_ins):
    box = stand_ins(api=CRASH)
    done = box.run("serve", "--port", "0")
    assert done.returncode == 69
    assert f"starting the service in {box.home} ...\n" in done.stderr
    assert "hpsearch: api does not start (exit 1); the end of " in done.stderr
    assert done.stderr.endswith("\n  the reason why\n")
    assert not broker.answers(box.home / "run" / "broker.sock")


def test_a_process_that_is_misconfigured_ends_the_service_at_once(stand_ins, tmp_path):
    starts = tmp_path / "starts"
    box = stand_ins(api=f"import sys\nopen({str(starts)!r}, 'a').write('one ')\nsys.exit(78)\n")
    done = box.run("serve", "--port", "0", "--json")
    assert done.returncode == 78
    assert starts.read_text() == "one "
    error = json.loads(done.stderr.splitlines()[-1])["error"]
    assert error["type"] == "Misconfigured"
    assert "it wrote nothing" in error["detail"]
    assert done.stdout == ""


def test_a_failed_migration_ends_the_service(stand_ins):
    box = stand_ins(migrations=CRASH)
    done = box.run("serve", "--port", "0")
    assert done.returncode == 69
    assert "the database could not be brought up to date (exit 1)" in done.stderr
    assert "the reason why" in done.stderr
    assert not (box.home / "logs" / "api.log").exists()


def test_it_can_be_stopped_while_it_starts(stand_ins, until, descendants, is_alive, interrupt):
    box = stand_ins(migrations="import signal\nsignal.pause()\n")
    process = box.start("serve", "--port", "0")
    until((box.home / "logs" / "migrations.log").exists, "migrations start")
    until(lambda: len(descendants(process.pid)) == 2, "broker and migrations run")
    below = descendants(process.pid)
    assert interrupt(process) == 0
    assert not any(is_alive(pid) for pid in below)


STUBBORN = """
import signal, sys
if "loop" not in sys.argv:  # that one has time for its webhooks
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
while True:
    signal.pause()
"""


def test_a_second_signal_means_now(stand_ins, until, descendants, is_alive):
    box = stand_ins(worker=STUBBORN)
    process, _ = box.serve("--workers", "1", "--grace", "600")
    until(lambda: "ready" in box.log("worker") and "ready" in box.log("loop"), "they run")
    below = descendants(process.pid)
    process.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=1)
    process.terminate()
    assert process.wait(timeout=15) == 0
    assert not any(is_alive(pid) for pid in below)


def test_a_worker_has_its_grace_and_no_more(stand_ins, until, is_alive, descendants):
    box = stand_ins(worker=STUBBORN)
    process, _ = box.serve("--workers", "1", "--grace", "0.5")
    until(lambda: "ready" in box.log("worker") and "ready" in box.log("loop"), "they run")
    below = descendants(process.pid)
    process.terminate()
    assert process.wait(timeout=15) == 0
    assert not any(is_alive(pid) for pid in below)


def test_processes_end_in_order(stand_ins):
    leave = (
        "import os, signal, sys, time\n"
        "def end(*_):\n"
        "    print('ended', time.monotonic(), flush=True)\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
    )
    wait = "while True:\n    signal.pause()\n"
    box = stand_ins()
    api = Path(box.environment["PYTHONPATH"].split(os.pathsep)[0]) / "api" / "__main__.py"
    api.write_text(leave + api.read_text())
    worker = api.parents[1] / "worker" / "__main__.py"
    worker.write_text(leave + "print('ready', flush=True)\n" + wait)
    process, _ = box.serve("--workers", "1")
    deadline = time.monotonic() + 20
    while "ready" not in box.log("worker") or "ready" not in box.log("loop"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.terminate()
    assert process.wait(timeout=20) == 0
    times = [
        float(box.log(name).rpartition("ended ")[2].split()[0])
        for name in ("worker", "loop", "api")
    ]
    assert times == sorted(times)
    assert "User requested shutdown" in box.log("broker")


def test_a_broker_whose_socket_was_removed_is_replaced(stand_ins, until):
    box = stand_ins()
    process, _ = box.serve()
    folder = box.home / "run"
    (folder / "broker.sock").unlink()
    until(lambda: broker.answers(folder / "broker.sock"), "another broker answers")
    process.terminate()
    _, said = process.communicate(timeout=20)
    assert "the broker's socket was removed" in said


@pytest.mark.skipif(sys.platform != "linux", reason="needs the kernel's notice of a parent's death")
def test_a_killed_supervisor_takes_its_processes_along(stand_ins, descendants, until, is_alive):
    box = stand_ins()
    process, url = box.serve("--workers", "1")
    below = descendants(process.pid)
    process.kill()
    process.wait()
    until(lambda: not any(is_alive(pid) for pid in below), "they end")
    assert (box.home / "run" / "service.json").exists()
    _, again = box.serve("--workers", "1", "--port", url.rpartition(":")[2])
    assert again == url


def test_an_orphan_broker_is_replaced(stand_ins, until):
    box = stand_ins()
    path = box.home / "run" / "broker.sock"
    path.parent.mkdir(parents=True, mode=0o700)
    orphan = subprocess.Popen(broker.command(path), stdout=subprocess.DEVNULL)
    try:
        until(lambda: broker.answers(path), "the orphan answers")
        process, _ = box.serve()
        assert orphan.wait(timeout=5) == 0
        process.terminate()
        _, said = process.communicate(timeout=20)
        assert "ended the broker of a service that was killed" in said
    finally:
        orphan.kill()
        orphan.wait()


def test_a_long_home_has_its_socket_elsewhere(stand_ins):
    box = stand_ins()
    home = box.home.parent / ("x" * 120)
    box.environment["HPSEARCH_HOME"] = str(home)
    process, _ = box.serve()
    assert (home / "run" / "service.json").exists()
    assert not (home / "run" / "broker.sock").exists()
    process.terminate()
    assert process.wait(timeout=20) == 0


def test_alarms_of_the_processes_reach_the_terminal(stand_ins, until):
    loud = (
        "import signal\n"
        'print(\'{"event": "quiet \\u001b[2J", "level": "info"}\', flush=True)\n'
        'print(\'{"event": "loud", "level": "error"}\', flush=True)\n'
        "print('[10:00] ERROR \\x1b[2J in celery', flush=True)\n"
        "signal.pause()\n"
    )
    box = stand_ins(worker=loud)
    process, _ = box.serve("--workers", "1")
    until(lambda: "celery" in box.log("worker") and "celery" in box.log("loop"), "it has spoken")
    process.terminate()
    _, said = process.communicate(timeout=20)
    assert 'worker | {"event": "loud", "level": "error"}' in said
    assert "loop | [10:00] ERROR" in said
    assert "quiet" not in said
    assert "\x1b" not in said


def test_a_terminal_that_has_gone_does_not_disturb_the_stop(stand_ins, descendants, is_alive):
    box = stand_ins()
    process, _ = box.serve("--workers", "1")
    below = descendants(process.pid)
    assert process.stderr is not None
    process.stderr.close()
    process.terminate()
    assert process.wait(timeout=20) == 0
    assert not any(is_alive(pid) for pid in below)
    assert not (box.home / "run" / "service.json").exists()


def test_a_port_that_is_taken_is_said_at_once(stand_ins):
    box = stand_ins()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = box.run("serve", "--port", str(port))
    assert done.returncode == 3
    assert f"port {port} on 127.0.0.1 is taken by another program" in done.stderr
    assert not (box.home / "run" / "broker.sock").exists()


def test_an_address_of_another_machine_is_refused(stand_ins):
    done = stand_ins().run("serve", "--port", "0", "--host", "192.0.2.1")
    assert done.returncode == 78
    assert "cannot listen on 192.0.2.1" in done.stderr


def test_a_home_that_cannot_be_made_is_said(stand_ins, tmp_path):
    (tmp_path / "file").touch()
    box = stand_ins()
    done = box.run("serve", "--port", "0", "--home", str(tmp_path / "file" / "home"))
    assert done.returncode == 78
    assert "set HPSEARCH_HOME elsewhere" in done.stderr


def test_with_redis_url_there_is_no_broker(stand_ins):
    box = stand_ins()
    box.environment |= {
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/none",
        "HPSEARCH_API_KEY": "k" * 40,
    }
    box.serve("--workers", "1")
    assert not (box.home / "logs" / "broker.log").exists()
    assert not (box.home / "api.key").exists()


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("::1", "http://[::1]:80"),
        ("localhost", "http://localhost:80"),
    ],
)
def test_the_address_is_one_for_this_machine(host, expected):
    assert url_of(host, 80) == expected
