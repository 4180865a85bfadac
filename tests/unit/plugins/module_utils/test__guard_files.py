# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from ansible_collections.ipv6.services.plugins.module_utils import _guard_files as files
from ansible_collections.ipv6.services.plugins.module_utils._guard_host import find_connection, parse_connection

UNIT = "/etc/systemd/system/ipv6-services-guard.service"


def test_the_guard_is_there_before_the_first_address():
    text = files.wanted("", "/usr/sbin/nft")[UNIT]
    assert "\nDefaultDependencies=no\n" in text
    assert "\nBefore=network-pre.target shutdown.target\n" in text
    assert "\nExecStart=/usr/sbin/nft -f /etc/ipv6-services/guard.nft\n" in text
    assert text.startswith("# The module ipv6.services.guard of Ansible wrote this file")


def test_only_what_differs_is_written():
    wanted = files.wanted("table\n", "/usr/sbin/nft")
    assert files.stale(wanted, wanted) == {}
    assert files.stale(wanted, {**wanted, UNIT: ""}) == {UNIT: wanted[UNIT]}
    assert files.stale(files.wanted(None, ""), {**dict.fromkeys(wanted), files.FILE: "table\n"}) == {files.FILE: None}


def test_what_is_not_there_reads_as_nothing(monkeypatch):
    monkeypatch.setattr(files._kernel, "read", lambda _path: None)
    assert set(files.read().values()) == {None}


def test_a_unit_that_is_switched_off_is_not_as_it_should_be(monkeypatch):
    monkeypatch.setattr(files._kernel, "read", lambda _path: "text")
    monkeypatch.setattr(files.os.path, "islink", lambda path: "sysinit" not in path)
    monkeypatch.setattr(files._kernel, "service_runs", lambda _name: True)
    assert [path for path, text in files.read().items() if text == ""] == [UNIT]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ("A=1\0SSH_CONNECTION=2001:db8::a 50000 2001:db8::1:1 22\0", (IPv6Address("2001:db8::1:1"), 22)),
        ("SSH_CONNECTION=fe80::1%eth0 50000 fe80::2%eth0 2222", (IPv6Address("fe80::2"), 2222)),
        ("SSH_CONNECTION=192.0.2.1 50000 192.0.2.2 22", None),
        ("SSH_CONNECTION=", None),
        ("", None),
    ],
)
def test_connection(environ, expected):
    assert parse_connection(environ) == expected


def test_the_connection_is_found_above_a_program_that_hides_it(tmp_path):
    for pid, parent, environ in ((30, 20, ""), (20, 10, ""), (10, 1, "SSH_CONNECTION=2001:db8::a 5 2001:db8::1:1 22")):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "environ").write_text(environ)
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (a ) b) S {parent} 1 1")
    assert find_connection(30, str(tmp_path)) == (IPv6Address("2001:db8::1:1"), 22)
    assert find_connection(40, str(tmp_path)) is None
