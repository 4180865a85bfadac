# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._host_engines import (
    docker_ip6tables,
    docker_networks,
    parse_distributions,
    podman_networks,
)


@pytest.mark.parametrize(
    ("settings", "version", "expected"),
    [
        pytest.param({}, "26.1.5+dfsg1", False, id="off by default up to 26"),
        pytest.param({}, "28.5.2+dfsg4", True, id="on by default from 27"),
        pytest.param({"ip6tables": True}, "26.1.5", True, id="switched on"),
        pytest.param({"ip6tables": False}, "28.5.2", False, id="switched off"),
        pytest.param({}, None, None, id="not running, and nothing set"),
    ],
)
def test_docker_ip6tables(settings, version, expected):
    assert docker_ip6tables(settings, version) is expected


def test_docker_networks_leave_out_those_that_are_none():
    # Those fields of GET /networks (API 1.45) that matter.
    listing = [
        {"Name": "none", "Driver": "null", "EnableIPv6": False},
        {"Name": "host", "Driver": "host", "EnableIPv6": False},
        {"Name": "bridge", "Driver": "bridge", "EnableIPv6": False},
        {"Name": "ipv6-services", "Driver": "bridge", "EnableIPv6": True},
    ]
    assert docker_networks(listing) == {"bridge": {"ipv6": False}, "ipv6-services": {"ipv6": True}}


def test_podman_networks():
    files = ['{"name": "v6", "id": "5b", "driver": "bridge", "ipv6_enabled": true}', "half a fi"]
    assert podman_networks(files) == {"podman": {"ipv6": False}, "v6": {"ipv6": True}}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(
            ["docker", "docker-7.1.0.dist-info", "requests-2.32.3.dist-info"],
            {"docker": "7.1.0", "requests": "2.32.3"},
            id="trixie",
        ),
        pytest.param(
            ["docker-5.0.3.egg-info", "requests-2.28.1.egg-info"],
            {"docker": "5.0.3", "requests": "2.28.1"},
            id="bookworm",
        ),
        pytest.param(["docker-5.0.3-py3.9.egg-info"], {"docker": "5.0.3"}, id="egg of one Python"),
        pytest.param(
            ["docker_pycreds-0.4.0.dist-info", "dockerpty-0.4.1.dist-info", "docker"], {}, id="others of similar name"
        ),
    ],
)
def test_parse_distributions(names, expected):
    assert parse_distributions(names) == expected
