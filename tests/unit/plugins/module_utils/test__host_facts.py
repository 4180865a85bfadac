# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from ipaddress import IPv6Address
from pathlib import Path

import pytest

from ansible_collections.ipv6.services.plugins.module_utils import _host_facts
from ansible_collections.ipv6.services.plugins.module_utils._kernel import parse_held
from ansible_collections.ipv6.services.plugins.module_utils._service_address import ServiceAddress, Store

RECORDED = Path(__file__).parent / "recorded"
ADDR = json.loads((RECORDED / "ip_addr.json").read_text())
ROUTE = json.loads((RECORDED / "ip_route.json").read_text())
FILES = {"eth0": "/etc/systemd/network/10-eth0.network"}


def service(text: str) -> ServiceAddress:
    return ServiceAddress(IPv6Address(text), 128, True, Store("networkd", True))


def test_links():
    links = _host_facts.links(ADDR, FILES, {"docker0": "networkmanager"})
    assert links["eth0"] == {
        "carrier": True,
        "mac": "02:00:00:00:00:01",
        "manager": "networkd",
        "network_file": FILES["eth0"],
    }
    assert (links["docker0"]["carrier"], links["docker0"]["manager"]) == (False, "networkmanager")
    assert (links["veth0"]["carrier"], links["veth0"]["manager"]) == (False, "none")


def test_ports_of_a_bridge_are_no_links():
    port = {"ifname": "veth9", "flags": [], "master": "br0", "address": "02:00:00:00:00:99", "link_type": "ether"}
    assert "veth9" not in _host_facts.links([port], {}, {})
    assert _host_facts.macs([port]) == []


def test_macs_leave_out_the_loopback():
    assert "02:00:00:00:00:01" in _host_facts.macs(ADDR)
    assert "00:00:00:00:00:00" not in _host_facts.macs(ADDR)


def test_host_addresses_are_those_that_are_not_ours():
    ours = {("eth0", IPv6Address(a)) for a in ("2001:db8::a01", "2001:db8::a02", "2001:db8::1:2")}
    assert _host_facts.host_addresses(ADDR, ours) == [
        {"address": "2001:db8::ff:fe00:1", "length": 64, "interface": "eth0"},
        {"address": "2001:db8::1:1", "length": 64, "interface": "eth0"},
    ]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("2001:db8::a01", "ok", id="past duplicate address detection"),
        pytest.param("2001:db8::a02", "tentative", id="still tentative"),
        pytest.param("2001:db8::1:2", "duplicate", id="another host has it"),
        pytest.param("2001:db8::a03", "absent", id="written down only"),
    ],
)
def test_service_addresses_have_their_state(address, expected):
    held = parse_held((RECORDED / "if_inet6").read_text())
    assert _host_facts.service_addresses({"eth0": [service(address)]}, held) == [
        {"address": address, "interface": "eth0", "state": expected}
    ]


def test_prefixes_are_on_link_only():
    assert _host_facts.prefixes(ROUTE, ADDR) == [{"prefix": "2001:db8::/64", "interface": "eth0"}]


def test_prefixes_that_a_router_announced_without_an_address_count():
    route = {"dst": "2001:db8:5::/64", "dev": "eth0", "protocol": "ra"}
    assert _host_facts.prefixes([route], []) == [{"prefix": "2001:db8:5::/64", "interface": "eth0"}]


@pytest.mark.parametrize(
    "route",
    [
        pytest.param({"dst": "2001:db8:6::/64", "dev": "eth0", "gateway": "fe80::1"}, id="behind a router"),
        pytest.param({"dst": "2001:db8:6::/64", "dev": "lo", "type": "unreachable"}, id="unreachable"),
        pytest.param({"dst": "2001:db8:6::/64", "dev": "lo"}, id="on the loopback"),
        pytest.param({"dst": "2001:db8:6::1", "dev": "eth0"}, id="a single address"),
    ],
)
def test_routes_that_are_no_on_link_prefix(route):
    assert _host_facts.prefixes([route], []) == []


def test_os_release():
    assert _host_facts.os_release((RECORDED / "os_release").read_text()) == {
        "id": "debian",
        "id_like": [],
        "version_id": "13",
        "codename": "trixie",
    }
    assert _host_facts.os_release('ID="rocky"\nID_LIKE="rhel centos fedora"\n')["id_like"] == [
        "rhel",
        "centos",
        "fedora",
    ]


# /proc/net/route of a host with IPv4, and of one where only Docker has some.
ROUTE_HEADER = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
BRIDGE_ROUTE = "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
DEFAULT_ROUTE = "eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        pytest.param(ROUTE_HEADER + BRIDGE_ROUTE + DEFAULT_ROUTE, True, id="a default route"),
        pytest.param(ROUTE_HEADER + BRIDGE_ROUTE, False, id="only a bridge"),
        pytest.param("", False, id="a kernel without IPv4"),
    ],
)
def test_has_ipv4_default(table, expected):
    assert _host_facts.has_ipv4_default(table) is expected
