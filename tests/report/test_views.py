"""The package of the views: each name is loaded from the module that types say."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module

import pytest

from hpsearch.report import views


def _typed() -> dict[str, str]:
    """The module of each name, as mypy reads it."""
    return {
        alias.name: node.module
        for node in ast.walk(ast.parse(inspect.getsource(views)))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith(views.__name__)
        for alias in node.names
    }


def test_names_and_types_agree():
    typed = _typed()
    assert sorted(views.__all__) == sorted(typed)
    for name, module in typed.items():
        assert getattr(views, name) is getattr(import_module(module), name)


def test_no_other_name_is_a_view():
    with pytest.raises(AttributeError, match="has no attribute 'NoView'"):
        views.NoView  # noqa: B018
