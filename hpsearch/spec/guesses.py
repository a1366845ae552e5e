"""Guesses: how many trials of the first round are drawn about them."""

from __future__ import annotations

from hpsearch.spec.resolved import ResolvedSpec

EVERY = 4  # one of so many drawn trials of the first round
MOST = 256  # of them


def drawn_near(resolved: ResolvedSpec, drawn: int) -> int:
    """Number of the `drawn` trials of the first round that are drawn about the guesses, and not uniformly."""
    return min(drawn // EVERY, MOST) if resolved.space.guesses else 0
