"""From a request to a stored dataset: read, number the classes, seal a test part, write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch import errors
from hpsearch.columns import Column
from hpsearch.data import equal_rows
from hpsearch.data.catalogue import BUILTIN
from hpsearch.data.info import ROWS_FILE, DatasetInfo
from hpsearch.data.limits import Limits
from hpsearch.data.notes import Note
from hpsearch.data.parse import findings, narrow, sealing, weighed
from hpsearch.data.parse.labels import Encoded, encode, only, other_positive, without_rare
from hpsearch.data.parse.measured import spread
from hpsearch.data.parse.raw import Raw
from hpsearch.data.parse.request import Request
from hpsearch.data.parse.write import Rows, Writer, content_seed
from hpsearch.data.row_facts import TEST_FACTS, TRAIN_FACTS
from hpsearch.data.splits import split

TEST_FRACTION = 0.2


@dataclass(frozen=True, slots=True)
class _Parts:
    """The rows of the file that train, and those that were split off; None where a file has both.

    `equal` numbers the rows of both parts, x first, so that equal ones have one number.
    """

    train: Rows
    test: Rows | None
    equal: npt.NDArray[np.intp]
    together: bool


def ingest(request: Request, limits: Limits) -> DatasetInfo:
    """Read the dataset of a request and write its arrays to `request.out`.

    Raises
    ------
    errors.HpsearchError
        As the readers and `encode` do.
    """
    raw = _read(request, limits)
    labels = _encoded(raw, limits)
    positive = other_positive(labels, request.positive)
    shown = sealing.Shown()
    if raw.facts.groups is None and raw.facts.time is None:
        # Those that come with the program keep their split, and so does every search on them.
        parts = _parts(raw, labels, join=request.name not in BUILTIN)
    else:
        raw, labels, parts, shown = _by_facts(raw, labels, limits)
    kept = _kept(raw, parts)
    noted = findings.notes(raw, labels, parts.train, parts.test, parts.equal, kept)
    offset = kept.offset
    weights = _weighed(raw, labels, parts)
    notes = (*raw.notes, *noted, *_noted_weights(raw, weights, parts))
    raw = _narrowed(raw, offset)
    writer = Writer(Path(request.out), _description(request, raw, labels, offset, positive))
    n_train, n_test = _write(writer, raw, labels, parts)
    return DatasetInfo(
        digest=writer.digest,
        kind=raw.x.kind,
        n_train=n_train,
        n_test=n_test,
        features=raw.x.values.shape[1],
        shape=raw.x.shape,
        classes=labels.classes,
        feature_names=raw.names,
        licence=request.licence,
        source=request.source,
        test_split="given" if parts.test is None else "made",
        files=writer.files,
        task=raw.task,
        label=raw.label,
        class_counts=labels.counts,
        together=parts.together,
        offsets=_offsets(offset),
        notes=notes,
        columns=_counted(raw, parts),
        left_out=raw.left_out,
        positive=positive,
        target=spread(labels.y[parts.train].astype(np.float64)) if raw.task == "regression" else (),
        weights=weights,
        **shown.fields(raw.fact_columns),
    )


def _read(request: Request, limits: Limits) -> Raw:
    """Read the file, as the task that was asked for, without rare classes."""
    raw = request.reader(request, limits)
    if request.task is not None:
        raw = replace(raw, task=request.task)
    return without_rare(raw, request.rare)


def _kept(raw: Raw, parts: _Parts) -> findings.Kept:
    """Tell how the values of a table can be stored without losing digits."""
    if raw.x.kind != "tabular":
        return findings.Kept(None, [])
    inexact = narrow.inexact_columns(raw.x.values)
    return findings.Kept(narrow.offsets(raw.x.values, parts.train, inexact), inexact)


def _weighed(raw: Raw, labels: Encoded, parts: _Parts) -> tuple[float, ...]:
    weight = raw.facts.weight
    if weight is None or parts.test is None:
        return ()
    rows = {"training part": parts.train, "test part": parts.test}
    return weighed.weighed(weight, raw.fact_columns["weight"], labels, rows)


def _noted_weights(raw: Raw, weights: tuple[float, ...], parts: _Parts) -> Iterator[Note]:
    if weights and parts.test is not None:
        rows = parts.train.size, parts.test.size
        yield from weighed.notes(raw.fact_columns["weight"], weights, rows)


def _encoded(raw: Raw, limits: Limits) -> Encoded:
    """Encode the labels; a refusal names their column."""
    try:
        return encode(raw, limits)
    except errors.InvalidDataset as error:
        if not raw.label:
            raise
        raise errors.InvalidDataset(
            f"column {raw.label!r} as the label (label=NAME names another): {error.summary}",
            error.mistakes,
        ) from error


def _parts(raw: Raw, labels: Encoded, *, join: bool) -> _Parts:
    x = raw.x.values
    if raw.x_test is not None:
        test = raw.x_test.values
        dtype = x.dtype if x.dtype == test.dtype else np.dtype(np.float32)
        both = [equal_rows.hashes(part, dtype) for part in (x, test)]
        equal = equal_rows.numbered(np.concatenate(both))
        return _Parts(np.arange(len(x)), None, equal, join and _has_equal(equal[: len(x)]))
    equal = equal_rows.groups(x)
    # The content alone decides, so nobody can choose a test part by trying seeds.
    seed = content_seed(x, labels.y, _meaning(raw.columns))
    parts = split(labels.y, fraction=TEST_FRACTION, seed=seed, equal=equal if join else None)
    return _Parts(parts.train, parts.validation, equal, join and _has_equal(equal))


def _by_facts(
    raw: Raw, labels: Encoded, limits: Limits
) -> tuple[Raw, Encoded, _Parts, sealing.Shown]:
    """Seal by groups and time; rows that are then in neither part are left out.

    Groups are kept whole, equal rows of two groups are not joined: a note counts them.
    """
    hashes = equal_rows.hashes(raw.x.values)
    meaning = _meaning(raw.columns)
    train, test = sealing.sealed(labels, raw.facts, hashes, meaning, TEST_FRACTION)
    shown = sealing.shown(raw, train, test)
    notes = [*sealing.said(raw, shown), *sealing.notes(raw.facts, train, test)]
    used = train | test
    if not used.all():
        raw, hashes, train, test = only(raw, used), hashes[used], train[used], test[used]
        labels = _encoded(raw, limits)
    raw = replace(raw, notes=(*raw.notes, *notes))
    rows = np.flatnonzero(train), np.flatnonzero(test)
    return raw, labels, _Parts(*rows, equal_rows.numbered(hashes), together=False), shown


def _has_equal(equal: npt.NDArray[np.intp]) -> bool:
    # Numbers begin at 0 and rise by one where a row is unlike all before it.
    return int(equal.max(initial=-1)) + 1 < len(equal)


def _narrowed(raw: Raw, offset: narrow.Floats | None) -> Raw:
    x = replace(raw.x, values=narrow.narrow(raw.x.values, offset))
    if raw.x_test is None:
        return replace(raw, x=x)
    return replace(
        raw, x=x, x_test=replace(raw.x_test, values=narrow.narrow(raw.x_test.values, offset))
    )


def _offsets(offset: narrow.Floats | None) -> tuple[tuple[int, float], ...]:
    if offset is None:
        return ()
    return tuple((int(at), float(offset[at])) for at in np.flatnonzero(offset))


def _counted(raw: Raw, parts: _Parts) -> tuple[Column, ...]:
    """Return the columns with the number of their gaps."""
    if not raw.columns:
        return ()
    trains = np.zeros(len(raw.x.values), np.bool_)
    trains[parts.train] = True
    every, training = narrow.gaps(raw.x.values, trains)
    each = zip(raw.columns, every, training, strict=True)
    return tuple(
        replace(column, missing=int(every), missing_train=int(train))
        for column, every, train in each
    )


def _meaning(columns: tuple[Column, ...]) -> str:
    """Describe what the numbers of the columns mean; nothing where they are all measured."""
    if not columns:
        return ""
    return json.dumps([column.to_json() for column in columns], separators=(",", ":"))


def _description(
    request: Request, raw: Raw, labels: Encoded, offset: narrow.Floats | None, positive: str
) -> str:
    fields: dict[str, Any] = {
        "kind": raw.x.kind,
        "shape": raw.x.shape,
        "classes": labels.classes,
    }
    # Digests of what does not have them are as they were before there were such.
    if raw.task != "classification":
        fields["task"] = raw.task
    if positive:
        fields["positive"] = positive
    if raw.names and request.name not in BUILTIN:
        fields["names"] = raw.names  # a model finds its columns by them
    if raw.columns:
        fields["columns"] = [column.to_json() for column in raw.columns]
    if raw.fact_columns:
        fields["facts"] = dict(raw.fact_columns)
    if offset is not None:
        fields["offsets"] = _offsets(offset)
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def _write(writer: Writer, raw: Raw, labels: Encoded, parts: _Parts) -> tuple[int, int]:
    train = None if parts.test is None else parts.train
    writer.write("train_x.npy", raw.x.values, train)
    writer.write("train_y.npy", labels.y, train)
    if raw.x_test is not None and labels.y_test is not None:
        writer.write("test_x.npy", raw.x_test.values)
        writer.write("test_y.npy", labels.y_test)
        return len(labels.y), len(labels.y_test)
    assert parts.test is not None
    writer.write("test_x.npy", raw.x.values, parts.test)
    writer.write("test_y.npy", labels.y, parts.test)
    for fact, values in raw.facts.arrays().items():
        writer.write(TRAIN_FACTS[fact], values, parts.train)
        writer.write(TEST_FACTS[fact], values, parts.test)
    sealed = parts.test if raw.rows is None else raw.rows[parts.test]
    writer.write_beside(ROWS_FILE, sealed.astype(np.int64))
    return parts.train.size, parts.test.size
