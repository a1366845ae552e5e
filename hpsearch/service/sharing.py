"""Who may read a search: owners that its own names, or all."""

from __future__ import annotations

from hpsearch.errors import InvalidRequest
from hpsearch.records import EVERYBODY, Access, SearchRecord

ALL = "all"
MOST = 100  # owners
LONGEST = 100  # characters of a name
_FORM = f'"{ALL}", or a list of at most {MOST} owners, each of 1 to {LONGEST} printable characters'


def checked(sharing: object, *, owner: str) -> tuple[str, ...]:
    """The stored form of `sharing`: the word "all", or a list of owners; `owner` needs no grant.

    Raises
    ------
    InvalidRequest
        It is neither.
    """
    if sharing == ALL:
        return (EVERYBODY,)
    if not isinstance(sharing, list | tuple) or len(sharing) > MOST:
        raise InvalidRequest(f"sharing must be {_FORM}; an empty list takes every grant back")
    for name in sharing:
        if not _is_name(name):
            raise InvalidRequest(f"sharing: {str(name)[:80]!r} is no owner; give {_FORM}")
    return tuple(dict.fromkeys(name for name in sharing if name != owner))


def as_seen(search: SearchRecord, access: Access) -> SearchRecord:
    """A search as it is shown: whoever it is shared with is told of their own grant alone."""
    if isinstance(access, str) or access.everyone or access.owner == search.owner:
        return search
    own = tuple(name for name in search.sharing if name in (access.owner, EVERYBODY))
    return search._replace(sharing=own)


def _is_name(name: object) -> bool:
    return (
        isinstance(name, str)
        and 0 < len(name) <= LONGEST
        and name.isprintable()
        and name != EVERYBODY
    )
