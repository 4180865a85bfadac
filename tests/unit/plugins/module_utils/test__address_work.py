# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_address

import pytest

from ansible_collections.ipv6.services.plugins.module_utils import (
    _address_report,
    _duplicate_watch,
    _manager_hooks,
    _unit,
)
from ansible_collections.ipv6.services.plugins.module_utils._address_host import (
    Host,
    HostError,
    check_decided,
    check_name,
    choose_backend,
)
from ansible_collections.ipv6.services.plugins.module_utils._address_marks import find_store
from ansible_collections.ipv6.services.plugins.module_utils._address_plan import Link
from ansible_collections.ipv6.services.plugins.module_utils._address_request import parse_request
from ansible_collections.ipv6.services.plugins.module_utils._address_work import (
    check_foreign,
    plan_work,
    stale_units,
    wanted_units,
)
from ansible_collections.ipv6.services.plugins.module_utils._service_address import (
    Held,
    RoutedPrefix,
    ServiceAddress,
    Store,
)

WEB1, WEB2 = IPv6Address("2001:db8::201"), IPv6Address("2001:db8::202")
PREFIX = IPv6Network("2001:db8:99:1::/64")
ABSENT = {"addresses": [str(WEB1)], "state": "absent"}
FILES = {"eth0": "/etc/systemd/network/10-eth0.network"}
IFUPDOWN = {path for path in _manager_hooks.paths() if "NetworkManager" not in path}
WATCH = {_unit.DUPLICATES, _unit.WATCH}


def request(**params):
    defaults = {
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
    return parse_request({**defaults, **params})


def host(backend="networkd", marked=(), held=(), link="eth0", **fields) -> Host:
    defaults = {"prefixes": [], "routes": set(), "nonlocal_bind": False, "units": {}, "systemd": True}
    link = Link(link, marked, held)
    return Host(
        **{
            "link": link,
            "network_file": FILES["eth0"],
            "backend": backend,
            "held": held,
            "ours": [],
            **defaults,
            **fields,
        }
    )


def ours(address: IPv6Address, backend: str = "networkd") -> tuple[list[ServiceAddress], list[Held]]:
    store = find_store(backend, True, "eth0", FILES["eth0"])
    return [ServiceAddress(address, 128, True, store)], [Held(address, 128, "eth0", deprecated=True)]


@pytest.mark.parametrize(
    ("asked", "link", "expected"),
    [
        pytest.param("auto", "eth0", "networkd", id="networkd manages the link"),
        pytest.param("auto", "br0", "none", id="nobody manages the link"),
        pytest.param("auto", "eth1", "ifupdown", id="another manages the link"),
        pytest.param("ifupdown", "eth1", "ifupdown", id="the one that manages it"),
        pytest.param("none", "eth0", "none", id="as asked"),
    ],
)
def test_choose_backend(asked, link, expected):
    assert choose_backend(asked, link, FILES, {"eth1": "ifupdown"}.get(link)) == expected


@pytest.mark.parametrize(
    ("asked", "link", "other", "message"),
    [
        pytest.param(
            "networkd", "br0", None, "systemd-networkd doesn't manage br0 .* Nobody known here does", id="nobody"
        ),
        pytest.param(
            "networkmanager", "eth0", None, "NetworkManager doesn't manage eth0 .* systemd-networkd does", id="networkd"
        ),
        pytest.param(
            "ifupdown", "br0", "networkmanager", "ifupdown doesn't manage br0 .* NetworkManager does", id="other"
        ),
    ],
)
def test_a_manager_is_refused_where_another_or_nobody_manages_the_link(asked, link, other, message):
    with pytest.raises(HostError, match=message):
        choose_backend(asked, link, FILES, other)


@pytest.mark.parametrize(
    ("backend", "asked", "moved"),
    [
        pytest.param("networkmanager", "auto", {WEB1, WEB2}, id="to the manager that is found"),
        pytest.param("networkd", "auto", {WEB2}, id="from the batch file to networkd"),
        pytest.param("none", "none", set(), id="a call that names a backend leaves those of networkd there"),
        pytest.param("networkd", "networkd", set(), id="and those in the batch file"),
        pytest.param("networkmanager", "networkmanager", {WEB2}, id="the batch file is that of one backend only"),
    ],
)
def test_addresses_of_the_manager_before_are_moved_though_they_are_not_listed(backend, asked, moved):
    (web1, held1), (web2, held2) = ours(WEB1), ours(WEB2, "none")
    target = host(backend, [*web1, *web2], [*held1, *held2])
    other = IPv6Address("2001:db8::203")
    work = plan_work(request(addresses=[str(other)], backend=asked), target)
    assert {item.address for item in work.addresses.change} == moved
    assert {item.store for item in work.addresses.change} <= set(target.stores().values())
    actions = {item["address"]: item["action"] for item in _address_report.report_addresses(request(), work)}
    assert actions == {str(other): "added", **{str(address): "changed" for address in moved}}


def test_exclusive_removes_what_another_manager_had():
    target = host("networkmanager", *ours(WEB1))
    work = plan_work(request(addresses=[str(WEB2)], exclusive=["::/0"]), target)
    assert (work.addresses.remove, work.addresses.change) == ((WEB1,), ())


def test_addresses_in_a_drop_in_for_a_file_that_is_not_that_of_the_link_any_more_are_moved():
    marked, held = ours(WEB1)
    target = host("networkd", marked, held, network_file="/etc/systemd/network/20-lan.network")
    work = plan_work(request(addresses=[str(WEB1)], backend="networkd"), target)
    assert [item.store.path for item in work.addresses.change] == [
        "/etc/systemd/network/20-lan.network.d/ipv6-services.conf"
    ]


def test_each_item_is_reported_in_the_caller_s_order():
    asked, target = request(addresses=["192.0.2.1", str(WEB2), str(WEB1)]), host("networkd", *ours(WEB1))
    work = plan_work(asked, target).after({WEB2: "taken"}, {WEB2})
    report = _address_report.report_addresses(asked, work)
    assert [(item["address"], item["action"]) for item in report] == [
        ("192.0.2.1", "failed"),
        (str(WEB2), "failed"),
        (str(WEB1), "kept"),
    ]
    assert report[1]["error"] == "taken"


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(f"{WEB1}/64", id="the same address with another length"),
        pytest.param("2001:db8::20l", id="what is no address"),
        pytest.param("2001:db8::1:1", id="the host's own address"),
    ],
)
def test_a_wrong_item_keeps_exclusive_from_removing_what_was_meant(wrong):
    marked, held = ([*one, *other] for one, other in zip(ours(WEB1), ours(WEB2)))
    target = host("networkd", marked, [*held, Held(IPv6Address("2001:db8::1:1"), 64, "eth0")])
    work = plan_work(request(addresses=[str(WEB1), wrong], exclusive=["::/0"]), target)
    assert work.errors and not work.changes
    assert _address_report.after(target, work) == _address_report.before(target)


def test_a_duplicate_alone_changed_nothing_in_the_end():
    target = host()
    work = plan_work(request(addresses=[str(WEB1)]), target).after({WEB1: "taken"}, {WEB1})
    assert not _address_report.changed(target, work, {})
    assert _address_report.before(target) == _address_report.after(target, work) == []


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(host("networkd", ours(WEB1)[0]), id="address"),
        pytest.param(host(prefixes=[RoutedPrefix(PREFIX, True)]), id="routed prefix"),
    ],
)
def test_what_is_lost_and_still_written_down_is_a_change_when_it_is_removed(target):
    asked = {"addresses": [str(WEB1)], "routed_prefixes": [str(PREFIX)], "state": "absent"}
    work = plan_work(request(**asked), target)
    assert _address_report.changed(target, work, {})


def test_a_call_that_is_stopped_reports_what_was_not_done():
    asked, target = request(addresses=[str(WEB1), "192.0.2.1"]), host()
    work = plan_work(asked, target).stop()
    assert [item["action"] for item in _address_report.report_addresses(asked, work)] == ["none", "failed"]
    assert not _address_report.changed(target, work, {"a unit": None})


def test_the_diff_says_what_comes_and_goes():
    target = host("networkd", *ours(WEB1))
    work = plan_work(request(addresses=[str(WEB2)], exclusive=["::/0"], routed_prefixes=[str(PREFIX)]), target)
    assert _address_report.before(target) == ["2001:db8::201/128 on eth0 (networkd, deprecated)\n"]
    assert _address_report.after(target, work) == [
        "2001:db8::202/128 on eth0 (networkd, deprecated)\n",
        "2001:db8:99:1::/64 (routed)\n",
        "net.ipv6.ip_nonlocal_bind = 1\n",
    ]


@pytest.mark.parametrize(
    ("target", "asked", "units"),
    [
        pytest.param(host(), {"addresses": [str(WEB1)]}, WATCH, id="networkd needs only the watch for duplicates"),
        pytest.param(
            host("none"),
            {"addresses": [str(WEB1)]},
            {_unit.addresses_unit("eth0"), *WATCH},
            id="a batch file needs one",
        ),
        pytest.param(
            host("none"), {"addresses": [str(WEB1)], "persistent": False}, set(), id="until the next boot needs none"
        ),
        pytest.param(
            host("networkmanager"),
            {"addresses": [str(WEB1)]},
            {path for path in _manager_hooks.paths() if "NetworkManager" in path} | WATCH,
            id="NetworkManager's dispatcher needs a script, and another before a connection is up",
        ),
        pytest.param(
            host("ifupdown"),
            {"addresses": [str(WEB1)], "persistent": False},
            IFUPDOWN,
            id="ifupdown needs files, also for what is not there after the next boot",
        ),
        pytest.param(
            host("networkd", stores_elsewhere=[Store("ifupdown", True)]),
            {"addresses": [str(WEB1)], "state": "absent"},
            {*IFUPDOWN, *WATCH},
            id="what another link needs stays",
        ),
        pytest.param(
            host(), {"routed_prefixes": [str(PREFIX)]}, {_unit.ROUTED_PREFIXES}, id="a routed prefix needs one"
        ),
        pytest.param(
            host("none", *ours(WEB1, "none")),
            {"addresses": [str(WEB1)], "state": "absent"},
            set(),
            id="the last one goes with it",
        ),
    ],
)
def test_wanted_units(target, asked, units):
    wanted = wanted_units(plan_work(request(**asked), target), target, "/usr/sbin/ip")
    assert {name for name, text in wanted.items() if text} == units


def test_units_that_somebody_changed_are_stale():
    name = _unit.ROUTED_PREFIXES
    assert stale_units({name: "text"}, host(units={name: "text"})) == {}
    assert stale_units({name: "text"}, host(units={name: ""})) == {name: "text"}
    assert stale_units({name: None}, host(units={name: None})) == {}


@pytest.mark.parametrize(
    ("marked", "asked"),
    [
        pytest.param([], {"addresses": [str(WEB1)]}, id="added"),
        pytest.param([WEB1], {"addresses": [str(WEB1)], "deprecated": False}, id="changed"),
        pytest.param([WEB1], ABSENT, id="removed"),
        pytest.param([WEB1], {"addresses": [str(WEB1)], "backend": "none"}, id="given to another backend"),
    ],
)
def test_a_call_that_would_cost_the_host_an_address_of_others_is_refused(marked, asked):
    found = [ours(address) for address in marked]
    target = host(
        asked.get("backend", "networkd"),
        [item for items, _held in found for item in items],
        [item for _items, held in found for item in held],
        foreign=[ip_address("192.0.2.77"), ip_address("2001:db8::a10")],
    )
    with pytest.raises(HostError, match=r"did not set 192\.0\.2\.77, 2001:db8::a10 on eth0.*KeepConfiguration=static"):
        check_foreign(plan_work(request(**asked), target), target)


@pytest.mark.parametrize(
    ("backend", "asked"),
    [
        pytest.param("networkd", {"addresses": [str(WEB1)]}, id="nothing changes"),
        pytest.param("networkd", {"routed_prefixes": [str(PREFIX)]}, id="only a routed prefix"),
        pytest.param("none", {"addresses": [str(WEB2)], "backend": "none"}, id="networkd reads nothing"),
    ],
)
def test_addresses_of_others_are_no_matter_where_networkd_reads_nothing_new(backend, asked):
    target = host(backend, *ours(WEB1), foreign=[ip_address("192.0.2.77")])
    check_foreign(plan_work(request(**asked), target), target)


def test_a_link_that_networkd_has_not_decided_on_has_to_wait():
    for asked in ({"addresses": [str(WEB1)]}, {**ABSENT, "backend": "none"}):
        with pytest.raises(HostError, match=r"not decided yet.*pending.*Run this again"):
            check_decided("eth0", request(**asked), {"eth0": "pending"})
    check_decided("eth0", request(addresses=[str(WEB1)], backend="none"), {"eth0": "pending"})
    check_decided("eth1", request(addresses=[str(WEB1)]), {"eth0": "pending"})


def test_a_link_whose_name_a_unit_can_t_bear_is_refused():
    target = host("none", link="eth0%i")
    with pytest.raises(HostError, match="persistent: false"):
        wanted_units(plan_work(request(addresses=[str(WEB1)]), target), target, "ip")


def test_without_systemd_nothing_can_be_set_at_boot():
    target = host("none", systemd=False)
    with pytest.raises(HostError, match="systemd doesn't run"):
        wanted_units(plan_work(request(addresses=[str(WEB1)]), target), target, "ip")


@pytest.mark.parametrize("link", ["a#b", "q'u", 'q"u', "b\\c", "\N{LATIN SMALL LETTER E WITH ACUTE}th0"])
def test_a_link_whose_name_ip_would_not_read(link):
    with pytest.raises(HostError, match="can't be written into a file for `ip -batch`"):
        check_name(link, request(addresses=[str(WEB1)]))
    check_name(link, request(**ABSENT))


@pytest.mark.parametrize("link", ["eth0.100", "br-lan", "x$(id)", "w*", "a%i", "eth0@x"])
def test_a_link_with_an_odd_name(link):
    check_name(link, request(addresses=[str(WEB1)]))


NOTES = [
    {"address": str(address), "interface": "eth0", "mac": None, "time": "2026-01-31T12:00:00Z"}
    for address in (WEB1, WEB2)
]


@pytest.mark.parametrize(
    ("asked", "failed", "left"),
    [
        pytest.param({"addresses": [str(WEB1)]}, [], NOTES[1:], id="set again"),
        pytest.param({"addresses": [str(WEB1)]}, [WEB1], NOTES, id="still another host's"),
        pytest.param(ABSENT, [], NOTES[1:], id="no longer wanted"),
        pytest.param({"exclusive": ["2001:db8::/64"]}, [], [], id="not among those that stay"),
        pytest.param({"exclusive": ["2001:db8:1::/64"]}, [], NOTES, id="elsewhere"),
        pytest.param({"addresses": ["x"], "exclusive": ["::/0"]}, [], NOTES, id="it may be the one that is wrong"),
        pytest.param({"routed_prefixes": [str(PREFIX)]}, [], NOTES, id="nothing to do with it"),
        pytest.param({"addresses": ["2001:db8::203"], "state": "absent"}, [], [], id="the last one goes"),
    ],
)
def test_what_was_taken_away_is_known_until_a_call_is_about_it(asked, failed, left):
    marked, held = ours(IPv6Address("2001:db8::203"))
    target = host("networkd", marked, held, units={_duplicate_watch.NOTES: _duplicate_watch.render_notes(NOTES)})
    work = plan_work(request(**asked), target).after(dict.fromkeys(failed, "taken off again"), failed)
    text = wanted_units(work, target, "/usr/sbin/ip")[_duplicate_watch.NOTES]
    assert _duplicate_watch.parse_notes(text or "") == left
    assert (_duplicate_watch.NOTES in stale_units({_duplicate_watch.NOTES: text}, target)) == (left != NOTES)
