"""For which length of a training an answer holds, as result, health, statement and pages say it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report.health_records import records
from rich.console import Console
from support.records import make_final, make_round

from hpsearch.cli import result_output
from hpsearch.records import RoundRecord
from hpsearch.report import answer, words
from hpsearch.report.health import SearchRecords, notes
from hpsearch.report.lengths import length_view
from hpsearch.report.statement.about_search import setting
from hpsearch.report.statement.facts import Facts
from hpsearch.report.views import LengthView

EXPLORED = make_round(rungs=[2, 4, 8], completed=3, stopped=29)
LONGER = make_round(2, kind="repeat", rungs=[20], completed=4, stopped=0)


def searched(*rounds: RoundRecord, final: int = 20) -> SearchRecords:
    """The records of a search with these rounds, whose final test has so many epochs."""
    return records(rounds=[*rounds, make_round(3, kind="final", completed=5)], final_epochs=final)


@pytest.mark.parametrize(
    ("rounds", "final", "said"),
    [
        ([EXPLORED], 20, LengthView(trained=8, final=20, as_long=0)),
        ([EXPLORED, LONGER], 20, LengthView(trained=20, final=20, as_long=4)),
        ([EXPLORED, LONGER], 8, LengthView(trained=20, final=8, as_long=7)),
        ([make_round(completed=0, stopped=28)], 20, None),
        ([], 20, None),
    ],
)
def test_the_longest_trainings_beside_the_final_test(
    rounds: list[RoundRecord], final: int, said: LengthView | None
) -> None:
    assert length_view(searched(*rounds, final=final)) == said


def test_the_final_test_itself_is_no_training_of_the_search() -> None:
    final = make_round(2, kind="final", rungs=[20], completed=5)
    said = length_view(replace(searched(EXPLORED), rounds=[EXPLORED, final]))
    assert said == LengthView(trained=8, final=20, as_long=0)


@pytest.mark.parametrize(
    ("rounds", "final", "noted"),
    [([EXPLORED], 20, True), ([EXPLORED], 8, False), ([EXPLORED, LONGER], 20, False), ([], 20, False)],
)  # fmt: skip
def test_health_tells_of_a_final_test_that_is_longer_than_all_trials(
    rounds: list[RoundRecord], final: int, noted: bool
) -> None:
    told = [n for n in notes(searched(*rounds, final=final)) if n.code == "shorter_than_final"]
    assert bool(told) is noted
    if noted:
        assert told[0].numbers == {"trained": 8, "final": 20}
        assert "up to 8 epochs and the final test trains 20" in told[0].message


def test_result_command_line_and_statement_say_the_same() -> None:
    made = searched(EXPLORED)
    view = answer.result(made, make_final(), 0)
    assert view.length == LengthView(trained=8, final=20, as_long=0)
    said = words.length(view.length)
    assert said == (
        "From trainings of up to 8 epochs; the final test trains 20, and no trial was trained as long: "
        "the answer is known to hold for the shorter ones."
    )
    assert said in str(setting(Facts.of(made, make_final(), (), ())))
    console = Console(width=400)
    with console.capture() as capture:
        console.print(result_output.result(view))
    assert said in capture.get()


@pytest.mark.parametrize(
    ("view", "end"),
    [
        (LengthView(trained=20, final=20, as_long=4), "; the final test trains 20."),
        (
            LengthView(trained=20, final=8, as_long=7),
            " trains 8, no longer than 7 trials of the search.",
        ),
    ],
)
def test_trainings_as_long_are_no_caution(view: LengthView, end: str) -> None:
    assert words.length(view).endswith(end)


def test_the_result_says_why_exploring_ended() -> None:
    made = searched(EXPLORED)
    reason = "the expected improvement left is 0.001, below 0.1 of the noise of one training (0.02)"
    told = replace(made, search=made.search._replace(reason=reason))
    assert answer.result(told, make_final(), 0).ended == reason
    assert answer.result(made, make_final(), 0).ended is None
