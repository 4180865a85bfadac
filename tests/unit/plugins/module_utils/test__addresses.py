# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
from ipaddress import IPv6Address, IPv6Interface, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ipv6.services.plugins.module_utils._addresses import (
    RequestError,
    parse_address,
    parse_interface_address,
    parse_prefix,
)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("2001:db8::201", "2001:db8::201"),
        ("2001:0DB8:0:0::0201", "2001:db8::201"),
        ("fd00::1", "fd00::1"),
        ("2001:db8::192.0.2.1", "2001:db8::c000:201"),
    ],
)
def test_addresses_that_a_service_can_have(text, expected):
    assert str(parse_address(text)) == expected


@pytest.mark.parametrize(
    "value, said",
    [
        pytest.param("fe80::1%eth0", "zone", id="scope id"),
        pytest.param("2001:db8::1%eth0", "zone", id="scope id on a global address"),
        pytest.param("2001:db8::201/64", "Give the address alone: 2001:db8::201", id="prefix length"),
        pytest.param("[2001:db8::201]", "Give the address alone: 2001:db8::201", id="brackets"),
        pytest.param("192.0.2.1", "is an IPv4 address", id="IPv4"),
        pytest.param("::ffff:192.0.2.1", "IPv4 address 192.0.2.1", id="IPv4-mapped"),
        pytest.param("::192.0.2.1", "::/96", id="IPv4-compatible"),
        pytest.param("::", "wildcard", id="wildcard"),
        pytest.param("::1", "loopback", id="loopback"),
        pytest.param("fe80::1", "link-local", id="link-local"),
        pytest.param("fec0::1", "site-local", id="site-local"),
        pytest.param("ff02::1", "multicast", id="multicast"),
        pytest.param("100::1", "discard", id="discard prefix"),
        pytest.param("2001:db8::zz", "no IPv6 address", id="no hex digits"),
        pytest.param("2001:db8:::1", "no IPv6 address", id="two gaps"),
        pytest.param("2001:db8::1::2", "no IPv6 address", id="two gaps apart"),
        pytest.param("2001:db8", "no IPv6 address", id="too short"),
        pytest.param("1:2:3:4:5:6:7:8:9", "no IPv6 address", id="too long"),
        pytest.param("2001:db8::12345", "no IPv6 address", id="group of five"),
        pytest.param("", "empty", id="empty"),
        pytest.param(" 2001:db8::1", "spaces", id="padded"),
        pytest.param("2001:db8::1\n", "spaces", id="line feed"),
        pytest.param("2001:db8::1; reboot", "no IPv6 address", id="shell metacharacters"),
        pytest.param("2001:db8::２", "U+FF12", id="full-width digit"),
        pytest.param("2001∶db8∶∶1", "U+2236", id="ratio signs for colons"),
        pytest.param("web1", "no IPv6 address", id="a name"),
        pytest.param(None, "nothing", id="null"),
        pytest.param(True, "type bool", id="bool"),
        pytest.param(1342, "type int", id="YAML's base 60"),
        pytest.param({"": None}, "type dict", id="YAML's dictionary"),
        pytest.param(["2001:db8::1"], "type list", id="list"),
        pytest.param(datetime.date(2001, 12, 1), "type date", id="YAML's date"),
    ],
)
def test_addresses_that_no_service_can_have(value, said):
    with pytest.raises(RequestError) as caught:
        parse_address(value)
    assert said in str(caught.value)


@given(st.text() | st.integers() | st.binary() | st.lists(st.text()))
def test_anything_else_is_a_request_error(value):
    try:
        address = parse_address(value)
    except RequestError:
        return
    assert address.is_global or address.is_private
    assert not (address.is_link_local or address.is_multicast or address.is_loopback or address.is_unspecified)


def test_an_address_alone_is_a_host_route():
    assert parse_interface_address("2001:db8::201") == IPv6Interface("2001:db8::201/128")


def test_a_length_is_kept():
    assert parse_interface_address("2001:db8::201/64").network == IPv6Network("2001:db8::/64")
    assert parse_interface_address("2001:db8::201/64").ip == IPv6Address("2001:db8::201")


@pytest.mark.parametrize(
    "text",
    ["2001:db8::1/", "2001:db8::1/0", "2001:db8::1/129", "2001:db8::1/-1", "2001:db8::1/64/64", "2001:db8::1/ffff::"],
)
def test_lengths_that_are_none(text):
    with pytest.raises(RequestError, match="prefix length"):
        parse_interface_address(text)


def test_prefixes():
    assert parse_prefix("2001:db8::/64") == IPv6Network("2001:db8::/64")
    assert parse_prefix("::/0") == IPv6Network("::/0")


@pytest.mark.parametrize(
    "value, said",
    [
        pytest.param("2001:db8::1/64", "Write 2001:db8::/64", id="bits behind the length"),
        pytest.param("2001:db8::", "has no length", id="no length"),
        pytest.param("192.0.2.0/24", "no IPv6 prefix", id="IPv4"),
        pytest.param("2001:db8::/129", "no IPv6 prefix", id="length over 128"),
        pytest.param("fe80::%eth0/64", "zone", id="zone"),
        pytest.param(64, "type int", id="number"),
    ],
)
def test_prefixes_that_are_none(value, said):
    with pytest.raises(RequestError, match=said):
        parse_prefix(value)
