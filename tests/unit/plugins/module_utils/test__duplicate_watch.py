# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from ansible_collections.ipv6.services.plugins.module_utils import _address_marks
from ansible_collections.ipv6.services.plugins.module_utils import _duplicate_watch as watch
from ansible_collections.ipv6.services.plugins.module_utils._service_address import ServiceAddress

WEB1, WEB2 = IPv6Address("2001:db8::20"), IPv6Address("2001:db8::201")
FILE = "/etc/systemd/network/10-eth0.network"


def text(backend, addresses, link="eth0"):
    store = _address_marks.find_store(backend, True, link, FILE)
    return _address_marks.render_addresses(
        link, store, [ServiceAddress(address, 128, address == WEB1, store) for address in addresses]
    )


def test_parse_failed():
    # h9$ cat /proc/net/if_inet6, while h8 has 2001:db8::5:2
    table = (
        "20010db8000000000000000000010009 02 40 00 80     eth0\n20010db8000000000000000000050002 02 80 00 e8     eth0\n"
    )
    assert watch.parse_failed(table) == [(IPv6Address("2001:db8::5:2"), 128, "eth0")]


def test_parse_mac():
    assert watch.parse_mac("2001:db8::5:2 lladdr 02:00:00:00:00:08 REACHABLE \n") == "02:00:00:00:00:08"
    assert watch.parse_mac("2001:db8::5:2 INCOMPLETE \n") is None


@pytest.mark.parametrize("backend", _address_marks.BACKENDS)
@pytest.mark.parametrize("gone", [WEB1, WEB2])
def test_an_address_goes_from_the_files_that_the_module_writes_and_the_others_stay(backend, gone):
    both = text(backend, [WEB1, WEB2])
    rest = text(backend, [address for address in (WEB1, WEB2) if address != gone])
    assert watch.without(both, gone, "eth0").rstrip() == rest.rstrip()
    assert watch.without(both, gone, "eth1") == both
    assert not watch.is_empty(rest)
    assert watch.is_empty(watch.without(watch.without(both, WEB1, "eth0"), WEB2, "eth0"))


def test_a_file_goes_with_its_last_address(monkeypatch, tmp_path):
    path = tmp_path / "ours" / "addresses-eth0.batch"
    path.parent.mkdir()
    path.write_text(text("none", [WEB1, WEB2]))
    monkeypatch.setattr(watch, "MARKS", [f"{tmp_path}/*/addresses-*.batch"])
    assert watch.forget(IPv6Address("2001:db8::9"), "eth0") is None
    assert watch.forget(WEB1, "eth0") == str(path)
    assert path.read_text() == text("none", [WEB2])
    assert watch.forget(WEB2, "eth0") == str(path)
    assert list(tmp_path.iterdir()) == []
