"""The short harness: every kind of fault on both stores, and the mutant that it must find."""

from __future__ import annotations

import pytest

from chaos import run as runs
from chaos.plan import FREEZES, plan
from chaos.run import run
from chaos.workload import reference
from chaos.world import POOLED, POSTGRESQL, SQLITE
from chaos.yardstick import Yardstick

SEED = 5


@pytest.fixture(scope="session")
def expected(tmp_path_factory, data_folder):
    """The digests of a run without faults."""
    return reference(tmp_path_factory.mktemp("chaos") / "alone", str(data_folder), SEED)


@pytest.fixture
def chaos(request, data_folder, expected, configured):
    """A run of given steps; PostgreSQL's binaries are looked for as in every test."""

    def start(store, steps, **options):
        if store != SQLITE:  # absent programs are said as in every test
            request.getfixturevalue("postgres" if store == POSTGRESQL else "pooler")
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
    assert figures["broken invariants"] == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nothing_is_lost_behind_a_pooler(chaos):
    outcome = chaos(POOLED, plan(SEED, POOLED, short=True))
    print(outcome.figures, outcome.faults)
    assert not outcome.broken
    assert outcome.faults["pooler restarted"] == 2
    assert outcome.figures["finals"] == outcome.figures["searches"] > 0


def test_what_takes_too_long_counts_as_broken(chaos, monkeypatch):
    """The list and the table have one count; the yardstick stretches the bound."""
    monkeypatch.setattr(runs, "RESUME_SECONDS", 0.0)
    outcome = chaos(SQLITE, plan(SEED, SQLITE, only={"broker killed": 1}))
    (late,) = (line for line in outcome.broken if "broker started: the next hint" in line)
    assert outcome.figures["broken invariants"] == len(outcome.broken)
    assert "0.00 s are allowed" in late


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_finish_without_its_fence_is_found(chaos):
    """A harness that cannot fail proves nothing.

    A zombie wakes as soon as its job is taken back. A busy machine can end the job's next
    attempt, and with it the round, before the zombie writes: then other freezes are tried.
    """
    found: list[str] = []
    for seed in range(SEED, SEED + 3):
        steps = plan(seed, SQLITE, only=FREEZES)
        found += chaos(SQLITE, steps, mutants=["unfenced"], settle=20.0).broken
        if any(what.startswith("I3") for what in found):
            return
    raise AssertionError(f"not found: {found}")


def test_the_yardstick_is_one_at_least_and_counts_others_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    (tmp_path / "y").write_text("10.0 2.5\n11.0 2.5\n20.0 10.0\n21.0 15.0\n21.5 ")
    measured = Yardstick(tmp_path / "y")
    assert measured.over(10.0, 11.0) == measured.over(100.0, 101.0) == 1.0
    assert measured.over(20.0, 21.0) == 5.0
