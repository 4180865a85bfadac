# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import IPv6Network

import pytest

from ansible_collections.ipv6.services.plugins.module_utils import _address_apply, _address_marks, _kernel
from ansible_collections.ipv6.services.plugins.module_utils._routed_plan import RoutedPlan
from ansible_collections.ipv6.services.plugins.module_utils._service_address import RoutedPrefix

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
