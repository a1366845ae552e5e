"""HTTP addresses in one strict spelling: what is checked is then what is called.

Parsers differ in what they make of odd addresses (a second @, a backslash, a tab), and such
differences lead requests elsewhere. Here an odd address is none.
"""

from __future__ import annotations

import re

API = "/api/v1"  # the path that every route of the HTTP contract begins with

_AUTHORITY = r"([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?"
_HOST = re.compile(rf"(?:(https?)://)?{_AUTHORITY}", re.IGNORECASE | re.ASCII)
_ADDRESS = re.compile(
    rf"(https?)://{_AUTHORITY}(?:[/?][\w.~!$&'()*+,;=:@%/?-]*)?", re.IGNORECASE | re.ASCII
)
_USUAL = {"https": 443, "http": 80}


def origin_of(url: str) -> str | None:
    """`scheme://host:port` of an http(s) address; None unless it is written plainly and in full."""
    return _origin(_ADDRESS.fullmatch(url))


def named(host: str) -> str | None:
    """The origin that `HOST`, `HOST:PORT` or either of them behind a scheme names; https without."""
    return _origin(_HOST.fullmatch(host))


def _origin(match: re.Match[str] | None) -> str | None:
    if match is None:
        return None
    scheme = (match[1] or "https").lower()
    port = int(match[3] or _USUAL[scheme])
    return f"{scheme}://{match[2].lower()}:{port}" if 0 < port < 2**16 else None
