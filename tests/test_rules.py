"""The rules number's sentences, and fields that came later in what is stored."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import BaseModel, Field
from support.builders import resolve

from hpsearch import rules
from hpsearch.errors import Conflict
from hpsearch.report.digest import body_sha256
from hpsearch.rules import Since
from hpsearch.space import Range
from hpsearch.spec.models import EpochsSpec, SearchSpec


def test_a_search_of_older_rules_is_not_compared():
    rules.check_same(rules.RULES_NUMBER, "abc")
    message = "search abc was made under rules 1, this build has 2; install 0.1.x to train it again"
    with pytest.raises(Conflict, match=message) as refused:
        rules.check_same(1, "abc")
    assert refused.value.exit_code == 3


def test_newer_rules_than_these_name_no_release():
    with pytest.raises(Conflict, match=r"under rules 9, .* install the release that made it"):
        rules.check_same(9, "abc")


def test_every_number_before_ours_names_its_releases():
    assert set(range(1, rules.RULES_NUMBER + 1)) <= rules.RELEASES.keys()


# --- fields that came later, as a next release would add them ------------------------------------


class LaterEpochs(EpochsSpec):
    """One more field, two levels down."""

    warm: Annotated[int, Since("0.2")] = Field(0, ge=0)


class LaterRange(Range):
    """One more field of a range."""

    steps: Annotated[list[int], Since("0.2")] = Field(default_factory=list)


class Note(BaseModel):
    """An item of a list, which came later itself."""

    text: str
    author: Annotated[str | None, Since("0.3")] = None
    shown: Annotated[bool, Since("0.3")] = True


class LaterSpec(SearchSpec):
    """A spec of a later release."""

    epochs: LaterEpochs = LaterEpochs()
    patience: Annotated[int, Since("0.2")] = 3
    ranges: Annotated[dict[str, LaterRange], Since("0.2")] = Field(default_factory=dict)
    notes: Annotated[list[Note], Since("0.3")] = Field(default_factory=list)


RATE = {"learning_rate": {"low": 0.001, "high": 1.0, "scale": "log"}}


def later(**changes):
    return LaterSpec.model_validate({"dataset": "iris", "space": RATE, **changes})


def test_a_spec_that_uses_nothing_new_is_stored_and_has_the_digest_as_before():
    before = SearchSpec.model_validate({"dataset": "iris", "space": RATE}).to_json()
    assert later().to_json() == before
    assert body_sha256(later(patience=3, epochs={"warm": 0}).to_json()) == body_sha256(before)


def test_what_is_used_of_it_is_stored_at_every_level():
    one = {"low": 0.5, "high": 2.0}
    stored = later(
        patience=4,
        epochs={"warm": 1},
        ranges={"plain": LaterRange(**one), "stepped": LaterRange(**one, steps=[1, 2])},
        notes=[Note(text="plain"), Note(text="hidden", shown=False)],
    ).to_json()
    assert stored["patience"] == 4
    assert stored["epochs"]["warm"] == 1
    assert "steps" not in stored["ranges"]["plain"]
    assert stored["ranges"]["stepped"]["steps"] == [1, 2]
    assert stored["notes"] == [{"text": "plain"}, {"text": "hidden", "shown": False}]
    assert later(**stored).to_json() == stored


def test_a_box_is_stored_the_same_way():
    box = {"rate": LaterRange(low=0.5, high=2.0)}
    assert rules.to_json(box["rate"]) == rules.to_json(Range(low=0.5, high=2.0))
    assert rules.to_json(resolve().box["learning_rate"]).keys() >= {"low", "high", "scale"}
