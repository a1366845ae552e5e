"""The page of figures: what was measured, how, and the two tables."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.files import report, uploads
from benchmarks.files.judge import Verdict
from benchmarks.files.report import Scores
from benchmarks.files.shuffled import MOST

_UPLOADS = """# Public files

Written by `make bench-files`. `benchmarks/files/list.toml` names {files} files that other people published in packages, at
pinned versions, with what is right for each: label, task, rows with a label, classes, missing values and the kind of every
column. The list was committed before the product saw a file, and no file is ever taken off. Each file is sent byte for byte as
`application/octet-stream` with the parameters of the list, which are what a person would write; nothing is repaired by hand.

## Taken and understood

"""

_SCORES = """
## Scores beside peers

Whole searches with the product's defaults, over the space of the [tutorial](tutorial.md) (learning rate and weight decay),
beside LogisticRegression or RidgeCV and HistGradientBoosting of scikit-learn 1.9.1 behind a ColumnTransformer, and RealMLP with
tuned defaults (pytabkit 1.8.0), all on one thread. A split is the file with its rows in another seeded order, at most
{most:,} of them; the product seals a fifth by the content, and the peers get the same training rows and the same test rows,
in the columns that the product stored. Groups and times of the list are not used here. Scores are points of a hundred: accuracy,
or R2. Each contender answers with what its user gets by default: hpsearch with the recommended model, trained anew on training
and validation part, which is made of five networks up to 2,500 training rows ([decision 0040](decisions/0040-several-networks.md)); RealMLP with one
network that keeps a fifth to stop by; the linear model and the trees with one.

*behind* is the better of linear and RealMLP less hpsearch; *error* is the standard error of the differences, of a single
split that of two accuracies, and 0 for R2. A file keeps up if it is not behind by more than one point or one error, whichever
is more. Trees are shown and not judged. The better of two peers is chosen by the test rows themselves, which favours the peers.

The defaults were chosen on the tuning half alone (`benchmarks/files/halves.py`, a seeded draw that was committed first); the held-out half
was searched once with each set of defaults, after that: with the planned network, and with the several networks of now. The peers' scores are kept in `benchmarks/files/peer_scores.json`, with versions and machine, and
`python -m benchmarks.files.peer_scores` adds further splits. `python -m benchmarks.files.compare` runs the searches, keeps the score of each in
`benchmarks/files/rows`, and goes on where it ended.

"""


SCORES = "## Scores beside peers"


def page(verdicts: Sequence[Verdict], compared: Sequence[Scores], end: str) -> str:
    """Write the page; `end` is what people wrote below the tables."""
    uploaded = _UPLOADS.format(files=len(verdicts)) + uploads.table(verdicts)
    return uploaded + _scores(compared) + end


def page_with_scores(old: str, compared: Sequence[Scores], end: str) -> str:
    """Write the scores of a page anew, and leave its uploads as they are."""
    return old[: old.index(SCORES)].rstrip("\n") + "\n" + _scores(compared) + end


def _scores(compared: Sequence[Scores]) -> str:
    return _SCORES.format(most=MOST) + report.table(compared) if compared else ""
