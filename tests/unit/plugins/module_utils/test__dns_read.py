# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._dns_plan import Rrset
from ansible_collections.ipv6.services.plugins.module_utils._dns_read import FEW, Reader
from ansible_collections.ipv6.services.plugins.module_utils._dns_server import DnsError, Server

from .primary import KEY, Primary

MARK = '_ipv6-services.web1.example.com 3600 TXT "owner=fleet" "types=AAAA,TXT"'
WEB1 = "web1.example.com 300 AAAA 2001:db8::201"
ZONES = {
    "example.com": [WEB1, "web1.example.com 300 TXT text", MARK, "web9.example.com 60 AAAA 2001:db8::209"],
    "sub.example.com": ["web.sub.example.com 5 AAAA 2001:db8::5"],
    "8.b.d.0.1.0.0.2.ip6.arpa": [],
}
ADDRESS = Rrset(300, ("2001:db8::201",))


def read(primary, names, zones=(), whole=False):
    reader = Reader(Server("::1", primary.port, KEY, 2.0), zones, whole)
    reader.read(dict.fromkeys(names, ("AAAA",)))
    return reader.found


@pytest.fixture
def primary():
    with Primary(ZONES) as running:
        yield running


def test_few_names_are_asked_for(primary):
    found = read(primary, ["web1.example.com", "web2.example.com"])
    assert found.how == {"example.com": "queries"}
    assert found.state["web1.example.com"] == {"AAAA": ADDRESS, "TXT": Rrset(300, ('"text"',))}
    assert "web2.example.com" not in found.state
    assert "web1.example.com TXT" in primary.asked  # since the mark has that type


def test_many_names_are_transferred(primary):
    found = read(primary, [f"web{i}.example.com" for i in range(FEW + 1)])
    assert found.how == {"example.com": "transfer"}
    assert primary.asked == ["example.com SOA", "example.com AXFR"]
    assert found.state["web1.example.com"]["AAAA"] == ADDRESS


def test_many_names_are_asked_for_where_there_is_no_transfer():
    with Primary(ZONES, transfers=False) as primary:
        found = read(primary, [f"web{i}.example.com" for i in range(FEW + 1)])
    assert found.how == {"example.com": "queries"}
    assert found.state["web1.example.com"]["AAAA"] == ADDRESS


def test_where_all_must_be_seen_there_must_be_a_transfer():
    with Primary(ZONES, transfers=False) as primary, pytest.raises(DnsError) as error:
        read(primary, ["web1.example.com"], whole=True)
    assert "`purge` has to see the whole zone example.com, and the name server" in str(error.value)
    assert "does not transfer it: REFUSED. Allow the transfer to the key" in str(error.value)


def test_a_zone_below_a_zone_on_the_same_server(primary):
    found = read(primary, ["web.sub.example.com", "sub.example.com", "web1.example.com", "example.com"])
    assert found.zones == {
        "web.sub.example.com": "sub.example.com",
        "sub.example.com": "sub.example.com",
        "web1.example.com": "example.com",
        "example.com": "example.com",
    }
    assert found.errors == {}


@pytest.mark.parametrize("whole", [False, True])
def test_a_delegation_to_the_same_server_is_seen(whole):
    zones = {**ZONES, "example.com": [*ZONES["example.com"], "sub.example.com 60 NS ns.example.com."]}
    with Primary(zones) as primary:
        found = read(primary, ["sub.example.com"], whole=whole)
    assert found.zones == {"sub.example.com": "sub.example.com"}


@pytest.mark.parametrize("whole", [False, True])
def test_a_delegation_to_others_is_an_error(whole):
    zones = {"example.com": [WEB1, "away.example.com 60 NS ns.example.net."]}
    names = ["web1.example.com", "away.example.com", "web.away.example.com"]
    with Primary(zones) as primary:
        found = read(primary, names, whole=whole)
    assert sorted(found.errors) == ["away.example.com", "web.away.example.com"]
    assert "away.example.com is delegated to other servers." in found.errors["web.away.example.com"]
    assert found.state["web1.example.com"] == {"AAAA": ADDRESS}


def test_a_name_of_nobody(primary):
    found = read(primary, ["web1.example.net", "web1.example.com"])
    assert list(found.errors) == ["web1.example.net"]
    assert (
        "has no zone for web1.example.net (REFUSED). Give the zone's primary server as `server`"
        in (found.errors["web1.example.net"])
    )


def test_zones_that_are_given_are_not_looked_for(primary):
    found = read(primary, ["web1.example.com"], zones=["example.com"])
    assert "example.com SOA" not in primary.asked
    assert found.state["web1.example.com"]["AAAA"] == ADDRESS


def test_a_zone_that_is_given_and_not_there(primary):
    found = read(primary, ["web1.example.net"], zones=["example.net"])
    assert "has no zone for web1.example.net (REFUSED)" in found.errors["web1.example.net"]


def test_a_wildcard_makes_no_records():
    zones = {
        "example.com": [
            "*.example.com 60 AAAA 2001:db8::1",
            "real.example.com 60 AAAA 2001:db8::2",
        ]
    }
    with Primary(zones) as primary:
        found = read(primary, ["made.example.com", "real.example.com"])
    assert found.state.get("made.example.com", {}) == {}
    assert found.state["real.example.com"] == {"AAAA": Rrset(60, ("2001:db8::2",))}


def test_names_below_a_dname():
    with Primary({"example.com": ["old.example.com 60 DNAME new.example.com."]}) as primary:
        found = read(primary, ["web.old.example.com", "old.example.com"], whole=True)
    assert list(found.errors) == ["web.old.example.com"]
    assert "old.example.com has a DNAME" in found.errors["web.old.example.com"]


def test_an_alias_is_seen():
    with Primary({"example.com": ["web1.example.com 60 CNAME web2.example.com."]}) as primary:
        found = read(primary, ["web1.example.com"])
    assert found.state["web1.example.com"] == {"CNAME": Rrset(60, ("web2.example.com.",))}
