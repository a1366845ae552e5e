"""The tree of commands. Each module holds the commands of one subject."""

from __future__ import annotations

from importlib import metadata
from typing import Annotated

import typer

from hpsearch.cli import (
    backup,
    compare,
    datasets,
    demo,
    doctor,
    edits,
    exchange,
    keys,
    lab,
    predict,
    prune,
    report,
    searches,
    serve,
)

app = typer.Typer(
    help="Hyperparameter search that answers with a range, its evidence and a sealed test score.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
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


searches.register(app)
edits.register(app)
serve.register(app)
demo.register(app)
lab.register(app)
report.register(app)
predict.register(app)
exchange.register(app)
compare.register(app)
backup.register(app)
doctor.register(app)
prune.register(app)
app.add_typer(datasets.app, name="datasets")
app.add_typer(keys.app, name="keys")
