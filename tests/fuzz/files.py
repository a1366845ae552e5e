"""Files that are to hurt whoever reads them: drawn from a seed, none kept anywhere."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from fuzz import tables

NPZ, CSV = "application/octet-stream", "text/csv"
ROWS = 40


@dataclass(frozen=True)
class Hostile:
    """A file, how it is sent, and what it is about."""

    kind: str
    media_type: str
    content: bytes


def hostile(number: int, how_many: int) -> Iterator[Hostile]:
    """`how_many` files drawn from seed `number`; every kind comes up."""
    rng = random.Random(number)
    kinds = sorted(KINDS)
    for i in range(how_many):
        kind = kinds[i % len(kinds)]
        media_type, make = KINDS[kind]
        yield Hostile(kind, media_type, make(rng))


# .npz


def npy(descr: str, shape: object, data: bytes, *, header: str | None = None) -> bytes:
    """A .npy file that says whatever it is told to."""
    text = header or f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}\n"
    encoded = text.encode(errors="surrogateescape")
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(encoded) & 0xFFFF) + encoded + data


def packed(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(_entry(name), content, method)
    return file.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    """A member without the time of day, so that a seed always draws the same bytes."""
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))


def _labels() -> bytes:
    return npy("<i8", (ROWS,), (np.arange(ROWS) % 2).astype("<i8").tobytes())


def _good(rng: random.Random) -> bytes:
    x = np.random.default_rng(rng.getrandbits(32)).normal(size=(ROWS, 3)).astype("<f4")
    return packed({"x.npy": npy("<f4", x.shape, x.tobytes()), "y.npy": _labels()})


def _bomb(rng: random.Random) -> bytes:
    """Zeros that unpack a thousandfold, as much as an array of that shape holds or not."""
    size = rng.choice([70_000_000, 150_000_000, 300_000_000])
    head = npy(*rng.choice([("|u1", (size // 100, 100), b""), ("<f4", (40, size // 160), b"")]))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        entry = _entry("x.npy")
        entry.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(entry, "w") as member:
            member.write(head)
            for _ in range(size // 1_000_000):
                member.write(bytes(1_000_000))
        archive.writestr(_entry("y.npy"), _labels())
    return file.getvalue()


def _declared(rng: random.Random) -> bytes:
    """A directory that lies about the sizes of its members."""
    content = bytearray(_good(rng))
    at = content.index(b"PK\x01\x02")
    field = rng.choice([16, 20, 24, 42])  # checksum, packed and unpacked size, place
    value = rng.choice([0, 1, 2**31, 2**32 - 1, rng.getrandbits(32)])
    content[at + field : at + field + 4] = struct.pack("<I", value)
    return bytes(content)


def _shape(rng: random.Random) -> bytes:
    shape = rng.choice(
        ["(10**12,)", "(40, 10**9)", "(1000000000000, 1000000000000)", "(0, 5)", "(40, 0)", "(-40, 3)",
         "(40.0, 3)", "(True, 3)", "(40,) * 30", "'40, 3'", "((40, 3),)", "(4,)", "()", "None",
         "(40, 9223372036854775807)", "(18446744073709551616, 3)", "(40, 3, 1, 1, 1, 1, 1, 1, 1)"]
    )  # fmt: skip
    return packed({"x.npy": npy("<f4", shape, bytes(480)), "y.npy": _labels()})


def _dtype(rng: random.Random) -> bytes:
    descr = rng.choice(
        ["|O", "O", "<c16", "|V8", "<M8[s]", "<m8[ns]", "|S9", "<U99", "<f2", "<f16", "<U0", "?", ">i8",
         "float", "<f4; import os", "numpy.random.bytes", "|O8", "(3,)<f4", "<f4,<f4"]
    )  # fmt: skip
    member = rng.choice(["x.npy", "y.npy"])
    arrays = {"x.npy": npy("<f4", (ROWS, 3), bytes(480)), "y.npy": _labels()}
    arrays[member] = npy(descr, (ROWS,), b"\x80\x04c__builtin__\nexit\n." + bytes(480))
    return packed(arrays)


def _head(rng: random.Random) -> bytes:
    """An array header that is no header."""
    text = rng.choice(
        ["{" * 3000, "[" * 3000 + "]" * 3000, "{'descr': '<f4'}", "__import__('os').system('id')", "",
         "{'descr': '<f4', 'fortran_order': 'yes', 'shape': (40, 3)}", "{'descr': [('a', '<f4')]}",
         "{**{}}", "9" * 4000, "\udc80", "(" + "1," * 1500 + ")", "f'{1}'", "{'shape': (40, 3)" + " " * 60000]
    )  # fmt: skip
    return packed({"x.npy": npy("", (), bytes(480), header=text), "y.npy": _labels()})


def _member(rng: random.Random) -> bytes:
    """Members whose names are paths, doubled, many, or of other kinds."""
    name = rng.choice(
        ["../../etc/passwd", "/etc/x.npy", "..\\x.npy", "x.npy/", "X.npy", "x", "CON.npy", "a" * 60_000,
         "\u202ex.npy", "x.npy\0y", ".npy", "__class__.npy"]
    )  # fmt: skip
    arrays = {"x.npy": npy("<f4", (ROWS, 3), bytes(480)), "y.npy": _labels()}
    if rng.random() < 0.2:
        return packed({f"m{i}.npy": b"" for i in range(2_000)})
    method = rng.choice(
        [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
    )
    return packed({name: arrays["x.npy"], **arrays}, method)


def _values(rng: random.Random) -> bytes:
    """Numbers that nothing can be trained on, and labels that are no classes."""
    x = np.arange(ROWS * 3, dtype="<f8").reshape(ROWS, 3)
    y = (np.arange(ROWS) % 2).astype("<f8")
    bad = rng.choice([np.nan, np.inf, -np.inf, 1e300, 5e-324, 2.0**63])
    if rng.random() < 0.5:
        x[rng.randrange(ROWS), rng.randrange(3)] = bad
    else:
        y[rng.randrange(ROWS)] = bad
    return packed(
        {"x.npy": npy("<f8", x.shape, x.tobytes()), "y.npy": npy("<f8", y.shape, y.tobytes())}
    )


def _words(rng: random.Random) -> bytes:
    """Labels as text that is no text, or too many classes."""
    if rng.random() < 0.5:
        points = np.full((ROWS, 4), rng.choice([0x110000, 0xD800, 0xFFFFFFFF, 0]), "<u4")
        labels = npy("<U4", (ROWS,), points.tobytes())
    else:
        labels = npy("<i8", (ROWS,), np.arange(ROWS, dtype="<i8").tobytes())
    return packed({"x.npy": npy("<f4", (ROWS, 3), bytes(480)), "y.npy": labels})


def _damaged(rng: random.Random) -> bytes:
    content = bytearray(_good(rng))
    for _ in range(rng.randint(1, 8)):
        content[rng.randrange(len(content))] = rng.randrange(256)
    return bytes(content[: rng.randint(0, len(content))] if rng.random() < 0.3 else content)


def _no_zip(rng: random.Random) -> bytes:
    start = rng.choice([b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"\x93NUMPY", b"%PDF", b""])
    tail = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 65535)
    return start + rng.randbytes(rng.randint(1, 3000)) + (tail if rng.random() < 0.5 else b"")


# .csv


def _table(header: str, rows: str) -> bytes:
    return f"{header}\n{rows}".encode(errors="surrogatepass")


def _rows(count: int = ROWS) -> str:
    return "".join(f"{i},{i % 7},{'ab'[i % 2]}\n" for i in range(count))


def _cell(rng: random.Random) -> bytes:
    cell = rng.choice(
        ["nan", "inf", "-inf", "1e999", "1_000", "٣", "0x10", "", " ", "=1+1", "true", "1,5", '"', '""',
         "1" * 2000, "\0", "1;2", "None", "\ufeff1", "1e-400", "\u22121", "\x1b[31m"]
    )  # fmt: skip
    return _table("width,height,kind", _rows() + f"{cell},1,a\n")


def _header(rng: random.Random) -> bytes:
    header = rng.choice(
        ["", "a", "a,a,b", ",,", '"a,b', "a" * 5000 + ",b,c", "a\0,b,c", "\x1b]0;x\x07,b,c", "kind",
         "<script>,b,c", "a,b,c,d", "\u202e,b,c", ",".join(f"c{i}" for i in range(5000))]
    )  # fmt: skip
    return _table(header, _rows())


def _wide(rng: random.Random) -> bytes:
    columns = rng.choice([200_001, 300_000, 1_000_000])
    return b",".join([b"c%d" % i for i in range(columns)]) + b"\n" + b"1," * columns + b"a\n"


def _long(rng: random.Random) -> bytes:
    """One line, one field, or one quote without an end."""
    return rng.choice(
        [b"a" * 5_000_000, b'"' + b"x\n" * 1_000_000, b"a,b\n" + b"1" * 3_000_000, b"\n" * 2_000_000,
         b"a,b\n" + b'"""' * 300_000, b"a,b\r" * 500_000]
    )  # fmt: skip


def _encoded(rng: random.Random) -> bytes:
    text = "width,height,kind\n" + _rows()
    return rng.choice(
        [text.encode("utf-16"), text.encode("utf-32"), b"\xff\xfe" + text.encode(), text.encode()[:-3] + b"\xed\xa0\x80",
         zlib.compress(text.encode()), text.replace("a", "ä").encode("latin-1"), rng.randbytes(5000)]
    )  # fmt: skip


def _classes(rng: random.Random) -> bytes:
    """A class for each row, one class alone, or names that are no names."""
    label: Callable[[int], str] = rng.choice(
        [lambda i: f"c{i}", lambda _: "a", lambda i: "x" * (60 + i), lambda i: "\u202e" * (1 + i % 2),
         lambda i: f" {i % 2} ", lambda i: "ab"[i % 2] + "\x7f"]
    )  # fmt: skip
    return _table("width,kind", "".join(f"{i},{label(i)}\n" for i in range(ROWS)))


KINDS: dict[str, tuple[str, Callable[[random.Random], bytes]]] = {
    "npz bomb": (NPZ, _bomb),
    "npz directory": (NPZ, _declared),
    "npz shape": (NPZ, _shape),
    "npz dtype": (NPZ, _dtype),
    "npz header": (NPZ, _head),
    "npz member": (NPZ, _member),
    "npz values": (NPZ, _values),
    "npz labels": (NPZ, _words),
    "npz damaged": (NPZ, _damaged),
    "no npz": (NPZ, _no_zip),
    "csv cell": (CSV, _cell),
    "csv header": (CSV, _header),
    "csv wide": (CSV, _wide),
    "csv long": (CSV, _long),
    "csv encoding": (CSV, _encoded),
    "csv classes": (CSV, _classes),
    **tables.KINDS,
}
