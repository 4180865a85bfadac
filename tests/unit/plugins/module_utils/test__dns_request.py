# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError
from ansible_collections.ipv6.services.plugins.module_utils._dns_names import reverse_name
from ansible_collections.ipv6.services.plugins.module_utils._dns_plan import Rrset
from ansible_collections.ipv6.services.plugins.module_utils._dns_request import parse_request

ITEM = {"addresses": None, "https": None, "svcb": None, "txt": None, "ttl": None, "ptr": None, "state": "present"}
CALL = {
    "server": "2001:db8::53",
    "port": 53,
    "key_name": "lab",
    "key_secret": base64.b64encode(bytes(32)).decode(),
    "key_algorithm": None,
    "key_file": None,
    "owner": "fleet",
    "ttl": 300,
    "ptr": True,
    "zones": [],
    "adopt": False,
    "purge": False,
    "keep": [],
    "timeout": 10.0,
}
WEB1 = {"name": "web1.example.com", "addresses": ["2001:db8::201"]}


def parse(*items, **options):
    return parse_request({**CALL, "records": [{**ITEM, **item} for item in items], **options})


def test_an_item_is_records_and_what_leads_back():
    request = parse({**WEB1, "name": "Web1.Example.com.", "https": ["1 ."], "txt": ["a"], "ttl": 60})
    entry = request.entries[0]
    assert entry.name == "web1.example.com"
    assert entry.rrsets == {
        "AAAA": Rrset(60, ("2001:db8::201",)),
        "HTTPS": Rrset(60, ("1 .",)),
        "TXT": Rrset(60, ('"a"',)),
    }
    assert entry.pointers == {reverse_name(entry.addresses[0]): Rrset(60, ("web1.example.com.",))}


def test_what_leads_back_can_be_left_out():
    assert parse({**WEB1, "ptr": False}).entries[0].pointers == {}
    assert parse(WEB1, ptr=False).entries[0].pointers == {}
    assert len(parse({**WEB1, "ptr": True}, ptr=False).entries[0].pointers) == 1


def test_a_name_that_goes_needs_nothing():
    entry = parse({"name": "web1.example.com", "state": "absent"}).entries[0]
    assert (entry.rrsets, entry.pointers) == ({}, {})


@pytest.mark.parametrize(
    "item, message",
    [
        pytest.param({"name": ""}, "'' is no name. Write the full name, as 'web1.example.com'.", id="no name"),
        pytest.param({"name": "web1"}, "'web1' has no domain.", id="no domain"),
        pytest.param({"name": "a b.example.com"}, "'a b' can't be a label.", id="space"),
        pytest.param({"name": "*.example.com"}, "'*' can't be a label.", id="wildcard"),
        pytest.param({"name": "wéb.example.com"}, "is not ASCII.", id="not ASCII"),
        pytest.param({"name": f"{'a' * 64}.example.com"}, "63 at most", id="long label"),
        pytest.param({"name": ".".join(["a" * 59] * 4)}, "has 239 characters. 238 are the most", id="long name"),
        pytest.param({"name": "_ipv6-services.a.b"}, "would be the record of an owner.", id="a mark's name"),
        pytest.param({"addresses": ["192.0.2.1"]}, "is an IPv4 address.", id="IPv4"),
        pytest.param({"addresses": ["2001:db8::201/64"]}, "has a prefix length.", id="prefix length"),
        pytest.param({"addresses": ["fe80::1"]}, "it is link-local", id="link-local"),
        pytest.param({"addresses": []}, "has nothing to be published. Give its addresses", id="nothing"),
        pytest.param({"ttl": -1}, "ttl is -1. Give seconds from 0 to 2147483647", id="negative ttl"),
        pytest.param({"ttl": 1 << 31}, "ttl is 2147483648.", id="ttl of 32 bits"),
        pytest.param({"https": ["h2"]}, "'h2' is no HTTPS record", id="HTTPS"),
        pytest.param({"txt": ["x" * 20000]}, "A TXT record of 20000 bytes is too long", id="long text"),
    ],
)
def test_a_wrong_item_is_told_and_the_others_stay(item, message):
    request = parse({**WEB1, **item}, {**WEB1, "name": "web2.example.com"})
    assert list(request.entries) == [1]
    assert list(request.errors) == [0]
    assert message in request.errors[0]


def test_a_name_is_listed_once():
    request = parse(WEB1, WEB1)
    assert request.errors == {1: "web1.example.com is listed twice. Write all that it has in one item."}


def test_an_address_leads_back_to_one_name():
    request = parse(WEB1, {**WEB1, "name": "web2.example.com"})
    assert request.errors == {
        1: "2001:db8::201 would have two PTR, web1.example.com and web2.example.com. Set `ptr: false` for one."
    }
    assert parse(WEB1, {**WEB1, "name": "web2.example.com", "ptr": False}).errors == {}


@pytest.mark.parametrize(
    "options, message",
    [
        ({"server": ""}, "server '' is no name server."),
        ({"server": "[2001:db8::53]:53"}, "is no name server. Write its address or its name, and the port in `port`."),
        ({"port": 0}, "port is 0."),
        ({"port": 65536}, "port is 65536."),
        ({"owner": "a b"}, "owner 'a b' can't be the name of a fleet."),
        ({"owner": 'a"'}, "can't be the name of a fleet."),
        ({"zones": ["a..b"]}, "'a..b' is no zone."),
        ({"keep": ["web1"]}, "'web1' has no domain."),
        ({"timeout": 0.0}, "timeout is 0.0."),
        ({"timeout": float("nan")}, "timeout is nan."),
        ({"timeout": float("inf")}, "timeout is inf."),
    ],
)
def test_wrong_options_stop_the_call(options, message):
    with pytest.raises(RequestError) as error:
        parse(WEB1, **options)
    assert message in str(error.value)


def test_brackets_around_an_address_are_taken():
    assert parse(WEB1, server="[2001:db8::53]").server == "2001:db8::53"
