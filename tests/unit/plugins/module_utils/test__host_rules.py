# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._host_engines import Reading
from ansible_collections.ipv6.services.plugins.module_utils._host_rules import docker_rules, podman_rules, read_rules

# `ip6tables -S FORWARD` of Docker 26, and after `nft flush ruleset`.
FORWARD = ["-P FORWARD DROP", "-A FORWARD -j DOCKER-USER", "-A FORWARD -j DOCKER-ISOLATION-STAGE-1"]
FLUSHED = ["-P FORWARD ACCEPT"]
USER = ["-N DOCKER-USER", "-A DOCKER-USER -j RETURN"]
NETAVARK = ["table ip filter", "table inet netavark"]
DOCKER = {"running": True, "ip6tables": True, "firewall_backend": "iptables"}


@pytest.mark.parametrize(
    ("changes", "publishes", "forward", "tables", "expected"),
    [
        pytest.param({}, True, FORWARD, [], True, id="as Docker left them"),
        pytest.param({}, True, FLUSHED, [], False, id="gone"),
        pytest.param({}, False, FLUSHED, [], None, id="gone, and none of ours needs them"),
        pytest.param({"ip6tables": False}, True, FLUSHED, [], None, id="a Docker that makes none"),
        pytest.param({}, True, [], [], None, id="a host whose rules can't be read"),
        pytest.param(
            {"firewall_backend": "nftables"}, True, FLUSHED, ["table ip6 docker-bridges"], True, id="with nftables"
        ),
        pytest.param({"firewall_backend": "nftables"}, True, FLUSHED, [], False, id="with nftables, gone"),
    ],
)
def test_docker_rules(changes, publishes, forward, tables, expected):
    assert docker_rules({**DOCKER, **changes}, publishes, forward, tables) is expected


@pytest.mark.parametrize(
    ("publishes", "forward", "tables", "expected"),
    [
        pytest.param(True, [], NETAVARK, True, id="with nftables"),
        pytest.param(True, ["-A FORWARD -m comment -j NETAVARK_FORWARD"], [], True, id="with ip6tables"),
        pytest.param(True, FLUSHED, ["table inet filter"], False, id="gone"),
        pytest.param(False, FLUSHED, [], None, id="nothing is published"),
    ],
)
def test_podman_rules(publishes, forward, tables, expected):
    assert podman_rules(publishes, forward, tables) is expected


@pytest.mark.parametrize(
    ("docker", "answers", "expected"),
    [
        pytest.param(DOCKER, {"FORWARD": FORWARD, "DOCKER-USER": USER}, USER, id="a Docker of today"),
        pytest.param(DOCKER, {"FORWARD": FORWARD[2:]}, FORWARD[2:], id="a Docker that makes no chain for users"),
        pytest.param(DOCKER, {}, [], id="no ip6tables"),
        pytest.param({**DOCKER, "running": False}, {"FORWARD": FORWARD}, [], id="no Docker"),
        pytest.param({**DOCKER, "firewall_backend": "nftables"}, {"FORWARD": FLUSHED}, [], id="without any chain"),
    ],
)
def test_what_decides_over_forwarded_traffic(docker, answers, expected):
    def run(argv, **_options):
        lines = answers.get(argv[-1])
        return (1, "", "no such chain") if lines is None else (0, "\n".join(lines), "")

    assert read_rules(run, Reading(dict(docker)), Reading({})) == expected
