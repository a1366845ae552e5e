"""Constants of the optimizers: names, defaults and bounds."""

from __future__ import annotations

from dataclasses import dataclass

from hpsearch import nn


@dataclass(frozen=True, slots=True, eq=False)
class Declared:
    """The constants of each optimizer, at one time."""

    by_optimizer: tuple[tuple[str, tuple[nn.Constant, ...]], ...] = ()

    @property
    def constants(self) -> dict[str, nn.Constant]:
        """Every constant by its name; the optimizers that share a name share the constant."""
        return {constant.name: constant for _, own in self.by_optimizer for constant in own}

    def users(self, name: str) -> tuple[str, ...]:
        """Optimizers that a constant has an effect on."""
        return tuple(o for o, own in self.by_optimizer if name in {c.name for c in own})


class _Latest:
    declared = Declared()


def declared() -> Declared:
    """The constants that are declared now: the same object until an optimizer comes or goes.

    So a table can be remembered by it, at no price for a hash of all that it holds.
    """
    now = tuple((name, optimizer.constants) for name, optimizer in nn.OPTIMIZERS.items())
    if now != _Latest.declared.by_optimizer:
        _Latest.declared = Declared(now)
    return _Latest.declared
