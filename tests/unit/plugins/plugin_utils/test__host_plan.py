# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy

import pytest

from ansible_collections.ipv6.services.plugins.plugin_utils._host_plan import (
    DOCKER_DROP_IN,
    HEADER,
    SYSCTL_FILE,
    host_plan,
)

PACKAGES = {
    "debian": {"docker": ["docker.io"], "podman": ["podman", "netavark"], "sdk": ["python3-docker"]},
    "rhel": {"docker": ["docker-ce"], "podman": ["podman"], "sdk": ["python3-docker"]},
}
SYSCTLS = HEADER + "net.ipv6.ip_nonlocal_bind = 1\n"
RULES = [
    "-A DOCKER-USER -m conntrack --ctstate DNAT -m comment --comment ipv6.services -j ACCEPT",
    "-A DOCKER-USER -m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment ipv6.services -j ACCEPT",
    '-A DOCKER-USER -i ipv6-services -m comment --comment "ipv6.services" -j ACCEPT',
]
READY = {
    "interface": "eth0",
    "links": {"eth0": {"manager": "networkd"}},
    "os": {"id": "debian", "id_like": []},
    "sysctls": {"net.ipv6.ip_nonlocal_bind": "1", "net.ipv6.conf.eth0.accept_ra": "0"},
    "files": {SYSCTL_FILE: SYSCTLS},
    "forward_rules": ["-N DOCKER-USER", "-A DOCKER-USER -j RETURN"],
    "sdk": {"installed": True, "version": "7.1.0"},
    "engines": {
        "docker": {
            "installed": True,
            "running": True,
            "version": "26.1.5+dfsg1",
            "networks": {"ipv6-services": {"ipv6": True}},
            "ip6tables": True,
            "enabled": True,
        },
        "podman": {
            "installed": True,
            "running": True,
            "version": "5.4.2",
            "networks": {"ipv6-services": {"ipv6": True}},
            "restart_unit_enabled": True,
            "socket_enabled": True,
        },
    },
}
NOTHING = {
    "packages": [],
    "sysctls": {},
    "sysctl_file": SYSCTLS,
    "daemon": {},
    "drop_in": "",
    "units": [],
    "enable": [],
    "networks": [],
    "forward": [],
    "problems": [],
    "lacks": False,
}


def host(**changes):
    """The ready host, with values at dotted paths (a__b__c) changed; None takes an engine away."""
    facts = copy.deepcopy(READY)
    for path, value in changes.items():
        *way, last = path.split("__")
        place = facts
        for key in way:
            place = place[key]
        place[last] = value
    return facts


def plan(facts, engines=("docker",), services=3):
    return host_plan(facts, engines, services, "ipv6-services", PACKAGES)


@pytest.mark.parametrize(
    ("facts", "engines"),
    [
        pytest.param(host(engines__podman=None), ["docker"], id="docker alone"),
        pytest.param(host(engines__docker=None), ["podman"], id="podman alone"),
        pytest.param(
            host(engines__podman__networks={}), ["docker"], id="a podman that runs none of ours asks for nothing"
        ),
        pytest.param(host(engines__podman__networks={}), [], id="no service, no need"),
    ],
)
def test_a_ready_host_lacks_nothing(facts, engines):
    assert plan(facts, engines) == NOTHING


@pytest.mark.parametrize(
    ("facts", "engines", "key", "expected"),
    [
        pytest.param(
            host(engines__docker=None, sdk__installed=False),
            ["docker"],
            "packages",
            ["docker.io", "python3-docker"],
            id="a bare host gets the engine and the SDK",
        ),
        pytest.param(
            host(engines__podman=None, os={"id": "rocky", "id_like": ["rhel", "centos", "fedora"]}),
            ["podman"],
            "packages",
            ["podman"],
            id="a derived distribution gets the names of the nearest one that is known",
        ),
        pytest.param(
            host(engines__podman=None, os={"id": "gentoo", "id_like": []}),
            ["podman"],
            "packages",
            [],
            id="an unknown distribution is left to its owner",
        ),
        pytest.param(
            host(engines__docker__running=False), ["docker"], "units", ["docker.service"], id="a stopped docker"
        ),
        pytest.param(
            host(engines__podman__socket_enabled=False), ["podman"], "units", ["podman.socket"], id="no socket"
        ),
        pytest.param(
            host(engines__podman__restart_unit_enabled=False),
            ["podman"],
            "enable",
            ["podman-restart.service"],
            id="podman's containers would not come back",
        ),
        pytest.param(
            host(engines__docker__ip6tables=False),
            ["docker"],
            "daemon",
            {"experimental": True, "ip6tables": True},
            id="an old docker hides the client",
        ),
        pytest.param(
            host(engines__docker__ip6tables=False, engines__docker__version="28.5.2+dfsg3"),
            ["docker"],
            "daemon",
            {},
            id="a docker of today does it by itself",
        ),
        pytest.param(
            host(engines__docker__enabled=False),
            ["docker"],
            "enable",
            ["docker.service"],
            id="a docker that no boot starts",
        ),
        pytest.param(
            host(engines__podman__installed=False, engines__podman__restart_unit_enabled=False),
            ["podman"],
            "enable",
            [],
            id="a unit that is not there yet is not enabled",
        ),
        pytest.param(host(engines__docker__networks={}), ["docker"], "networks", ["docker"], id="no network"),
        pytest.param(
            host(engines__podman=None, files={}),
            ["docker"],
            "sysctls",
            {"net.ipv6.ip_nonlocal_bind": "1"},
            id="settings that would not last",
        ),
        pytest.param(
            host(sysctls={"net.ipv6.ip_nonlocal_bind": "0"}),
            ["docker"],
            "sysctls",
            {"net.ipv6.ip_nonlocal_bind": "1"},
            id="settings that somebody has changed since",
        ),
        pytest.param(
            host(
                engines__podman=None,
                links={"eth0": {"manager": "ifupdown"}},
                sysctls={"net.ipv6.ip_nonlocal_bind": "1", "net.ipv6.conf.eth0.accept_ra": "1"},
            ),
            ["docker"],
            "sysctl_file",
            HEADER + "net/ipv6/conf/eth0/accept_ra = 2\nnet.ipv6.ip_nonlocal_bind = 1\n",
            id="a kernel that takes the default route from the router keeps it",
        ),
        pytest.param(
            host(engines__docker__networks={"ipv6-services": {"ipv6": False}}),
            ["docker"],
            "problems",
            [
                "docker has a network ipv6-services without IPv6, where containers would see no client's address or hang."
                " Remove it, or name another in ipv6_services_network."
            ],
            id="somebody's network of that name without IPv6 is not touched",
        ),
    ],
)
def test_what_a_host_lacks(facts, engines, key, expected):
    decided = plan(facts, engines)
    assert decided[key] == expected
    assert decided["lacks"] == any(value for name, value in decided.items() if name not in ("sysctl_file", "lacks"))


def test_a_host_without_services_gets_nothing():
    bare = host(engines={}, files={}, sysctls={"net.ipv6.ip_nonlocal_bind": "0"})
    assert plan(bare, [], services=0) == {**NOTHING, "sysctl_file": HEADER}


def test_a_vlan_keeps_the_dot_of_its_name():
    name = "net.ipv6.conf.eth0.100.accept_ra"
    facts = host(interface="eth0.100", links={"eth0.100": {"manager": "ifupdown"}}, sysctls={name: "1"})
    assert "\nnet/ipv6/conf/eth0.100/accept_ra = 2\n" in plan(facts)["sysctl_file"]
    assert plan(facts)["sysctls"][name] == "2"


def test_both_engines_on_one_host_need_dockers_consent():
    both = plan(host(), ["docker", "podman"])
    assert [" ".join(["-A", *rule]) for rule in both["forward"]] == [rule.replace('"', "") for rule in RULES]
    assert both["sysctls"] == {}
    drop_in = both["drop_in"]
    assert drop_in.count("ExecStartPost=-/usr/sbin/ip6tables -w -I DOCKER-USER ") == len(RULES)

    ready = host(forward_rules=["-N DOCKER-USER", *RULES], files={SYSCTL_FILE: SYSCTLS, DOCKER_DROP_IN: drop_in})
    assert plan(ready, ["docker", "podman"]) == NOTHING


@pytest.mark.parametrize(
    "ip6tables, chains, chain",
    [
        pytest.param(False, ["-P FORWARD ACCEPT"], None, id="a docker that leaves the forwarding of IPv6 alone"),
        pytest.param(True, ["-P FORWARD DROP"], "FORWARD", id="a docker that makes no chain for users"),
        pytest.param(True, [], None, id="a host without ip6tables"),
        pytest.param(True, ["-N DOCKER-USER"], "DOCKER-USER", id="a docker of today"),
    ],
)
def test_where_podman_needs_dockers_consent(ip6tables, chains, chain):
    facts = host(engines__docker__ip6tables=ip6tables, forward_rules=chains)
    assert {rule[0] for rule in plan(facts, ["podman"])["forward"]} == ({chain} if chain else set())


def test_the_rules_stay_for_containers_that_the_run_is_not_about():
    # A run without Podman's services once took them away, and after the next reboot these answered no more.
    drop_in = plan(host(), ["docker", "podman"])["drop_in"]
    ready = host(forward_rules=["-N DOCKER-USER", *RULES], files={SYSCTL_FILE: SYSCTLS, DOCKER_DROP_IN: drop_in})
    assert plan(ready, ["docker"]) == NOTHING
    assert plan(ready, []) == NOTHING


@pytest.mark.parametrize(
    ("services", "threshold", "expected"),
    [
        pytest.param(1000, "1024", "4096", id="four entries each fit into 4,096"),
        pytest.param(2000, "1024", "8192", id="the next power of two"),
        pytest.param(1000, "65536", None, id="a higher limit is left alone"),
        pytest.param(10, "1024", None, id="few addresses need nothing"),
        pytest.param(1000, None, None, id="a host that can't see the limit"),
    ],
)
def test_the_neighbour_table_grows_with_the_addresses(services, threshold, expected):
    sysctls = {"net.ipv6.ip_nonlocal_bind": "1", "net.ipv6.conf.eth0.accept_ra": "0"}
    if threshold is not None:
        sysctls["net.ipv6.neigh.default.gc_thresh3"] = threshold
    text = plan(host(sysctls=sysctls, files={}), services=services)["sysctl_file"]
    assert (f"gc_thresh3 = {expected}" in text) == (expected is not None)
    assert expected is not None or "gc_thresh3" not in text
