# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import IPv6Address
from pathlib import Path

from ansible_collections.ipv6.services.plugins.module_utils._kernel import parse_held
from ansible_collections.ipv6.services.plugins.module_utils._service_address import Held

RECORDED = Path(__file__).parent / "recorded"


def test_parse_held_tells_the_states_of_global_addresses_apart():
    assert sorted(parse_held((RECORDED / "if_inet6").read_text()), key=lambda h: h.address) == [
        Held(IPv6Address("2001:db8::a01"), 128, "eth0", deprecated=True),
        Held(IPv6Address("2001:db8::a02"), 128, "eth0", tentative=True),
        Held(IPv6Address("2001:db8::1:1"), 64, "eth0"),
        Held(IPv6Address("2001:db8::1:2"), 128, "eth0", tentative=True, duplicate=True, deprecated=True),
        Held(IPv6Address("2001:db8::ff:fe00:1"), 64, "eth0"),
    ]


def test_a_kernel_without_ipv6_has_no_addresses():
    assert parse_held("") == []
