"""The tree of commands. Each module holds the commands of one subject."""

from __future__ import annotations

from typing import Annotated

import typer

from hpsearch.cli import (
    agent,
    audit,
    backup,
    compare,
    datasets,
    demo,
    doctor,
    edits,
    exchange,
    keys,
    lab,
    owners,
    predict,
    prune,
    report,
    searches,
    serve,
    whoami,
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


# In the order of --help. What Python or a module has taken as a name ends with an underscore.
for command in (
    searches.submit, searches.plan, searches.status, searches.watch, searches.result, searches.health,
    searches.spec, searches.list_, searches.pause, searches.resume, searches.cancel, searches.share,
    searches.delete, searches.replay, edits.edit, edits.tag, edits.continue_, serve.serve, demo.demo,
    lab.lab, report.report, report.statement, predict.model, predict.predict, exchange.export, exchange.import_,
    exchange.convert, agent.agent, compare.compare, backup.backup, backup.restore, backup.move, doctor.doctor,
    prune.prune, audit.audit, whoami.whoami,
):  # fmt: skip
    app.command(command.__name__.rstrip("_"))(command)
app.add_typer(datasets.app, name="datasets")
app.add_typer(keys.app, name="keys")
app.add_typer(owners.app, name="owners")
