"""Options that several commands share, and connections to the service."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hpsearch.environment import decoded
from hpsearch.errors import Unauthenticated, Unavailable

if TYPE_CHECKING:
    from hpsearch.client import Client
    from hpsearch.service import Services
    from hpsearch.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")]
Url = Annotated[
    str | None,
    typer.Option("--url", help="Address of the service [default: HPSEARCH_URL, or the one here]."),
]
Listed = list[str] | None
Task = Annotated[
    Literal["classification", "regression"] | None,
    typer.Option(help="regression: labels are numbers to predict [default: they are classes]."),
]
Drop = Annotated[Listed, typer.Option(help="Columns to leave out, as A,B; may be repeated.")]
KindOf = Annotated[
    Listed,
    typer.Option(
        "--kind",
        help="Kind of a column, as NAME:KIND: number, boolean, category, date, date-dmy, text, id.",
    ),
]
Ordered = Annotated[
    Listed, typer.Option(help="Levels from low to high, as 'size:small<medium<large'.")
]
Missing = Annotated[Listed, typer.Option(help="Words that stand for a missing value.")]
Rare = Annotated[int | None, typer.Option(help="Leave out classes with fewer examples.")]
Names = Annotated[Listed, typer.Option(help="Names of all columns, as A,B,C.")]
FirstLine = Annotated[
    str | None,
    typer.Option(
        "--header",
        help="Whether the first line names the columns, true or none; or the number of the line "
        "that does [default: told by the lines below it].",
    ),
]
NoHeader = Annotated[bool, typer.Option("--no-header", help="The first line is an example.")]
Delimiter = Annotated[
    str | None, typer.Option(help="Separator of a text file: a character, tab or space.")
]
Decimal = Annotated[str | None, typer.Option(help="Decimal mark of a text file: . or ,")]
Encoding = Annotated[str | None, typer.Option(help="Encoding of a text file, such as latin-1.")]
Sheet = Annotated[str | None, typer.Option(help="Sheet of a workbook.")]
Groups = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Rows of one group lie in one part of every split."),
]
Time = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="The latest rows are sealed, and those before validate."),
]
Weight = Annotated[str | None, typer.Option(metavar="COLUMN", help="How much each row counts.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Store nothing, and show what would be stored.")
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether the first line of a CSV file names the columns [default: told by the lines "
        "below it].",
    ),
]
Reason = Annotated[
    str | None,
    typer.Option(
        help="As an operator, of anybody's search: why. Its owner reads it; the key needs the scope operate."
    ),
]
SearchId = Annotated[str, typer.Argument(metavar="ID", help="Id of the search.")]


def known_name(names: Callable[[], Collection[str]]) -> Callable[[str | None], str | None]:
    """The callback of an option that takes one of these names, which are loaded when it is given."""

    def checked(name: str | None) -> str | None:
        if name is not None and name not in names():
            raise typer.BadParameter(f"{name!r} is not one of {', '.join(map(repr, names()))}.")
        return name

    return checked


@contextmanager
def connected(url: str | None, *, patience: float = 0.0) -> Iterator[Client]:
    """Connect to the service at `url`, or to the one that the environment names.

    Requests are repeated for `patience` seconds; without it a service that is away fails at once.
    """
    _skip_the_command_of_httpx()
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
def local_services(*, prepare: bool = False) -> Iterator[Services]:
    """Build the services themselves, for commands on the server's own machine.

    With `prepare` a data folder that no service has used yet is made ready as by `hpsearch serve`;
    other commands would find nothing in it, and leave it as it is.
    """
    from hpsearch.service import acting, command_line
    from hpsearch.settings import load
    from hpsearch.wiring import build

    settings = load()
    if not prepare:
        check_data(settings)
    with build(settings) as services, acting(command_line()):
        faults = {part: state for part, state in services.ready().items() if state != "ok"}
        if faults and prepare and settings.database_url is None:
            _prepare(settings)
        elif faults:
            listed = "; ".join(f"{part}: {state}" for part, state in faults.items())
            raise Unavailable(
                f"the database of {settings.home} is not ready ({listed}); "
                "`hpsearch serve` or `python -m migrations upgrade` prepares it"
            )
        yield services


def check_data(settings: Settings) -> None:
    """Refuse a data folder that no service has used yet, before a look at it makes an empty one.

    Raises
    ------
    Unavailable
        There is no database in it.
    """
    if settings.database_url is None and not (settings.home / "hpsearch.db").exists():
        raise Unavailable(
            f"there is no service's data in {settings.home} yet: `hpsearch serve` makes it; "
            "or set HPSEARCH_HOME to the folder that is meant"
        )


def _prepare(settings: Settings) -> None:
    from hpsearch.supervisor.service import Supervisor

    print(f"preparing the data folder {settings.home}", file=sys.stderr)
    Supervisor(settings, workers=0, grace=0.0, say=lambda _: None).prepare()


def own_key(settings: Settings) -> str | None:
    """The key that the embedded service of this data folder made for itself."""
    from hpsearch.supervisor.home import key_file

    try:
        return decoded(key_file(settings.home).read_bytes()).strip() or None
    except OSError:  # there is none, or it is another user's
        return None


def _skip_the_command_of_httpx() -> None:
    """Keep httpx from loading its own command line, which is most of the time of its import.

    It looks for click, rich and pygments, and goes on without the command where it cannot have it.
    """
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None: import fails
