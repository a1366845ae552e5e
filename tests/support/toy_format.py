"""A dataset format that no product file knows: lines of `target; feature; feature`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch.data.formats import Format
from hpsearch.data.limits import Limits
from hpsearch.data.parse.raw import Features, Raw, refuse
from hpsearch.data.parse.request import Request


def read(request: Request, limits: Limits) -> Raw:
    """Read measured targets and two features."""
    try:
        table = np.loadtxt(request.path, delimiter=";", ndmin=2)
    except ValueError as error:
        refuse("line", str(error))
    x = Features(table[:, 1:].astype(np.float32), (table.shape[1] - 1,), "tabular")
    return Raw(x, table[:, 0], task="regression")


def read_examples(file: Path, feature_names: Sequence[str]) -> npt.NDArray[Any]:
    return np.loadtxt(file, delimiter=";", ndmin=2)


TOY = Format(
    suffix=".semi",
    media_type="text/x-semicolons",
    article="a",
    noun="semicolon file",
    text=True,
    description="Lines of target; feature; feature.",
    read=read,
    read_examples=read_examples,
    label_refusal="a semicolon file has its targets first",
)


def content(rows: int = 20) -> str:
    return "\n".join(f"{n / 3};{n};{n * n}" for n in range(rows))
