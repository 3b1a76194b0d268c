# SPDX-License-Identifier: EUPL-1.2
"""Where a request comes from."""

from __future__ import annotations

import pytest

from carnet.access.limits.address import WrongProxies, counted, networks, source

OURS = networks("10.0.0.0/8, fd00::/8")


@pytest.mark.parametrize(
    ("socket", "forwarded", "proxies", "found"),
    [
        ("203.0.113.7", ["198.51.100.1"], (), "203.0.113.7"),  # nobody named a proxy
        ("203.0.113.7", ["198.51.100.1"], OURS, "203.0.113.7"),  # this one is none
        ("10.0.0.1", ["198.51.100.1"], OURS, "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.9, 198.51.100.1"], OURS, "198.51.100.1"),  # the client's own lie
        ("10.0.0.1", ["192.0.2.9", "198.51.100.1, 10.0.0.2"], OURS, "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, what"], OURS, "10.0.0.1"),
        ("10.0.0.1", [], OURS, "10.0.0.1"),
        ("fd00::1", ["2001:db8::5"], OURS, "2001:db8::5"),
    ],
)
def test_a_header_is_believed_of_a_proxy_that_was_named_and_no_further(
    socket: str, forwarded: list[str], proxies: tuple[object, ...], found: str
) -> None:
    assert source(socket, forwarded, proxies) == found  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix", ""),
    ],
)
def test_one_subscriber_is_one_address(address: str, found: str) -> None:
    assert counted(address) == found


def test_proxies_are_addresses() -> None:
    with pytest.raises(WrongProxies):
        networks("proxy.example")
