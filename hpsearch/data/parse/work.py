"""From a request to a stored dataset: read, number the classes, seal a test part, write."""

from __future__ import annotations

import json
from pathlib import Path

from hpsearch.data.info import DatasetInfo, TestSplit
from hpsearch.data.limits import Limits
from hpsearch.data.parse.labels import Encoded, encode
from hpsearch.data.parse.raw import Raw
from hpsearch.data.parse.request import Request
from hpsearch.data.parse.write import Rows, Writer, content_seed
from hpsearch.data.splits import split

TEST_FRACTION = 0.2


def ingest(request: Request, limits: Limits) -> DatasetInfo:
    """Read the dataset of a request and write its arrays to `request.out`.

    Raises
    ------
    errors.HpsearchError
        As the readers and `encode` do.
    """
    raw = request.reader(request, limits)
    labels = encode(raw, limits)
    writer = Writer(Path(request.out), _description(raw, labels))
    n_train, n_test, how = _write(writer, raw, labels)
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
        test_split=how,
        files=writer.files,
        task=raw.task,
    )


def _description(raw: Raw, labels: Encoded) -> str:
    fields: dict[str, object] = {
        "kind": raw.x.kind,
        "shape": raw.x.shape,
        "classes": labels.classes,
    }
    if raw.task != "classification":  # digests are as they were before there were tasks
        fields["task"] = raw.task
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def _write(writer: Writer, raw: Raw, labels: Encoded) -> tuple[int, int, TestSplit]:
    if raw.x_test is not None and labels.y_test is not None:
        _write_train(writer, raw, labels, None)
        writer.write("test_x.npy", raw.x_test.values)
        writer.write("test_y.npy", labels.y_test)
        return len(labels.y), len(labels.y_test), "given"
    # The content alone decides, so nobody can choose a test part by trying seeds.
    seed = content_seed(raw.x.values, labels.y)
    parts = split(labels.y, fraction=TEST_FRACTION, seed=seed)
    _write_train(writer, raw, labels, parts.train)
    writer.write("test_x.npy", raw.x.values, parts.validation)
    writer.write("test_y.npy", labels.y, parts.validation)
    return parts.train.size, parts.validation.size, "made"


def _write_train(writer: Writer, raw: Raw, labels: Encoded, rows: Rows | None) -> None:
    writer.write("train_x.npy", raw.x.values, rows)
    writer.write("train_y.npy", labels.y, rows)
