"""What a test does where something that it needs is not there."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def absent(what: str) -> NoReturn:
    """Skip on a laptop, fail in CI: a suite that did not run has shown nothing."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and CI must not go without it")
    pytest.skip(f"{what} is missing")
