# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
from ipaddress import IPv6Address

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._dns_names import mark_name, reverse_name
from ansible_collections.ipv6.services.plugins.module_utils._dns_plan import Mark, Rrset
from ansible_collections.ipv6.services.plugins.module_utils._dns_read import Found
from ansible_collections.ipv6.services.plugins.module_utils._dns_report import diff, report_records, sentence
from ansible_collections.ipv6.services.plugins.module_utils._dns_request import parse_request
from ansible_collections.ipv6.services.plugins.module_utils._dns_work import names_to_purge, plan_call

FORWARD, REVERSE = "example.com", "8.b.d.0.1.0.0.2.ip6.arpa"
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


def reverse(last):
    return reverse_name(IPv6Address(f"2001:db8::{last}"))


def call(*items, **options):
    return parse_request({**CALL, "records": [{**ITEM, **item} for item in items], **options})


def item(name, *last, **more):
    return {"name": f"{name}.example.com", "addresses": [f"2001:db8::{n}" for n in last], **more}


def zone_with(*published, owner="fleet"):
    """What was read of zones where a fleet has published names, each (name, address, ...)."""
    found = Found(how={FORWARD: "transfer", REVERSE: "transfer"})
    for name, *last in published:
        full = f"{name}.example.com"
        found.state[full] = {"AAAA": Rrset(300, tuple(f"2001:db8::{n}" for n in last))}
        found.state[mark_name(full)] = {"TXT": Mark(owner, frozenset({"AAAA"})).rrset()}
        for n in last:
            found.state[reverse(n)] = {"PTR": Rrset(300, (f"{full}.",))}
            found.state[mark_name(reverse(n))] = {"TXT": Mark(owner, frozenset({"PTR"})).rrset()}
    return found


def work_of(request, found):
    for entry in request.entries.values():
        found.zones[entry.name] = FORWARD
        found.zones.update(dict.fromkeys(entry.pointers, REVERSE))
    return plan_call(request, names_to_purge(request, found.state), found)


def lines(request, found):
    """What goes and what comes, without the marks."""
    told = diff(work_of(request, found).tasks)
    gone = [f"-{line}" for line in told["before"].splitlines() if "_ipv6" not in line]
    come = [f"+{line}" for line in told["after"].splitlines() if "_ipv6" not in line]
    return [line.replace(". 300 IN", "").rstrip(".") for line in gone + come]


@pytest.mark.parametrize(
    "items, options, held, expected",
    [
        pytest.param(
            [item("web1", 1)],
            {},
            [],
            [f"+{reverse(1)} PTR web1.example.com", "+web1.example.com AAAA 2001:db8::1"],
            id="a new name and what leads back",
        ),
        pytest.param([item("web1", 1)], {}, [("web1", 1)], [], id="second run"),
        pytest.param(
            [item("web1", 2)],
            {},
            [("web1", 1)],
            [
                f"-{reverse(1)} PTR web1.example.com",
                "-web1.example.com AAAA 2001:db8::1",
                f"+{reverse(2)} PTR web1.example.com",
                "+web1.example.com AAAA 2001:db8::2",
            ],
            id="another address: the old one leads nowhere any more",
        ),
        pytest.param(
            [item("web1", 1), item("web2", 2)],
            {},
            [("web1", 2), ("web2", 1)],
            [
                f"-{reverse(1)} PTR web2.example.com",
                f"-{reverse(2)} PTR web1.example.com",
                "-web1.example.com AAAA 2001:db8::2",
                "-web2.example.com AAAA 2001:db8::1",
                f"+{reverse(1)} PTR web1.example.com",
                f"+{reverse(2)} PTR web2.example.com",
                "+web1.example.com AAAA 2001:db8::1",
                "+web2.example.com AAAA 2001:db8::2",
            ],
            id="two names change their addresses",
        ),
        pytest.param(
            [item("web1", 1, ptr=False)],
            {},
            [("web1", 1)],
            [f"-{reverse(1)} PTR web1.example.com"],
            id="no way back any more",
        ),
        pytest.param(
            [{"name": "web1.example.com", "state": "absent"}],
            {},
            [("web1", 1), ("web2", 2)],
            [f"-{reverse(1)} PTR web1.example.com", "-web1.example.com AAAA 2001:db8::1"],
            id="a name that goes",
        ),
        pytest.param(
            [], {"purge": True, "keep": ["web1.example.com"]}, [("web1", 1)], [], id="purge leaves what is kept"
        ),
        pytest.param(
            [item("web1", 1)],
            {"purge": True},
            [("web1", 1), ("web2", 2)],
            [f"-{reverse(2)} PTR web2.example.com", "-web2.example.com AAAA 2001:db8::2"],
            id="purge removes what is not listed",
        ),
        pytest.param(
            [item("web1", 1), {"name": "", "addresses": ["2001:db8::2"]}],
            {"purge": True},
            [("web1", 1), ("web2", 2)],
            [],
            id="purge removes nothing when an item is wrong",
        ),
    ],
)
def test_call(items, options, held, expected):
    assert lines(call(*items, **options), zone_with(*held)) == expected


def test_purge_leaves_other_fleets_alone():
    found = zone_with(("web1", 1), ("web2", 2), owner="others")
    assert lines(call(purge=True), found) == []


def test_purge_removes_what_leads_back_to_nobody():
    found = zone_with(("web1", 1))
    del found.state["web1.example.com"], found.state[mark_name("web1.example.com")]
    assert lines(call(purge=True), found) == [f"-{reverse(1)} PTR web1.example.com"]


def test_a_way_back_that_leads_elsewhere_stays():
    found = zone_with(("web1", 1))
    found.state[reverse(1)] = {"PTR": Rrset(300, ("web3.example.com.",))}
    assert lines(call(item("web1", state="absent")), found) == ["-web1.example.com AAAA 2001:db8::1"]


def test_a_stranger_fails_its_name_and_nothing_else():
    found = zone_with(("web1", 7), owner="others")
    request = call(item("web1", 1), item("web2", 2))
    work = work_of(request, found)
    assert list(work.errors) == [0]
    assert {task.item for task in work.tasks} == {1}
    records = report_records(request, work, found, work.tasks)
    assert [r["action"] for r in records] == ["failed", "added"]
    assert sentence(records).startswith("1 of 2 names could not be done. web1.example.com belongs to 'others'")


def test_a_name_that_is_to_go_and_is_not_ours_stays_and_is_no_error():
    found = zone_with(("web1", 1), owner="others")
    request = call(item("web1", state="absent"))
    work = work_of(request, found)
    assert (work.tasks, work.errors) == ([], {})
    record = report_records(request, work, found, [])[0]
    assert record["action"] == "left"
    assert record["why"].startswith("web1.example.com belongs to 'others', so nothing was changed there.")


def test_a_stranger_at_the_reverse_name_fails_that_part():
    found = zone_with()
    found.state[reverse(1)] = {"PTR": Rrset(60, ("old.example.net.",))}
    request = call(item("web1", 1))
    work = work_of(request, found)
    assert "collection made: PTR old.example.net. They were left" in work.errors[0][0]
    assert [task.change.name for task in work.tasks] == ["web1.example.com"]


def test_a_reverse_zone_of_somebody_else_says_what_to_set():
    found = zone_with()
    found.errors[reverse(1)] = "No zone."
    work = work_of(call(item("web1", 1)), found)
    assert work.errors == {0: ["No zone. Set `ptr: false` where the PTR records are somebody else's."]}


def test_report_of_what_purge_removed_comes_last():
    found = zone_with(("web1", 1), ("web3", 3), ("web2", 2))
    request = call(item("web1", 1), purge=True)
    work = work_of(request, found)
    records = report_records(request, work, found, work.tasks)
    assert [(r["name"], r["zone"], r["action"]) for r in records] == [
        ("web1.example.com", FORWARD, "kept"),
        ("web2.example.com", FORWARD, "removed"),
        ("web3.example.com", FORWARD, "removed"),
    ]


def test_strict_stops_all():
    found = zone_with()
    request = call(item("web1", 1), {"name": ""})
    work = work_of(request, found)
    work.stopped = True
    assert [r["action"] for r in report_records(request, work, found, [])] == ["none", "failed"]


def test_one_reason_of_many_names_is_told_once():
    failed = [{"name": f"web{i}.example.com", "error": "The server refused."} for i in range(10)]
    assert sentence(failed) == (
        "10 of 10 names could not be done. web0.example.com, web1.example.com, web2.example.com and 7 more:"
        " The server refused."
    )
