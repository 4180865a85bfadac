# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError
from ansible_collections.ipv6.services.plugins.module_utils._ports import Binding, parse_ports

WEB1, WEB5 = IPv6Address("2001:db8::201"), IPv6Address("2001:db8::205")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([], [], id="a service may publish nothing"),
        pytest.param([80], [Binding(WEB1, 80, 80, "tcp")], id="number"),
        pytest.param(["80"], [Binding(WEB1, 80, 80, "tcp")], id="text"),
        pytest.param(["1342"], [Binding(WEB1, 1342, 1342, "tcp")], id="in quotes 1342 is the port"),
        pytest.param(["443:8443/udp"], [Binding(WEB1, 443, 8443, "udp")], id="pair with protocol"),
        pytest.param(["80/sctp"], [Binding(WEB1, 80, 80, "sctp")], id="sctp"),
        pytest.param(["8000-8001"], [Binding(WEB1, 8000, 8000, "tcp"), Binding(WEB1, 8001, 8001, "tcp")], id="range"),
        pytest.param(["8-9:18-19"], [Binding(WEB1, 8, 18, "tcp"), Binding(WEB1, 9, 19, "tcp")], id="two ranges"),
        pytest.param(["[2001:0DB8::205]:80:81"], [Binding(WEB5, 80, 81, "tcp")], id="another address in front"),
        pytest.param(["[2001:db8::205]:80"], [Binding(WEB5, 80, 80, "tcp")], id="another address, and one port"),
        pytest.param(
            ["80", "80/udp"], [Binding(WEB1, 80, 80, "tcp"), Binding(WEB1, 80, 80, "udp")], id="protocols differ"
        ),
        pytest.param([443, 80], [Binding(WEB1, 80, 80, "tcp"), Binding(WEB1, 443, 443, "tcp")], id="sorted"),
        pytest.param([3000], [Binding(WEB1, 3000, 3000, "tcp")], id="a number that no HH:HH gives"),
    ],
)
def test_ports(values, expected):
    assert list(parse_ports(values, WEB1)) == expected


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param([0], "port 0", id="port 0"),
        pytest.param(["65536"], "port 65536", id="port 65536"),
        pytest.param([65536], "above 65535", id="number 65536"),
        pytest.param([-1], "is no port", id="negative"),
        pytest.param([1342], 'in quotes: "22:22", or "1342"', id="22:22 as YAML reads it"),
        pytest.param([79043], "above 65535", id="a longer HH:MM:SS as YAML reads it"),
        pytest.param([True], "is no port", id="boolean"),
        pytest.param([None], "is no port", id="nothing"),
        pytest.param([{"80": 80}], "is no port", id="dictionary"),
        pytest.param([80.5], "is no port", id="float"),
        pytest.param([""], "is no port", id="empty"),
        pytest.param(["http"], "is no port", id="name of a service"),
        pytest.param(["80 "], "is no port", id="space"),
        pytest.param(["٨٠"], "is no port", id="digits that are not ASCII"),
        pytest.param(["80;reboot"], "is no port", id="shell characters"),
        pytest.param(["80/icmp"], "protocol 'icmp'", id="unknown protocol"),
        pytest.param(["80/"], "protocol ''", id="no protocol behind the slash"),
        pytest.param(["80/TCP"], "protocol 'TCP'", id="protocol in capitals"),
        pytest.param(["9-8"], "Write 8-9", id="reversed range"),
        pytest.param(["8-9:18-20"], "2 ports to 3", id="unequal ranges"),
        pytest.param(["8-9:18"], "2 ports to 1", id="range to one port"),
        pytest.param(["1-2-3"], "is no port", id="two hyphens"),
        pytest.param(["80:80:80"], "is no port", id="three ports"),
        pytest.param(["192.0.2.1:80:80"], "IPv4", id="IPv4 in front"),
        pytest.param(["[192.0.2.1]:80:80"], "IPv4", id="IPv4 in brackets"),
        pytest.param(["[::]:80:80"], "wildcard", id="wildcard in brackets"),
        pytest.param(["[fe80::1%eth0]:80:80"], "zone", id="zone"),
        pytest.param(["[::ffff:192.0.2.1]:80:80"], "IPv4 address 192.0.2.1", id="IPv4-mapped"),
        pytest.param(["[2001:db8::205]"], "no port behind", id="address alone"),
        pytest.param(["[2001:db8::205]80"], "no port behind", id="no colon behind the bracket"),
        pytest.param(["2001:db8::205:80"], "is no port", id="address without brackets"),
        pytest.param([80, "80:81"], "published twice, by 80 and '80:81'", id="twice"),
        pytest.param(["80-90", 85], "published twice", id="twice, by a range"),
        pytest.param(
            ["80", "[2001:db8:0::201]:80:80"], "published twice", id="twice, with the address written otherwise"
        ),
    ],
)
def test_bad_ports(values, message):
    with pytest.raises(RequestError) as error:
        parse_ports(values, WEB1)
    assert message in str(error.value)
