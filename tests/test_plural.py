"""Numbers of things in sentences."""

from __future__ import annotations

import pytest

from hpsearch.plural import counted


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 trials"), (1, "1 trial"), (2, "2 trials"), (1_000, "1000 trials")]
)
def test_a_noun_has_its_number(number: int, words: str) -> None:
    assert counted(number, "trial") == words
