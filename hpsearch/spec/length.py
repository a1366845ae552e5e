"""The length of the trainings of a planned search, where its user names none.

    full         the epochs that the workload asks for, by its number of minibatches. A named budget
                 that pays for fewer of them than a search has by default trains shorter, down
                 to the fewest epochs that the workload thinks enough. Of a training elsewhere nobody
                 knows how long it is: a named budget pays for `PAID` of them, of 8 to 200 epochs
    first rung   2 epochs, or a 32nd of the full training: a cohort of 32 that is halved at every
                 rung has two trials left at the last one, however long that is
    final        a named final test of far more epochs than that is what trials are for: they train as long,
                 where the budget pays for `LONG_ENOUGH` such trainings. Trainings elsewhere whose length
                 follows from the budget are never longer than it

The figures behind these numbers are in docs/search.md.
"""

from __future__ import annotations

from hpsearch.spec.budget import BudgetSpec
from hpsearch.workloads import Workload

FIRST_RUNG = 2  # epochs, at the least
FIRST_PART = 32  # of the full training, about
FAR = 3  # times the usual full training: from there a final test is another matter
PAID = 40  # full trainings of a named budget, where nobody knows how long one is
FULL_MOST = 200  # epochs of such a training
LONG_ENOUGH = 16  # of them a budget has to pay for: with half as many, short ones are ahead


def epochs_of(budget: BudgetSpec | None, workload: Workload) -> float | None:
    """A named budget in epochs; None of trials, of costs, and of seconds at an unknown pace."""
    if budget is None or budget.unit in ("trials", "cost"):
        return None
    if budget.unit == "epochs":
        return budget.amount
    pace = workload.epoch_seconds
    return None if pace is None else budget.amount / pace


def full(workload: Workload, within: float | None, rounds: int, *, shaped: bool) -> int:
    """Epochs of a full training.

    Parameters
    ----------
    within
        Epochs of all trials together; None where they are not bounded.
    rounds
        That there are at the least: each of them has a full training.
    shaped
        Trials are not halved, or their number is named: longer ones would leave few rounds.
    """
    fewest, wished = workload.epochs_in_full
    if wished is None:
        paid = 0 if within is None or shaped else int(within / max(PAID, rounds))
        return min(max(paid, fewest), FULL_MOST)
    if within is None:
        return wished
    trainings = max(workload.trainings(wished), rounds)
    return min(wished, max(int(within / trainings), fewest))


def towards(final: int, usual: int, workload: Workload, within: float, rounds: int) -> int:
    """Epochs of a full training where the final test is named and has `final` epochs.

    Parameters
    ----------
    usual
        Epochs of a full training without that.
    within
        Epochs of all trials together.
    rounds
        That there are at the least.
    """
    fewest, wished = workload.epochs_in_full
    short = usual if wished is not None else fewest
    if final > FAR * short and within >= final * max(LONG_ENOUGH, rounds):
        return final
    return usual if wished is not None else min(usual, max(final, fewest))


def first_rung(full: int) -> int:
    """Epochs of the first round's first rung, for a full training of so many."""
    return min(max(FIRST_RUNG, full // FIRST_PART), full)
