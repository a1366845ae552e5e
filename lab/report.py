"""The report of all experiments: an HTML page for people, plain values for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hpsearch import figures
from lab.data import LabData
from lab.experiment import Finding
from lab.registry import EXPERIMENTS

SOURCE = (
    "Each experiment of the chapter on training techniques (K. Saitoh, Deep Learning from "
    "Scratch, chapter 6), run on the engine of hpsearch. The claims are in our words."
)
HEAD = ("claim", "what we measured", "verdict")


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """An experiment that has run: its name, its result, and how long it took."""

    name: str
    result: Any
    seconds: float

    @property
    def findings(self) -> Sequence[Finding]:
        """Findings of its result."""
        return EXPERIMENTS[self.name].findings(self.result)


@dataclass(frozen=True, slots=True)
class Setting:
    """Conditions of a report: date, machine, data, seed, and whether it was a quick run."""

    date: str
    machine: str
    data: str
    seed: int
    quick: bool


def described(data: LabData) -> str:
    """The data in a sentence."""
    absent = " It stands in for MNIST, which was not found, or not wanted in a quick run."
    other = "" if data.name == "mnist" else absent
    return (
        f"{data.name}: {len(data.pool):,} images to draw training examples from, "
        f"{len(data.held_out):,} held out, which no experiment trains on. Both come from the "
        f"dataset's training part; its sealed test part ({data.info.n_test:,} images) was not "
        f"opened.{other}"
    )


def to_json(setting: Setting, done: Sequence[Done]) -> dict[str, Any]:
    """Setting, seconds and findings as plain JSON values."""
    return {
        **asdict(setting),
        "experiments": {
            one.name: {
                "title": EXPERIMENTS[one.name].title,
                "seconds": round(one.seconds, 2),
                "findings": [asdict(finding) for finding in one.findings],
            }
            for one in done
        },
    }


def html(setting: Setting, done: Sequence[Done]) -> str:
    """The self-contained page."""
    counts = Counter(finding.verdict for one in done for finding in one.findings)
    verdicts = ", ".join(f"{counts[v]} {_plural(v, counts[v])}" for v in counts)
    run = (
        "A quick run, with smaller samples than the texts say: a first look. "
        if setting.quick
        else ""
    )
    page = figures.Page(
        title="The chapter, reproduced",
        text=[
            SOURCE,
            f"{run}Measured on {setting.date} on {setting.machine}, seed {setting.seed}.",
            f"Data: {setting.data}",
            f"Of {sum(counts.values())} claims {verdicts}.",
        ],
        sections=[_section(one) for one in done],
    )
    return figures.html(page)


def _plural(verdict: str, count: int) -> str:
    if count == 1:
        return verdict
    return verdict.replace("holds", "hold").replace("does not", "do not")


def _section(one: Done) -> figures.Section:
    experiment = EXPERIMENTS[one.name]
    rows = [(f.claim, f.measured, f.verdict) for f in one.findings]
    return figures.Section(
        title=experiment.title,
        text=[f"{experiment.about} ({one.seconds:.1f} s)"],
        tables=[figures.Table(HEAD, rows)],
        figures=experiment.figures(one.result),
    )
