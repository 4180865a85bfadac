# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ipv6.services.plugins.module_utils import _unit


def test_the_unit_of_a_link_sets_its_file_before_the_host_counts_as_online():
    text = _unit.render_addresses("eth0", "/usr/sbin/ip")
    assert "\nBefore=network-online.target\n" in text
    assert "\nExecStart=/usr/sbin/ip -6 -force -batch /etc/ipv6-services/addresses-eth0.batch\n" in text
    assert "tentative -dadfailed" in text
    assert text.startswith("# The module ipv6.services.address of Ansible wrote this file")


def test_the_unit_of_routed_prefixes_lets_programs_bind_to_them():
    text = _unit.render_prefixes("/usr/sbin/ip")
    assert "echo 1 >/proc/sys/net/ipv6/ip_nonlocal_bind" in text
    assert "\nExecStart=/usr/sbin/ip -6 -force -batch /etc/ipv6-services/routed-prefixes.batch\n" in text


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        pytest.param("eth0", True, id="plain"),
        pytest.param("br-lan.7", True, id="with a dot and a hyphen"),
        pytest.param("eth0@x", False, id="an instance of a template"),
        pytest.param("a%i", False, id="a specifier of systemd"),
        pytest.param("a'b", False, id="a quote"),
    ],
)
def test_nameable(link, expected):
    assert _unit.nameable(link) is expected


@pytest.fixture
def systemctl(monkeypatch, tmp_path):
    """What was asked of systemctl; the units lie in tmp_path."""
    asked = []
    monkeypatch.setattr(_unit, "_UNITS", str(tmp_path))
    monkeypatch.setattr(_unit, "_WANTS", str(tmp_path))
    return asked, _unit.Units(lambda argv, **_how: (asked.append(argv[1:]), (0, "", ""))[1])


def test_a_drop_in_is_read_by_systemd_and_not_run(systemctl, tmp_path):
    asked, units = systemctl
    path = tmp_path / "networking.service.d" / "ipv6-services.conf"
    units.write({str(path): "[Service]\n"})
    assert path.stat().st_mode & 0o777 == 0o644
    assert units.read([str(path)]) == {str(path): "[Service]\n"}
    units.write({str(path): None})
    assert list(tmp_path.iterdir()) == []
    assert asked == [["daemon-reload"]] * 2


def test_a_unit_goes_before_its_script(systemctl, tmp_path):
    asked, units = systemctl
    script = tmp_path / "script"
    units.write({"a.service": "[Service]\n", str(script): "#!/bin/sh\n"})
    assert script.stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "a.service").stat().st_mode & 0o777 == 0o644
    assert units.read(["a.service", str(script)]) == {"a.service": "", str(script): "#!/bin/sh\n"}  # no link was made
    units.write({"a.service": None, str(script): None})
    assert asked == [
        ["enable", "--quiet", "a.service"],
        ["daemon-reload"],
        ["disable", "--quiet", "--now", "a.service"],
        ["daemon-reload"],
    ]
    assert list(tmp_path.iterdir()) == []
