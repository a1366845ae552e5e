"""What a suite has sent, what came back, and which invariant broke."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

# The protocol's own answers to a method, a coding or a version that a server does not know.
PROTOCOL = frozenset({501, 505})
SHOWN = 20  # problems that are printed; all are counted


@dataclass
class Outcome:
    """Counts of one suite. `bypasses` are answers that a caller must not get."""

    name: str
    codes: Counter[int] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    bypasses: int = 0

    @property
    def requests(self) -> int:
        """How many answers were counted; 0 stands for a connection closed without one."""
        return sum(self.codes.values())

    @property
    def faults(self) -> int:
        """Answers with a status of 500 or more, those of the protocol itself left aside."""
        return sum(n for code, n in self.codes.items() if code >= 500 and code not in PROTOCOL)

    def answered(self, code: int, what: str) -> None:
        """Count an answer; a 5xx is a problem whatever was sent."""
        self.codes[code] += 1
        if code >= 500:
            self.problems.append(f"{code} for {what}")

    def bypassed(self, what: str) -> None:
        """Somebody got what is not theirs."""
        self.bypasses += 1
        self.problems.append(f"bypass: {what}")

    def row(self) -> str:
        """One line of the table."""
        codes = "  ".join(f"{code or 'closed'}:{n}" for code, n in sorted(self.codes.items()))
        return (
            f"{self.name:<10} {self.requests:>8,} {self.faults:>5} {self.bypasses:>8} "
            f"{len(self.problems):>9}   {codes}"
        )


HEAD = (
    f"{'suite':<10} {'requests':>8} {'5xx':>5} {'bypasses':>8} {'problems':>9}   answers by status"
)
