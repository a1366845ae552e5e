"""The client that proxies tell: believed from trusted ones alone, and from the end of the list."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.forwarded import client_of
from hpsearch.errors import Misconfigured
from hpsearch.settings import load

PROXIES = tuple(map(ip_network, ("10.0.0.0/8", "fd00::/8", "192.0.2.7/32")))


@pytest.mark.parametrize(
    ("peer", "chain", "address"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # anybody may write the header
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),  # its sender's invention
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 192.0.2.7, 10.9.9.9", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("10.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("fd00::1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", f"fe80::1%{'x' * 500}", "fe80::1"),
        (None, "198.51.100.1", "-"),  # a Unix socket
    ],
)
def test_the_address_is_the_last_one_that_a_trusted_proxy_wrote(
    peer: str | None, chain: str, address: str
) -> None:
    assert client_of(peer, "http", {"X-Forwarded-For": chain}, PROXIES).address == address
    assert client_of(peer, "http", {"X-Forwarded-For": chain}, ()).address == (peer or "-")


@given(chain=st.text("0123456789.:, []abcdef", max_size=60))
def test_nobody_but_a_proxy_changes_the_address(chain: str) -> None:
    headers = {"X-Forwarded-For": chain, "X-Forwarded-Proto": "https", "X-Request-Id": "mine"}
    client = client_of("203.0.113.9", "http", headers, PROXIES)
    assert (client.address, client.scheme, client.request_id) == ("203.0.113.9", "http", None)
    told = client_of("10.0.0.1", "http", {"X-Forwarded-For": f"{chain}, 198.51.100.1"}, PROXIES)
    assert told.address == "198.51.100.1"


def test_scheme_and_request_id_are_taken_where_they_are_such() -> None:
    headers = {"X-Forwarded-Proto": "http, https", "X-Request-Id": "a-1.b:c"}
    client = client_of("10.0.0.1", "http", headers, PROXIES)
    assert (client.scheme, client.request_id) == ("https", "a-1.b:c")
    odd = {"X-Forwarded-Proto": "gopher", "X-Request-Id": "a\nb"}
    client = client_of("10.0.0.1", "http", odd, PROXIES)
    assert (client.scheme, client.request_id) == ("http", None)
    assert client_of("10.0.0.1", "http", {"X-Request-Id": "x" * 65}, PROXIES).request_id is None


@pytest.mark.parametrize("network", ["10.0.0.1/8", "proxy.internal", "10.0.0.0/33"])
def test_a_network_that_is_none_is_named(network: str) -> None:
    with pytest.raises(Misconfigured, match="HPSEARCH_TRUSTED_PROXIES") as refused:
        load(trusted_proxies=f"fd00::/8, {network}")
    assert network in str(refused.value)
