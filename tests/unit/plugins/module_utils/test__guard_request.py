# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError
from ansible_collections.ipv6.services.plugins.module_utils._guard_elements import Allowed, Elements, Port, elements_of
from ansible_collections.ipv6.services.plugins.module_utils._guard_request import (
    parse_open_ports,
    parse_rate,
    parse_request,
    parse_service,
)
from ansible_collections.ipv6.services.plugins.module_utils._guard_rules import Rate

WEB, OTHER = IPv6Address("2001:db8::201"), IPv6Address("2001:db8::202")
ADMINS, CLIENT = IPv6Network("2001:db8:a::/48"), IPv6Network("2001:db8::c/128")
DEFAULTS = {
    "services": [],
    "routed_prefixes": [],
    "echo": True,
    "refuse": "drop",
    "rate": None,
    "counters": True,
    "purge": True,
    "persistent": True,
    "state": "present",
}


def tcp(first, last=None, address=WEB):
    return Port(address, "tcp", first, last or first)


@pytest.mark.parametrize(
    ("ports", "allow", "published", "allowed"),
    [
        pytest.param([80], None, [tcp(80)], [], id="a port"),
        pytest.param(
            ["443:8443/tcp", "53/udp"], None, [tcp(443), Port(WEB, "udp", 53, 53)], [], id="as containers have them"
        ),
        pytest.param(["8000-8010:9000-9010"], None, [tcp(8000, 8010)], [], id="a range"),
        pytest.param([81, 80, 443], None, [tcp(80, 81), tcp(443)], [], id="neighbours are a range"),
        pytest.param(["[2001:db8::202]:80:80"], None, [tcp(80, address=OTHER)], [], id="another address"),
        pytest.param([80, 22], ["2001:db8::c"], [], [(tcp(22), CLIENT), (tcp(80), CLIENT)], id="all for one client"),
        pytest.param([80], "2001:db8:a::/48", [], [(tcp(80), ADMINS)], id="a prefix that is no list"),
        pytest.param([80, 22], {22: ["2001:db8:a::/48"]}, [tcp(80)], [(tcp(22), ADMINS)], id="one port for some"),
        pytest.param(
            [22], {"22/tcp": ["2001:db8::c", "2001:db8:a::/48"]}, [], [(tcp(22), ADMINS), (tcp(22), CLIENT)], id="two"
        ),
        pytest.param(
            ["20-25"], {22: "2001:db8::c"}, [tcp(20, 21), tcp(23, 25)], [(tcp(22), CLIENT)], id="one out of a range"
        ),
        pytest.param(
            [22], ["2001:db8:a:1::/64", "2001:db8:a::/48"], [], [(tcp(22), ADMINS)], id="a prefix within another"
        ),
        pytest.param(
            [22], ["2001:db8:a::/49", "2001:db8:a:8000::/49"], [], [(tcp(22), ADMINS)], id="prefixes beside each other"
        ),
        pytest.param([], None, [], [], id="nothing"),
    ],
)
def test_elements(ports, allow, published, allowed):
    elements = elements_of(WEB, parse_open_ports(WEB, ports, allow))
    assert sorted(elements.published) == published
    assert sorted(elements.allowed) == sorted(Allowed(*item) for item in allowed)
    assert elements.restricted == {item.port for item in elements.allowed}
    assert elements.addresses == {IPv6Network(WEB)}


@pytest.mark.parametrize(
    ("item", "says"),
    [
        pytest.param({"address": "192.0.2.1"}, "'192.0.2.1' is an IPv4 address.", id="IPv4"),
        pytest.param({"address": "::"}, "it is the wildcard address", id="wildcard"),
        pytest.param({"address": "2001:db8::201", "ports": [1342]}, "1342 is what YAML reads from 22:22", id="base 60"),
        pytest.param({"address": "2001:db8::201", "ports": [80, "80:8080"]}, "published twice", id="twice"),
        pytest.param({"address": "2001:db8::201", "ports": [80], "allow": []}, "allow is an empty list", id="nobody"),
        pytest.param({"address": "2001:db8::201", "ports": [80], "allow": {}}, "allow is empty", id="no port"),
        pytest.param(
            {"address": "2001:db8::201", "ports": [80], "allow": 7}, "allow is 7. Write prefixes", id="a number"
        ),
        pytest.param(
            {"address": "2001:db8::201", "ports": [80], "allow": ["192.0.2.0/24"]}, "no IPv6 prefix", id="IPv4 clients"
        ),
        pytest.param(
            {"address": "2001:db8::201", "ports": [80], "allow": ["192.0.2.1"]}, "no IPv6 prefix", id="an IPv4 client"
        ),
        pytest.param({"address": "2001:db8::201", "ports": [80], "allow": [""]}, "'' is empty", id="empty text"),
        pytest.param(
            {"address": "2001:db8::201", "ports": [80], "allow": ["2001:db8:a::1/48"]}, "bits set behind", id="bits"
        ),
        pytest.param(
            {"address": "2001:db8::201", "ports": [80], "allow": {80: [], 81: []}}, "empty list", id="nobody at a port"
        ),
        pytest.param(
            {"address": "2001:db8::201", "ports": [80], "allow": {81: ["::/0"]}},
            "port 81 of 81 is not published",
            id="no such",
        ),
        pytest.param(
            {"address": "2001:db8::201", "ports": ["80/udp"], "allow": {"80/tcp": ["::/0"]}},
            "not published",
            id="protocol",
        ),
        pytest.param(
            {"address": "2001:db8::201", "ports": [80], "allow": {"ssh": ["::/0"]}}, "'ssh' is no port", id="a name"
        ),
        pytest.param(
            {"address": "2001:db8::201", "ports": [80], "allow": {"81-79": ["::/0"]}}, "not published", id="backwards"
        ),
        pytest.param(
            {"address": "2001:db8::201", "ports": [80], "allow": {80: ["::/0"], "80/tcp": ["::/0"]}},
            "has port 80/tcp twice",
            id="2",
        ),
        pytest.param(
            {"address": "2001:db8::201", "ports": [80], "allow": {"1-99999999999": ["::/0"]}},
            "not published",
            id="huge",
        ),
    ],
)
def test_a_wrong_service(item, says):
    service = parse_service(item)
    assert says in service.error
    assert service.elements == Elements()


def test_a_wrong_service_leaves_the_others():
    services = [{"address": "2001:db8::201"}, {"address": "2001:db8::zz"}, {"address": "2001:db8:0::201", "ports": [1]}]
    request = parse_request({**DEFAULTS, "services": services})
    assert [service.address for service in request.services] == [WEB, None, None]
    assert "is listed twice" in request.services[2].error


@pytest.mark.parametrize(("text", "rate"), [("50/second", Rate(50, "second")), ("1/day", Rate(1, "day")), (None, None)])
def test_rate(text, rate):
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "50", "0/second", "50/s", "50/second burst 3", "5\n/second", "9999999/second"])
def test_a_wrong_rate(text):
    with pytest.raises(RequestError, match="Write a number of connections and a time"):
        parse_rate(text)


def test_who_may_ask_is_not_lost_without_guard():
    services = [{"name": "web1", "address": "2001:db8::201", "ports": [80], "allow": ["2001:db8::c"]}]
    with pytest.raises(RequestError, match="Only the guard keeps `allow` of web1, and it is to be absent"):
        parse_request({**DEFAULTS, "services": services, "state": "absent"})
