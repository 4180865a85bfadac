# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import IPv6Address

from ansible_collections.ipv6.services.plugins.module_utils._neighbours import advertisement, announce

# What the kernel of the lab's client sent with ndisc_notify=1 for an address that it had got, read from a packet socket.
SENT = bytes.fromhex(
    "333300000001d640f2d1872386dd6000000000203aff20010db8000000000000000000080007ff020000000000000000000000000001"
    "8800aad92000000020010db80000000000000000000800070201d640f2d18723"
)


def test_the_frame_is_the_one_that_the_kernel_sends():
    assert advertisement(IPv6Address("2001:db8::8:7"), "d6:40:f2:d1:87:23") == SENT


def test_a_link_that_is_not_there_is_no_error():
    announce("nosuchlink0", IPv6Address("2001:db8::8:1"), "02:00:00:00:00:01")
