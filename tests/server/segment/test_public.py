from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.server.segment.public import is_public

# IANA's special-purpose address registries for IPv4 and IPv6, all entries that are not globally reachable, and the
# multicast blocks; written down again here, from the registries and not from the code.
NOT_PUBLIC = [
    "0.0.0.0/8", "0.0.0.0/32", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.0.0/29", "192.0.0.8/32", "192.0.0.170/31", "192.0.2.0/24", "192.88.99.0/24",
    "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    "255.255.255.255/32",
    "::1/128", "::/128", "::ffff:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64",
    "2001::/23", "2001::/32", "2001:2::/48", "2001:10::/28", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16",
    "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
]  # fmt: skip
NETWORKS = [ip_network(text) for text in NOT_PUBLIC]

PUBLIC = [
    "1.1.1.1", "8.8.8.8", "93.184.215.14", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0",
    "169.253.255.255", "192.0.1.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "11.0.0.0",
    "2606:4700:4700::1111", "2a00:1450:4001:80b::200e", "2001:4860:4860::8888", "2620:fe::fe", "2400:cb00:2048:1::1",
]  # fmt: skip


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_no_address_of_a_special_network_is_public(network):
    inside = network.num_addresses
    for number in {0, 1 % inside, inside // 2, inside - 1}:
        assert not is_public(str(network[number])), network[number]


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_web_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",  # the metadata of most clouds
        "100.100.100.200",  # and of others
        "192.0.0.192",
        "168.63.129.16",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "fe80::1%eth0",
        "2606:4700:4700::1111%eth0",
        "0177.0.0.1",
        "2130706433",
        "0x7f.1",
        "127.1",
        "",
        "localhost",
        "1.1.1.1.",
        "1.1.1.1/32",
    ],
)
def test_disguises_of_inner_addresses_are_not_public(address):
    assert not is_public(address)


@given(st.one_of(st.integers(0, 2**32 - 1), st.integers(2**125, 2**126 - 1), st.integers(0, 2**128 - 1)))
def test_nothing_is_public_that_python_or_a_registry_calls_otherwise(number):
    address = ip_address(number)
    if is_public(str(address)):
        assert address.is_global
        kinds = ("private", "loopback", "link_local", "multicast", "unspecified", "reserved")
        assert not any(getattr(address, f"is_{kind}") for kind in kinds)
        assert not any(address in network for network in NETWORKS if network.version == address.version)
