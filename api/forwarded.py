"""The client of a request, which proxies that are trusted may tell.

X-Forwarded-For is a list to which every proxy adds the address that it was asked by. It is read from its
end, for only the last part of it was written by proxies of ours; what stands before the first other
address may be anybody's invention. The standard header of RFC 7239, `Forwarded`, is not read.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, cast

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Scheme = Literal["http", "https"]

FOR, SCHEME, REQUEST_ID = "X-Forwarded-For", "X-Forwarded-Proto", "X-Request-Id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:+=/-]{1,64}")


class SupportsGet(Protocol):
    """Headers by name, as a dictionary has them and werkzeug does."""

    def get(self, key: str, default: str, /) -> str:
        """The value of a header, or `default`."""
        ...


@dataclass(frozen=True, slots=True)
class RequestClient:
    """The sender of a request.

    address
        Of the sender, or "-" where the connection has none.
    scheme
        The scheme that the sender used, which a proxy may have ended.
    request_id
        The name that a trusted proxy gave the request; None: it has none yet.
    """

    address: str
    scheme: Scheme
    request_id: str | None


def client_of(
    peer: str | None, scheme: str, headers: SupportsGet, trusted: Sequence[Network]
) -> RequestClient:
    """The sender of a request, whose connection came from the address `peer`.

    Headers count where `peer` is in a trusted network. An entry of the list that is no address ends
    it: the proxy before it is the last one that is known.
    """
    direct = RequestClient(peer or "-", "https" if scheme == "https" else "http", None)
    if not _is_trusted(direct.address, trusted):
        return direct
    address = direct.address
    for entry in reversed(headers.get(FOR, "").split(",")):
        before = _address(entry)
        if before is None:
            break
        address = before
        if not _is_trusted(address, trusted):
            break
    named = headers.get(REQUEST_ID, "")
    told = headers.get(SCHEME, "").rpartition(",")[2].strip().lower()
    return RequestClient(
        address,
        cast("Scheme", told) if told in ("http", "https") else direct.scheme,
        named if _REQUEST_ID.fullmatch(named) else None,
    )


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    if not trusted or (known := _address(address)) is None:
        return False
    return any(ipaddress.ip_address(known) in network for network in trusted)


def _address(text: str) -> str | None:
    """An address as proxies write it, with or without a port; None for anything else."""
    text = text.strip()
    bracketed = re.fullmatch(r"\[([^\]]+)\](?::\d{1,5})?", text)
    if bracketed:
        text = bracketed[1]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)  # ::ffff:192.0.2.1
    # The zone of a link-local address is any text at all, and says nothing about another machine.
    return str(mapped or address).partition("%")[0]
