"""The rule for starting a dead process again: a function of numbers, without a clock."""

from __future__ import annotations

from dataclasses import dataclass

QUICK = 10.0  # seconds; a process with a shorter life did not get through its start
QUICK_DEATHS = 5  # in a row, of a process that never lived longer: then the service gives up
FIRST_DELAY = 0.5  # seconds; doubles with every quick death
LONGEST_DELAY = 30.0
MISCONFIGURED = 78  # exit code of a process that can never start with these settings


@dataclass(slots=True)
class Restarts:
    """The history of one process.

    A process that has once lived longer than `QUICK` seconds is always started again: its
    surroundings are then at fault, such as a database that is away for an hour.
    """

    quick_deaths: int = 0
    proven: bool = False

    def after(self, *, lived: float, code: int) -> float | None:
        """Seconds until the next start of a process that ended; None: do not start it again."""
        if lived >= QUICK:
            self.proven = True
            self.quick_deaths = 0
            return FIRST_DELAY
        self.quick_deaths += 1
        if not self.proven and (code == MISCONFIGURED or self.quick_deaths >= QUICK_DEATHS):
            return None
        # The exponent is bounded, for a float would overflow after a thousand deaths.
        return min(FIRST_DELAY * 2.0 ** min(self.quick_deaths - 1, 10), LONGEST_DELAY)
