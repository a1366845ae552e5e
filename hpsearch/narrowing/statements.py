"""What `level_set` says of a range that grows, shrinks or is kept: verdict and sentence."""

from __future__ import annotations

from collections.abc import Sequence

from hpsearch.narrowing.brakes import SETTLED, Numbers
from hpsearch.narrowing.candidates import Axis
from hpsearch.narrowing.words import ends_at, shown
from hpsearch.space import Range
from hpsearch.trials import Decision, Verdict


def opened(
    axis: Axis, after: Range, why: Sequence[str | None], numbers: Numbers, told: str
) -> Decision:
    """The range grows, or would if its hard limit let it; `why` for either edge, None where it does not."""
    now = axis.now
    verdict = {
        (True, False): Verdict.OPEN_LOW,
        (False, True): Verdict.OPEN_HIGH,
        (True, True): Verdict.OPEN_BOTH,
    }[why[0] is not None, why[1] is not None]
    sides = []
    if why[0] is not None:
        sides.append(f"open at the bottom: {why[0]}, {_end(now.low, after.low)}")
    if why[1] is not None:
        sides.append(f"open at the top: {why[1]}, {_end(now.high, after.high)}")
    return Decision(axis.name, now, after, verdict, "; ".join(sides) + told, numbers)


def leaning(part: str, chance: float) -> str:
    """Why a range opens where the best place lies at its end."""
    return (
        f"the best value lies in the {part} tenth of the range or beyond with a probability of "
        f"{chance:.0%}"
    )


def growing(beyond: float) -> str:
    """Why a range grows again: it was narrowed too far."""
    return (
        "values that may be as good as the best, margin included, reach beyond the edge by "
        f"{beyond:.0%} of the width"
    )


def _end(edge: float, moved: float) -> str:
    if moved == edge:
        return f"and {edge:g} is the limit; a wider hard limit may hold better values"
    return ends_at(moved)


def inward(axis: Axis, after: Range, numbers: Numbers, told: str) -> Decision:
    """The range shrinks, or is kept where it hardly would."""
    now = axis.now
    about = (
        f"effect inside {numbers['effect']:.2g}, noise of one training {numbers['noise_sd']:.2g}"
    )
    share = after.width / now.width
    if share > 1 - SETTLED:
        numbers["width_after"] = now.width
        reason = f"kept between {shown(now)}: all of it may hold the best value ({about})"
        return Decision(axis.name, now, now, Verdict.KEPT, reason + told, numbers)
    border = axis.territory.stable_high < 1 and after.high < now.high
    beyond = ", and nearly every trial above diverged" if border else ""
    reason = (
        f"narrowed to {share:.0%} of its width: only values between {shown(after)}, margin "
        f"included, may be as good as the best ({about}){beyond}"
    )
    return Decision(axis.name, now, after, Verdict.NARROWED, reason + told, numbers)
