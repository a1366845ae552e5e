"""The ways to write a search for other programs: files, and stores of other programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Final, Protocol

from hpsearch.exchange import runs, studies
from hpsearch.exchange.search import Search, Source
from hpsearch.registry import Registry


class StoreWriter(Protocol):
    """Function that writes a search to another program's store and counts its trials."""

    def __call__(self, search: Search, *, address: str, name: str) -> int:
        """Write to the store at an address, under a name."""


@dataclass(frozen=True, slots=True)
class FileExport:
    """An export to a file; the command line offers it as `--format NAME`."""

    write: Callable[[Source, str, IO[bytes]], None]


@dataclass(frozen=True, slots=True)
class StoreExport:
    """An export to the store of another program, whose address has an option of its own.

    option
        The option with its value: "--optuna URL".
    noun
        The store's word for a search: "study".
    """

    option: str
    noun: str
    write: StoreWriter


def write_csv(source: Source, search: str, to: IO[bytes]) -> None:
    """Write the trials as CSV."""
    source.trials_csv(search, to)


def write_json(source: Source, search: str, to: IO[bytes]) -> None:
    """Write one JSON object with everything about a search; trials go out as they arrive."""
    views = Search.of(source, search)
    head = {
        "status": views.status.model_dump(mode="json"),
        "spec": views.spec,
        "rounds": [one.model_dump(mode="json") for one in views.rounds],
        "result": views.result and views.result.model_dump(mode="json"),
        "health": source.health(search).model_dump(mode="json"),
    }
    to.write(json.dumps(head, ensure_ascii=False).encode().removesuffix(b"}"))
    to.write(b', "trials": [')
    for place, trial in enumerate(views.trials):
        to.write(b",\n" if place else b"\n")
        to.write(trial.model_dump_json().encode())
    to.write(b"\n]}\n")


Export = FileExport | StoreExport

EXPORTS: Final = Registry[Export](
    "export",
    {
        "csv": FileExport(write_csv),
        "json": FileExport(write_json),
        "optuna": StoreExport("--optuna URL", "study", studies.export),
        "mlflow": StoreExport("--mlflow URI", "experiment", runs.export),
    },
)


def file_formats() -> list[str]:
    """Name the exports to a file."""
    return [name for name, export in EXPORTS.items() if isinstance(export, FileExport)]
