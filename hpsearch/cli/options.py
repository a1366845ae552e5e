"""Options that several commands share, and connections to the service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from hpsearch.errors import Unauthenticated

if TYPE_CHECKING:
    from hpsearch.client import Client
    from hpsearch.service import Services
    from hpsearch.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")]
Url = Annotated[
    str | None,
    typer.Option("--url", help="Address of the service [default: HPSEARCH_URL, or the one here]."),
]
SearchId = Annotated[str, typer.Argument(metavar="ID", help="Id of the search.")]


@contextmanager
def connected(url: str | None, *, patience: float = 0.0) -> Iterator[Client]:
    """Connect to the service at `url`, or to the one that the environment names.

    Requests are repeated for `patience` seconds; without it a service that is away fails at once.
    """
    from hpsearch.client import Client, is_loopback
    from hpsearch.settings import load

    settings = load()
    address = url or service_url(settings)
    configured = key = settings.client_key()
    if key is None and is_loopback(address):  # the key of this machine goes to no other
        key = own_key(settings)
    with Client(address, key, patience=patience) as client:
        try:
            yield client
        except Unauthenticated as error:
            if configured is not None:
                raise Unauthenticated(
                    f"{error}: the key of HPSEARCH_API_KEY or HPSEARCH_API_KEY_FILE does not open "
                    f"{address}; copy the key from api.key in its data folder, or ask who runs it"
                ) from error
            if key is not None:
                raise
            raise Unauthenticated(
                f"{address} asks for a key: set HPSEARCH_HOME to the data folder of a service on this "
                "machine, or HPSEARCH_API_KEY or HPSEARCH_API_KEY_FILE"
            ) from error


def service_url(settings: Settings) -> str:
    """HPSEARCH_URL, else the service that runs on this data folder, else the default."""
    from hpsearch.supervisor.home import running_service

    if "url" not in settings.model_fields_set:
        running = running_service(settings.home)
        if running is not None:
            return running.url
    return settings.url


@contextmanager
def local_services() -> Iterator[Services]:
    """Build the services themselves, for commands on the server's own machine."""
    from hpsearch.errors import Unavailable
    from hpsearch.settings import load
    from hpsearch.wiring import build

    settings = load()
    with build(settings) as services:
        faults = {part: state for part, state in services.ready().items() if state != "ok"}
        if faults:
            listed = "; ".join(f"{part}: {state}" for part, state in faults.items())
            raise Unavailable(
                f"the database of {settings.home} is not ready ({listed}); "
                "`hpsearch serve` or `python -m migrations upgrade` prepares it"
            )
        yield services


def own_key(settings: Settings) -> str | None:
    """The key that the embedded service of this data folder made for itself."""
    from hpsearch.supervisor.home import key_file

    try:
        return key_file(settings.home).read_text().strip() or None
    except OSError:  # there is none, or it is another user's
        return None
