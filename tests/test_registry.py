"""A registry: names are taken once, and one that was lent is given back."""

import pytest

from hpsearch.registry import Deferred, Registry


def test_entries_keep_their_order_and_names_are_taken_once() -> None:
    registry = Registry("optimizer", {"sgd": 1, "adam": 2})
    registry.register("adagrad", 3)
    assert list(registry) == ["sgd", "adam", "adagrad"]
    assert registry["adam"] == 2
    assert len(registry) == 3
    with pytest.raises(ValueError, match="the optimizer 'sgd' is registered already"):
        registry.register("sgd", 4)


def test_a_registration_for_a_block_ends_with_it() -> None:
    registry = Registry("optimizer", {"sgd": 1})
    with registry.registered("toy", 2):
        assert registry["toy"] == 2
    assert "toy" not in registry


def test_a_deferred_entry_is_imported_when_it_is_asked_for() -> None:
    registry = Registry("function", {"sqrt": Deferred("math:sqrt"), "none": Deferred("no.such:x")})
    assert list(registry) == ["sqrt", "none"]
    assert "none" in registry
    assert registry["sqrt"](9.0) == 3.0
    with pytest.raises(ModuleNotFoundError):
        registry["none"]


def test_a_change_does_not_disturb_who_goes_through_the_entries() -> None:
    registry = Registry("optimizer", {"sgd": 1, "adam": 2})
    names = iter(registry)
    assert next(names) == "sgd"
    registry.register("toy", 3)
    assert list(names) == ["adam"]
