"""`hpsearch backup`: a copy of the embedded service, made while it runs."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hpsearch.cli.options import Json, local_services
from hpsearch.cli.output import emit


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The tar archive to write.")],
    as_json: Json = False,
) -> None:
    """Copy database, datasets and API key to FILE, while the service runs or not.

    To restore, unpack it into an empty folder and serve that: tar -xpf FILE -C FOLDER;
    hpsearch serve --home FOLDER.
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
