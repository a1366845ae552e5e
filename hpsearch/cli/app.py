"""The tree of commands. Each module holds the commands of one subject, and is loaded for them alone."""

from __future__ import annotations

from typing import Annotated

import typer

from hpsearch.cli.commands import Commands

app = typer.Typer(
    cls=Commands,
    help="Hyperparameter search that answers with a range, its evidence and a sealed test score.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        from importlib import metadata  # it reads mail, which no other command needs

        print(metadata.version("hpsearch"))
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error arose.")] = False,
) -> None:
    """Hyperparameter search that answers with a range, its evidence and a sealed test score."""
