"""The parsing process: a JSON request on stdin, arrays in files, a line of JSON on stdout."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from hpsearch import errors
from hpsearch.data.limits import FULL, MIB, NO_ROOM, Limits
from hpsearch.data.parse import work
from hpsearch.data.parse.request import Request


class _WithoutPandas:
    """Hides pandas: pyarrow would load it, for a second, to know its columns from others."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        """Refuse one module, and leave all others to the finders behind."""
        if name == "pandas":
            raise ModuleNotFoundError("the parser has no use for pandas", name=name)


def main() -> None:
    """Read the request, bind this process to the limits, answer."""
    message = json.load(sys.stdin)
    limits = Limits.from_json(message["limits"])
    limits.apply()
    sys.meta_path.insert(0, _WithoutPandas)
    sys.stdout.write(json.dumps(answer(Request.from_json(message["request"]), limits)) + "\n")
    sys.stdout.flush()
    # Not by the interpreter's own end: a thread of Arrow that still reads ahead from a Python file
    # would be ended inside C++, which aborts the process.
    os._exit(0)


def answer(request: Request, limits: Limits) -> dict[str, Any]:
    """Return the dataset's info, or the error that the caller is to raise."""
    try:
        return {"info": work.ingest(request, limits).to_json()}
    except errors.HpsearchError as error:
        return _error(type(error).__name__, error.summary, list(error.mistakes))
    except MemoryError:
        return _error(
            "TooLarge",
            f"reading the dataset took more than {limits.memory // MIB} MiB of memory; send fewer "
            "rows or columns, or images as uint8",
        )
    except OSError as error:
        if error.errno in NO_ROOM:
            return _error("StorageFull", FULL)
        raise


def _error(kind: str, message: str, mistakes: list[errors.Mistake] | None = None) -> dict[str, Any]:
    return {"error": {"type": kind, "message": message, "mistakes": mistakes or []}}


if __name__ == "__main__":
    main()
