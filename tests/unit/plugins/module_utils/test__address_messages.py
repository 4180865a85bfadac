# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

import pytest

from ansible_collections.ipv6.services.plugins.module_utils import _address_messages as messages

WEB = IPv6Address("2001:db8::201")
PREFIX = IPv6Network("2001:db8::/64")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(
            messages.duplicate(WEB, "eth0", "02:00:00:00:00:02"),
            "2001:db8::201 was taken off eth0 again: 02:00:00:00:00:02 already answers for it."
            " Give the service another address, or take this one off that host.",
            id="duplicate with the other's MAC address",
        ),
        pytest.param(
            messages.duplicate(WEB, "eth0", None),
            "2001:db8::201 was taken off eth0 again: another host already answers for it."
            " Give the service another address, or take this one off that host.",
            id="duplicate of one who doesn't answer to us",
        ),
        pytest.param(
            messages.no_carrier(WEB, "eth0", up=True),
            "2001:db8::201 can't be used yet: eth0 has no carrier. It is written down, and comes by itself when the link does;"
            " until then nothing can bind to it.",
            id="no carrier",
        ),
        pytest.param(
            messages.not_ours(WEB, "eth0"),
            "2001:db8::201 is on eth0 and is not ours: something else set it, and nothing here changes or removes such"
            " an address. Give the service another address, or take this one out of where it is set.",
            id="not ours",
        ),
        pytest.param(
            messages.elsewhere(WEB, "eth1"),
            "2001:db8::201 is a service address on eth1. Remove it there first, with `interface: eth1` and `state: absent`.",
            id="ours on another link",
        ),
        pytest.param(
            messages.prefix_covers(PREFIX, IPv6Address("2001:db8::1:1"), 64, "eth0"),
            "2001:db8::/64 can't be a routed prefix: the host has 2001:db8::1:1/64 on eth0, and would take everything else in"
            " 2001:db8::/64 for itself too. Route a prefix to the host that is not the one of its own link.",
            id="routed prefix around the host's own address",
        ),
        pytest.param(messages.sentence(["A.", "B."], 5), "2 of 5 failed. A. B.", id="all errors in one message"),
        pytest.param(messages.sentence(["A."], 1), "A.", id="one error is not counted"),
    ],
)
def test_messages(message, expected):
    assert message == expected


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        pytest.param(
            messages.no_carrier(WEB, "eth0", up=False), ["eth0 is down", "comes by itself"], id="link that is down"
        ),
        pytest.param(messages.late(WEB, "eth0", 5), ["after 5 s", "dad_timeout", "stays written down"], id="late"),
        pytest.param(
            messages.not_set(WEB, "eth0", 0.5), ["within 0.5 s", "journalctl -u systemd-networkd"], id="not set"
        ),
    ],
)
def test_messages_say_what_to_do(message, parts):
    assert all(part in message for part in parts)
