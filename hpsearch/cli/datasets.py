"""Commands on datasets: over HTTP, but for `add`, which reads a folder of the server's machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpsearch.cli.options import Json, Url, connected, local_services
from hpsearch.cli.output import console, emit
from hpsearch.plural import counted

if TYPE_CHECKING:
    from hpsearch.report.views import DatasetView

app = typer.Typer(help="Datasets: list, look at, upload, remove.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the dataset.")]
Owner = Annotated[str, typer.Option(help="In whose name: the owner of the keys that may use it.")]
BOOTSTRAP = "bootstrap"


@app.command("list")
def list_(url: Url = None, as_json: Json = False) -> None:
    """List the datasets that this key can search on."""
    with connected(url) as client:
        views = list(client.datasets())
    if as_json:
        emit(views)
        return
    from hpsearch.cli import tables

    head = ("NAME", "KIND", "SHAPE", "CLASSES", "TRAIN", "TEST", "LICENCE", "DIGEST")
    tables.listing(head, (_row(view) for view in views))


@app.command()
def get(name: Name, url: Url = None, as_json: Json = False) -> None:
    """Show one dataset."""
    with connected(url) as client:
        _show(client.dataset(name), as_json=as_json)


@app.command()
def put(
    name: Name,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="For example a .npz or a .csv file.")
    ],
    label: Annotated[
        str | None, typer.Option(help="The CSV column that holds the class [default: the last].")
    ] = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Upload a dataset."""
    with connected(url) as client:
        _show(client.put_dataset(name, file, label=label), as_json=as_json)


@app.command()
def add(
    name: Name,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A folder of IDX files, or a file.")],
    owner: Owner = BOOTSTRAP,
    as_json: Json = False,
) -> None:
    """Take in a dataset from this machine, which must be the server's."""
    with local_services() as services:
        _show(services.datasets.add(name, path, owner=owner), as_json=as_json)


@app.command()
def delete(name: Name, url: Url = None, as_json: Json = False) -> None:
    """Remove an uploaded dataset."""
    with connected(url) as client:
        client.delete_dataset(name)
    if as_json:
        emit({"deleted": name})
    else:
        print(f"deleted {name}")


def _row(view: DatasetView) -> tuple[str, ...]:
    if view.digest is None:  # built in, and nobody has used it yet
        return (view.name, "", "", "", "", "", view.licence, "made on first use")
    return (
        view.name,
        view.kind or "",
        _shape(view),
        str(len(view.classes or ())),
        str(view.n_train),
        str(view.n_test),
        view.licence,
        view.digest[:12],
    )


def _shape(view: DatasetView) -> str:
    return "x".join(str(size) for size in view.shape or ())


def _kind(view: DatasetView) -> str:
    """The features of an example, and their arrangement where they have one."""
    features = counted(view.features or 0, "feature")
    return features if len(view.shape or ()) < 2 else f"{_shape(view)}, {features}"


def _show(view: DatasetView, *, as_json: bool) -> None:
    if as_json:
        emit(view)
        return
    from hpsearch.cli import tables

    origin = " (split off at ingest)" if view.test_split == "made" else ""
    classes = view.classes or []
    pairs = [
        ("name", view.name),
        ("kind", f"{view.kind}, {_kind(view)}"),
        ("classes", f"{len(classes)}: {', '.join(classes[:20])}"),
        ("training part", f"{view.n_train} examples"),
        ("test part", f"{view.n_test} examples{origin}, sealed"),
        ("licence", view.licence),
        ("source", view.source),
        ("digest", view.digest or ""),
    ]
    console().print(tables.facts(pairs))
