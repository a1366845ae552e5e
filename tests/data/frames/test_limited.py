"""Readers under the limits of the parsing child, and what a process pays that reads no table."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.workbook import workbook

PROJECT = Path(__file__).resolve().parents[3]

_READ = """
import json, os, sys
from pathlib import Path
from hpsearch import errors
from hpsearch.data import UPLOAD, Limits
from hpsearch.data.parse.frames import read_frame
from hpsearch.data.parse.request import Reading
limits = Limits(memory=int(sys.argv[2]) << 20)
limits.apply()
try:
    frame = read_frame(Path(sys.argv[1]), Reading(), limits)
    print(json.dumps([frame.rows, len(frame.columns)]))
except MemoryError:
    print(json.dumps("memory"))
except errors.HpsearchError as error:
    print(json.dumps(type(error).__name__))
sys.stdout.flush()
os._exit(0)  # as the parsing process ends
"""


def read(path: Path, memory: int = 2048):
    """Read a file in a process that is bound to so many MiB."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", _READ, str(path), str(memory)],
        capture_output=True,
        check=False,
        cwd=PROJECT,
        env={"PYTHONPATH": str(PROJECT), "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr.decode()[-500:]
    return json.loads(done.stdout)


ROWS = 20_000


def content(form: str) -> bytes:
    numbers = range(ROWS)
    text = "a,kind\n" + "".join(f"{n},w{n % 3}\n" for n in numbers)
    if form == "csv":
        return text.encode()
    if form == "gzip":
        return gzip.compress(text.encode())
    if form == "json":
        return "\n".join(f'{{"a": {n}, "kind": "w"}}' for n in numbers).encode()
    if form == "arff":
        head = "@relation r\n@attribute a real\n@attribute k {w0,w1,w2}\n@data\n"
        return (head + text.partition("\n")[2]).encode()
    if form == "xlsx":
        return workbook({"rows": [["a", "kind"], *([n, f"w{n % 3}"] for n in numbers)]})
    buffer = io.BytesIO()
    if form == "arrow":
        table = pa.table({"a": numbers, "kind": ["w"] * ROWS})
        with pa.ipc.new_file(buffer, table.schema) as writer:
            writer.write_table(table)
        return buffer.getvalue()
    pq.write_table(pa.table({"a": numbers, "kind": ["w"] * ROWS}), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["csv", "gzip", "json", "arff", "xlsx", "arrow", "parquet"])
def test_every_form_is_read_under_the_limits_of_an_upload(tmp_path, form):
    path = tmp_path / "table"
    path.write_bytes(content(form))
    assert read(path) == [ROWS, 2]


def test_a_parquet_file_that_unpacks_to_more_than_the_memory_ends_there(tmp_path):
    path = tmp_path / "bomb"
    block = pa.array(["x" * 1000]).dictionary_encode()
    zeros = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int32()), block.dictionary)
    # Without Arrow's own schema it is a column of text to every reader.
    pq.write_table(pa.table({"a": zeros, "b": [1] * 1_000_000}), path, store_schema=False)
    assert path.stat().st_size < 1 << 20
    assert read(path, memory=700) in ("memory", "TooLarge")


def test_nobody_pays_for_arrow_who_reads_no_table():
    code = (
        "import sys, hpsearch.data, hpsearch.data.parse.frames; "
        "print([m for m in sys.modules if m.startswith(('pyarrow', 'pandas'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, cwd=PROJECT
    )
    assert done.stdout.strip() == b"[]"
