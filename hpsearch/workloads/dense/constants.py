"""Constants of the optimizers that are registered: names, defaults and bounds."""

from __future__ import annotations

from hpsearch import nn

Declared = tuple[tuple[str, tuple[nn.Constant, ...]], ...]


def declared() -> Declared:
    """(optimizer, its constants) for every optimizer that is registered now."""
    return tuple((name, optimizer.constants) for name, optimizer in nn.OPTIMIZERS.items())


def constants(of: Declared) -> dict[str, nn.Constant]:
    """Every constant by its name; the optimizers that share a name share the constant."""
    return {constant.name: constant for _, own in of for constant in own}


def users(name: str, of: Declared) -> tuple[str, ...]:
    """Optimizers that a constant has an effect on."""
    return tuple(optimizer for optimizer, own in of if name in {c.name for c in own})
