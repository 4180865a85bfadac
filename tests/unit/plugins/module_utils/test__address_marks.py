# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from ipaddress import IPv6Address, IPv6Network

import pytest

from ansible_collections.ipv6.services.plugins.module_utils import _address_marks as marks
from ansible_collections.ipv6.services.plugins.module_utils._iproute import parse_prefixes
from ansible_collections.ipv6.services.plugins.module_utils._service_address import (
    RoutedPrefix,
    ServiceAddress,
    Store,
)

FILE = "/etc/systemd/network/10-eth0.network"


@pytest.mark.parametrize(
    ("backend", "persistent", "expected"),
    [
        pytest.param("networkd", True, f"{FILE}.d/ipv6-services.conf", id="networkd"),
        pytest.param("networkmanager", True, "/etc/ipv6-services/addresses-eth0.batch", id="NetworkManager"),
        pytest.param("none", False, "/run/ipv6-services/addresses-eth0.batch", id="until the next boot"),
    ],
)
def test_find_store(backend, persistent, expected):
    assert marks.find_store(backend, persistent, "eth0", FILE) == Store(backend, persistent, expected)


@pytest.mark.parametrize("backend", marks.BACKENDS)
@pytest.mark.parametrize("persistent", [True, False])
@pytest.mark.parametrize("deprecated", [True, False])
def test_what_is_written_reads_back(backend, persistent, deprecated):
    store = marks.find_store(backend, persistent, "eth0", FILE)
    items = [ServiceAddress(IPv6Address(f"2001:db8::{n}"), 128 - n, deprecated, store) for n in (1, 2)]
    assert marks.parse_addresses(store.path, marks.render_addresses("eth0", store, items[::-1])) == items


def test_the_addresses_of_a_link_are_read_from_the_files_of_every_manager(monkeypatch, tmp_path):
    monkeypatch.setattr(marks, "_CONFIGURATION", f"{tmp_path}/etc")
    monkeypatch.setattr(marks, "_RUNTIME", f"{tmp_path}/run")
    stale = str(tmp_path / "20-gone.network.d" / "ipv6-services.conf")
    monkeypatch.setattr(marks._networkd, "drop_ins", lambda: [stale])
    stores = [
        Store("networkd", True, stale),
        marks.find_store("ifupdown", True, "eth0", None),
        marks.find_store("none", False, "br0", None),
    ]
    items = [ServiceAddress(IPv6Address(f"2001:db8::{n}"), 128, True, store) for n, store in enumerate(stores, 1)]
    for item, link in zip(items, ("eth0", "eth0", "br0")):
        marks.write(item.store.path, marks.render_addresses(link, item.store, [item]))
    assert marks.read_all({"eth0": FILE}) == {"eth0": items[:2], "br0": items[2:]}


def test_prefixes_that_are_written_read_back():
    prefix = IPv6Network("2001:db8:99:1::/64")
    assert parse_prefixes(marks.render_prefixes([RoutedPrefix(prefix, True)])) == [prefix]


def test_write_replaces_the_file_and_remove_takes_its_directory_along(tmp_path):
    path = tmp_path / "ipv6-services" / "file"
    marks.write(str(path), "one\n")
    marks.write(str(path), "two\n")
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("two\n", 0o644)
    marks.remove(str(path))
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_under_a_strict_umask_can_be_read_by_all(tmp_path):
    (tmp_path / "theirs").mkdir(mode=0o700)
    before = os.umask(0o077)
    try:
        marks.write(str(tmp_path / "theirs" / "network" / "10-eth0.network.d" / "ours.conf"), "")
    finally:
        os.umask(before)
    modes = [path.stat().st_mode & 0o777 for path in sorted(tmp_path.rglob("*"))]
    assert modes == [0o700, 0o755, 0o755, 0o644]


def test_remove_leaves_a_directory_with_files_of_others(tmp_path):
    directory = tmp_path / "10-eth0.network.d"
    marks.write(str(directory / "ours"), "")
    (directory / "theirs").touch()
    marks.remove(str(directory / "ours"))
    assert [entry.name for entry in directory.iterdir()] == ["theirs"]


def test_remove_leaves_a_directory_that_a_package_has_made(tmp_path):
    marks.write(str(tmp_path / "pre-up.d" / "ours"), "")
    marks.remove(str(tmp_path / "pre-up.d" / "ours"))
    assert [entry.name for entry in tmp_path.iterdir()] == ["pre-up.d"]
