"""The table of uploads: taken, target, kinds."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.files.judge import Verdict


def table(verdicts: Sequence[Verdict]) -> str:
    """Write the share of files that are taken and understood, and every file."""
    n = len(verdicts)
    taken = sum(not one.refusal for one in verdicts)
    right = sum(one.is_right for one in verdicts)
    said = (
        f"{taken} of {n} files ({taken / n:.0%}) are taken by parameters alone; of {right} "
        f"({right / n:.0%}) label, rows, classes, missing values and the kind of every column are "
        "as the list says."
    )
    lines = [
        said,
        "",
        "| file | package | label | taken | target | kinds | what is wrong |",
        "|---|---|---|---|---|---|---|",
        *map(_row, verdicts),
    ]
    return "\n".join(lines) + "\n"


def _row(one: Verdict) -> str:
    file = one.file
    marks = ["no" if wrong else "yes" for wrong in (one.refusal, one.target, one.kinds)]
    if one.refusal:
        marks[1:] = ["", ""]
    wrong = "; ".join([one.refusal, *one.target, *one.kinds][:6] if not one.is_right else [])
    cells = [file.id, f"{file.package} {file.version}", file.label, *marks, wrong.strip("; ")]
    return "| " + " | ".join(cell.replace("|", "\\|")[:300] for cell in cells) + " |"
