# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

import pytest

from ansible_collections.ipv6.services.plugins.module_utils import _address_apply, _address_marks, _kernel
from ansible_collections.ipv6.services.plugins.module_utils._address_plan import Link, Plan
from ansible_collections.ipv6.services.plugins.module_utils._routed_plan import RoutedPlan
from ansible_collections.ipv6.services.plugins.module_utils._service_address import RoutedPrefix, ServiceAddress, Store

ONE, OTHER = (RoutedPrefix(IPv6Network(f"2001:db8:99:{n}::/64"), True) for n in (1, 2))


class Routes:
    """Stands in for the program `ip`, and notes what is written down at each of its calls."""

    def __init__(self, refused=(), crash=False):
        self.refused, self.crash, self.marked = refused, crash, []

    def batch(self, lines):
        if lines:
            self.marked.append(_address_marks.read_prefixes())
        if self.crash:
            raise SystemExit(143)
        return {n: "no" for n, line in enumerate(lines) if any(str(item.prefix) in line for item in self.refused)}


@pytest.fixture(autouse=True)
def _directories(monkeypatch, tmp_path):
    monkeypatch.setattr(_address_marks, "_CONFIGURATION", str(tmp_path / "etc"))
    monkeypatch.setattr(_address_marks, "_RUNTIME", str(tmp_path / "run"))
    monkeypatch.setattr(_kernel, "read_sysctl", lambda *_name: "1")


def test_a_route_is_written_down_before_it_is_made():
    with pytest.raises(SystemExit):
        _address_apply.apply_prefixes(RoutedPlan(add=(ONE,)), [], Routes(crash=True))
    assert _address_marks.read_prefixes() == [ONE]


def test_a_route_that_is_refused_is_written_down_no_more():
    routes = Routes(refused=[ONE])
    done = _address_apply.apply_prefixes(RoutedPlan(add=(ONE, OTHER)), [], routes)
    assert (routes.marked, done.undone) == ([[ONE, OTHER]], {ONE.prefix})
    assert _address_marks.read_prefixes() == [OTHER]


def test_a_route_is_written_down_until_it_is_gone():
    _address_apply.apply_prefixes(RoutedPlan(add=(ONE,)), [], Routes())
    routes = Routes()
    _address_apply.apply_prefixes(RoutedPlan(add=(OTHER,), remove=(ONE.prefix,)), [ONE], routes)
    assert routes.marked == [[ONE, OTHER], [ONE, OTHER]]
    assert _address_marks.read_prefixes() == [OTHER]


def test_a_batch_file_that_goes_to_another_backend_keeps_what_stays_of_the_old_one(tmp_path):
    path = str(tmp_path / "etc" / "addresses-eth0.batch")
    old, new = Store("none", True, path), Store("networkmanager", True, path)
    stays, moves = (ServiceAddress(IPv6Address(f"2001:db8::20{n}"), 128, True, old) for n in (1, 2))
    applier = _address_apply.Applier(Link("eth0", [stays, moves], []), None, None)
    assert applier._write(Plan(change=(moves._replace(store=new),))) is False
    with open(path, encoding="ascii") as file:
        assert _address_marks.parse_addresses(path, file.read()) == [
            item._replace(store=new) for item in (stays, moves)
        ]


def test_files_of_networkd_are_written_before_the_batch_file_goes(tmp_path):
    drop_in = str(tmp_path / "10-eth0.network.d" / "ipv6-services.conf")
    old = ServiceAddress(IPv6Address("2001:db8::201"), 128, True, Store("none", True, str(tmp_path / "etc" / "batch")))
    new = old._replace(store=Store("networkd", True, drop_in))
    _address_marks.write(old.store.path, _address_marks.render_addresses("eth0", old.store, [old]))
    applier = _address_apply.Applier(Link("eth0", [old], []), None, None)
    assert applier._write(Plan(change=(new,))) is True
    assert [entry.name for entry in tmp_path.rglob("*") if entry.is_file()] == ["ipv6-services.conf"]
