# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._host_instances import has_root, networks

# Those fields of GET /1.0/networks?recursion=1 (Incus 6.0.4, LXD 5.0.2) that matter.
NETWORKS = [
    {"name": "lo", "type": "loopback", "managed": False, "config": {}},
    {"name": "ipv6-incus", "type": "bridge", "managed": True, "config": {"ipv6.address": "fd00:1:2:f::1/64"}},
    {"name": "lxdbr0", "type": "bridge", "managed": True, "config": {"ipv6.address": "none"}},
    {"name": "uplink", "type": "physical", "managed": True, "config": {"parent": "eth0"}},
]


def test_networks_are_those_that_the_engine_manages():
    assert networks(NETWORKS) == {
        "ipv6-incus": {"ipv6": True},
        "lxdbr0": {"ipv6": False},
        "uplink": {"ipv6": False},
    }


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        pytest.param({"root": {"type": "disk", "path": "/", "pool": "default"}}, True, id="a root disk"),
        pytest.param({"data": {"type": "disk", "path": "/srv"}}, False, id="another disk"),
        pytest.param({}, False, id="a new Incus"),
    ],
)
def test_has_root(devices, expected):
    assert has_root({"name": "default", "devices": devices}) is expected
