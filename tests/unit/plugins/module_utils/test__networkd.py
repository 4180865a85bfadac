# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from ipaddress import IPv6Address
from pathlib import Path

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._networkd import drop_in, parse, parse_network_files, render
from ansible_collections.ipv6.services.plugins.module_utils._service_address import ServiceAddress, Store

RECORDED = Path(__file__).parent / "recorded"
WEB1 = ServiceAddress(IPv6Address("2001:db8::201"), 128, True, Store("networkd", True))
WEB2 = ServiceAddress(IPv6Address("2001:db8::202"), 64, False, Store("networkd", True))


def test_a_drop_in_is_sorted_and_says_who_wrote_it():
    text = render([WEB2, WEB1])
    assert text.startswith("# Service addresses. The module ipv6.services.address of Ansible wrote this file")
    assert text.endswith(
        "\n\n[Address]\nAddress=2001:db8::201/128\nPreferredLifetime=0\n\n[Address]\nAddress=2001:db8::202/64\n"
    )


def test_a_drop_in_reads_back():
    assert parse(render([WEB1, WEB2])) == [WEB1[:3], WEB2[:3]]


@pytest.mark.parametrize(
    ("network_file", "persistent", "expected"),
    [
        pytest.param(
            "/etc/systemd/network/10-eth0.network",
            True,
            "/etc/systemd/network/10-eth0.network.d/ipv6-services.conf",
            id="beside the network file",
        ),
        pytest.param(
            "/run/systemd/network/10-netplan-eth0.network",
            True,
            "/etc/systemd/network/10-netplan-eth0.network.d/ipv6-services.conf",
            id="in /etc also where netplan wrote the network file to /run",
        ),
        pytest.param(
            "/etc/systemd/network/10-eth0.network",
            False,
            "/run/systemd/network/10-eth0.network.d/ipv6-services-runtime.conf",
            id="in /run until the next boot, under a name that none in /etc hides",
        ),
    ],
)
def test_drop_in(network_file, persistent, expected):
    assert drop_in(network_file, persistent) == expected


def test_network_files_are_those_of_managed_links():
    listing = json.loads((RECORDED / "networkctl_list.json").read_text())
    assert parse_network_files(listing) == {"eth0": "/etc/systemd/network/10-eth0.network"}


def test_a_link_with_unmanaged_in_its_file_is_not_managed():
    link = {"Name": "eth0", "NetworkFile": "/etc/systemd/network/10-eth0.network", "AdministrativeState": "unmanaged"}
    assert parse_network_files({"Interfaces": [link]}) == {}
