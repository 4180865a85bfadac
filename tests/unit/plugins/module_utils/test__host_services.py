# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ipv6.services.plugins.module_utils import _container_body, _host_services, _instance_values


def test_the_marks_are_those_that_are_set():
    assert _host_services.NAME == _container_body.LABEL_NAME
    assert _host_services.ADDRESS == _container_body.LABEL_ADDRESS
    assert _instance_values.KEY_PREFIX + "name" == _host_services.PREFIX + _host_services.NAME


# Those fields of a list (Docker API 1.45, Podman 5.4.2, Incus 6.0.4) that matter.
CONTAINERS = [
    {
        "Names": ["/web2"],
        "Labels": {"ipv6.services.name": "web2", "ipv6.services.address": "2001:db8::202"},
        "State": "running",
        "Ports": [{"IP": "2001:db8::202", "PrivatePort": 80, "PublicPort": 80, "Type": "tcp"}],
    },
    {"Names": ["/web1"], "Labels": {"ipv6.services.name": "web1"}, "State": "exited", "Ports": []},
    {"Names": ["/other"], "Labels": None, "State": "running", "Ports": [{"PublicPort": 80}]},
]
INSTANCES = [
    {
        "name": "web3",
        "project": "shop",
        "status": "Running",
        "config": {"user.ipv6.services.name": "web3", "user.ipv6.services.address": "2001:db8::203"},
    },
    {"name": "other", "project": "default", "status": "Stopped", "config": {}},
]


def service(name, engine, address, state, podman_user=None, project=None):
    return {
        "name": name,
        "engine": engine,
        "podman_user": podman_user,
        "project": project,
        "address": address,
        "state": state,
    }


def test_containers_of_ours():
    assert _host_services.of_containers("docker", CONTAINERS) == [
        service("web2", "docker", "2001:db8::202", "running"),
        service("web1", "docker", None, "exited"),
    ]
    assert {s["podman_user"] for s in _host_services.of_containers("podman", CONTAINERS, "app")} == {"app"}


def test_instances_of_ours():
    assert _host_services.of_instances("incus", INSTANCES) == [
        service("web3", "incus", "2001:db8::203", "running", project="shop")
    ]


def test_services_have_one_order():
    found = [
        service("b", "docker", None, ""),
        service("a", "podman", None, "", "app"),
        service("a", "podman", None, ""),
    ]
    assert [(s["name"], s["podman_user"]) for s in _host_services.in_order(found)] == [
        ("a", None),
        ("a", "app"),
        ("b", None),
    ]


@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        pytest.param(CONTAINERS[:1], True, id="running, with a port"),
        pytest.param(CONTAINERS[1:2], False, id="not running"),
        pytest.param([{**CONTAINERS[0], "Ports": []}], False, id="without a port, as on the host's network"),
        pytest.param([{**CONTAINERS[0], "State": "exited"}], False, id="Podman lists the ports of one that is stopped"),
    ],
)
def test_publishes(listing, expected):
    assert _host_services.publishes(listing) is expected
