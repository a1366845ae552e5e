"""`hpsearch export` and `hpsearch import`: searches for other programs, trials from other programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

import typer

from hpsearch.cli.options import Json, SearchId, Url, connected
from hpsearch.cli.output import emit
from hpsearch.cli.searches import follow_up, print_submitted, read_spec
from hpsearch.errors import InvalidRequest

STORAGE = "Optuna storage, for example sqlite:///optuna.db."


def _known(format: str | None) -> str | None:
    """Refuse a format that no export has."""
    if format is not None:
        from hpsearch.exchange import file_formats

        if format not in file_formats():
            known = ", ".join(map(repr, file_formats()))
            raise typer.BadParameter(f"{format!r} is not one of {known}.")
    return format


def _ways() -> str:
    """Name the options of all exports."""
    from hpsearch.exchange import EXPORTS, StoreExport

    *ways, last = (
        export.option if isinstance(export, StoreExport) else f"--format {name}"
        for name, export in EXPORTS.items()
    )
    return f"{', '.join(ways)} and {last}"


def export(
    search: SearchId,
    format: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="<csv|json>", callback=_known, help="Trials, or everything."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="[default: standard output]")
    ] = None,
    optuna: Annotated[str | None, typer.Option("--optuna", metavar="URL", help=STORAGE)] = None,
    study: Annotated[
        str | None, typer.Option("--study", help="Name of the new study [default: the id].")
    ] = None,
    mlflow: Annotated[
        str | None, typer.Option("--mlflow", metavar="URI", help="MLflow tracking store.")
    ] = None,
    experiment: Annotated[str, typer.Option("--experiment", help="MLflow's.")] = "hpsearch",
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Write a search as CSV or JSON, as an Optuna study or as MLflow runs; it may still run."""
    from hpsearch.client import PATIENCE
    from hpsearch.exchange import EXPORTS, FileExport, Search

    stores = {"optuna": (optuna, study or search), "mlflow": (mlflow, experiment)}
    asked = [name for name, (address, _) in stores.items() if address is not None]
    asked += [format] if format is not None else []
    if len(asked) != 1:
        raise InvalidRequest(f"give one of {_ways()}")
    export = EXPORTS[asked[0]]
    with connected(url, patience=PATIENCE) as client:
        if isinstance(export, FileExport):
            client.status(search)  # fails before a file is opened
            with _open_output(output) as to:
                export.write(client, search, to)
            return
        address, name = stores[asked[0]]
        count = export.write(Search.of(client, search), address=address or "", name=name)
        if as_json:
            emit({export.noun: name, "trials": count})
        else:
            print(f"{export.noun} {name}: {count} trials")


def import_(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="Name of the Optuna study.")],
    optuna: Annotated[str, typer.Option("--optuna", metavar="URL", help=STORAGE)],
    spec: Annotated[
        Path, typer.Option("--spec", metavar="FILE", help="What to search, as JSON; - is stdin.")
    ],
    follow: Annotated[bool, typer.Option("--watch", help="Follow it to its end.")] = False,
    show: Annotated[
        bool, typer.Option("--print", help="Print the spec with the trials; submit nothing.")
    ] = False,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Submit a search that begins with the trials of an Optuna study.

    Those count that have just the hyperparameters of its space; values beyond its limits are
    left out, and of thousands the best and the newest are taken.
    """
    from hpsearch.client import PATIENCE
    from hpsearch.exchange import studies

    document = json.loads(read_spec(spec))
    if not isinstance(document, dict) or not isinstance(document.get("space"), dict):
        raise InvalidRequest(f"{spec}: a search spec is a JSON object with a space")
    observations = studies.observations(document, storage=optuna, name=study)
    warm_starts = document.get("warm_start", ())
    document["warm_start"] = [*warm_starts, {"observations": observations}]
    print(f"{len(observations)} trials of study {study}", file=sys.stderr)
    if show:
        print(json.dumps(document))
        return
    with connected(url, patience=PATIENCE) as client:
        view = client.submit(document)
        if follow:
            follow_up(client, view, as_json=as_json)
        else:
            print_submitted(view, as_json=as_json)


@contextmanager
def _open_output(output: Path | None) -> Iterator[IO[bytes]]:
    """Open a file that appears when it is complete, or standard output."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.flush()
        return
    part = output.with_name(f"{output.name}.part")
    try:
        with part.open("wb") as to:
            yield to
        part.replace(output)
    except OSError as error:
        raise InvalidRequest(f"{output}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
