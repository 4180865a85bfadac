# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from ipaddress import IPv6Address, ip_address
from pathlib import Path

import pytest

from ansible_collections.ipv6.services.plugins.module_utils import _kernel
from ansible_collections.ipv6.services.plugins.module_utils._command import CommandError
from ansible_collections.ipv6.services.plugins.module_utils._networkd import (
    Networkd,
    drop_in,
    keeps_foreign,
    parse,
    parse_foreign,
    parse_network_files,
    parse_undecided,
    render,
)
from ansible_collections.ipv6.services.plugins.module_utils._service_address import ServiceAddress, Store

RECORDED = Path(__file__).parent / "recorded"
WEB1 = ServiceAddress(IPv6Address("2001:db8::201"), 128, True, Store("networkd", True))
WEB2 = ServiceAddress(IPv6Address("2001:db8::202"), 64, False, Store("networkd", True))


def test_a_drop_in_is_sorted_and_says_who_wrote_it():
    text = render("eth0", [WEB2, WEB1])
    assert text.startswith("# Service addresses on eth0. The module ipv6.services.address of Ansible wrote this file")
    assert text.endswith(
        "\n\n[Address]\nAddress=2001:db8::201/128\nPreferredLifetime=0\n\n[Address]\nAddress=2001:db8::202/64\n"
    )


def test_a_drop_in_reads_back():
    assert parse(render("eth0", [WEB1, WEB2])) == [WEB1[:3], WEB2[:3]]


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


def test_a_link_is_undecided_until_networkd_has_found_its_file():
    states = {"eth0": "configured", "eth1": "pending", "eth2": "initialized", "lo": "unmanaged"}
    links = [{"Name": name, "AdministrativeState": state} for name, state in states.items()]
    assert parse_undecided({"Interfaces": links}) == {"eth1": "pending", "eth2": "initialized"}


def test_a_link_with_unmanaged_in_its_file_is_not_managed():
    link = {"Name": "eth0", "NetworkFile": "/etc/systemd/network/10-eth0.network", "AdministrativeState": "unmanaged"}
    assert parse_network_files({"Interfaces": [link]}) == {}


def test_foreign_addresses_are_those_that_neither_networkd_nor_a_router_set():
    listing = json.loads((RECORDED / "networkctl_foreign.json").read_text())
    assert parse_foreign(listing, "eth0") == [ip_address("192.0.2.77"), ip_address("2001:db8::a10")]
    assert parse_foreign(listing, "eth1") == []


def test_an_older_networkctl_lists_no_addresses():
    assert parse_foreign(json.loads((RECORDED / "networkctl_list.json").read_text()), "eth0") == []


@pytest.mark.parametrize(
    ("own", "drop_in", "expected"),
    [
        pytest.param("", "", False, id="nothing said"),
        pytest.param("[Network]\nKeepConfiguration=static\n", "", True, id="static"),
        pytest.param("", "[Network]\nKeepConfiguration = Yes\n", True, id="in a drop-in"),
        pytest.param("KeepConfiguration=yes\n", "KeepConfiguration=no\n", False, id="the drop-in is the last to say"),
        pytest.param("KeepConfiguration=dynamic\n", "", False, id="only leases"),
        pytest.param("#KeepConfiguration=yes\n", "", False, id="a comment"),
    ],
)
def test_keeps_foreign(tmp_path, own, drop_in, expected):
    files = [tmp_path / "own.network", tmp_path / "drop-in.conf"]
    for file, text in zip(files, (own, drop_in)):
        file.write_text(text)
    link = {"Name": "eth0", "NetworkFile": str(files[0]), "NetworkFileDropins": [str(files[1])]}
    assert keeps_foreign({"Interfaces": [link]}, "eth0") is expected


@pytest.mark.parametrize("answer", [(1, "", "Failed to connect"), (0, "no JSON", "")])
def test_a_networkctl_that_fails_is_an_error_only_while_networkd_runs(monkeypatch, answer):
    monkeypatch.setattr(os.path, "isdir", lambda _path: True)
    monkeypatch.setattr(_kernel, "service_runs", lambda _name: True)
    active = 3
    networkd = Networkd(lambda argv, **_options: (active, "", "") if argv[0] == "systemctl" else answer)
    assert networkd.network_files() == {}
    active = 0
    with pytest.raises(CommandError, match="systemd-networkd runs, and can't be asked: "):
        networkd.network_files()
