"""The life of a job: no order of events loses one, finishes one twice, or keeps one for ever."""

from __future__ import annotations

from machines.machine import QueueMachine, run


def test_no_order_of_events_breaks_the_queue(worlds, examples):
    run(QueueMachine, worlds, examples=examples(25))
