"""The error tree: the side of the fault, the use of a repetition, the answer to the caller.

    HpsearchError
    |- UserError                what was asked cannot be done; asking again changes nothing
    |  |- InvalidRequest   400  the request itself is malformed (JSON, cursor, parameter)
    |  |- Unauthenticated  401  no key, or one that is unknown, expired or revoked
    |  |- Forbidden        403  a known key without the scope
    |  |- NotFound         404  no such thing, or it belongs to somebody else
    |  |- Conflict         409  the thing is in a state that does not allow it
    |  |- Stale            412  If-Match names an older revision
    |  |- TooLarge         413  a body or a file beyond its cap
    |  |- UnsupportedType  415  a content type that is not understood
    |  |- InvalidSpec      422  a search spec with mistakes, each with its path
    |  |- InvalidDataset   422  data that cannot be trained on
    |  |- InvalidReport    422  a trainer's report with mistakes beside its score
    |  `- TooMany          429  a quota or a rate limit
    `- SystemFault              ours; logged once where it is caught
       |- Misconfigured    500  settings that cannot work
       |- Corrupt          500  stored bytes that are not what was stored
       |- Unavailable      503  database, broker or service does not answer; try again
       |  `- NoDatabase    503  the database is what does not answer
       |  `- NoDatabase         the database alone: a request that reads it shows its end
       |- StorageFull      507  a disk is full; trying again helps when there is room
       `- Fenced           500  this attempt at a job is over; whoever holds it must stop

`status` is the HTTP status, `exit_code` the command line's (2 usage, 3 not now, 4 not
allowed, 5 not found, 69 unavailable, 70 internal, 74 output lost, 78 configuration; after
sysexits.h).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple


def suggestion(name: str, known: Iterable[str]) -> str:
    """A question about an unknown name; empty where no known one is close, or another tool's word for it."""
    from hpsearch.other_words import intended  # most runs meet no mistake

    close = intended(name, known)
    return f"did you mean {close}?" if close else ""


def with_question(message: str, name: str, known: Iterable[str]) -> str:
    """`message` about an unknown name, with the question where there is one."""
    question = suggestion(name, known)
    return f"{message}; {question}" if question else message


meant = suggestion  # its name in 0.1.0


class Mistake(NamedTuple):
    """A mistake in a user's document: its place and the way out."""

    path: str
    message: str


class HpsearchError(Exception):
    """Base of every error that hpsearch raises on purpose."""

    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 70
    title: ClassVar[str] = "Internal error"
    retryable: ClassVar[bool] = False
    retry_after: float | None = None  # seconds, where the service has said so

    @property
    def summary(self) -> str:
        """The message without the list of single mistakes."""
        return super().__str__()

    @property
    def mistakes(self) -> Sequence[Mistake]:
        """The single mistakes behind the error, where there are several."""
        return ()


class UserError(HpsearchError):
    """A request that cannot be done; the message names one that would work."""

    status = 400
    exit_code = 2
    title = "Invalid request"


class InvalidRequest(UserError):
    """The request is malformed."""

    line: int | None = None  # of a JSON document that cannot be parsed, from 1


class Unauthenticated(UserError):
    """No key, or one that does not open anything."""

    status = 401
    exit_code = 4
    title = "Authentication required"


class Forbidden(UserError):
    """The key is known and lacks the scope."""

    status = 403
    exit_code = 4
    title = "Not allowed"


class NotFound(UserError):
    """There is no such thing for this caller."""

    status = 404
    exit_code = 5
    title = "Not found"


class Conflict(UserError):
    """The state of the thing does not allow what was asked."""

    status = 409
    exit_code = 3
    title = "Conflict"


class Stale(UserError):
    """The caller's revision is older than the stored one."""

    status = 412
    exit_code = 3
    title = "Precondition failed"


class TooLarge(UserError):
    """A body or a file is beyond its cap."""

    status = 413
    title = "Too large"


class UnsupportedType(UserError):
    """A content type that is not understood."""

    status = 415
    title = "Unsupported content type"


class _WithMistakes(UserError):
    """A user error that can carry several mistakes, all reported at once."""

    status = 422

    def __init__(self, message: str, mistakes: Sequence[Mistake] = ()) -> None:
        super().__init__(message)
        self._mistakes = tuple(mistakes)

    def __str__(self) -> str:
        """The message, and below it a line for every mistake that it does not say itself."""
        lines = [f"{path}: {message}" if path else message for path, message in self._mistakes]
        return "\n  ".join([self.summary, *(x for x in lines if not self.summary.startswith(x))])

    @property
    def mistakes(self) -> Sequence[Mistake]:
        """All mistakes, in the order of the document."""
        return self._mistakes


class InvalidSpec(_WithMistakes):
    """A search spec with mistakes."""

    title = "Invalid search spec"


class InvalidDataset(_WithMistakes):
    """Data that cannot be trained on."""

    title = "Invalid dataset"


class InvalidReport(_WithMistakes):
    """A trainer's report with mistakes beside its score; the report is refused, and no other."""

    title = "Invalid report"


class TooMany(UserError):
    """A quota or a rate limit is used up."""

    status = 429
    exit_code = 3
    title = "Too many requests"


class SystemFault(HpsearchError):
    """A fault of the service or its surroundings."""


class Misconfigured(SystemFault):
    """Settings that cannot work; the message names the setting."""

    exit_code = 78
    title = "Misconfigured"


class Corrupt(SystemFault):
    """Stored bytes differ from what was stored."""

    title = "Corrupt data"


class Unavailable(SystemFault):
    """Database, broker or service does not answer; trying again may help."""

    status = 503
    exit_code = 69
    title = "Unavailable"
    retryable = True


class NoDatabase(Unavailable):
    """The database does not answer, or cannot do its work."""


class StorageFull(SystemFault):
    """A disk of the service is full; the message says which."""

    status = 507
    exit_code = 69
    title = "Insufficient storage"


class Fenced(SystemFault):
    """This attempt at a job has been superseded; its holder stops and writes nothing."""

    title = "Superseded"
