"""Reads tables: text, ARFF, Parquet, JSON, also by gzip or zip; what they hold is settled here."""

from __future__ import annotations

from pathlib import Path

from hpsearch.data.limits import Limits
from hpsearch.data.parse.frames import read_frame
from hpsearch.data.parse.raw import Raw
from hpsearch.data.parse.request import Request


def read(request: Request, limits: Limits) -> Raw:
    """Read a table; the label is the column `request.label`, else the file's own or the last one.

    Raises
    ------
    errors.InvalidDataset
        With a mistake for each column or line that cannot be understood.
    errors.TooLarge
        More rows, columns or bytes than the limits allow.
    """
    from hpsearch.data.parse.mixed import raw_of  # pyarrow is for the child alone

    frame = read_frame(Path(request.path), request, limits, typed=True)
    return raw_of(frame, request, limits)
