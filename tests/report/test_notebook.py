"""Views in notebooks: short in text, tables in HTML, and nothing in them that runs."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest
from cli.results import RESULT
from support.command_fixtures import STATUS

from hpsearch.report.views import HealthView, ResultView, StatusView, TrialView

EVIL = "<script>alert(1)</script>" * 40
RANGES = {f"x{i}": {**RESULT["ranges"]["learning_rate"], "reason": EVIL} for i in range(20)}
VIEWS = [
    ResultView.model_validate({**RESULT, "name": EVIL, "ranges": RANGES}),
    ResultView.model_validate(RESULT),
    StatusView.model_validate({**STATUS, "name": "a\nb", "reason": EVIL}),
    HealthView.model_validate({"id": "s1", "state": "running", "revision": 1, "notes": []}),
    TrialView.model_validate({
        "id": "1-2", "round": 1, "index": 2, "state": "diverged", "params": {"x": 1e-5},
        "epochs": 3, "validation_accuracy": None, "validation_loss": None,
        "curve": [(epoch, 0.5, 0.5, 0.5) for epoch in range(1, 1001)],
    }),
]  # fmt: skip


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: type(view).__name__)
def test_a_view_is_a_short_line_and_closed_tables(view):
    for text in (repr(view), str(view)):
        assert text.startswith(f"{type(view).__name__}(id=")
        assert len(text) < 250
        assert "\n" not in text
    tags = Tags(view._repr_html_())
    assert (tags.open, tags.seen) == ([], tags.seen & {"table", "tr", "th", "td", "br"})
    assert json.loads(view.model_dump_json())["id"] == view.id  # programs have all of it


def test_the_answer_stands_in_line_and_table():
    view = VIEWS[1]
    assert "recommended=0.97" in repr(view)
    assert "test=0.9612" in repr(view)
    shown = view._repr_html_()
    for text in ("learning_rate", "open_high", "low 1e-05, high 1, scale log", "0.9612"):
        assert text in shown
    assert "and 980 more" in VIEWS[4]._repr_html_()
