# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._command import CommandError
from ansible_collections.ipv6.services.plugins.module_utils._iproute import (
    Iproute,
    address_line,
    parse_addresses,
    parse_default_link,
    parse_failures,
    parse_prefixes,
    route_line,
)
from ansible_collections.ipv6.services.plugins.module_utils._service_address import ServiceAddress, Store

RECORDED = Path(__file__).parent / "recorded"
# h1$ printf 'addr replace 2001:db8::a60/128 dev nope\naddr replace 2001:db8::a61/128 dev eth0
# addr del 2001:db8::a62/128 dev eth0\nroute replace local 2001:db8:99:1::/64 dev nope\n' | ip -6 -force -batch -
BATCH_STDERR = """\
Cannot find device "nope"
Command failed -:1
Error: ipv6: address not found.
Command failed -:3
Cannot find device "nope"
Command failed -:4
"""
# h1$ printf 'addr replace fe80::zz dev eth0\n' | ip -6 -force -batch -
SYNTAX_STDERR = 'Error: inet6 prefix is expected rather than "fe80::zz".\n'


def answering(status: int = 0, out: str = "", err: str = ""):
    return Iproute(lambda *_args, **_more: (status, out, err))


@pytest.mark.parametrize("deprecated", [True, False])
def test_an_address_line_reads_back(deprecated):
    item = ServiceAddress(IPv6Address("2001:db8::201"), 128, deprecated, Store("none", True))
    assert parse_addresses(f"# comment\n{address_line(item, 'eth0')}\n") == [item[:3]]


def test_a_route_line_reads_back():
    prefix = IPv6Network("2001:db8:99:1::/64")
    assert parse_prefixes(f"# comment\n{route_line(prefix)}\n") == [prefix]


def test_failures_are_told_by_their_line():
    assert parse_failures(BATCH_STDERR) == {
        1: 'Cannot find device "nope"',
        3: "Error: ipv6: address not found.",
        4: 'Cannot find device "nope"',
    }


def test_batch_gives_the_index_of_each_that_failed():
    assert sorted(answering(1, err=BATCH_STDERR).batch(["a", "b", "c", "d"])) == [0, 2, 3]


def test_a_batch_that_stopped_is_no_success():
    with pytest.raises(CommandError, match="inet6 prefix is expected"):
        answering(1, err=SYNTAX_STDERR).batch(["addr replace fe80::zz dev eth0"])


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        pytest.param([], None, id="no default route"),
        pytest.param([{"dst": "default", "dev": "lo", "type": "unreachable"}], None, id="an unreachable one is none"),
        pytest.param([{"dev": "eth1", "metric": 1024}, {"dev": "eth0", "metric": 100}], "eth0", id="the lowest metric"),
        pytest.param(
            [{"metric": 1024, "nexthops": [{"dev": "eth0"}, {"dev": "eth1"}]}], "eth0", id="several next hops"
        ),
    ],
)
def test_parse_default_link(routes, expected):
    assert parse_default_link(routes) == expected


def test_parse_default_link_of_a_real_host():
    routes = json.loads((RECORDED / "ip_route.json").read_text())
    assert parse_default_link([route for route in routes if route["dst"] == "default"]) == "eth0"


def test_routed_prefixes_leave_out_the_loopback_address():
    # h1$ ip -6 -json route show table local type local dev lo
    out = '[{"type":"local","dst":"::1","metric":0},{"type":"local","dst":"2001:db8:99:1::/64","metric":1024}]'
    assert answering(out=out).routed_prefixes() == {IPv6Network("2001:db8:99:1::/64")}


def test_neighbours_that_did_not_answer_have_no_mac_address():
    # h1$ ip -6 -json neigh show dev eth0
    out = '[{"dst":"2001:db8::a","lladdr":"0e:5d:85:b9:3f:a6","state":["REACHABLE"]},{"dst":"2001:db8::b","state":["FAILED"]}]'
    assert answering(out=out).neighbour_macs("eth0") == {IPv6Address("2001:db8::a"): "0e:5d:85:b9:3f:a6"}


@pytest.mark.parametrize(
    ("iproute", "part"),
    [
        pytest.param(
            answering(255, err='Object "adr" is unknown\n'),
            "exit status 255 and said: Object",
            id="exit status and what it said",
        ),
        pytest.param(answering(0, out="2: eth0"), "no JSON", id="an old ip that can't do JSON"),
    ],
)
def test_errors_name_the_command(iproute, part):
    with pytest.raises(CommandError, match=part) as error:
        iproute.read("addr", "show")
    assert "`ip -json addr show`" in str(error.value)
