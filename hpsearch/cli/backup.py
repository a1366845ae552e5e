"""`hpsearch backup`, `restore` and `move`: the embedded service copied, put back, taken to PostgreSQL."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hpsearch.cli.options import Json, local_services
from hpsearch.cli.output import emit
from hpsearch.plural import counted


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The tar archive to write.")],
    as_json: Json = False,
) -> None:
    """Copy database, datasets and API key to FILE, while the service runs or not.

    `hpsearch restore FILE --home FOLDER` makes a data folder of it.
    """
    with local_services() as services:
        from hpsearch.service.backup import backup as copy
        from hpsearch.supervisor.home import key_file

        archive = copy(services, file.absolute(), besides=[key_file(services.settings.home)])
    for reason in archive.missing:
        print(f"not copied: {reason}", file=sys.stderr)
    if as_json:
        emit(asdict(archive))
        return
    print(
        f"{archive.path}: {archive.bytes:,} bytes, {archive.datasets} datasets; keep it as safe as a key"
    )


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An archive of `hpsearch backup`.")],
    home: Annotated[
        Path | None, typer.Option(help="The new data folder, empty or not there [HPSEARCH_HOME].")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a data folder of a backup; one of an older version is brought up to date."""
    from hpsearch.service import acting, command_line
    from hpsearch.service.restore import restore as put_back
    from hpsearch.settings import load
    from hpsearch.supervisor.migration import migrate

    settings = load(**({} if home is None else {"home": home}))

    def bring_up_to_date(folder: Path) -> None:
        migrate(load(home=folder).database, home=folder)

    with acting(command_line()):
        restored = put_back(file, settings, migrate=bring_up_to_date)
    for reason in restored.missing:
        print(f"not restored: {reason}", file=sys.stderr)
    if restored.revision != restored.schema:
        print(f"migrated from schema {restored.revision} to {restored.schema}", file=sys.stderr)
    if as_json:
        emit(asdict(restored))
        return
    print(f"{restored.home}: {counted(restored.datasets, 'dataset')}, the database, the key")
    print(f"start it: hpsearch serve --home {restored.home}")


def move(
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="URL",
            help="An empty database: postgresql+psycopg://USER@HOST:5432/NAME.",
        ),
    ],
    password_file: Annotated[
        Path | None, typer.Option("--password-file", help="The password that URL lacks.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data", metavar="PLACE", help="Copy the datasets to this folder or URL too."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Move the embedded service, which is stopped, to PostgreSQL: everything it knows, in one step.

    The data folder stays as it is. What is written is read back and compared.
    """
    from hpsearch.service.move import move as take
    from hpsearch.settings import load
    from hpsearch.supervisor.home import exclusive
    from hpsearch.supervisor.migration import migrate
    from hpsearch.wiring import build

    settings = load()
    place = data or settings.datasets_url
    place = place if "://" in place else str(Path(place).absolute())
    there = load(database_url=to, database_password_file=password_file, data_url=place)
    with local_services() as source, exclusive(settings.home), build(there) as target:
        moved = take(source, target, migrate=lambda: migrate(there.database, home=settings.home))
    if as_json:
        emit({**asdict(moved), "data": place})
        return
    print(
        f"moved {moved.rows:,} rows of {counted(len(moved.tables), 'table')}; read back, they are the same"
    )
    print(f"{counted(moved.datasets, 'dataset')} in {place}: that is HPSEARCH_DATA_URL from now on")
    print(f"{settings.home} is as it was; serve it no more, or both go on with the same searches")
