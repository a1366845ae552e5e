"""Observations as rows, and which rows are looked at."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import diverged as gone_wrong
from support.builders import observe, space_of
from surrogate.searches import FULL, MIXED, diverged, draw, observed, search

from hpsearch.space import Range
from hpsearch.surrogate import Encoding, fitted
from hpsearch.surrogate.rows import LONG, LONG_ENOUGH, Rows, rows_of
from hpsearch.surrogate.selection import representative, spread_out
from hpsearch.trials import Observation, TrialState

ENCODING = Encoding.of(MIXED)
PARAMS = draw(np.random.default_rng(0))


def test_a_trial_is_a_row_at_epochs_that_about_double() -> None:
    curve = [(e, 0.5 + e / 100) for e in range(1, 13)]
    rows = rows_of(ENCODING, [observed(PARAMS, 0, curve)], epochs=FULL)
    np.testing.assert_allclose(np.exp(rows.log_epochs), [12, 6, 3, 1])
    np.testing.assert_allclose(rows.scores, [0.62, 0.56, 0.53, 0.51])
    assert (rows.trials == 0).all()
    assert (rows.places == ENCODING.encode([PARAMS])).all()


def test_without_a_curve_the_last_score_alone_is_a_row() -> None:
    plain = Observation(1, 0, PARAMS, TrialState.COMPLETED, 8, 80, 100, 1.0)
    rows = rows_of(ENCODING, [plain], epochs=FULL)
    assert rows.scores.tolist() == [0.8]
    assert rows.log_epochs.tolist() == [math.log(8)]
    share = 81 / 102
    assert rows.chance[0] == pytest.approx(math.sqrt(share * (1 - share) / 100))


def test_a_diverged_trial_is_one_row_at_full_epochs() -> None:
    rows = rows_of(ENCODING, [diverged(PARAMS, 0)], epochs=FULL)
    assert np.isnan(rows.scores).tolist() == [True]
    assert rows.log_epochs.tolist() == [math.log(FULL)]
    assert np.isnan(rows.chance).all()


def test_sources_and_trials_stay_with_their_rows() -> None:
    seen = search(3, rungs=(2, 4, 8)) + search(2, source=2)
    rows = rows_of(ENCODING, seen, epochs=FULL)
    assert sorted(set(rows.trials.tolist())) == [0, 1, 2, 3, 4]
    assert all(rows.sources[k] == seen[t].source for k, t in enumerate(rows.trials))


def many(n: int, seed: int) -> Rows:
    rng = np.random.default_rng(seed)
    scores = rng.random(n)
    scores[rng.random(n) < 0.2] = math.nan
    index = np.arange(n)
    return Rows(rng.random((n, 2)), np.zeros(n), scores, index, 0 * index, np.full(n, math.nan))


@given(st.integers(1, 200), st.integers(8, 60), st.integers(0, 99))
def test_a_selection_is_as_large_as_allowed_and_holds_the_best(
    n: int, most: int, seed: int
) -> None:
    rows = many(n, seed)
    for choose, share in ((representative, 2), (spread_out, 3)):
        chosen = choose(rows, most)
        assert len(chosen) <= most
        assert len(set(chosen.tolist())) == len(chosen)
        if n <= most:
            assert chosen.tolist() == list(range(n))
            continue
        assert len(chosen) >= 0.9 * most
        assert (np.diff(chosen) > 0).all()
        best = np.argsort(-np.where(np.isnan(rows.scores), -1.0, rows.scores), kind="stable")
        assert set(best[: most // share].tolist()) <= set(chosen.tolist())


def test_the_latest_rows_are_among_the_representative_ones() -> None:
    chosen = representative(many(1000, 1), 100)
    assert set(range(990, 1000)) <= set(chosen.tolist())


def test_short_trainings_are_forgotten_once_there_are_enough_long_ones() -> None:
    short, long = search(40, rungs=(1,)), search(LONG_ENOUGH + 8, rungs=(FULL,))
    few = rows_of(ENCODING, [*short, *long[: LONG_ENOUGH // 2]], epochs=FULL)
    assert (few.log_epochs == 0.0).any()
    many = rows_of(ENCODING, [*short, *long], epochs=FULL)
    assert (np.exp(many.log_epochs) >= FULL * LONG).all()
    assert len(many) >= LONG_ENOUGH


def test_earlier_searches_keep_their_short_trainings() -> None:
    earlier, long = search(5, rungs=(1,), source=1), search(LONG_ENOUGH + 8, rungs=(FULL,))
    rows = rows_of(ENCODING, [*earlier, *long], epochs=FULL)
    assert sorted(np.exp(rows.log_epochs[rows.sources == 1])) == pytest.approx([1.0] * 5)


def test_replicates_are_rows_of_trials_of_their_own() -> None:
    """As trainings with other seeds would be; the mean's earlier epochs are no training's."""
    curve = ((1, 0.2), (4, 0.5))
    one = replace(observe(0, {"x": 0.3}, epochs=4), score=0.5, curve=curve, replicates=(0.4, 0.6))
    several = one.trainings
    assert [(o.value, o.curve) for o in several] == [(0.4, ()), (0.6, ())]
    assert replace(one, replicates=()).trainings == (replace(one, replicates=()),)
    gone = replace(gone_wrong(1, {"x": 0.3}), replicates=(0.4, 0.6))
    assert gone.trainings == (gone,)
    space = space_of(x=Range(low=0.0, high=1.0))
    rest = [observe(n, {"x": n / 9}, 0.1 * n, epochs=4) for n in range(2, 8)]
    repeats = [replace(one, replicates=(), curve=(), score=s) for s in (0.4, 0.6)]
    together, apart = (fitted(space, [*some, *rest], epochs=4) for some in ([one], repeats))
    assert together.noise_sd == apart.noise_sd
    assert len(together.rows) == len(rest) + 2
