"""Logs on stderr: console lines on a terminal, JSON otherwise, and no secret in either."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog
from gunicorn.glogging import Logger

_SECRETS = re.compile(
    r"""hps_[A-Za-z0-9_]+              # our keys
      | (?<=Bearer\ )[^\s"',\\]+       # a header that found its way into a text
      | (?<=://)[^\s"'/@]*:[^\s"'@]+(?=@)  # user and password of a URL
    """,
    re.VERBOSE | re.IGNORECASE,
)
HIDDEN = "[hidden]"


def configure(level: str, *, secret: str | None = None, console: bool | None = None) -> None:
    """Send this process's logs, the server's included, to stderr.

    Parameters
    ----------
    level
        debug, info, warning or error.
    secret
        A key to hide besides those that are recognised by their form.
    console
        Lines for people (True) or JSON (False); by default what stderr is.
    """
    console = sys.stderr.isatty() if console is None else console
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _Hiding(_renderer(console=console), secret),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


class ServerLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's messages through our handler instead of its own."""

    def setup(self, cfg: Any) -> None:
        """Replace gunicorn's handlers."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.error_log.setLevel(logging.NOTSET)


class _Hiding:
    """A renderer whose output has been searched for secrets, tracebacks included."""

    def __init__(self, render: structlog.typing.Processor, secret: str | None) -> None:
        self._render = render
        self._secret = secret

    def __call__(self, logger: Any, name: str, event: structlog.typing.EventDict) -> str:
        text = str(self._render(logger, name, event))
        if self._secret is not None:
            text = text.replace(self._secret, HIDDEN)
        return _SECRETS.sub(HIDDEN, text)


def _renderer(*, console: bool) -> structlog.typing.Processor:
    if console:
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer()
