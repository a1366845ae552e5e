"""The error tree: its table, and that the drawing in its docstring is the tree."""

from __future__ import annotations

import re

import pytest

from hpsearch import errors
from hpsearch.errors import HpsearchError, InvalidDataset, InvalidSpec, Mistake, UserError


def tree(root: type[HpsearchError]) -> list[type[HpsearchError]]:
    return [root, *(leaf for child in root.__subclasses__() for leaf in tree(child))]


# Those of the one module: what a room adds for itself depends on what has been imported.
PUBLIC = [
    e
    for e in tree(HpsearchError)
    if e.__module__ == errors.__name__ and not e.__name__.startswith("_")
]


def test_the_docstring_draws_the_tree():
    drawn = dict(re.findall(r"(?:\|-|`-) (\w+) +(\d{3}) ", errors.__doc__ or ""))
    leaves = {e.__name__: str(e.status) for e in PUBLIC if not e.__subclasses__()}
    assert {name: status for name, status in drawn.items() if name in leaves} == leaves


@pytest.mark.parametrize("error", PUBLIC, ids=lambda e: e.__name__)
def test_whose_fault_an_error_is_shows_in_its_status(error):
    raised = error("what happened")
    assert (400 <= error.status < 500) == issubclass(error, UserError)
    assert error.retryable == (error.status == 503)
    assert error.exit_code in (2, 3, 4, 5, 69, 70, 78)
    assert error.title
    assert str(raised) == "what happened"
    assert list(raised.mistakes) == []


@pytest.mark.parametrize("error", [InvalidSpec, InvalidDataset])
def test_mistakes_are_kept_in_order(error):
    found = [Mistake("b", "two"), Mistake("a", "one")]
    raised = error("two mistakes", found)
    assert list(raised.mistakes) == found
    assert (raised.summary, str(raised)) == ("two mistakes", "two mistakes\n  b: two\n  a: one")


def test_a_mistake_that_the_message_says_is_not_said_twice():
    found = [Mistake("a", "one"), Mistake("", "two")]
    assert str(InvalidDataset("a: one (and 1 other mistakes)", found)).splitlines()[1:] == ["  two"]
    assert str(InvalidSpec("a: one", found[:1])) == "a: one"
