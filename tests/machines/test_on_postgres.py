"""A few runs of each machine on PostgreSQL: the same rules, other SQL."""

from __future__ import annotations

import pytest
from machines.machine import QueueMachine, run
from machines.test_final import FinalMachine
from machines.test_interleaved import InterleavedMachine
from machines.test_keys import KeyMachine
from machines.test_rounds import RoundMachine

MACHINES = [QueueMachine, FinalMachine, InterleavedMachine, RoundMachine, KeyMachine]


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.__name__)
def test_the_same_on_postgres(postgres_worlds, examples, machine):
    run(machine, postgres_worlds, examples=examples(2), steps=30)
