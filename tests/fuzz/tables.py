"""Hostile tables in the formats besides CSV: packed, ARFF, JSON, Parquet, Arrow, workbooks."""

from __future__ import annotations

import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable

import pyarrow as pa
from support.workbook import MAIN, workbook

ANY = "application/octet-stream"
ROWS = 40
TABLE = "width,height,kind\n" + "".join(f"{i},{i % 7},{'ab'[i % 2]}\n" for i in range(ROWS))


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip file whose bytes depend on its members alone."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _gzip(rng: random.Random) -> bytes:
    """Much from little, a pack in a pack, an end that is missing, or more behind it."""
    table = TABLE.encode()
    whole = gzip.compress(table, mtime=0)
    return rng.choice(
        [gzip.compress(b"1,2,a\n" * rng.choice([3_000_000, 4_000_000]), mtime=0),
         gzip.compress(whole, mtime=0), whole[: -rng.randint(1, 20)], whole + rng.randbytes(30),
         gzip.compress(rng.randbytes(3000), mtime=0), gzip.compress(b"", mtime=0)]
    )  # fmt: skip


def _zip(rng: random.Random) -> bytes:
    table = TABLE.encode()
    name = rng.choice(["../t.csv", "/etc/t.csv", "C:\\t.csv", "t.csv", "a/b/t.csv", "x" * 300])
    return rng.choice(
        [zipped({name: table}), zipped({"a.csv": table, "b.csv": table}), zipped({}),
         zipped({name: gzip.compress(table, mtime=0)}), zipped({name: b"0" * 30_000_000}),
         zipped({"a/": b"", "readme.txt": b"words", name: table})]
    )  # fmt: skip


def _arff(rng: random.Random) -> bytes:
    attribute = rng.choice(
        ["@attribute x numeric", "@ATTRIBUTE 'x y' {a,'b c'}", "@attribute x {}", "@attribute x",
         "@attribute x relational", "@attribute x date 'yyyy'", "@attribute x {a,a}"]
    )  # fmt: skip
    data = rng.choice(
        [
            "1,a\n2,b\n" * 20,
            "{0 1, 1 a}\n" * 20,
            "{9 1}\n",
            "",
            "'1,a\n",
            "?,a\n" * 30,
            "1,c\n" * 30,
        ]
    )
    end = rng.choice(["@data\n", "@DATA\n", ""])
    return f"@relation r\n{attribute}\n@attribute y {{a,b}}\n{end}{data}".encode()


def _libsvm(rng: random.Random) -> bytes:
    """Rows of numbered values, with numbers that are huge, fall, or are none."""
    odd = rng.choice(
        ["1 1:1 2000000000:1", "1 99999999999999999999:1", "1 3:1 2:1", "1 1:1 1:2", "x 1:1", "1 1:nan",
         "1 1:1e999", "nan 1:1", "1 qid:1 1:1", "1 -1:1", "1 1:" + "9" * 5000, "1", "1 1:1 word", "1 0:1"]
    )  # fmt: skip
    rows = [f"{'+-'[i % 2]}1 1:{i} 3:{i % 7}.5" for i in range(ROWS)]
    rows.insert(rng.choice([0, 25, ROWS]), odd)
    return "\n".join(rows).encode()


def _json(rng: random.Random) -> bytes:
    cell: object = rng.choice(
        [float("nan"), 10**400, {"a": 1}, [1, 2], None, True, "\ud800", "1" * 5000, -0.0]
    )
    rows = [{"x": i, "y": "ab"[i % 2]} for i in range(ROWS)] + [{"x": cell, "y": "a"}]
    lines = "\n".join(map(json.dumps, rows))
    return rng.choice(
        [json.dumps(rows), lines, lines[: -rng.randint(1, 9)], "[" * 5000, '{"x": ' * 5000,
         json.dumps([[1, 2]] * 9), '{"x": 1, "x": 2, "y": "a"}\n' * 9, "[]", json.dumps({"x": [1]})]
    ).encode()  # fmt: skip


def _parquet(rng: random.Random) -> bytes:
    """The first and last bytes of Parquet, and nothing that keeps what they promise."""
    inside = rng.randbytes(rng.randint(0, 400))
    length = rng.choice([0, 8, 2**31 - 1]).to_bytes(4, "little")
    return b"PAR1" + inside + length + rng.choice([b"PAR1", b"PARE", b""])


def _cells(rng: random.Random) -> bytes:
    """A workbook whose sheets are far, deep, wrong or no XML; some bytes of some are others."""
    rows = [["width", "height", "kind"], *([i, i % 7, "ab"[i % 2]] for i in range(ROWS))]
    far = rng.choice(["XFD1048576", "A1048576", "ZZZ9999999", "A0", "XFD1", "", "1A"])
    cells = rng.choice(
        [f'<c r="{far}"><v>1</v></c>', '<c r="A1" t="s"><v>999999</v></c>', '<c t="inlineStr"><is/></c>',
         '<c r="A1" s="9999"><v>1</v></c>', '<c r="A1"><v>1e999</v></c>', "<c><c><c>",
         '<c r="A1" t="d"><v>9999-99-99</v></c>', '<c r="A1" s="1"><v>-1e12</v></c>',
         '<c r="A1" t="b"><v>maybe</v></c>', "&e11;", ""]
    )  # fmt: skip
    head = f'<worksheet xmlns="{MAIN}"><dimension ref="A1:{far}"/><sheetData>'
    whole = f'{head}<row r="1">{cells}</row></sheetData></worksheet>'.encode()
    book = bytearray(
        rng.choice(
            [workbook({"a": rows}), workbook({"a": rows}, hidden=["a"]),
             workbook({"a": rows}, more={"xl/worksheets/sheet1.xml": whole}),
             workbook({"a": rows}, more={"xl/worksheets/sheet1.xml": whole[: rng.randrange(200)]}),
             workbook({"a": rows}, more={"xl/_rels/workbook.xml.rels": b"<Relationships/>"}),
             workbook({"a": rows}, more={"xl/sharedStrings.xml": b"<sst>" + b"<si/>" * 300_000}),
             workbook({"a": rows}, more={"xl/styles.xml": rng.randbytes(90)}), workbook({})]
        )
    )  # fmt: skip
    for _ in range(rng.choice([0, 0, 1, 9])):
        book[rng.randrange(len(book))] = rng.randrange(256)
    return bytes(book)


def _arrow(rng: random.Random) -> bytes:
    """An Arrow file or stream with bytes that are others, cut off, or in which a number is absurd."""
    whole = bytearray(rng.choice(_ARROW_FILES))
    for _ in range(rng.choice([0, 1, 4, 40])):
        whole[rng.randrange(len(whole))] = rng.randrange(256)
    if rng.random() < 0.3:
        at = rng.randrange(8, len(whole) - 8) & ~7
        whole[at : at + 8] = rng.choice([2**63 - 1, 2**31, 2**40]).to_bytes(8, "little")
    return bytes(whole[: rng.choice([len(whole), rng.randrange(1, len(whole))])])


def _arrow_file(*, stream: bool, compression: str | None) -> bytes:
    table = pa.table(
        {"n": range(ROWS), "w": [f"word {i}" for i in range(ROWS)],
         "kind": pa.array(list("ab" * (ROWS // 2))).dictionary_encode()}
    )  # fmt: skip
    buffer = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(buffer, table.schema, options=options) as writer:
        writer.write_table(table)
    return buffer.getvalue()


_ARROW_FILES = [
    _arrow_file(stream=stream, compression=packing)
    for stream in (False, True)
    for packing in (None, "zstd")
]


def _workbook(rng: random.Random) -> bytes:
    sheets = rng.choice(
        ['<sheet name="a"/>', "<sheet name='&lt;b&gt;' state=\"hidden\"/>", "<sheet ", "",
         "".join(f'<sheet name="s{i}"/>' for i in range(500))]
    )  # fmt: skip
    more = rng.randbytes(rng.randint(0, 40))
    return zipped({"[Content_Types].xml": b"", "xl/workbook.xml": sheets.encode() + more})


def _mixed(rng: random.Random) -> bytes:
    """Columns that are nearly something."""
    odd: Callable[[int], str] = rng.choice(
        [lambda i: f"0{i}", lambda i: f"{i % 12 + 1:02}/0{i % 9 + 1}/2024", lambda i: f"{i},5",
         lambda i: "NA" if i else "1e999", lambda i: f"w{i}", lambda i: ["t", "F", "", "yes"][i % 4],
         lambda i: "2024-02-30" if i == 9 else f"2024-01-{i % 28 + 1:02}", lambda i: "?" * (i % 3)]
    )  # fmt: skip
    rows = "".join(f"{i % 9};{odd(i)};{'ab'[i % 2]}\n" for i in range(ROWS + rng.randint(0, 5)))
    return f"x;odd;y\n{rows}".encode()


KINDS: dict[str, tuple[str, Callable[[random.Random], bytes]]] = {
    "gzip": (ANY, _gzip),
    "zip": ("application/zip", _zip),
    "arff": ("text/x-arff", _arff),
    "libsvm": (ANY, _libsvm),
    "json": ("application/json", _json),
    "parquet": (ANY, _parquet),
    "arrow": (ANY, _arrow),
    "workbook": (ANY, _workbook),
    "cells of a workbook": (ANY, _cells),
    "mixed table": ("text/csv", _mixed),
}
