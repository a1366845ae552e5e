"""`hpsearch export`, `import` and `convert`: searches for other programs, trials and spaces from them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from hpsearch.cli.options import Json, SearchId, Url, connected, known_name
from hpsearch.cli.output import emit
from hpsearch.cli.searches import follow_up, print_submitted, read_spec
from hpsearch.errors import InvalidRequest
from hpsearch.plural import counted
from hpsearch.streams import lost

if TYPE_CHECKING:
    from hpsearch.exchange import Search
    from hpsearch.exchange.observations import Imported
    from hpsearch.exchange.spaces.specs import Converted

STORAGE = "Optuna storage, for example sqlite:///optuna.db, or the path of a journal file."
Optuna = Annotated[str | None, typer.Option("--optuna", metavar="URL", help=STORAGE)]

PROGRESS_SECONDS = 2.0


def _file_formats() -> Collection[str]:
    from hpsearch.exchange import file_formats

    return file_formats()


def _stores() -> Collection[str]:
    from hpsearch.exchange.stores.formats import STORES

    return STORES


def _spaces() -> Collection[str]:
    from hpsearch.exchange.spaces.formats import FORMATS

    return FORMATS


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
            "--format",
            metavar="<csv|json>",
            callback=known_name(_file_formats),
            help="Trials, or everything.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="[default: standard output]")
    ] = None,
    optuna: Optuna = None,
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
        views = _with_progress(Search.of(client, search))
        count = export.write(views, address=address or "", name=name)
        if as_json:
            emit({export.noun: name, "trials": count})
        else:
            print(f"{export.noun} {name}: {count} trials")


def _with_progress(search: Search) -> Search:
    """Have the trials say on standard error how far an export is, while it takes them."""
    counts = search.status.trials
    total = counts.completed + counts.stopped + counts.diverged + counts.failed

    def trials() -> Iterator[Any]:
        said, number = time.monotonic(), 0
        for trial in search.trials:
            if time.monotonic() - said >= PROGRESS_SECONDS:
                said = time.monotonic()
                print(f"{number} of {total} trials written", file=sys.stderr, flush=True)
            yield trial
            number += trial.role is None  # the final's models are no trials elsewhere

    return replace(search, trials=trials())


Results = Annotated[
    str,
    typer.Argument(
        metavar="STUDY", help="File or folder with another tool's results; with --optuna a name."
    ),
]
SpecFile = Annotated[
    Path, typer.Option("--spec", metavar="FILE", help="What to search, as JSON; - is stdin.")
]
ResultsTool = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="TOOL",
        callback=known_name(_stores),
        help="nni, smac, synetune, kerastuner, ray or bayesopt [default: by what is there].",
    ),
]
Metric = Annotated[
    str | None, typer.Option("--metric", help="That counts, where the results have several.")
]
StepsPerEpoch = Annotated[
    int | None,
    typer.Option(
        "--steps-per-epoch",
        min=1,
        help="Of a study's intermediate values [default: a step is an epoch].",
    ),
]


def import_(
    study: Results,
    spec: SpecFile,
    optuna: Optuna = None,
    tool: ResultsTool = None,
    metric: Metric = None,
    follow: Annotated[bool, typer.Option("--watch", help="Follow it to its end.")] = False,
    show: Annotated[
        bool, typer.Option("--print", help="Print the spec with the trials; submit nothing.")
    ] = False,
    steps_per_epoch: StepsPerEpoch = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Submit a search that begins with the trials of an Optuna study, or of another tool's results.

    Those count that have just the hyperparameters of its space, with values within its limits,
    and that ended well; of thousands the best and the newest are taken. The others are left out,
    and counted by the reason.
    """
    from hpsearch.client import PATIENCE

    document = json.loads(read_spec(spec))
    if not isinstance(document, dict) or not isinstance(document.get("space"), dict):
        raise InvalidRequest(f"{spec}: a search spec is a JSON object with a space")
    imported = _read_trials(document, study, optuna, tool, metric, steps_per_epoch)
    warm_starts = document.get("warm_start", ())
    document["warm_start"] = [*warm_starts, {"observations": [*imported.observations]}]
    _print_imported(f"study {study}" if optuna is not None else study, imported)
    if show:
        print(json.dumps(document))
        return
    with connected(url, patience=PATIENCE) as client:
        view = client.submit(document)
        counting, sent = view.warm_start_trials, len(imported.observations)
        if not warm_starts and 0 < counting < sent:
            left = sent - counting
            print(f"  {left} left out: beyond the limits on this dataset", file=sys.stderr)
        if follow:
            follow_up(client, view, as_json=as_json)
        elif as_json:
            emit({**view.model_dump(mode="json"), "import": _summary(imported)})
        else:
            print_submitted(view, as_json=False)


def _read_trials(
    document: dict[str, Any],
    study: str,
    optuna: str | None,
    tool: str | None,
    metric: str | None,
    steps: int | None,
) -> Imported:
    """Read the trials of a study, or of the results at a path."""
    from hpsearch.exchange import observations
    from hpsearch.exchange.stores import formats

    if optuna is None:
        if steps is not None:
            raise InvalidRequest("--steps-per-epoch is for studies of Optuna; give --optuna")
        return formats.read(document, Path(study), tool=tool, metric=metric)
    if tool is not None or metric is not None:
        raise InvalidRequest("--from and --metric are not for studies of Optuna")
    return observations.read(document, storage=optuna, name=study, steps_per_epoch=steps)


def _summary(imported: Imported) -> dict[str, Any]:
    """The same for programs."""
    taken = len(imported.observations)
    return {"taken": taken, "trials": imported.trials, "left_out": dict(imported.left_out),
            "remarks": list(imported.remarks)}  # fmt: skip


def _print_imported(what: str, imported: Imported) -> None:
    """Say how many trials were taken, why the others were not, and what was taken for what."""
    taken = len(imported.observations)
    print(f"{taken} of {counted(imported.trials, 'trial')} of {what}", file=sys.stderr)
    for reason, count in imported.left_out.items():
        print(f"  {count} left out: {reason}", file=sys.stderr)
    for remark in imported.remarks:
        print(f"  {remark}", file=sys.stderr)


def convert(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="JSON or YAML of another tool; - is stdin.")
    ],
    tool: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="TOOL",
            callback=known_name(_spaces),
            help="wandb, katib, nni, optuna, configspace, kerastuner, synetune, ax, vizier, skopt or "
            "orion [default: by its form].",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the search space of another tool as the spec of an external search.

    What a spec cannot say is left out and named on standard error, with what to write instead. Files
    of Python are not run: hpsearch.exchange.convert takes their objects.
    """
    from hpsearch.exchange import documents
    from hpsearch.exchange.spaces import formats

    name = documents.name_of(file)
    made = formats.convert_documents(documents.read_documents(file), name, tool)
    if as_json:
        emit({"tool": made.tool, "spec": dict(made.spec), "said": list(made.said),
              "command": list(made.command), "metric": made.metric})  # fmt: skip
        return
    print(f"{formats.FORMATS[made.tool].title}, {file}:", file=sys.stderr)
    for sentence in made.said:
        print(f"  {sentence}", file=sys.stderr)
    for line in _next_steps(made):
        print(line, file=sys.stderr)
    print(json.dumps(made.spec, indent=2))


def _next_steps(made: Converted) -> Iterator[str]:
    """Steps to run a converted search."""
    from hpsearch.exchange.spaces.commands import shell

    what = f"its {made.metric}" if made.metric else "its score"
    yield (
        f"to run it, have your program print {what} after each epoch as a line `epoch=1 score=0.93`, and look at the "
        "options of:"
    )
    yield "  ID=$(hpsearch submit mine.json)     # the file with this spec"
    yield f"  hpsearch agent $ID -- {shell(made.command)}"


@contextmanager
def _open_output(output: Path | None) -> Iterator[IO[bytes]]:
    """Open a file that appears when it is complete, or standard output."""
    if output is None:
        try:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except OSError as error:
            raise lost(error) from error
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
