"""`hpsearch serve`: the whole service in the foreground."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from hpsearch.cli.options import Json
from hpsearch.cli.output import emit
from hpsearch.plural import counted
from hpsearch.streams import OutputLost

GRACE = 30.0


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on [HPSEARCH_HOST].")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="0: any free one [HPSEARCH_PORT].")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=0, envvar="HPSEARCH_WORKERS", help="Processes that train [all cores]."),
    ] = None,
    home: Annotated[Path | None, typer.Option(help="The data folder [HPSEARCH_HOME].")] = None,
    grace: Annotated[
        float, typer.Option(min=0, help="Seconds that running jobs may take to end at a stop.")
    ] = GRACE,
    as_json: Json = False,
) -> None:
    """Run API, workers and, without REDIS_URL, a broker of its own, until Ctrl-C.

    With --json: one line with the address once the service is ready.
    """
    from hpsearch.settings import load
    from hpsearch.supervisor.home import key_file
    from hpsearch.supervisor.service import Supervisor

    options = {"host": host, "port": port, "home": home}
    settings = load(**{name: value for name, value in options.items() if value is not None})
    count = cores() if workers is None else workers

    def ready(url: str) -> None:
        if as_json:
            emit({"url": url, "pid": os.getpid(), "home": str(settings.home.absolute())})
            return
        print(f"hpsearch serves {url} with {counted(count, 'worker')}; Ctrl-C stops it")
        print(f"  data and logs   {settings.home.absolute()}")
        if settings.embedded and settings.bootstrap_key() is None:
            file = key_file(settings.home.absolute())
            print(f"  API key         {file}")
            # A secret belongs on the screen of the one who started this, never in a log.
            if sys.stdout.isatty():
                print(f"  dashboard       {url}/#key={file.read_text().strip()}")
        print(f"  documentation   {url}/docs", flush=True)

    def announce(url: str) -> None:
        try:
            ready(url)
        except OutputLost as error:  # the service is up, and others may need it
            _say(str(error))

    Supervisor(settings, workers=count, grace=grace, say=_say).run(announce)


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _say(line: str) -> None:
    from hpsearch.report.words import plain

    print(f"{time.strftime('%H:%M:%S')} {plain(line)}", file=sys.stderr, flush=True)
