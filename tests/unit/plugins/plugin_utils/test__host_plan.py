# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy

import pytest

from ansible_collections.ipv6.services.plugins.plugin_utils._host_drop_ins import (
    USER_DROP_IN,
    USER_MANAGER_DROP_IN,
    drop_ins,
)
from ansible_collections.ipv6.services.plugins.plugin_utils._host_plan import (
    DOCKER_DROP_IN,
    HEADER,
    SYSCTL_FILE,
    host_plan,
)
from ansible_collections.ipv6.services.plugins.plugin_utils._host_watcher import WATCHER, watcher

PACKAGES = {
    "debian": {
        "docker": ["docker.io"],
        "podman": ["podman", "netavark"],
        "rootless": ["uidmap", "passt"],
        "incus": ["incus"],
        "sdk": ["python3-docker"],
        "guard": ["nftables"],
    },
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
    "sysctls": {
        "net.ipv4.ip_unprivileged_port_start": "1024",
        "net.ipv6.ip_nonlocal_bind": "1",
        "net.ipv6.conf.eth0.accept_ra": "0",
    },
    "files": {SYSCTL_FILE: SYSCTLS},
    "users": {},
    "watchers": {"podman": True, "incus": True, "lxd": True},
    "forward_rules": ["-N DOCKER-USER", "-A DOCKER-USER -j RETURN"],
    "sdk": {"installed": True, "version": "7.1.0"},
    "nft": True,
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
            "user_wait_unit": True,
            "rootless_network": "pasta",
            "uidmap": True,
        },
    },
}
INCUS = {
    "installed": True,
    "running": True,
    "version": "6.0.4",
    "networks": {"ipv6-incus": {"ipv6": True}},
    "storage_pools": ["default"],
    "default_root": True,
    "socket": "/var/lib/incus/unix.socket",
    "enabled": True,
}
NOTHING = {
    "unknown": [],
    "packages": [],
    "sysctls": {},
    "sysctl_file": SYSCTLS,
    "daemon": {},
    "drop_in": "",
    "units": [],
    "enable": [],
    "users": [],
    "drop_ins": {},
    "repair": [],
    "pools": [],
    "root_disks": [],
    "networks": [],
    "watchers": {},
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


def service(engine="docker", podman_user=None, ports=(80,), state="started"):
    """As the plan has it, of those keys that count here."""
    return {"engine": engine, "podman_user": podman_user, "state": state, "ports": [{"port": port} for port in ports]}


def plan(facts, engines=("docker",), services=(), network="ipv6-services"):
    return host_plan(facts, engines, list(services), network, PACKAGES)


# What keeps Podman's rules, and lets its users' containers wait: made once by the plan of a host that has neither.
DROP_INS = {
    **plan(READY, ["docker", "podman"], [service("podman"), service("podman", "app")])["drop_ins"],
    **drop_ins({"files": {}, "engines": {"incus": INCUS}}, ["incus"], []),
}
WATCHERS = {WATCHER.format(engine): watcher(engine) for engine in ("podman", "incus")}
READY["files"] = {**READY["files"], **WATCHERS, **DROP_INS}


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
            host(nft=False), ["docker"], "packages", ["nftables"], id="the guard wants nft, whatever the engine"
        ),
        pytest.param(host(nft=False), [], "packages", [], id="a host without services gets no guard"),
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
                "docker has a network ipv6-services without IPv6, where services would see no client's address or hang."
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
    assert plan(bare, []) == {**NOTHING, "sysctl_file": HEADER}


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

    ready = host(forward_rules=["-N DOCKER-USER", *RULES], files={**READY["files"], DOCKER_DROP_IN: drop_in})
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
    ready = host(forward_rules=["-N DOCKER-USER", *RULES], files={**READY["files"], DOCKER_DROP_IN: drop_in})
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
    text = plan(host(sysctls=sysctls, files={}), services=[service()] * services)["sysctl_file"]
    assert (f"gc_thresh3 = {expected}" in text) == (expected is not None)
    assert expected is not None or "gc_thresh3" not in text


def user(**changes):
    """A user of whom a host lacks nothing."""
    ready = dict.fromkeys(
        ("exists", "subuid", "subgid", "linger", "running", "socket_enabled", "restart_unit_enabled"), True
    )
    return {"uid": 1000, **ready, **changes}


ROOTLESS = [service("podman", "app", [8080])]


def test_a_ready_host_with_a_ready_user_lacks_nothing():
    # Neither Podman's socket nor its network: those are of the rootful one.
    facts = host(
        engines__docker=None,
        engines__podman__networks={"podman": {"ipv6": False}},
        engines__podman__socket_enabled=False,
        engines__podman__restart_unit_enabled=False,
        users={"app": user()},
    )
    assert plan(facts, ["podman"], ROOTLESS) == NOTHING
    assert plan(facts, ["podman"], [*ROOTLESS, service("podman")])["networks"] == ["podman"]


@pytest.mark.parametrize(
    ("changes", "key", "expected"),
    [
        pytest.param({"users": {}}, "unknown", ["app"], id="a user who was not looked at"),
        pytest.param(
            {"users": {"app": user(linger=False, running=False, socket_enabled=False, restart_unit_enabled=False)}},
            "users",
            [
                {
                    "name": "app",
                    "uid": 1000,
                    "linger": True,
                    "enable": ["podman.socket", "podman-restart.service"],
                    "start": ["podman.socket"],
                }
            ],
            id="a user who never ran a container",
        ),
        pytest.param(
            {"users": {"app": user(running=False)}, "engines__podman": None},
            "users",
            [],
            id="before Podman is there nothing can be enabled",
        ),
        pytest.param(
            {"engines__podman__user_wait_unit": False, "files": {SYSCTL_FILE: SYSCTLS}},
            "drop_ins",
            {},
            id="a Podman that has no unit to wait for",
        ),
        pytest.param(
            {"files": {SYSCTL_FILE: SYSCTLS}},
            "drop_ins",
            {path: DROP_INS[path] for path in (USER_DROP_IN, USER_MANAGER_DROP_IN)},
            id="units that wait for nothing",
        ),
        pytest.param(
            {"engines__podman__rootless_network": None}, "packages", ["passt", "uidmap"], id="nothing to publish ports"
        ),
        pytest.param({"engines__podman__uidmap": False}, "packages", ["passt", "uidmap"], id="nothing to map ids"),
        pytest.param(
            {"users": {"app": user(exists=False, subuid=False, subgid=False)}},
            "problems",
            [
                "There is no user app, who is to run services with Podman. Create the user, or name another in podman_user."
            ],
            id="no such user",
        ),
        pytest.param(
            {"users": {"app": user(subuid=False, subgid=False)}},
            "problems",
            [
                "app has no range of ids in /etc/subuid and /etc/subgid, without which Podman runs nothing for app. Give one"
                " of 65536 ids that nobody else has: usermod --add-subuids FIRST-LAST --add-subgids FIRST-LAST app."
            ],
            id="no ids",
        ),
        pytest.param(
            {"users": {"app": user(subgid=False)}},
            "problems",
            [
                "app has no range of ids in /etc/subgid, without which Podman runs nothing for app. Give one of 65536 ids"
                " that nobody else has: usermod --add-subgids FIRST-LAST app."
            ],
            id="no ids of groups",
        ),
    ],
)
def test_what_a_user_lacks(changes, key, expected):
    facts = host(**{"engines__docker": None, "users": {"app": user()}, **changes})
    assert plan(facts, ["podman"], ROOTLESS)[key] == expected


OURS = SYSCTLS.replace("net.ipv6", "net.ipv4.ip_unprivileged_port_start = 80\nnet.ipv6")


@pytest.mark.parametrize(
    ("services", "held", "text", "expected"),
    [
        pytest.param([service("podman", "app", [443, 80])], "1024", "", "80", id="the lowest port"),
        pytest.param([service("podman", "app", [1024])], "1024", "", None, id="no port of root's"),
        pytest.param([service("podman", None, [80])], "1024", "", None, id="root may"),
        pytest.param([service("podman", "app", [])], "1024", "", None, id="nothing is published"),
        pytest.param([service("podman", "app", [80])], "0", "", None, id="somebody allows more"),
        pytest.param([service("podman", "app", [80])], "80", OURS, "80", id="it is done, and stays"),
        pytest.param(
            [service("podman", "app", [443])], "80", OURS, "443", id="what is not needed any more is taken back"
        ),
        pytest.param([service("podman", "app", [1024])], "80", OURS, "1024", id="no low port is needed any more"),
        pytest.param([], "80", OURS, "1024", id="no service is there any more"),
        pytest.param([], "80", "", None, id="what somebody else gave is not ours to take back"),
        pytest.param(
            [{**service("podman", "app", [80]), "state": "absent"}], "1024", "", None, id="one that goes needs no port"
        ),
        pytest.param([service("podman", "app", [443])], "0", OURS, None, id="somebody allows more since"),
        pytest.param([service("podman", "app", [80])], None, "", "80", id="a kernel that does not say"),
    ],
)
def test_the_lowest_port_of_users(services, held, text, expected):
    sysctls = {**READY["sysctls"], "net.ipv4.ip_unprivileged_port_start": held}
    facts = host(sysctls=sysctls, files={SYSCTL_FILE: text}, users={"app": user()})
    lines = [line for line in plan(facts, ["podman"], services)["sysctl_file"].splitlines() if "unprivileged" in line]
    assert lines == ([f"net.ipv4.ip_unprivileged_port_start = {expected}"] if expected else [])


def incus(**changes):
    return host(engines__docker=None, engines__podman=None, engines__incus={**INCUS, **changes}, sdk__installed=False)


@pytest.mark.parametrize(
    ("facts", "key", "expected"),
    [
        pytest.param(incus(), "lacks", False, id="a ready host, also without the SDK"),
        pytest.param(incus(installed=False), "packages", ["incus"], id="a bare host"),
        pytest.param(
            incus(running=False), "units", ["incus.service", "incus-startup.service"], id="one that nobody started"
        ),
        pytest.param(
            incus(enabled=False), "units", ["incus.service", "incus-startup.service"], id="one that no boot starts"
        ),
        pytest.param(incus(storage_pools=[], default_root=False), "pools", ["incus"], id="a new Incus has no pool"),
        pytest.param(incus(storage_pools=[], default_root=False), "root_disks", ["incus"], id="and no root disk"),
        pytest.param(incus(default_root=False), "root_disks", ["incus"], id="a run was broken off in between"),
        pytest.param(
            incus(storage_pools=["zfs"], default_root=False), "lacks", False, id="somebody has a way of their own"
        ),
        pytest.param(incus(networks={"incusbr0": {"ipv6": True}}), "networks", ["incus"], id="no network of ours"),
        pytest.param(
            incus(networks={"ipv6-incus": {"ipv6": False}}),
            "problems",
            [
                "incus has a network ipv6-incus without IPv6, where services would see no client's address or hang."
                " Remove it."
            ],
            id="somebody's network of that name",
        ),
    ],
)
def test_what_incus_lacks(facts, key, expected):
    assert plan(facts, ["incus"])[key] == expected


@pytest.mark.parametrize(
    ("socket", "expected"),
    [
        pytest.param("/var/lib/lxd/unix.socket", ["lxd.service", "lxd-containers.service"], id="as Debian has it"),
        pytest.param(
            "/var/snap/lxd/common/lxd/unix.socket",
            ["snap.lxd.daemon.unix.socket", "snap.lxd.daemon.service", "snap.lxd.activate.service"],
            id="as a snap",
        ),
    ],
)
def test_the_units_of_lxd(socket, expected):
    facts = host(engines__lxd={**INCUS, "running": False, "socket": socket})
    assert plan(facts, ["lxd"])["units"] == expected


def test_instances_need_dockers_consent_too():
    facts = host(engines__incus=INCUS, engines__podman=None)
    assert [rule[2] for rule in plan(facts, ["incus"])["forward"] if rule[1] == "-i"] == ["ipv6-incus"]
    assert plan(facts, ["docker"])["forward"] == plan(facts, ["incus"])["forward"]


def test_a_docker_with_nftables_has_no_chains():
    facts = host(engines__docker__firewall_backend="nftables", forward_rules=[])
    assert plan(facts, ["docker", "podman"]) == NOTHING


@pytest.mark.parametrize(
    ("rules", "engines", "expected"),
    [
        pytest.param(False, ["docker"], ["docker"], id="gone"),
        pytest.param(True, ["docker"], [], id="there"),
        pytest.param(None, ["docker"], [], id="none needed"),
        pytest.param(False, ["podman"], [], id="of an engine that runs nothing of this host's list"),
    ],
)
def test_rules_that_are_gone_are_made_again(rules, engines, expected):
    assert plan(host(engines__docker__rules=rules), engines)["repair"] == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, [], id="they are there"),
        pytest.param({"files": {SYSCTL_FILE: SYSCTLS}}, ["podman", "incus"], id="they are not there"),
        pytest.param(
            {"files": {**READY["files"], WATCHER.format("podman"): "[Unit]"}}, ["podman"], id="one is an older one"
        ),
        pytest.param({"watchers": {"podman": True, "incus": False}}, ["incus"], id="one does not run"),
    ],
)
def test_who_puts_the_rules_back(changes, expected):
    facts = host(**{"engines__docker": None, "engines__incus": INCUS, **changes})
    assert list(plan(facts, ["podman", "incus"])["watchers"]) == expected
    assert plan(host(engines__podman=None), ["docker"])["watchers"] == {}
