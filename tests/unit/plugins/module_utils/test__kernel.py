# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import IPv6Address
from pathlib import Path

import pytest

from ansible_collections.ipv6.services.plugins.module_utils import _kernel
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


@pytest.fixture(name="sysctls")
def fixture_sysctls(monkeypatch):
    values = {("a",): "1", ("b",): "0"}

    def write(value, *name):
        if name == ("b",) and value == "refused":
            raise OSError("read-only")
        values[name] = value

    monkeypatch.setattr(_kernel, "read_sysctl", lambda *name: values.get(name))
    monkeypatch.setattr(_kernel, "write_sysctl", write)
    return values


def test_settings_are_put_back_when_the_block_is_left_by_an_exit(sysctls):
    during = {}

    def leave():
        with _kernel.Sysctls({("a",): "0", ("b",): "1", ("missing",): "1"}):
            during.update(sysctls)
            raise SystemExit(143)

    with pytest.raises(SystemExit):
        leave()
    assert during == {("a",): "0", ("b",): "1"}
    assert sysctls == {("a",): "1", ("b",): "0"}


def test_the_first_setting_is_put_back_when_the_second_is_refused(sysctls):
    with pytest.raises(OSError, match="read-only"), _kernel.Sysctls({("a",): "0", ("b",): "refused"}):
        pytest.fail("the block ran")
    assert sysctls == {("a",): "1", ("b",): "0"}
