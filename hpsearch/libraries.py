"""Libraries that few installations need: loaded when they are asked for."""

from __future__ import annotations

import importlib
import shlex
import sys
from typing import Any

from hpsearch.errors import Misconfigured


def load_library(name: str, module: str | None = None) -> Any:
    """Import an optional library, or one of its modules.

    name
        The library, which is also the name of our extra that brings it.

    Raises
    ------
    Misconfigured
        It is not installed; the message says how it is, for this very Python: the `pip` on the path may be another's.
    """
    try:
        return importlib.import_module(module or name)
    except ImportError as error:
        raise Misconfigured(
            f"{name} is not installed here: {shlex.quote(sys.executable)} -m pip install 'hpsearch[{name}]'"
        ) from error
