"""A suite that cannot fail proves nothing: every seeded mistake is noticed by its machine.

`make mutants` plays them all; the default run a few. A mistake is noticed by an assertion of a machine or by
an invariant of the checker. A crash of the product is none: there a mistake hides which another
machine would have to find.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from machines.machine import QueueMachine, run
from machines.test_final import FinalMachine
from machines.test_interleaved import InterleavedMachine
from machines.test_keys import KeyMachine
from machines.test_rounds import RoundMachine
from support.mutants import MUTANTS, QUICK, applied

from hpsearch.narrowing.level_set import loss_trend

MACHINES = {
    m.__name__: m
    for m in (QueueMachine, FinalMachine, InterleavedMachine, RoundMachine, KeyMachine)
}
TESTS = Path(__file__).parents[1]
# SQLite writes what is finished together one by one.
NOT_ON_SQLITE = ("finish together without the fence",)
ON_POSTGRES = (*NOT_ON_SQLITE, "finish without its fence", "claim without the attempt")
PLAYED = list(MUTANTS) if os.environ.get("MUTANTS") == "all" else list(QUICK)


def errors(raised: BaseException) -> Iterator[BaseException]:
    """The errors of a game; hypothesis raises several as a group."""
    if isinstance(raised, BaseExceptionGroup):
        for one in raised.exceptions:
            yield from errors(one)
    else:
        yield raised


def is_ours(error: BaseException | None) -> bool:
    """Tell whether a test failed, and not the product; a teardown may have crashed thereafter."""
    if error is None:
        return False
    if isinstance(error, pytest.fail.Exception):
        return True
    frames = traceback.extract_tb(error.__traceback__)
    failed = isinstance(error, AssertionError) and TESTS in Path(frames[-1].filename).parents
    return failed or is_ours(error.__context__)


def notice(name, worlds):
    """Play a mistake's machine until a test fails; what it says."""
    mutant = MUTANTS[name]
    with applied(mutant), pytest.raises((Exception, pytest.fail.Exception)) as raised:
        run(MACHINES[mutant.machine], worlds, examples=200, shrink=False, repeatable=True)
    if not any(map(is_ours, errors(raised.value))):
        raise raised.value
    return f"{name}: {mutant.machine}: {str(raised.value)[:200]}"


@pytest.mark.parametrize("name", [name for name in PLAYED if name not in NOT_ON_SQLITE])
def test_a_mistake_is_noticed(worlds, name):
    print(notice(name, worlds))


@pytest.mark.parametrize("name", ON_POSTGRES)
def test_a_mistake_is_noticed_on_postgres(postgres_worlds, name):
    print(notice(name, postgres_worlds))


def test_a_crash_notices_nothing():
    """Neither an error of the product, nor an assertion in it."""
    with pytest.raises(AssertionError) as crash:
        loss_trend._ends("rate", {"rate": None}, [], np.empty(0))
    assert not is_ours(crash.value)
    with pytest.raises(pytest.fail.Exception) as failed, pytest.raises(KeyError):
        pass
    assert is_ours(failed.value)


@pytest.mark.parametrize("name", MUTANTS)
def test_every_mistake_can_still_be_made(name):
    with applied(MUTANTS[name]):
        pass


def test_there_is_a_mistake_for_every_machine():
    assert {m.machine for m in MUTANTS.values()} == set(MACHINES)
    assert {MUTANTS[name].machine for name in QUICK} == set(MACHINES)
