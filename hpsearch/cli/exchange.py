"""`hpsearch export` and `hpsearch import`: searches for other programs, trials from other programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Literal

import typer

from hpsearch.cli.options import Json, SearchId, Url, connected
from hpsearch.cli.output import emit
from hpsearch.cli.searches import follow_up, print_submitted, read_spec
from hpsearch.errors import InvalidRequest

if TYPE_CHECKING:
    from hpsearch.client import Client
    from hpsearch.exchange import Search

STORAGE = "Optuna storage, for example sqlite:///optuna.db."


def export(
    search: SearchId,
    format: Annotated[
        Literal["csv", "json"] | None, typer.Option("--format", help="Trials, or everything.")
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

    if sum(way is not None for way in (format, optuna, mlflow)) != 1:
        raise InvalidRequest(
            "give one of --format csv, --format json, --optuna URL and --mlflow URI"
        )
    with connected(url, patience=PATIENCE) as client:
        if optuna is not None:
            from hpsearch.exchange import studies

            name = study or search
            count = studies.export(read_search(client, search), storage=optuna, name=name)
            _print_count("study", name, count, as_json=as_json)
            return
        if mlflow is not None:
            from hpsearch.exchange import runs

            count = runs.export(read_search(client, search), uri=mlflow, experiment=experiment)
            _print_count("experiment", experiment, count, as_json=as_json)
            return
        client.status(search)  # fails before a file is opened
        with _open_output(output) as to:
            if format == "csv":
                client.trials_csv(search, to)
            else:
                write_json(client, search, to)


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


def _print_count(what: str, name: str, trials: int, *, as_json: bool) -> None:
    if as_json:
        emit({what: name, "trials": trials})
    else:
        print(f"{what} {name}: {trials} trials")


def read_search(client: Client, search: str) -> Search:
    """Read a search with its spec, rounds, trials and result."""
    from hpsearch.exchange import Search

    return Search(
        status=client.status(search),
        spec=client.spec(search),
        rounds=list(client.rounds(search)),
        trials=client.trials(search, curve=True),
        result=client.result_if_any(search),
    )


def write_json(client: Client, search: str, to: IO[bytes]) -> None:
    """Write everything about a search as a JSON object; trials are written as they arrive."""
    whole = read_search(client, search)
    head = {
        "status": whole.status.model_dump(mode="json"),
        "spec": whole.spec,
        "rounds": [round_.model_dump(mode="json") for round_ in whole.rounds],
        "result": whole.result and whole.result.model_dump(mode="json"),
        "health": client.health(search).model_dump(mode="json"),
    }
    to.write(json.dumps(head, ensure_ascii=False).encode().removesuffix(b"}"))
    to.write(b', "trials": [')
    for place, trial in enumerate(whole.trials):
        to.write(b",\n" if place else b"\n")
        to.write(trial.model_dump_json().encode())
    to.write(b"\n]}\n")


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
