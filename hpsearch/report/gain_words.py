"""The gain over the baseline as lines for people: name and text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hpsearch.plural import counted
from hpsearch.report import words

if TYPE_CHECKING:
    from hpsearch.report.views import GainMetricView, ResultView


def lines(view: ResultView) -> Iterator[tuple[str, str]]:
    """The baseline, both scores side by side, the gain, and what was kept; none without a baseline."""
    base, gain = view.baseline, view.gain
    if base is None or gain is None:
        return
    yield "your setting", words.params(base.params, view.effective_with)
    if gain.same_setting:
        yield "gain", f"0: {gain.note}"
    else:
        lower = ", lower is better" if view.direction == "minimize" else ""
        how = f" over {counted(gain.models, 'training')} of each" if gain.models > 1 else ""
        yield (
            f"test {_title(view.objective)}",
            f"recommended {words.share(gain.recommended)}, yours {words.share(gain.baseline)}{how}{lower}",
        )
        yield "gain", text(gain)
        for name, other in gain.metrics.items():
            if name != view.objective:
                yield f"gain by {_title(name)}", text(other)
    if base.outside:
        yield "outside the ranges", ", ".join(map(words.plain, base.outside))
    if view.recommended.kept:
        whole = set(view.recommended.kept) == set(view.recommended.params)
        kept = ", ".join(map(words.plain, view.recommended.kept))
        why = "no change of it is shown to help" if whole else "the data do not object"
        yield "kept from your setting", f"{'all of it' if whole else kept}: {why}"


def text(gain: GainMetricView) -> str:
    """A gain with its interval, or why there is none."""
    if gain.value is None:
        return f"- ({gain.note})"
    made = words.signed(gain.value)
    if gain.low is not None and gain.high is not None and gain.probability is not None:
        made += (
            f"  (95 % interval {words.signed(gain.low)} to {words.signed(gain.high)}; better with a "
            f"probability of {100 * gain.probability:.1f} %)"
        )
    return made if gain.note is None else f"{made}  ({gain.note})"


def short(view: ResultView) -> str | None:
    """The gain in a cell; None without a baseline."""
    gain = view.gain
    if gain is None:
        return None
    if gain.same_setting:
        return "same setting"
    if gain.value is None:
        return "-"
    ends = ""
    if gain.low is not None and gain.high is not None:
        ends = f" ({words.signed(gain.low)} to {words.signed(gain.high)})"
    return f"{words.signed(gain.value)}{ends}"


def _title(name: str) -> str:
    return "score" if name == "external" else words.metric(name)
