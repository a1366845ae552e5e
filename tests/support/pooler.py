"""A PgBouncer of our own, which lends each transaction another connection of PostgreSQL."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import sqlalchemy as sa

from support.postgres import Postgres
from support.waiting import until

PORT = 6432  # no port: the number in the socket's name


def binary() -> str | None:
    """The program, or None."""
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")


class Pooler:
    """A PgBouncer before one server; it refuses to run as root, as PostgreSQL does."""

    def __init__(self, folder: Path, postgres: Postgres, program: str, **options: object) -> None:
        self.folder = folder
        self._program = program
        self._user = "nobody" if os.geteuid() == 0 else None
        server = sa.make_url(postgres.url("postgres"))
        values = {
            "listen_addr": "", "listen_port": PORT, "unix_socket_dir": folder,
            "logfile": folder / "pgbouncer.log", "auth_type": "any", "pool_mode": "transaction",
            "max_client_conn": 200, "default_pool_size": 6, "server_login_retry": 0.2, **options,
        }  # fmt: skip
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={postgres.socket.parent} port=5432 user={server.username} "
            f"password={server.password}\n[pgbouncer]\n"
            + "".join(f"{name} = {value}\n" for name, value in values.items())
        )
        if self._user is not None:
            for path in (folder, folder / "pgbouncer.ini"):
                os.chown(path, pwd.getpwnam(self._user).pw_uid, -1)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.folder / f".s.PGSQL.{PORT}"

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database behind it."""
        return f"postgresql+psycopg://anybody@/{database}?host={self.folder}&port={PORT}"

    def start(self) -> None:
        """Start and wait until it answers."""
        self.socket.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [self._program, "--quiet", str(self.folder / "pgbouncer.ini")],
            user=self._user, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until(self._answers, what="PgBouncer")

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it: every client and every server connection is gone."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(20)

    def send(self, number: signal.Signals) -> None:
        """Freeze it or thaw it: to its clients it is a server that hangs."""
        assert self._process is not None
        self._process.send_signal(number)

    def _answers(self) -> bool:
        try:
            psycopg.connect(f"host={self.folder} port={PORT} dbname=postgres user=a").close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def pooler(postgres: Postgres, program: str, **options: object) -> Iterator[Pooler]:
    """A running pooler for the length of the block, with settings of its own."""
    folder = Path(tempfile.mkdtemp(prefix="hps-pgb-"))
    folder.chmod(0o711)
    made = Pooler(folder, postgres, program, **options)
    try:
        made.start()
        yield made
    finally:
        made.kill()
        shutil.rmtree(folder, ignore_errors=True)
