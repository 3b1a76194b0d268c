# SPDX-License-Identifier: EUPL-1.2
"""Where a request comes from: its socket, or what a proxy the operator named says of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from carnet import errors

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
NOBODY: Final = ""  # a socket that has no address: one of this machine


class WrongProxies(errors.Invalid):
    """CARNET_PROXIES is a list of addresses or networks, with commas between."""


def networks(text: str) -> tuple[Network, ...]:
    """The proxies an operator named."""
    try:
        return tuple(ipaddress.ip_network(each.strip()) for each in text.split(",") if each.strip())
    except ValueError:
        raise WrongProxies from None


def source(socket: str, forwarded: Sequence[str], proxies: Sequence[Network]) -> str:
    """The address that is counted: of the socket, or the last of X-Forwarded-For that is no proxy of ours.

    forwarded: the headers as they came, in their order. What a client wrote there itself stands before
    what its proxy added, and is never read.
    """
    if not proxies or not _among(socket, proxies):
        return socket
    told = [each.strip() for line in forwarded for each in line.split(",")]
    for each in reversed(told):
        if not _valid(each):
            return socket
        if not _among(each, proxies):
            return each
    return socket


def counted(address: str) -> str:
    """What one subscriber has: an IPv4 address, or the first 64 bits of an IPv6 one."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return NOBODY
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))
    return str(found)


def _valid(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _among(text: str, proxies: Sequence[Network]) -> bool:
    return _valid(text) and any(ipaddress.ip_address(text) in each for each in proxies)
