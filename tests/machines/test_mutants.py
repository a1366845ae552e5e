"""A suite that cannot fail proves nothing: every seeded mistake is noticed by its machine.

`make mutants` plays them all; the default run a few.
"""

from __future__ import annotations

import os

import pytest
from machines.machine import QueueMachine, run
from machines.test_final import FinalMachine
from machines.test_interleaved import InterleavedMachine
from machines.test_keys import KeyMachine
from machines.test_rounds import RoundMachine
from support.mutants import MUTANTS, QUICK, applied

MACHINES = {
    m.__name__: m
    for m in (QueueMachine, FinalMachine, InterleavedMachine, RoundMachine, KeyMachine)
}
FAILURES = (Exception, pytest.fail.Exception)
PLAYED = list(MUTANTS) if os.environ.get("MUTANTS") == "all" else list(QUICK)


@pytest.mark.parametrize("name", PLAYED)
def test_a_mistake_is_noticed(worlds, name):
    mutant = MUTANTS[name]
    with applied(mutant), pytest.raises(FAILURES) as noticed:
        run(MACHINES[mutant.machine], worlds, examples=200, shrink=False, repeatable=True)
    print(f"{name}: {mutant.machine}: {str(noticed.value)[:200]}")


@pytest.mark.parametrize("name", ["finish without its fence", "claim without the attempt"])
def test_a_mistake_is_noticed_on_postgres(postgres_worlds, name):
    with applied(MUTANTS[name]), pytest.raises(FAILURES):
        run(QueueMachine, postgres_worlds, examples=200, shrink=False, repeatable=True)


@pytest.mark.parametrize("name", MUTANTS)
def test_every_mistake_can_still_be_made(name):
    with applied(MUTANTS[name]):
        pass


def test_there_is_a_mistake_for_every_machine():
    assert {m.machine for m in MUTANTS.values()} == set(MACHINES)
    assert {MUTANTS[name].machine for name in QUICK} == set(MACHINES)
