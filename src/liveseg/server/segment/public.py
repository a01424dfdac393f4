"""Which network addresses are public: a service that fetches for strangers must reach no others from its own place."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_NO_IPV4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this host: on Linux another name of 127.0.0.1
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' networks; some clouds tell machines their secrets there
        "127.0.0.0/8",
        "168.63.129.16/32",  # looks public, but is how Azure's machines reach their host
        "169.254.0.0/16",  # link-local, with most clouds' 169.254.169.254
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",  # documentation, as the next but two and three
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
"""IANA's IPv4 special-purpose address registry, without what it calls globally reachable, and multicast."""

_IPV6 = IPv6Network("2000::/3")
"""The only part of IPv6 that is given out as public; everything else is refused, whatever it may become: loopback and
unspecified, `::ffff:0:0/96` and `::/96` (IPv4 in disguise), `64:ff9b::/96` and `64:ff9b:1::/48` (NAT64), `100::/64`,
`fc00::/7`, `fe80::/10`, `fec0::/10`, `ff00::/8`."""

_NO_IPV6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocols: Teredo, which carries IPv4, and benchmarks, ORCHID
        "2001:db8::/32",  # documentation, as the last
        "2002::/16",  # 6to4, which carries IPv4
        "3ffe::/16",  # given back
        "3fff::/20",
    )
)
"""IANA's IPv6 special-purpose address registry, as far as it lies in that part."""


def is_public(address: str) -> bool:
    """Whether an address, as a resolver gives it, is that of a public host.

    What is written in another form than IPv4's four decimal numbers, or IPv6, is none.
    """
    try:
        # An IPv6 address may name the interface that it is on: link-local, then.
        parsed: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return parsed.is_global and not any(parsed in network for network in _NO_IPV4)
    if parsed.scope_id is not None or parsed not in _IPV6:
        return False
    return parsed.is_global and not any(parsed in network for network in _NO_IPV6)
