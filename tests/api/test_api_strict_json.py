"""The JSON reader agrees with Python's on good documents and refuses the rest in time."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.errors import InvalidRequest
from hpsearch.strict_json import MAX_DEPTH, loads

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_json_can_say_is_read_as_it_is(value: Any) -> None:
    assert loads(json.dumps(value).encode()) == value
    assert loads(json.dumps(value, ensure_ascii=False).encode()) == value


def test_a_mark_of_the_encoding_is_no_part_of_the_document() -> None:
    assert loads(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
    with pytest.raises(InvalidRequest, match="the body is empty"):
        loads(b"\xef\xbb\xbf")


@given(st.binary(max_size=60) | st.text('[]{}",:\\ue1u0d8n', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        value = loads(body)
    except InvalidRequest:
        return
    assert value == json.loads(body)


def test_depth_counts_brackets_outside_texts_alone() -> None:
    loads(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    loads(json.dumps(["[" * 1000, '\\"[[[{{{' * 100]).encode())
    loads(b"[" + b",".join([b"[[]]"] * 1000) + b"]")
    with pytest.raises(InvalidRequest, match="32"):
        loads(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


@pytest.mark.parametrize(
    "body",
    [b'"' + rb"\"" * 500_000, b'"' * 999_999, b"[" * 1_000_000, b'"' + b"\\" * 999_999,
     b'{"a":1,' * 140_000],
    ids=["escaped quotes", "quotes", "brackets", "backslashes", "objects"],
)  # fmt: skip
def test_a_megabyte_of_spite_takes_no_time(body: bytes) -> None:
    def seconds(read: bytes) -> float:
        started = time.thread_time()  # of this thread's own work: neighbours do not count
        with suppress(InvalidRequest):
            loads(read)
        return time.thread_time() - started

    with pytest.raises(InvalidRequest):
        loads(body)
    honest = json.dumps(["word"] * 125_000).encode()
    assert seconds(body) < 20 * seconds(honest), "what is quadratic takes ten thousand times that"


@pytest.mark.parametrize(
    ("body", "path"),
    [(b'{"a": {"b": ["x", "\\u0000"]}}', r"a\.b\[1\]"), (b'["\\ud800"]', r"\[0\]"),
     (b'"\\udfff"', "text"), (b'{"\\u0000": 1}', "key")],
)  # fmt: skip
def test_a_bad_text_is_named_by_its_path(body: bytes, path: str) -> None:
    with pytest.raises(InvalidRequest, match=path):
        loads(body)


def test_whole_surrogate_pairs_are_text() -> None:
    assert loads(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_limits_of_numbers() -> None:
    assert loads(b"[9007199254740992, -9007199254740992, 1e308]") == [2**53, -(2**53), 1e308]
    for text in (b"9007199254740993", b"-9007199254740993", b"1e309", b"-1e999"):
        with pytest.raises(InvalidRequest):
            loads(text)


def test_bad_syntax_is_named_by_its_line() -> None:
    with pytest.raises(InvalidRequest, match="at line 2") as caught:
        loads(b'{\n "rounds": oh\n}')
    assert caught.value.line == 2
