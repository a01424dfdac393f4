"""Who a client is, where limits hold for each."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Scope

_NETWORK = 64
"""Bits of an IPv6 address that name a customer's network; whoever has one has all addresses in it."""


def client_of(scope: Scope) -> str:
    """The client that a request or WebSocket comes from: its IPv4 address, or its IPv6 network.

    Behind a proxy that `--trust-proxy` names it is the client that the proxy names.
    """
    client = scope.get("client")
    return client_at(client[0] if client else "")


def client_at(address: str) -> str:
    """The client at an address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address or "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    if parsed.is_loopback:
        return str(parsed)
    return str(ipaddress.ip_network((int(parsed), _NETWORK), strict=False))


def as_seen(networks: Iterable[str]) -> list[str]:
    """Addresses and networks, and for those of IPv4 how who listens to IPv6 as well sees them: `::ffff:10.0.0.1`."""
    known = [ipaddress.ip_network(network) for network in networks]
    mapped = [f"::ffff:{network.network_address}/{96 + network.prefixlen}" for network in known if network.version == 4]
    return [*map(str, known), *mapped]
