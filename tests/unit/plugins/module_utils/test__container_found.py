# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both engines' answers, as recorded on a real host, read the same (recorded/engines/README.md has the commands)."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import IPv6Address
from pathlib import Path

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._container_found import (
    parse_bindings,
    parse_health_time,
    parse_inspection,
    parse_list,
    parse_time,
)
from ansible_collections.ipv6.services.plugins.module_utils._container_plan import Group, Host, plan_service
from ansible_collections.ipv6.services.plugins.module_utils._container_refusals import network_error
from ansible_collections.ipv6.services.plugins.module_utils._container_spec import Container
from ansible_collections.ipv6.services.plugins.module_utils._container_values import parse_env_file
from ansible_collections.ipv6.services.plugins.module_utils._ports import Binding

RECORDED = {
    e: json.loads((Path(__file__).parent / "recorded/engines" / f"{e}.json").read_text()) for e in ("docker", "podman")
}
ROOTLESS = json.loads((Path(__file__).parent / "recorded/engines/rootless.json").read_text())
ENGINES = pytest.mark.parametrize("engine", ["docker", "podman"])
ADDRESS = IPv6Address("2001:db8::c1f")
PORTS = frozenset({Binding(ADDRESS, 443, 80, "tcp"), Binding(IPv6Address("2001:db8::c1e"), 53, 53, "udp")})


@ENGINES
def test_list(engine):
    (found,) = parse_list(engine, RECORDED[engine]["list"])
    assert (found.name, found.state, found.service, found.address) == ("recorded", "running", "recorded", str(ADDRESS))


@ENGINES
def test_running(engine):
    state = parse_inspection(RECORDED[engine]["running"])
    assert state.up
    assert state.configured == state.effective == PORTS
    assert state.networks == {"ipv6-services"}
    assert state.restart_policy == ("on-failure", 3)
    assert "PLAIN=1" in state.env
    assert state.options["env"] == ["PLAIN"]
    assert state.health == ""
    assert state.image_id.startswith("sha256:")


@ENGINES
def test_the_recorded_container_needs_nothing(engine):
    (found,) = parse_list(engine, RECORDED[engine]["list"])
    state = parse_inspection(RECORDED[engine]["running"])
    wanted = Container(
        name="recorded",
        engine=engine,
        state="started",
        address=ADDRESS,
        image="registry.example.com/whoami:v1.11",
        ports=tuple(sorted(PORTS)),
        env={"PLAIN": "1"},
        restart_policy=("on-failure", 3),
        fixed={"healthcheck": {"Test": ["NONE"]}},
    )
    host = Host(state.started_at + 1, {engine: "ipv6-services"}, {(engine, wanted.image): state.image_id})
    assert plan_service(wanted, Group(found), state, host).changes == ()


@pytest.mark.parametrize("what", ["running", "stopped"])
def test_rootless(what):
    state = parse_inspection(ROOTLESS[what])
    assert state.up == (what == "running")
    assert state.configured == {Binding(IPv6Address("2001:db8::6:31"), 443, 80, "tcp")}
    assert state.networks == {"pasta"}
    assert state.mode == "pasta:--ipv6-only"


def test_a_network_has_no_mode():
    assert parse_inspection(RECORDED["podman"]["running"]).mode == ""


@ENGINES
def test_stopped(engine):
    state = parse_inspection(RECORDED[engine]["stopped"])
    assert not state.running
    assert state.exit_code == 15
    assert state.configured == PORTS


@ENGINES
def test_looping(engine):
    state = parse_inspection(RECORDED[engine]["looping"])
    assert state.restarts > 2


@ENGINES
def test_wildcard(engine):
    state = parse_inspection(RECORDED[engine]["wildcard"])
    assert state.configured is None
    assert state.effective is None


@ENGINES
def test_unhealthy(engine):
    assert parse_inspection(RECORDED[engine]["unhealthy"]).health == "unhealthy"


def test_networks_of_rootless_podman():
    """It publishes on IPv6 to a network without it, since something relays."""
    networks = {n["Name"]: n for n in RECORDED["podman"]["networks"]}
    container = Container("web1", "podman:app", "started", ADDRESS, "whoami", ports=tuple(PORTS))
    assert network_error(container, "pasta", networks, check_mode=False) is None
    named = replace(container, networks=({"name": "podman"},))
    assert network_error(named, "pasta", networks, check_mode=False) is None
    named = replace(container, networks=({"name": "own"},))
    assert "Make it first as app" in network_error(named, "pasta", networks, check_mode=False)


@ENGINES
def test_networks(engine):
    networks = {n["Name"]: n for n in RECORDED[engine]["networks"]}
    container = Container("web1", engine, "started", ADDRESS, "whoami", ports=tuple(PORTS))
    assert network_error(container, "ipv6-services", networks, check_mode=False) is None
    assert "Run the role ipv6.services.host" in network_error(container, "missing", networks, check_mode=False)
    assert network_error(container, "missing", networks, check_mode=True) is None
    bridge = {"docker": "bridge", "podman": "podman"}[engine]
    # Podman's default network has no IPv6, and every request to it would hang (DESIGN.md, fact 9).
    assert ("has no IPv6" in (network_error(container, bridge, networks, check_mode=False) or "")) == (
        engine == "podman"
    )


@pytest.mark.parametrize(
    ("bindings", "expected"),
    [
        (None, frozenset()),
        ({"80/tcp": None}, frozenset()),
        (
            {"80/tcp": [{"HostIp": "2001:0DB8:0::C1F", "HostPort": "8080"}]},
            frozenset({Binding(ADDRESS, 8080, 80, "tcp")}),
        ),
        ({"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}, None),
        ({"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "80"}, {"HostIp": "2001:db8::c1f", "HostPort": "80"}]}, None),
        ({"80/tcp": [{"HostIp": "2001:db8::c1f", "HostPort": ""}]}, None),
    ],
)
def test_bindings(bindings, expected):
    assert parse_bindings(bindings) == expected


def test_the_ipv6_wildcard_is_not_what_is_wanted():
    assert parse_bindings({"80/tcp": [{"HostIp": "::", "HostPort": "80"}]}) != frozenset(
        {Binding(ADDRESS, 80, 80, "tcp")}
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:01:00.5Z", 60.5),
        ("1970-01-01T01:01:00.123456789+01:00", 60.123456789),
        ("1970-01-01T00:00:00-01:00", 3600),
        ("0001-01-01T00:00:00Z", 0),
        ("", 0),
    ],
)
def test_time(text, expected):
    assert parse_time(text) == expected


def test_env_file():
    assert parse_env_file("# c\n\nA=1\nB= x y \nC=a=b\nD=\n") == {"A": "1", "B": " x y", "C": "a=b", "D": ""}
    with pytest.raises(ValueError, match="line 2 is no NAME=VALUE"):
        parse_env_file("A=1\nsecret\n")


@pytest.mark.parametrize(
    ("check", "seconds"),
    [
        (None, 0),
        ({}, 0),
        ({"Test": ["NONE"], "Interval": 10**9}, 0),
        ({"Test": ["CMD", "/check"]}, 180),
        ({"Test": ["CMD", "/check"], "Interval": 0, "Timeout": 0, "StartPeriod": 0, "Retries": 0}, 180),
        (
            {
                "Test": ["CMD-SHELL", "x"],
                "Interval": 5 * 10**9,
                "Timeout": 10**9,
                "StartPeriod": 60 * 10**9,
                "Retries": 5,
            },
            90,
        ),
    ],
)
def test_how_long_a_health_check_takes_to_decide(check, seconds):
    assert parse_health_time(check) == seconds
