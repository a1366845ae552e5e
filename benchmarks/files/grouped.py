"""`python -m benchmarks.files.grouped`: scores sealed by groups, against groups never uploaded.

Of each listed file with groups a quarter of the groups is held back before the upload, by a seeded
draw. What is left is uploaded twice, with `groups=` and without, and searched with the defaults. The
two models then answer for the rows that were held back.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.files import listed
from benchmarks.files.compare import SPACE
from benchmarks.files.listed import File
from benchmarks.files.shuffled import head_lines, unpacked
from hpsearch import nn
from hpsearch.cli.predict import read
from hpsearch.client import Client
from hpsearch.data import Reading
from hpsearch.data.examples import read_table
from hpsearch.data.limits import LOCAL
from hpsearch.data.parse.frames import read_frame

HELD_BACK = 0.25  # of the groups
SEED = 15
HEAD = ("file", "groups=", "sealed", "interval", "held back", "excess", "within 2 errors")


def main() -> None:
    options = argparse.ArgumentParser(prog="benchmarks.files.grouped", description=__doc__)
    options.add_argument("--cache", type=Path, default=Path("var/files"))
    options.add_argument("--url", required=True, help="a running service")
    options.add_argument("--key", type=Path, required=True, help="file with its key")
    options.add_argument("ids", nargs="*")
    chosen = options.parse_args()
    every = [file for file in listed.files(chosen.ids) if file.groups]
    places = listed.fetch(every, chosen.cache)
    print("| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD), flush=True)
    with Client(chosen.url, key=chosen.key.read_text().strip()) as client:
        for file in every:
            with tempfile.TemporaryDirectory() as folder:
                kept, held = _parted(file, places[file.id], Path(folder))
                for groups in (file.groups, None):
                    print(_row(client, file, kept, held, groups), flush=True)


def _parted(file: File, path: Path, folder: Path) -> tuple[Path, Path]:
    """Write the rows to upload, and those of the groups that are held back."""
    name = path.name.removesuffix(".gz").removesuffix(".zip").replace(".dat", ".csv")
    lines = [line for line in unpacked(path).splitlines() if line.strip()]
    head = head_lines(file, name, lines)
    cells = _column(file, path, file.groups)
    assert len(cells) == len(lines) - head, file.id
    names = sorted(set(cells))
    back = np.random.default_rng(SEED).permutation(names)[: round(HELD_BACK * len(names))]
    is_back = np.isin(cells, back)
    parts = []
    for side, mask in (("kept", ~is_back), ("held", is_back)):
        part = folder / side / name
        part.parent.mkdir()
        rows = [lines[head + at] for at in np.flatnonzero(mask)]
        part.write_text("\n".join([*lines[:head], *rows]) + "\n")
        parts.append(part)
    return parts[0], parts[1]


def _column(file: File, path: Path, name: str) -> list[str]:
    frame = read_frame(path, _reading(file), LOCAL)
    (column,) = [one for one in frame.columns if one.name == name]
    return [str(cell) for cell in column.cells.to_pylist()]


def _reading(file: File) -> Reading:
    header = False if file.parameters.get("header") == "none" else None
    return Reading(header=header, missing=("?",))


def _row(client: Client, file: File, kept: Path, held: Path, groups: str | None) -> str:
    words = {
        "kinds" if name == "kind" else name: value
        for name, value in file.words(dependent=False).items()
        if name != "filename"
    }
    name = f"{file.id}-{'groups' if groups else 'chance'}"
    client.put_dataset(name, kept, groups=groups, **words)
    search = client.wait(client.submit({"dataset": name, "space": SPACE}))
    metric = "accuracy" if file.task == "classification" else "r2"
    scored = (client.result(search).test.metrics or {})[metric]
    winner = kept.with_name(f"{name}.npz")
    client.model(search, winner)
    back = _score(file, nn.Model.load(winner), held)
    low, high = scored.ci95 or (float("nan"), float("nan"))
    error, excess = (high - low) / 3.92, (scored.value or 0.0) - back
    within = "no interval" if np.isnan(error) else ("yes" if abs(excess) <= 2 * error else "**no**")
    figures = (f"{scored.value:.3f}", f"{low:.3f} to {high:.3f}", f"{back:.3f}", f"{excess:+.3f}")
    return f"| {' | '.join((file.id, groups or '-', *figures, within))} |"


def _score(file: File, model: nn.Model, held: Path) -> float:
    """Return the accuracy, or R2, of a model on the rows that were held back and have a label."""
    header = False if file.parameters.get("header") == "none" else None
    examples: Any
    if model.columns or model.about.get("feature_names"):
        examples = read(held, model, header=header)
    else:  # of a table without names the model takes every column, and here is the label too
        columns = read_frame(held, _reading(file), LOCAL).columns
        names = [one.name for one in columns if one.name != file.label]
        examples = read_table(held, names, header=header)
    truth = _column(file, held, file.label)
    rows = [at for at, cell in enumerate(truth) if cell not in ("", "NA", "None")]
    values: npt.NDArray[Any] = model.predict_values(examples)[rows]
    if model.classifies:
        said = [model.classes[at] for at in values.argmax(axis=1)]
        return float(np.mean([one == truth[at] for one, at in zip(said, rows, strict=True)]))
    y = np.array([float(truth[at]) for at in rows])
    return float(1 - np.square(values[:, 0] - y).sum() / np.square(y - y.mean()).sum())


if __name__ == "__main__":
    main()
