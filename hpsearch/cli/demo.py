"""`hpsearch demo`: a whole search over HTTP, on a service of its own."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpsearch.cli.options import Json
from hpsearch.cli.output import console, emit
from hpsearch.errors import Conflict, HpsearchError, Misconfigured, SystemFault, Unavailable

if TYPE_CHECKING:
    from rich.console import Console

    from hpsearch.supervisor.child import Child

START_SECONDS = 90.0
STOP_SECONDS = 20.0
HURRY_SECONDS = 5.0
POLL = 0.05
OTHER_SERVERS = frozenset(
    {
        "DATABASE_URL",
        "REDIS_URL",
        "HPSEARCH_DATA_URL",
        "HPSEARCH_DATABASE_PASSWORD_FILE",
        "HPSEARCH_REDIS_PASSWORD_FILE",
    }
)
TERMINATED = 143  # 128 + SIGTERM
_BY_EXIT_CODE: dict[int, type[HpsearchError]] = {
    kind.exit_code: kind for kind in (Conflict, Misconfigured, Unavailable)
}


def demo(
    home: Annotated[
        Path | None, typer.Option(help="Keep the data here [HPSEARCH_HOME, else nowhere].")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that train [all cores].")
    ] = None,
    as_json: Json = False,
) -> None:
    """Search the learning rate and weight decay of a digit classifier, in half a minute.

    With --json: the result alone on standard output, progress on standard error.
    """
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(TERMINATED)
    )  # `with` and `finally` blocks clean up
    out = console(stderr=as_json)
    with _folder(home) as folder:
        out.print(f"starting the service in {folder}")
        with _service(folder, workers) as url:
            _search(url, folder, out, as_json=as_json)


def _search(url: str, folder: Path, out: Console, *, as_json: bool) -> None:
    from hpsearch.cli import live_status, result_output
    from hpsearch.client import Client
    from hpsearch.settings import load
    from hpsearch.supervisor.home import key_file
    from hpsearch.trials import SearchState

    own = key_file(folder)
    key = load().bootstrap_key() or own.read_text().strip()
    shown = f"$(cat {shlex.quote(str(own))})" if own.exists() else "$HPSEARCH_API_KEY"
    with Client(url, key) as client:
        view = client.submit(example())
        out.print(f"API at {url}, its documentation at {url}/docs", soft_wrap=True)
        out.print("while this runs, try", soft_wrap=True)
        link = f"{url}{view.links.get('self', '')}"
        out.print(f'  curl -H "Authorization: Bearer {shown}" {link}', soft_wrap=True)
        out.print(f"search {view.id}: {view.name}")
        with live_status.display(out) as show:
            last = live_status.follow(client, view, show)
        if last.state is not SearchState.COMPLETED:
            raise SystemFault(f"the search is {last.state}: {last.reason or 'no reason given'}")
        result = client.result(view.id)
    if as_json:
        emit(result)
        return
    out.print(result_output.result(result))
    out.print(
        "\nhpsearch serve keeps a service up; hpsearch submit FILE --watch runs your own spec"
    )


def example() -> bytes:
    """The spec of examples/digits.json, which the package contains."""
    from importlib.resources import files  # slow to load, and for this command alone

    return files("hpsearch.cli").joinpath("digits.json").read_bytes()


@contextmanager
def _folder(home: Path | None) -> Iterator[Path]:
    from hpsearch.settings import load

    if home is not None:
        yield home.absolute()
        return
    settings = load()
    if "home" in settings.model_fields_set:
        yield settings.home.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="hpsearch-demo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def _service(folder: Path, workers: int | None) -> Iterator[str]:
    """A service on `folder` and any free port, for as long as the block runs."""
    from hpsearch.supervisor.child import Child, Program, module
    from hpsearch.supervisor.home import private_folder

    count = [] if workers is None else ["--workers", str(workers)]
    place = ["--home", str(folder), "--host", "127.0.0.1", "--port", "0"]
    command = module("hpsearch.cli", "serve", *place, "--grace", "5")
    private_folder(folder)
    private_folder(folder / "logs")
    program = Program("serve", [*command, *count], grace=STOP_SECONDS)
    child = Child(program, logs=folder / "logs", environment=_own_environment())
    child.start()
    try:
        yield _wait_for_address(child, folder)
    finally:
        _end(child)


def _own_environment() -> dict[str, str]:
    """The environment without the variables that name another database, broker or data folder."""
    return {name: value for name, value in os.environ.items() if name not in OTHER_SERVERS}


def _wait_for_address(child: Child, folder: Path) -> str:
    from hpsearch.supervisor.home import running_service

    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        service = running_service(folder)
        # Another service on this folder is not ours; ours will fail on its lock.
        if service is not None and service.pid == child.pid:
            return service.url
        code = child.ended()
        if code is not None:
            message = "\n".join(child.last_lines(20)).removeprefix("hpsearch: ")
            kind = _BY_EXIT_CODE.get(code, SystemFault)
            raise kind(message or f"the service ended at its start (exit {code})")
        time.sleep(POLL)
    raise Unavailable(
        f"the service was not ready within {START_SECONDS:g} seconds; see {child.log}"
    )


def _end(child: Child) -> None:
    """End the service, and leave nothing behind when somebody presses Ctrl-C meanwhile."""
    child.terminate()
    try:
        _wait_for_end(child, child.program.grace)
    except KeyboardInterrupt:
        child.terminate()  # a second signal: it does not wait for its jobs
        _wait_for_end(child, HURRY_SECONDS)
        raise
    finally:
        child.kill()


def _wait_for_end(child: Child, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while child.ended() is None and child.pid is not None and time.monotonic() < deadline:
        time.sleep(POLL)
