"""`Search`, the value that exports are made from, and its source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Protocol

from hpsearch.directions import sign_in
from hpsearch.metrics import sign
from hpsearch.report.views import HealthView, ResultView, RoundView, StatusView, TrialView


class Source(Protocol):
    """A service that searches are read from; `hpsearch.Client` is one."""

    def status(self, search: str) -> StatusView:
        """Return the status of a search."""

    def spec(self, search: str) -> Mapping[str, Any]:
        """Return its spec, edits and defaults written out."""

    def rounds(self, search: str) -> Iterable[RoundView]:
        """Return its rounds."""

    def trials(self, search: str, *, curve: bool) -> Iterable[TrialView]:
        """Return its trials."""

    def trials_csv(self, search: str, to: IO[bytes]) -> None:
        """Write its trials as CSV."""

    def result_if_any(self, search: str) -> ResultView | None:
        """Return its result; None of a search that has not completed."""

    def health(self, search: str) -> HealthView:
        """Return the findings of its health report."""


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """A search in whatever state it is; `trials` come with their curves, and are read once."""

    status: StatusView
    spec: Mapping[str, Any]
    rounds: Sequence[RoundView]
    trials: Iterable[TrialView]
    result: ResultView | None

    @classmethod
    def of(cls, source: Source, search: str) -> Search:
        """Read a search."""
        return cls(
            status=source.status(search),
            spec=source.spec(search),
            rounds=list(source.rounds(search)),
            trials=source.trials(search, curve=True),
            result=source.result_if_any(search),
        )

    @property
    def sign(self) -> int:
        """Factor from a score as it is shown to the objective's own number.

        That is -1 for a metric that is minimised; scores from elsewhere are shown as reported.
        """
        return sign(str(self.spec.get("objective")))

    @property
    def minimises(self) -> bool:
        """True where lower numbers of the objective are the better ones."""
        return self.sign * sign_in(self.spec) < 0
