# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Interface, IPv6Network

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._address_request import (
    parse_addresses,
    parse_prefixes,
    parse_request,
)
from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError

PARAMS = {
    "interface": None,
    "addresses": [],
    "routed_prefixes": [],
    "exclusive": [],
    "state": "present",
    "persistent": True,
    "backend": "auto",
    "deprecated": True,
    "dad_timeout": 5.0,
}


def test_addresses_are_listed_once_in_their_order():
    parsed = parse_addresses(["2001:db8::202", "2001:db8::201/64", "2001:0db8::0202"])
    assert parsed.addresses == (IPv6Interface("2001:db8::202/128"), IPv6Interface("2001:db8::201/64"))
    assert not parsed.errors


def test_wrong_addresses_keep_their_place_and_the_others_are_right():
    parsed = parse_addresses(["2001:db8::201", "192.0.2.1", {"2001": None}])
    assert [str(item) for item in parsed.items] == ["2001:db8::201", "192.0.2.1", "{'2001': None}"]
    assert [str(item) for item in parsed.errors] == ["192.0.2.1", "{'2001': None}"]


def test_one_address_with_two_lengths_is_refused():
    parsed = parse_addresses(["2001:db8::201", "2001:db8::201/64"])
    assert "two prefix lengths" in parsed.errors[IPv6Address("2001:db8::201")]
    assert parsed.addresses == ()


@pytest.mark.parametrize(
    ("prefix", "part"),
    [
        pytest.param("::/0", "more in it than global unicast", id="everything"),
        pytest.param("fe80::/64", "more in it", id="link-local"),
        pytest.param("ff00::/8", "more in it", id="multicast"),
        pytest.param("fc00::/6", "more in it", id="link-local addresses among others"),
        pytest.param("2001:db8:99:1::1/64", "Write 2001:db8:99:1::/64", id="bits behind the length"),
        pytest.param("2001:db8:99:1::", "has no length", id="no length"),
    ],
)
def test_prefixes_that_nobody_can_route_here(prefix, part):
    assert part in parse_prefixes([prefix]).errors[prefix]


def test_prefixes_are_listed_once():
    assert parse_prefixes(["2001:db8:99:1::/64", "2001:db8:99:0001::/64"]).prefixes == (
        IPv6Network("2001:db8:99:1::/64"),
    )


@pytest.mark.parametrize(
    ("params", "part"),
    [
        pytest.param(
            {"exclusive": ["2001:db8::"]}, "exclusive: '2001:db8::' has no length", id="exclusive without a length"
        ),
        pytest.param({"exclusive": ["::/0"], "state": "absent"}, "needs `state: present`", id="exclusive with absent"),
        pytest.param({"dad_timeout": -1.0}, "seconds from 0 up", id="negative time"),
        pytest.param({"dad_timeout": float("nan")}, "dad_timeout is nan", id="no number as the time"),
        pytest.param({"dad_timeout": float("inf")}, "dad_timeout is inf", id="time without end"),
    ],
)
def test_calls_that_are_wrong_as_a_whole(params, part):
    with pytest.raises(RequestError, match="(?s).*" + part.replace("(", r"\(")):
        parse_request({**PARAMS, **params})
