"""Commands on datasets: over HTTP, but for `add`, which reads a folder of the server's machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hpsearch.cli.options import (
    Decimal,
    Delimiter,
    Drop,
    DryRun,
    Encoding,
    FirstLine,
    Groups,
    Json,
    KindOf,
    Missing,
    Names,
    NoHeader,
    Ordered,
    Rare,
    Sheet,
    Task,
    Time,
    Url,
    Weight,
    connected,
    local_services,
)
from hpsearch.cli.output import console, emit, listing
from hpsearch.plural import counted

if TYPE_CHECKING:
    from hpsearch.report.views import ColumnView, DatasetView

app = typer.Typer(
    help="Datasets: list, look at, upload, remove.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the dataset.")]
Owner = Annotated[str, typer.Option(help="In whose name: the owner of the keys that may use it.")]
Label = Annotated[
    str | None,
    typer.Option(
        help="The column that holds the class or the number to predict, by name, or by number from 0 "
        "without a header [default: the last]."
    ),
]
As = Annotated[
    Literal["image", "table"] | None,
    typer.Option(
        "--as",
        help="What an .npz file holds [default: a table if x has two dimensions, else images].",
    ),
]
Positive = Annotated[
    str | None,
    typer.Option(
        help="Of two classes, the one that f1 and its like speak of [default: the second]."
    ),
]
BOOTSTRAP = "bootstrap"
FEW = 8  # levels that are shown by name


@app.command("list")
def list_(url: Url = None, as_json: Json = False) -> None:
    """List the datasets that this key can search on."""
    with connected(url) as client:
        views = list(client.datasets())
    if as_json:
        emit(views)
        return

    head = ("NAME", "KIND", "SHAPE", "CLASSES", "TRAIN", "TEST", "LICENCE", "DIGEST")
    listing(head, (_row(view) for view in views))


@app.command()
def get(name: Name, url: Url = None, as_json: Json = False) -> None:
    """Show one dataset."""
    with connected(url) as client:
        _show(client.dataset(name), as_json=as_json)


@app.command()
def put(
    name: Name,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A table, such as a .csv file, or a .npz file.")
    ],
    label: Label = None,
    task: Task = None,
    positive: Positive = None,
    drop: Drop = None,
    kinds: KindOf = None,
    ordered: Ordered = None,
    missing: Missing = None,
    rare: Rare = None,
    names: Names = None,
    header: FirstLine = None,
    no_header: NoHeader = False,
    delimiter: Delimiter = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
    groups: Groups = None,
    time: Time = None,
    weight: Weight = None,
    kind: As = None,
    dry_run: DryRun = False,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Upload a dataset, and show what was understood."""
    given = {"task": task, "positive": positive, "drop": drop, "kinds": kinds, "ordered": ordered, "missing": missing,
             "rare": rare, "names": names, "delimiter": delimiter, "decimal": decimal,
             "encoding": encoding, "sheet": sheet, "groups": groups, "time": time, "weight": weight}  # fmt: skip
    with connected(url) as client:
        view = client.put_dataset(
            name, file, label=label, header=_header(header, no_header=no_header), kind=kind,
            dry_run=dry_run, **given,
        )  # fmt: skip
    _show(view, as_json=as_json)


@app.command()
def add(
    name: Name,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A folder of IDX files, or a file.")],
    owner: Owner = BOOTSTRAP,
    label: Label = None,
    task: Task = None,
    positive: Positive = None,
    drop: Drop = None,
    kinds: KindOf = None,
    ordered: Ordered = None,
    missing: Missing = None,
    rare: Rare = None,
    names: Names = None,
    header: FirstLine = None,
    no_header: NoHeader = False,
    delimiter: Delimiter = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
    groups: Groups = None,
    time: Time = None,
    weight: Weight = None,
    kind: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take in a dataset from this machine, which must be the server's."""
    given = {"label": label, "task": task, "positive": positive, "drop": drop, "kind": kinds, "ordered": ordered,
             "missing": missing, "rare": rare, "names": names, "delimiter": delimiter,
             "decimal": decimal, "encoding": encoding, "sheet": sheet, "as": kind,
             "groups": groups, "time": time, "weight": weight,
             "header": _header(header, no_header=no_header)}  # fmt: skip
    with local_services(prepare=True) as services:
        from hpsearch.data.parse.parameters import reading_of

        view = services.datasets.add(
            name, path, owner=owner, reading=reading_of(given), dry_run=dry_run
        )
        _show(view, as_json=as_json)


def _header(header: str | None, *, no_header: bool) -> str | None:
    return "none" if no_header else header


@app.command("test-rows")
def sealed_rows(name: Name, url: Url = None, as_json: Json = False) -> None:
    """Print which examples of the file were split off and sealed: their numbers, from 0."""
    with connected(url) as client:
        view = client.test_rows(name)
    if as_json:
        emit(view)
    else:
        print(*view.rows, sep="\n")


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
        str(len(view.classes)) if view.classes else "numbers",
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
    from hpsearch.report import words

    origin = " (split off at ingest)" if view.test_split == "made" else ""
    pairs = [
        ("name", view.name),
        ("kind", f"{view.kind}, {_kind(view)}"),
        *_target(view),
        ("training part", f"{view.n_train} examples"),
        ("test part", f"{view.n_test} examples{origin}, sealed"),
        *_split_by(view),
        *_weights(view),
        ("licence", view.licence),
        ("source", view.source),
        ("digest", view.digest or ""),
    ]
    console().print(tables.facts(pairs))
    _columns(view)
    for note in view.notes:
        console().print(
            f"{'warning' if note.severity == 'warning' else 'to know'}: {words.plain(note.sentence)}",
            markup=False,
        )


def _split_by(view: DatasetView) -> Iterator[tuple[str, str]]:
    """Yield the groups and the time by which rows are split."""
    if view.groups is not None:
        one = view.groups
        alone = f"; {counted(one.rows_without, 'row')} without one" if one.rows_without else ""
        yield "groups", f"{one.column}: {one.n_train} train, {one.n_test} are sealed{alone}"
    if view.time is not None:
        when = view.time
        trains = f"{when.train[0]} to {when.train[1]} train"
        yield "time", f"{when.column}: {trains}, {when.cut} to {when.test[1]} is sealed"


def _weights(view: DatasetView) -> list[tuple[str, str]]:
    """The column by which rows count, and what it leaves of both parts."""
    if view.weight is None:
        return []
    parts = (("training", view.weight.train), ("test", view.weight.test))
    said = (f"{one.rows} {name} rows count for {one.effective_rows:.0f}" for name, one in parts)
    return [("weights", f"column {view.weight.column}: {', '.join(said)}")]


def _target(view: DatasetView) -> list[tuple[str, str]]:
    """The column of the label, and its classes or the spread of its numbers."""
    label = [("label", view.label)] if view.label else []
    if view.target is not None:
        spread = view.target
        low, high, mean, sd = (f"{v:.6g}" for v in (spread.min, spread.max, spread.mean, spread.sd))
        return [*label, ("target", f"{low} to {high}, mean {mean}, standard deviation {sd}")]
    classes = view.classes or []
    return [
        *label,
        ("classes", f"{len(classes)}: {', '.join(_class_counts(view)[:20])}"),
        *([("positive class", view.positive)] if view.positive else []),
    ]


def _columns(view: DatasetView) -> None:
    """Print the columns as a table, one a line, and those that are left out."""
    rows: list[tuple[str, ...]] = [
        (one.name, one.kind, _levels(one), str(one.missing or "")) for one in view.columns or ()
    ]
    rows += [(one.name, f"{one.kind}, left out", one.reason, "") for one in view.left_out]
    if rows:
        print()
        listing(("COLUMN", "KIND", "HOLDS", "MISSING"), rows)
        more = (view.features or 0) - len(view.columns or ())
        print(f"... and {counted(more, 'column')} more\n" if more > 0 else "")


def _levels(column: ColumnView) -> str:
    if column.part:
        return f"{column.part.replace('_', ' ')} of {column.source}"
    if column.unit:
        return f"in {column.unit}"
    levels = column.levels or []
    shown = ", ".join(levels[:FEW]) + (", ..." if (column.n_levels or 0) > FEW else "")
    return f"{column.n_levels}: {shown}" if levels else ""


def _class_counts(view: DatasetView) -> list[str]:
    """Each class with the number of its examples, where that is known."""
    classes = view.classes or []
    counts = view.class_counts
    return (
        classes if counts is None else [f"{c} ({n})" for c, n in zip(classes, counts, strict=True)]
    )
