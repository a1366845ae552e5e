"""The pass over a text: the quick one over bytes tells what the slow one over characters tells."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch import errors
from hpsearch.data.limits import MIB
from hpsearch.data.parse.frames import text
from hpsearch.data.parse.frames.source import Source

FACTS = (
    "encoding",
    "size",
    "lines",
    "blank",
    "longest",
    "quotes",
    "sample",
    "tail",
    "encoded",
    "alters",
)


def facts(content: bytes, monkeypatch: Any = None) -> list[Any]:
    source = Source(lambda: io.BytesIO(content), "t.csv")
    with pytest.MonkeyPatch.context() as patch:
        if monkeypatch is not None:
            patch.setattr(text, "_scanned_bytes", lambda *_: None)
        found = text.read_text(source, None)
    return [getattr(found, name) for name in FACTS]


LINES = st.lists(st.sampled_from(["", "a,b", '"q', "'", "1;2", "x" * 30, " "]), max_size=8)


@given(LINES, st.booleans(), st.booleans(), st.sampled_from([1, 7, 9000]))
def test_bytes_and_characters_tell_the_same(
    lines: list[str], ends: bool, marked: bool, times: int
) -> None:
    content = ("\n".join(lines) + ("\n" if ends else "")).encode() * times
    content = b"\xef\xbb\xbf" * marked + content
    assert facts(content) == facts(content, monkeypatch=True)


def test_so_do_texts_of_several_blocks() -> None:
    block = b"1,2,3\n" * (MIB // 6)
    for between in (b"\n" * 20, b"x" * (MIB + 5) + b"\n", b""):
        for at in (0, MIB - len(block) - 1, MIB - len(block) + 3):
            content = block + b"7" * max(at, 0) + between + block * 2
            assert facts(content) == facts(content, monkeypatch=True)


@pytest.mark.parametrize("odd", ["é".encode(), b"\r\n", b"\xe9"])
def test_other_text_is_read_by_characters(odd: bytes) -> None:
    content = b"a,b\n" * (MIB // 3) + odd + b",2\n"
    assert facts(content) == facts(content, monkeypatch=True)


def test_a_byte_of_zero_is_refused_with_its_line() -> None:
    with pytest.raises(errors.InvalidDataset, match="line 3: has a NUL byte"):
        facts(b"a\nb\n\0\n")
