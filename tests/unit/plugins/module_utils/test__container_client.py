# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._container_client import (
    client_address,
    client_addresses,
    docker_translates,
)
from ansible_collections.ipv6.services.plugins.module_utils._container_spec import Container
from ansible_collections.ipv6.services.plugins.module_utils._engine_reader import EngineError
from ansible_collections.ipv6.services.plugins.module_utils._ports import Binding

NETWORKS = {"bridge": {"EnableIPv6": False}, "ipv6-services": {"EnableIPv6": True}}
EXPERIMENTAL = '{"experimental": true, "ip6tables": true}'


@pytest.mark.parametrize(
    ("engine", "names", "translates", "expected"),
    [
        pytest.param("podman:app", ["pasta:--ipv6-only"], False, "kept", id="pasta"),
        pytest.param("podman:app", ["slirp4netns"], False, "hidden", id="slirp4netns"),
        pytest.param("podman:app", ["own"], True, "hidden", id="a user's network"),
        pytest.param("podman", ["ipv6-services"], False, "kept", id="rootful Podman"),
        pytest.param("docker", ["ipv6-services"], True, "kept", id="Docker on a network with IPv6"),
        pytest.param("docker", ["bridge", "ipv6-services"], True, "kept", id="Docker on one with and one without"),
        pytest.param("docker", ["bridge"], True, "hidden", id="Docker's default bridge"),
        pytest.param("docker", ["ipv6-services"], False, "hidden", id="Docker without ip6tables"),
        pytest.param("docker", ["new"], True, None, id="a network that is not there yet"),
    ],
)
def test_client_address(engine, names, translates, expected):
    assert client_address(engine, names, NETWORKS, translates) == expected


@pytest.mark.parametrize(
    ("version", "daemon", "expected"),
    [
        ("28.5.2", "", True),
        ("27.0.1", "{}", True),
        ("28.5.2", '{"ip6tables": false}', False),
        ("28.5.2", '{"iptables": false}', False),
        ("26.1.5", "", False),
        ("26.1.5", EXPERIMENTAL, True),
        ("20.10.24+dfsg1", EXPERIMENTAL, True),
        ("20.10.24+dfsg1", '{"ip6tables": true}', False),
        ("28.5.2", "no JSON", True),
        ("28.5.2", "[]", True),
    ],
)
def test_docker_leads_ipv6_by_the_kernel(version, daemon, expected):
    assert docker_translates(version, daemon) == expected


class Docker:
    def __init__(self, version="28.5.2"):
        self.version = version

    def get(self, path):
        if path == "/networks":
            return [{"Name": name, **network} for name, network in NETWORKS.items()]
        if not self.version:
            raise EngineError("GET /version: timed out")
        return {"Version": self.version}


ADDRESS = IPv6Address("2001:db8::201")
PORTS = (Binding(ADDRESS, 80, 80, "tcp"),)
DEFAULTS = {"docker": "ipv6-services", "podman:app": "pasta"}
CONTAINERS = [
    Container("web1", "docker", "started", ADDRESS, "a", ports=PORTS),
    Container("web2", "podman:app", "started", ADDRESS, "a", ports=PORTS),
    Container("web3", "podman:app", "started", ADDRESS, "a", ports=PORTS, networks=({"name": "own"},)),
    Container("web4", "podman:app", "started", ADDRESS, "a"),
    Container("web5", "podman:app2", "started", ADDRESS, "a", ports=PORTS),
]


@pytest.mark.parametrize(
    ("docker", "web1"), [(Docker(), "kept"), (Docker("26.1.5"), "hidden"), (Docker(""), None), (None, None)]
)
def test_of_each_container_that_is_published(monkeypatch, tmp_path, docker, web1):
    monkeypatch.setattr(
        "ansible_collections.ipv6.services.plugins.module_utils._container_client.DAEMON", str(tmp_path / "none")
    )
    assert client_addresses(CONTAINERS, DEFAULTS, docker) == {"web1": web1, "web2": "kept", "web3": "hidden"}
