# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._routed_plan import (
    RoutedPlan,
    plan_routed,
    plan_unrouted,
    prefixes_after,
    unanswered,
    without_prefixes,
)
from ansible_collections.ipv6.services.plugins.module_utils._service_address import Held, RoutedPrefix

ONE, OTHER, RUNTIME = (
    RoutedPrefix(IPv6Network("2001:db8:99:1::/64"), True),
    RoutedPrefix(IPv6Network("2001:db8:99:2::/64"), True),
    RoutedPrefix(IPv6Network("2001:db8:99:1::/64"), False),
)
HOST = Held(IPv6Address("2001:db8::1:1"), 64, "eth0")
SERVICE = Held(IPv6Address("2001:db8:99:1::5"), 128, "eth0")


@pytest.mark.parametrize(
    ("wanted", "marked", "routes", "expected"),
    [
        pytest.param([ONE], [], [], RoutedPlan(add=(ONE,)), id="missing route is added"),
        pytest.param([ONE], [ONE], [ONE.prefix], RoutedPlan(keep=(ONE,)), id="second run changes nothing"),
        pytest.param([ONE], [ONE], [], RoutedPlan(add=(ONE,)), id="lost route is added again"),
        pytest.param(
            [RUNTIME], [ONE], [ONE.prefix], RoutedPlan(change=(RUNTIME,)), id="only where it is written down changes"
        ),
        pytest.param([OTHER], [ONE], [ONE.prefix], RoutedPlan(add=(OTHER,)), id="what is not listed stays"),
    ],
)
def test_plan_routed(wanted, marked, routes, expected):
    assert plan_routed(wanted, marked, routes, [HOST], []) == expected


@pytest.mark.parametrize(
    ("prefix", "routes", "part"),
    [
        pytest.param(
            "2001:db8::/64", [], "the host has 2001:db8::1:1/64 on eth0", id="the host's own link would be cut off"
        ),
        pytest.param("2001::/16", [], "can't be a routed prefix", id="a prefix around the host's own is refused too"),
        pytest.param(
            "2001:db8:99:1::/64", [ONE.prefix], "is not ours", id="a route that something else made is refused"
        ),
    ],
)
def test_prefixes_that_are_refused(prefix, routes, part):
    plan = plan_routed([RoutedPrefix(IPv6Network(prefix), True)], [], routes, [HOST], [])
    assert part in plan.errors[IPv6Network(prefix)]
    assert not plan.changes


def test_a_service_address_within_the_prefix_is_no_reason_against_it():
    assert plan_routed([ONE], [], [], [SERVICE], [SERVICE.address]) == RoutedPlan(add=(ONE,))
    assert plan_routed([ONE], [], [], [SERVICE], []).errors


def test_plan_unrouted():
    plan = plan_unrouted([ONE.prefix, OTHER.prefix], [ONE], [ONE.prefix])
    assert (plan.remove, plan.absent) == ((ONE.prefix,), (OTHER.prefix,))
    assert "is not ours" in plan_unrouted([ONE.prefix], [], [ONE.prefix]).errors[ONE.prefix]


def test_a_prefix_that_the_kernel_refused_is_not_written_down():
    assert prefixes_after(without_prefixes(RoutedPlan(add=(ONE, OTHER)), [ONE.prefix]), []) == [OTHER]


def test_a_prefix_on_the_host_s_own_link_is_warned_of():
    inside = IPv6Network("2001:db8::1000/116")
    assert "neighbour discovery" in unanswered([inside], [HOST])[0]
    assert unanswered([ONE.prefix], [HOST]) == []
