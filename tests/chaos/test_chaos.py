"""The short harness: every kind of fault on both stores, and the mutant that it must find."""

from __future__ import annotations

import pytest

from chaos.plan import FREEZES, plan
from chaos.run import run
from chaos.workload import reference
from chaos.world import POSTGRESQL, SQLITE

SEED = 5


@pytest.fixture(scope="session")
def expected(tmp_path_factory, data_folder):
    """The digests of a run without faults."""
    return reference(tmp_path_factory.mktemp("chaos") / "alone", str(data_folder), SEED)


@pytest.fixture
def chaos(request, data_folder, expected, configured):
    """A run of given steps; PostgreSQL's binaries are looked for as in every test."""

    def start(store, steps, **options):
        if store == POSTGRESQL:
            request.getfixturevalue("postgres")
        return run(
            store, steps, seed=SEED, data_url=str(data_folder), expected=expected, say=print,
            **options,
        )  # fmt: skip

    return start


def test_a_plan_follows_from_its_seed():
    assert plan(1, SQLITE) == plan(1, SQLITE) != plan(2, SQLITE)
    assert [s.fault for s in plan(1, SQLITE)] != [s.fault for s in plan(1, POSTGRESQL)]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("store", [SQLITE, POSTGRESQL])
def test_nothing_is_lost_and_nothing_counted_twice(chaos, store):
    outcome = chaos(store, plan(SEED, store, short=True))
    print(outcome.figures, outcome.faults)
    assert not outcome.broken
    figures = outcome.figures
    assert figures["lost"] == figures["double"] == 0
    assert figures["finals"] == figures["searches"] > 0
    assert figures["reaped"] > 0, "no fault has cost anybody a job"
    assert figures["hints duplicated"] > 0
    assert figures["hints dropped"] > 0
    assert figures["hints replayed"] == figures["hints published"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_finish_without_its_fence_is_found(chaos):
    """A harness that cannot fail proves nothing.

    A freeze shows the mistake if another worker has ended the job meanwhile, which a busy
    machine can prevent: then other freezes are tried.
    """
    found: list[str] = []
    for seed in range(SEED, SEED + 3):
        steps = plan(seed, SQLITE, only=FREEZES)
        found += chaos(SQLITE, steps, mutants=["unfenced"], settle=20.0).broken
        if any(what.startswith("I3") for what in found):
            return
    raise AssertionError(f"not found: {found}")
