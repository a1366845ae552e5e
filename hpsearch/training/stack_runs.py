"""A stack under way: trials of one shape on one split, addressed by their positions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hpsearch import nn

Start = Callable[[Sequence[int], int], nn.Training]
"""(positions, fold) -> the stack, ready to train."""


@dataclass
class StackRun:
    """A stack. `single`: a trial by itself, because a stack that it was in has raised.

    `positions` are those of the stack as it was started; after `evict` the next one is started
    with those alone that were live.
    """

    start: Start
    positions: Sequence[int]
    fold: int
    single: bool = False
    _training: nn.Training | None = field(default=None, init=False)
    _known: dict[int, nn.Outcome] = field(default_factory=dict, init=False)

    @property
    def live(self) -> Sequence[int]:
        """The positions that still train."""
        if self._training is None:
            return self.positions
        return [self.positions[i] for i in self._training.live]

    @property
    def resident(self) -> Sequence[int]:
        """The positions whose networks are in memory."""
        return () if self._training is None else self.live

    def run_to(self, epoch: int) -> Mapping[int, nn.EpochScore]:
        """Train to the end of `epoch`; the live trials' scores by position."""
        if self._training is None:
            if not self.positions:
                return {}
            self._training = self.start(self.positions, self.fold)
        scores = self._training.run_to(epoch)
        return {self.positions[i]: score for i, score in scores.items()}

    def keep(self, positions: Collection[int]) -> None:
        """Go on with these alone."""
        if self._training is not None:
            self._training.keep([i for i, p in enumerate(self.positions) if p in positions])
            return
        stopped = self._known.keys() & set(self.positions) - set(positions)
        self._known |= {p: replace(self._known[p], state="stopped") for p in stopped}
        self.positions = [p for p in self.positions if p not in stopped]

    def release_buffers(self) -> None:
        """Give buffers back while other stacks train."""
        if self._training is not None:
            self._training.release_buffers()

    def evict(self) -> None:
        """Give up the networks: the trials that go on will be trained again from the start.

        A training has the same bits whenever it is done, so it costs time and changes nothing.
        """
        live = self.live
        self._known = dict(self.outcomes())
        self.positions, self._training = live, None

    def outcomes(self) -> Mapping[int, nn.Outcome]:
        """By position; empty where the stack could not be made."""
        if self._training is None:
            return self._known
        return self._known | dict(zip(self.positions, self._training.outcomes(), strict=True))

    def split_to_singles(self) -> Sequence[StackRun]:
        """After an exception: the live trials again, each by itself; this stack has ended."""
        again = [StackRun(self.start, [p], self.fold, single=True) for p in self.live]
        self.keep(())
        return again
