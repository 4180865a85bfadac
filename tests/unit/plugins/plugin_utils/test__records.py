# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.ipv6.services.plugins.filter.records import FilterModule
from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError
from ansible_collections.ipv6.services.plugins.plugin_utils._record_files import hosts_file, reverse_file, zone_file
from ansible_collections.ipv6.services.plugins.plugin_utils._records import records


def service(name, last=1, state="started", source="address"):
    return {
        "fqdn": f"{name}.example.com",
        "address": f"2001:db8::{last}" if last else None,
        "state": state,
        "source": source,
    }


def fleet(**hosts):
    return {name: {"services": services} for name, services in hosts.items()}


WEB1, WEB2 = service("web1", 1), service("web2", 2)
GONE = service("web1", 1, "absent")


@pytest.mark.parametrize(
    "hosts, up, reached, present, absent, keep",
    [
        pytest.param(
            fleet(h1=[WEB1], h2=[WEB2]),
            [WEB1, WEB2],
            ["h1", "h2"],
            ["web1", "web2"],
            [],
            [],
            id="what is up is published",
        ),
        pytest.param(fleet(h1=[WEB1, WEB2]), [WEB1], ["h1"], ["web1"], [], ["web2"], id="what is down stays as it is"),
        pytest.param(
            fleet(h1=[WEB1], h2=[WEB2]), [WEB1], ["h1"], ["web1"], [], ["web2"], id="hosts that are not in the run stay"
        ),
        pytest.param(
            fleet(h1=[service("web1", 1, "stopped")]), [], ["h1"], [], [], ["web1"], id="what is stopped stays as it is"
        ),
        pytest.param(
            fleet(h1=[service("web1", 1, source="dns")]),
            [WEB1],
            ["h1"],
            [],
            [],
            ["web1"],
            id="a name that gave its service the address is somebody else's",
        ),
        pytest.param(fleet(h1=[GONE]), [], ["h1"], [], ["web1"], [], id="what is absent is taken back"),
        pytest.param(fleet(h1=[GONE]), [], ["h2"], [], [], [], id="but not of hosts that are not in the run"),
        pytest.param(
            fleet(h1=[GONE], h2=[service("web1", 2)]),
            [],
            ["h1", "h2"],
            [],
            [],
            ["web1"],
            id="what moves keeps its name",
        ),
        pytest.param(
            fleet(h1=[service("web1", None, "absent", "none")]), [], ["h1"], [], ["web1"], [], id="without an address"
        ),
    ],
)
def test_records(hosts, up, reached, present, absent, keep):
    made = records(hosts, up, reached)
    assert [r["name"] for r in made["present"]] == [f"{name}.example.com" for name in present]
    assert [r["name"] for r in made["absent"]] == [f"{name}.example.com" for name in absent]
    assert made["keep"] == [f"{name}.example.com" for name in keep]


@pytest.mark.parametrize(
    "reached, purge, expected",
    [
        pytest.param(["h1", "h2"], True, ["web1"], id="with purge"),
        pytest.param(["h2"], True, [], id="not from a host that is not in the run"),
        pytest.param(["h1", "h2"], False, [], id="not without purge"),
    ],
)
def test_names_of_what_nobody_lists_are_taken_back(reached, purge, expected):
    unlisted = [
        {"name": name, "fqdn": fqdn, "address": None}
        for name, fqdn in (
            ("web1", "web1.example.com"),
            ("web1", "web1.example.com"),
            ("web2", "web2.example.com"),
            ("odd", ""),
        )
    ]
    hosts = {"h1": {"services": [], "unlisted": unlisted}, "h2": {"services": [WEB2], "unlisted": []}}
    absent = records(hosts, [], reached, {}, purge)["absent"]
    assert absent == [{"name": f"{name}.example.com", "addresses": [], "state": "absent"} for name in expected]


def test_the_address_is_the_one_that_was_found():
    hosts = fleet(h1=[service("web1", None, source="router")])
    assert records(hosts, [WEB1], ["h1"])["present"] == [{"name": "web1.example.com", "addresses": ["2001:db8::1"]}]


def test_more_for_a_name():
    made = records(fleet(h1=[WEB1, WEB2]), [WEB1, WEB2], ["h1"], {"web2.example.com": {"https": ["1 ."], "ttl": 60}})
    assert made["present"][1] == {
        "name": "web2.example.com",
        "addresses": ["2001:db8::2"],
        "https": ["1 ."],
        "ttl": 60,
    }


@pytest.mark.parametrize(
    "more, message",
    [
        ({"web3.example.com": {}}, "'web3.example.com' is no service of the fleet."),
        ({"web1.example.com": {"cname": "x"}}, "web1.example.com: 'cname' is not known. It may have https, ptr, svcb"),
    ],
)
def test_wrong_more(more, message):
    with pytest.raises(RequestError) as error:
        records(fleet(h1=[WEB1]), [], ["h1"], more)
    assert message in str(error.value)


def test_a_name_without_a_domain_is_not_published():
    alone = {**WEB1, "fqdn": "web1"}
    assert records(fleet(h1=[alone]), [alone], ["h1"]) == {"present": [], "absent": [], "keep": []}


def test_what_is_no_plan_is_told():
    with pytest.raises(
        AnsibleFilterError, match=r"records: that is not what module plan returns .KeyError: 'services'."
    ):
        FilterModule().filters()["records"]({"h1": {}}, [], [])


MADE = {
    "present": [
        {"name": "web2.example.com", "addresses": ["2001:db8::2"], "https": ["1 ."], "txt": ['a "b" ä'], "ttl": 60},
        {"name": "web1.example.com", "addresses": ["2001:db8::1"], "ptr": False},
    ],
    "absent": [{"name": "gone.example.com", "addresses": [], "state": "absent"}],
    "keep": ["kept.example.com"],
}
HEADER = "Made by role ipv6.services.dns. What is changed here is lost.\n"
REVERSE = "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."


def test_zone_file():
    old = (
        "; old\nweb1.example.com. 300 IN AAAA 2001:db8::9\nkept.example.com. 300 IN AAAA 2001:db8::5\n"
        "gone.example.com. 300 IN AAAA 2001:db8::6\nother.example.com. 300 IN AAAA 2001:db8::7\n"
    )
    new = (
        f"; {HEADER}kept.example.com. 300 IN AAAA 2001:db8::5\nother.example.com. 300 IN AAAA 2001:db8::7\n"
        "web1.example.com. 300 IN AAAA 2001:db8::1\nweb2.example.com. 60 IN AAAA 2001:db8::2\n"
        'web2.example.com. 60 IN HTTPS 1 .\nweb2.example.com. 60 IN TXT "a \\"b\\" \\195\\164"\n'
    )
    assert zone_file(old, MADE) == new
    assert zone_file(new, MADE) == new
    assert zone_file(old, MADE, purge=True) == new.replace("other.example.com. 300 IN AAAA 2001:db8::7\n", "")


def test_reverse_file():
    old = f"; x\n1.{REVERSE} 300 IN PTR web1.example.com.\n5.{REVERSE} 300 IN PTR kept.example.com.\n"
    new = f"; {HEADER}5.{REVERSE} 300 IN PTR kept.example.com.\n2.{REVERSE} 60 IN PTR web2.example.com.\n"
    assert reverse_file(old, MADE) == new
    assert reverse_file(new, MADE) == new


def test_hosts_file():
    old = "2001:db8::5 kept.example.com\n2001:db8::6 gone.example.com\n2001:db8::9 web1.example.com\n"
    new = f"# {HEADER}2001:db8::5 kept.example.com\n2001:db8::1 web1.example.com\n2001:db8::2 web2.example.com\n"
    assert hosts_file(old, MADE) == new
    assert hosts_file(new, MADE, True) == new
    assert hosts_file("", {**MADE, "present": []}) == f"# {HEADER}"


def test_a_long_text_is_written_in_parts():
    made = {"present": [{"name": "a.b", "addresses": [], "txt": ["x" * 300]}], "absent": [], "keep": []}
    assert f'"{"x" * 255}" "{"x" * 45}"' in zone_file("", made)
