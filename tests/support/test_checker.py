"""The checker sees each kind of damage, and nothing in a run that is sound."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from hpsearch.settings import load
from hpsearch.store import Engines
from hpsearch.store.tables import event
from hpsearch.trials import Hint, JobReport
from hpsearch.wiring import build
from support.bench import OWNER, Bench
from support.checker import check, digests, verify
from support.checker.history import reading
from support.checker.outside import i12_intact
from support.waiting import until

JOB = "(SELECT min(id) FROM job WHERE kind = 'explore')"
FINAL = "(SELECT id FROM job WHERE kind = 'final')"
EVENT = "INSERT INTO event (at, search_id, job_id, attempt, kind, detail) "


def of_job(kind, detail="NULL", job=JOB, attempt="1"):
    """One more event of a job, as somebody who bypasses the rules would leave it."""
    search = f"(SELECT search_id FROM job WHERE id = {job})"
    return f"{EVENT} VALUES (1.0, {search}, {job}, {attempt}, '{kind}', {detail})"


def of_search(kind, detail="NULL"):
    return f"{EVENT} SELECT 1.0, id, NULL, NULL, '{kind}', {detail} FROM search"


PLANTED = {
    "I1 search": ("I1", "UPDATE search SET state = 'finalizing'"),
    "I1 job": ("I1", f"UPDATE job SET state = 'queued', done_attempt = NULL WHERE id = {JOB}"),
    "I1 trial": ("I1", "UPDATE trial SET state = 'pending' WHERE round = 1 AND idx = 2"),
    "I2 lost trial": ("I2", "DELETE FROM trial WHERE round = 1 AND idx = 2"),
    "I2 lost job": ("I2", f"DELETE FROM job WHERE id = {JOB}"),
    "I2 trial of another job": (
        "I2",
        f"UPDATE trial SET job_id = {FINAL} WHERE round = 1 AND idx = 2",
    ),
    "I2 state": ("I2", "UPDATE trial SET state = 'cancelled' WHERE round = 1 AND idx = 2"),
    "I3 twice": ("I3", of_job("done", "(SELECT detail FROM event WHERE kind = 'done')")),
    "I3 never": ("I3", f"DELETE FROM event WHERE kind = 'done' AND job_id = {JOB}"),
    "I3 attempt": ("I3", f"UPDATE job SET done_attempt = 2, attempt = 2 WHERE id = {JOB}"),
    "I4 twice": ("I4", of_job("claimed", 'json(\'{"worker_run": "b"}\')')),
    "I4 by another": (
        "I4",
        f"""UPDATE event SET detail = json_set(detail, '$.worker_run', 'b')
        WHERE kind = 'done' AND job_id = {JOB}""",
    ),
    "I5 twice": ("I5", of_search("advanced", 'json(\'{"round": 1, "jobs": 1, "trials": 8}\')')),
    "I5 gap": ("I5", "UPDATE search SET round = 7"),
    "I5 early": (
        "I5",
        """UPDATE event SET id = 0 WHERE id =
        (SELECT max(e.id) FROM event e JOIN job j ON j.id = e.job_id
        WHERE e.kind = 'claimed' AND j.round = 2)""",
    ),
    "I6 parameters": (
        "I6",
        "UPDATE trial SET params = json_set(params, '$.learning_rate', 0.5) WHERE role = 'drawn'",
    ),
    "I6 recommended": (
        "I6",
        "UPDATE search SET recommended = json_set(recommended, '$.trainings', 99)",
    ),
    "I6 second choice": (
        "I6",
        of_search("final_frozen", 'json(\'{"round": 3, "jobs": 1, "trials": 3}\')'),
    ),
    "I6 unopened": ("I6", "DELETE FROM event WHERE kind = 'test_opened'"),
    "I6 opened by exploring": ("I6", of_job("test_opened", 'json(\'{"dataset": "d"}\')')),
    "I6 score outside": ("I6", "UPDATE trial SET test_correct = 1 WHERE round = 1 AND idx = 0"),
    "I7": ("I7", "UPDATE trial SET correct = correct - 1 WHERE round = 1 AND idx = 2"),
    "I8 lost": ("I8", "DELETE FROM search"),
    "I8 unknown": ("I8", "DELETE FROM event WHERE kind = 'submitted'"),
    "I9 counter": (
        "I9",
        "UPDATE round SET completed = completed - 1, diverged = 1 WHERE number = 1",
    ),
    "I9 epochs": ("I9", "UPDATE round SET epochs_trained = epochs_trained + 1 WHERE number = 2"),
    "I9 open jobs": ("I9", "UPDATE round SET open_jobs = 1 WHERE number = 2"),
    "I9 best": ("I9", "UPDATE search SET best_score = 1.5"),
    "I9 best of a round": ("I9", "UPDATE round SET best_index = NULL WHERE number = 1"),
    "I9 rank value": ("I9", "UPDATE trial SET rank_value = 0.5 WHERE round = 1 AND idx = 2"),
    "I9 openings": ("I9", "UPDATE dataset_content SET openings = openings + 1"),
    "I9 overwritten": ("I9", "UPDATE trial SET epochs = epochs + 1 WHERE round = 1 AND idx = 2"),
    "I12": ("I12", "UPDATE trial SET job_id = 999 WHERE round = 1 AND idx = 2"),
    "I13 job": ("I13", of_job("lost", 'json(\'{"error": "e"}\')')),
    "I13 row": ("I13", f"UPDATE job SET losses = 1 WHERE id = {JOB}"),
    "I13 search": ("I13", of_search("paused")),
    "I14": ("I14", "UPDATE search SET webhook = 'https://a.example/'"),
    "I13 openings": ("I13", f"UPDATE job SET openings = 2 WHERE id = {FINAL}"),
}


def settled(folder: Path, migrated: Path, data: Path) -> Path:
    """A database with a search that has met a lost worker, a late report and a replay."""
    path = folder / "sound.db"
    shutil.copyfile(migrated, path)
    settings = load(
        home=folder, data_url=str(data), database_url=f"sqlite:///{path}", job_size=4,
        retry_seconds=0.001, sqlite_synchronous="NORMAL",
    )  # fmt: skip
    with build(settings) as services:
        bench = Bench(services)
        search_id = bench.submit(name="sound")
        bench.work.advance_due()
        hint = bench.work.hints()[-1]
        bench.claim(hint)
        bench.work.give_back(hint, "lost", worker_run="worker")
        bench.complete(search_id)
        row = services.store.read(lambda tx: tx.searches.get(search_id))
        services.store.write(lambda tx: tx.final.open_again(row))
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    return path


@pytest.fixture(scope="module")
def sound(tmp_path_factory, migrated_sqlite, data_folder):
    return settled(tmp_path_factory.mktemp("checker"), migrated_sqlite, data_folder)


@pytest.fixture
def damaged(sound, tmp_path):
    """Damage a copy of the sound database."""

    def damage(statement):
        path = tmp_path / "damaged.db"
        shutil.copyfile(sound, path)
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA ignore_check_constraints = ON")
        assert connection.execute(statement).rowcount
        connection.commit()
        connection.close()
        return f"sqlite:///{path}"

    return damage


def test_a_sound_run_has_no_violation(sound):
    url = f"sqlite:///{sound}"
    counts = verify(url, expected_digests=digests(url))
    assert (counts.searches, counts.finals, counts.advances, counts.openings) == (1, 1, 2, 2)
    assert (counts.lost, counts.reaped, counts.faults) == (1, 0, 1)
    assert counts.claims == counts.done + counts.lost == counts.jobs + 1
    assert digests(url)["sound"] is not None


@pytest.mark.parametrize("name", PLANTED)
def test_planted_damage_is_named(damaged, name):
    invariant, statement = PLANTED[name]
    report = check(damaged(statement), replan=invariant == "I6", intact=invariant == "I12")
    assert [v for v in report.violations if v.startswith(f"{invariant}: ")], report


def test_a_digest_of_another_run_is_named(sound):
    for expected in ({"sound": "0" * 64}, {"another": None}):
        violations = check(f"sqlite:///{sound}", expected_digests=expected).violations
        assert [v[:4] for v in violations] == ["I7: "]


def test_acknowledged_and_refused_are_compared(sound):
    url = f"sqlite:///{sound}"
    assert "I8: search gone was accepted" in check(url, acknowledged=["gone"]).violations[0]
    assert "I8: search sound was refused" in check(url, refused=["sound"]).violations[0]


def test_a_status_that_was_shown_is_compared(bench, database_url):
    search_id = bench.submit()
    bench.complete(search_id)
    shown = bench.services.searches.status(search_id, owner=OWNER).model_dump(mode="json")
    verify(database_url, shown={search_id: shown})
    shown["trials"]["completed"] -= 1
    shown["epochs"]["trained"] += 1
    violations = check(database_url, shown={search_id: shown}).violations
    assert [v[:4] for v in violations] == ["I9: ", "I9: "]


def test_a_secret_in_a_log_is_named_and_not_repeated(sound, tmp_path):
    log = tmp_path / "worker.log"
    log.write_text("a line\nwith hunter2 in it\n")
    violations = check(f"sqlite:///{sound}", canaries=["hunter2"], logs=[log]).violations
    assert violations == [f"I10: {log} holds the planted secret number 0"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc (Linux)")
def test_what_is_left_of_a_home_is_named(sound, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    assert not check(f"sqlite:///{sound}", home=home).violations
    (home / "broker.sock").touch()
    orphan = subprocess.Popen(
        ["sleep", "60"], env={"HPSEARCH_HOME": str(home), "PATH": "/bin:/usr/bin"}
    )
    try:
        until(lambda: Path(f"/proc/{orphan.pid}/cmdline").read_bytes().startswith(b"sleep"))
        found = check(f"sqlite:///{sound}", home=home).violations
    finally:
        orphan.kill()
        orphan.wait()
    assert sorted(found) == [
        f"I11: {home / 'broker.sock'} was left behind",
        f"I11: process {orphan.pid} lives on: sleep 60 ",
    ]


def test_a_broken_page_is_named(sound, tmp_path):
    path = tmp_path / "broken.db"
    content = bytearray(sound.read_bytes())
    content[4096 * 2 : 4096 * 2 + 64] = bytes(range(64))
    path.write_bytes(content)
    assert list(i12_intact(f"sqlite:///{path}"))


def test_postgres_pages_and_indexes_are_checked(postgres_url):
    assert list(i12_intact(postgres_url)) == []


def test_a_run_on_its_way_is_checked_without_its_end(bench, database_url):
    bench.submit()
    bench.work.advance_due()
    first, *_ = bench.work.hints()
    bench.claim(first)
    assert {v[:4] for v in check(database_url).violations} == {"I1: "}
    verify(database_url, ended=False)
    forged = Hint(first.job_id, 9)
    assert bench.work.finish(forged, JobReport([], {}, 0.0), worker_run="forged") == "fenced"
    assert verify(database_url, ended=False).fenced == 1


def test_it_runs_as_a_command(sound, damaged):
    def run(url):
        return subprocess.run(
            [sys.executable, "-m", "support.checker", url],
            cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False,
        )  # fmt: skip

    done = run(f"sqlite:///{sound}")
    assert (done.returncode, done.stdout.splitlines()[1]) == (0, "0 violations")
    done = run(damaged(PLANTED["I7"][1]))
    assert done.returncode == 1
    assert "I7: search " in done.stdout


def test_the_checker_sees_one_moment(database_url):
    engines = Engines(database_url)
    try:
        with reading(engines) as connection:
            count = sa.select(sa.func.count()).select_from(event)
            assert connection.scalar(count) == 0
            with engines.write.begin() as other:
                other.execute(event.insert().values(at=1.0, kind="submitted"))
            assert connection.scalar(count) == 0
            with pytest.raises(DBAPIError):
                connection.execute(event.insert().values(at=1.0, kind="submitted"))
    finally:
        engines.dispose()
