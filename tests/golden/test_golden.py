"""The golden searches agree with what an earlier build stored, to the last bit of every trial.

Where the processor or a library computes other bits (another numeric fingerprint), states, kinds of
rounds, rungs and numbers of trials are compared, and the digest is skipped with both names.
"""

from __future__ import annotations

import pytest

from golden.__main__ import differing, outcomes, stored
from golden.searches import SEARCHES

BEFORE = stored()


@pytest.fixture(scope="module")
def now():
    """What comes of every golden search now."""
    return outcomes()


def test_every_golden_search_is_stored():
    assert list(BEFORE["searches"]) == list(SEARCHES)


@pytest.mark.parametrize("name", SEARCHES)
def test_it_is_what_it_was(now, name):
    before, after = BEFORE["searches"][name], now["searches"][name]
    assert differing(before["shape"], after["shape"]) == []
    if now["fingerprint"] != BEFORE["fingerprint"]:
        pytest.skip(
            f"the digest of {name} was stored under {BEFORE['fingerprint']}, and this machine "
            f"computes under {now['fingerprint']}: only what hangs on no bit was compared"
        )
    assert differing(before, after) == []


def test_a_difference_is_shown_by_its_place():
    before, after = {"ranges": {"rate": [1, 2]}, "test": 0.5}, {"ranges": {"rate": [1, 3]}}
    assert differing(before, after) == [
        "ranges.rate: [1, 2] is stored, now [1, 3]",
        "test: 0.5 is stored, now None",
    ]
