# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._address_plan import (
    Link,
    Plan,
    contents,
    plan_absent,
    plan_present,
    without,
)
from ansible_collections.ipv6.services.plugins.module_utils._service_address import Held, ServiceAddress, Store

NETWORKD, BATCH = Store("networkd", True), Store("none", True)
RUNTIME = Store("networkd", False)
LAN = IPv6Network("2001:db8::/64")


def service(number: int, length: int = 128, deprecated: bool = True, store: Store = NETWORKD) -> ServiceAddress:
    return ServiceAddress(IPv6Address(f"2001:db8::20{number}"), length, deprecated, store)


def held(item: ServiceAddress, **other: object) -> Held:
    fields: dict = {"length": item.length, "deprecated": item.deprecated, "link": "eth0", **other}
    return Held(item.address, **fields)


HOST = Held(IPv6Address("2001:db8::1:1"), 64, "eth0")
WEB1, WEB2 = service(1), service(2)
LONG1, PREFERRED1, BATCH1, RUNTIME1 = (
    service(1, 64),
    service(1, deprecated=False),
    service(1, store=BATCH),
    service(1, store=RUNTIME),
)


def fields(plan: Plan) -> Plan:
    """Without the texts of the errors, which have a test of their own."""
    return Plan(plan.add, plan.change, plan.keep, plan.remove, plan.absent, plan.drop, dict.fromkeys(plan.errors, ""))


@pytest.mark.parametrize(
    ("wanted", "marked", "on_link", "exclusive", "expected"),
    [
        pytest.param(
            [WEB2, WEB1],
            [],
            [HOST],
            [],
            Plan(add=(WEB2, WEB1)),
            id="missing addresses are added in the order they were listed",
        ),
        pytest.param([WEB1], [WEB1], [HOST, held(WEB1)], [], Plan(keep=(WEB1,)), id="second run changes nothing"),
        pytest.param(
            [WEB1], [WEB1], [HOST], [], Plan(add=(WEB1,)), id="address that is written down and lost is added again"
        ),
        pytest.param(
            [WEB1],
            [WEB1],
            [held(WEB1, tentative=True)],
            [],
            Plan(keep=(WEB1,)),
            id="tentative address is kept, and waited for",
        ),
        pytest.param(
            [WEB1],
            [WEB1],
            [held(WEB1, tentative=True, duplicate=True)],
            [],
            Plan(add=(WEB1,), drop=(held(WEB1, tentative=True, duplicate=True),)),
            id="address that failed before is taken off and tried again",
        ),
        pytest.param(
            [LONG1],
            [WEB1],
            [held(WEB1)],
            [],
            Plan(change=(LONG1,), drop=(held(WEB1),)),
            id="address with another length is taken off first, since the kernel can't change it",
        ),
        pytest.param(
            [PREFERRED1], [WEB1], [held(WEB1)], [], Plan(change=(PREFERRED1,)), id="lifetime is changed in place"
        ),
        pytest.param(
            [WEB1],
            [WEB1],
            [held(PREFERRED1)],
            [],
            Plan(change=(WEB1,)),
            id="address that somebody made preferred is deprecated again",
        ),
        pytest.param(
            [RUNTIME1],
            [WEB1],
            [held(WEB1)],
            [],
            Plan(change=(RUNTIME1,)),
            id="address moves to the store until the next boot",
        ),
        pytest.param(
            [WEB1],
            [WEB1, BATCH1],
            [held(WEB1)],
            [],
            Plan(change=(WEB1,)),
            id="address in two stores is written down in one again",
        ),
        pytest.param(
            [],
            [WEB2],
            [HOST, held(WEB2)],
            [LAN],
            Plan(remove=(WEB2.address,), drop=(held(WEB2),)),
            id="host address survives exclusive",
        ),
        pytest.param(
            [WEB1],
            [WEB1, WEB2],
            [held(WEB1), held(WEB2)],
            [],
            Plan(keep=(WEB1,)),
            id="without exclusive nothing is removed",
        ),
        pytest.param(
            [],
            [WEB2],
            [held(WEB2)],
            [IPv6Network("2001:db8:1::/64")],
            Plan(),
            id="exclusive leaves alone what is in another prefix",
        ),
        pytest.param(
            [],
            [WEB2],
            [],
            [LAN],
            Plan(remove=(WEB2.address,)),
            id="exclusive removes from the files what is lost from the link",
        ),
        pytest.param(
            [WEB1],
            [],
            [held(WEB1)],
            [],
            Plan(errors={WEB1.address: ""}),
            id="address that something else set is refused, and stays as it is",
        ),
        pytest.param(
            [WEB1, WEB2],
            [],
            [held(WEB1, link="eth1")],
            [],
            Plan(add=(WEB2,), errors={WEB1.address: ""}),
            id="address on another link is refused, and the others are added",
        ),
    ],
)
def test_plan_present(wanted, marked, on_link, exclusive, expected):
    assert fields(plan_present(wanted, Link("eth0", marked, on_link), exclusive)) == expected


def test_address_of_ours_on_another_link_is_refused_with_the_way_to_move_it():
    link = Link("eth0", [], [held(WEB1, link="eth1")], {WEB1.address: "eth1"})
    assert "interface: eth1" in plan_present([WEB1], link).errors[WEB1.address]
    assert "interface: eth1" in plan_absent([WEB1.address], link).errors[WEB1.address]


def test_without_carrier_what_is_written_down_is_not_written_again():
    assert plan_present([WEB1], Link("eth0", [WEB1], [], carrier=False)) == Plan(keep=(WEB1,))


@pytest.mark.parametrize(
    ("marked", "on_link", "expected"),
    [
        pytest.param(
            [WEB1], [held(WEB1)], Plan(remove=(WEB1.address,), drop=(held(WEB1),)), id="address of ours is removed"
        ),
        pytest.param(
            [LONG1], [held(LONG1)], Plan(remove=(WEB1.address,), drop=(held(LONG1),)), id="its length is not looked at"
        ),
        pytest.param([WEB1], [], Plan(remove=(WEB1.address,)), id="address that is only written down is removed there"),
        pytest.param([], [HOST], Plan(absent=(WEB1.address,)), id="address that is not there is no error"),
        pytest.param(
            [], [held(WEB1)], Plan(errors={WEB1.address: ""}), id="address that something else set is not removed"
        ),
    ],
)
def test_plan_absent(marked, on_link, expected):
    assert fields(plan_absent([WEB1.address], Link("eth0", marked, on_link))) == expected


@pytest.mark.parametrize(
    ("plan", "marked", "expected"),
    [
        pytest.param(Plan(add=(WEB1,)), [WEB2], [WEB2, WEB1], id="what is there stays"),
        pytest.param(Plan(remove=(WEB1.address,)), [WEB1], [], id="the last one leaves nothing"),
        pytest.param(
            Plan(change=(BATCH1,)),
            [WEB1, WEB2],
            [WEB2, BATCH1],
            id="one that moves is in one store",
        ),
        pytest.param(Plan(add=(WEB1,)), [WEB1], [WEB1], id="one that was lost is not in it twice"),
    ],
)
def test_contents(plan, marked, expected):
    assert contents(plan, Link("eth0", marked, [])) == expected


def test_a_duplicate_is_in_no_file_afterwards():
    plan = without(Plan(add=(WEB1, WEB2)), [WEB1.address])
    assert contents(plan, Link("eth0", [], [])) == [WEB2]
    assert plan.remove == (WEB1.address,)
