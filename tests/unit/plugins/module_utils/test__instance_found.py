# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from ipaddress import IPv6Address, IPv6Network

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._instance_found import (
    Found,
    Held,
    main_address,
    parse_instances,
    parse_links,
    parse_listeners,
    parse_state,
    ports_of,
)
from ansible_collections.ipv6.services.plugins.module_utils._instance_host import (
    HostReader,
    parse_chains,
    parse_gateway,
    parse_prefixes,
)
from ansible_collections.ipv6.services.plugins.module_utils._instance_module import InstanceModule

WEB1 = IPv6Address("2001:db8::201")

# incus 6.0.4: GET /1.0/instances/a-t1/state
invocation_text, public = InstanceModule.invocation_text, InstanceModule.public

STATE = {
    "status": "Running",
    "pid": 5157,
    "network": {
        "eth0": {
            "addresses": [
                {"address": "2001:db8::1266:6aff:fec7:50eb", "family": "inet6", "netmask": "64", "scope": "global"},
                {"address": "10.0.0.5", "family": "inet", "netmask": "24", "scope": "global"},
                {"address": "fe80::1266:6aff:fec7:50eb", "family": "inet6", "netmask": "64", "scope": "link"},
            ]
        },
        "lo": {"addresses": [{"address": "::1", "family": "inet6", "netmask": "128", "scope": "local"}]},
    },
}

# nsenter -t PID -n ip -json -6 addr show
LINKS = [
    {
        "ifname": "eth0",
        "addr_info": [
            {"family": "inet6", "local": "2001:db8::1", "prefixlen": 64, "scope": "global", "tentative": True},
            {
                "family": "inet6",
                "local": "2001:db8::2",
                "prefixlen": 64,
                "scope": "global",
                "tentative": True,
                "dadfailed": True,
            },
            {"family": "inet6", "local": "2001:db8::3", "prefixlen": 64, "scope": "global", "temporary": True},
            {"family": "inet6", "local": "2001:db8::4", "prefixlen": 64, "scope": "global"},
            {"family": "inet6", "local": "fe80::1", "prefixlen": 64, "scope": "link"},
        ],
    }
]

# /proc/net/tcp6: [2001:db8::201]:80 listens, and has a connection
TCP6 = """  sl  local_address                         remote_address                        st tx_queue
   0: B80D0120000000000000000001020000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: B80D0120000000000000000001020000:0051 B80D012000000000000000000C000000:1234 01 00000000:00000000
   2: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000
"""


def test_state():
    state = parse_state(STATE)
    assert (state.running, state.pid) == (True, 5157)
    assert [str(h.address) for h in state.of("eth0")] == ["2001:db8::1266:6aff:fec7:50eb"]
    assert parse_state({"status": "Stopped", "network": None}).addresses == {}


def test_links():
    held = parse_links(json.dumps(LINKS))["eth0"]
    assert [(str(h.address), h.usable, h.duplicate) for h in held] == [
        ("2001:db8::1", False, False),
        ("2001:db8::2", False, True),
        ("2001:db8::3", False, False),
        ("2001:db8::4", True, False),
    ]


@pytest.mark.parametrize(
    "held, expected",
    [
        ([], None),
        ([("fd00::5", True), ("2001:db8::5", True)], "2001:db8::5"),
        ([("fd00::5", True)], "fd00::5"),
        ([("2001:db8::5", False)], None),
        ([("2001:db8::9", True), ("2001:db8::5", True)], "2001:db8::5"),
    ],
)
def test_main_address(held, expected):
    found = main_address([Held(IPv6Address(a), usable, duplicate=False) for a, usable in held])
    assert (str(found) if found else None) == expected


def test_listeners():
    assert parse_listeners("tcp", TCP6) == {("tcp", WEB1, 80), ("tcp", IPv6Address("::"), 22)}
    assert ("udp", WEB1, 81) in parse_listeners("udp", TCP6)


def test_ports():
    devices = {
        "a": {"type": "proxy", "listen": "tcp:[2001:db8::201]:80-81"},
        "b": {"type": "proxy", "listen": "tcp:0.0.0.0:80"},
        "c": {"type": "proxy", "listen": "unix:/run/x"},
        "d": {"type": "nic", "listen": "tcp:[2001:db8::201]:90"},
    }
    assert ports_of(devices) == {("tcp", WEB1, 80), ("tcp", WEB1, 81)}


def test_instances():
    answer = [
        {
            "name": "a",
            "status": "Running",
            "config": {"user.ipv6.services.name": "a.b"},
            "devices": None,
            "profiles": None,
        }
    ]
    (found,) = parse_instances("lxd", answer)
    assert (found.service, found.project, found.running, found.profiles) == ("a.b", "default", True, ())


@pytest.mark.parametrize("mark", [None, "no json", "[]"])
def test_marks_that_are_not_there_are_no_error(mark):
    config = {} if mark is None else {"user.ipv6.services.options": mark}
    assert Found("incus", "default", "a", "Running", "container", config).options == {}


# The host


def test_prefixes():
    links = [
        {
            "addr_info": [
                {"local": "2001:db8::1:5", "prefixlen": 64, "scope": "global"},
                {"local": "2001:db8:0:1::5", "prefixlen": 56, "scope": "global"},
                {"local": "2001:db8::5", "prefixlen": 128, "scope": "global"},
                {"local": "fe80::1", "prefixlen": 64, "scope": "link"},
            ]
        }
    ]
    assert parse_prefixes(links) == (IPv6Network("2001:db8::/64"), IPv6Network("2001:db8::/56"))


@pytest.mark.parametrize(
    "routes, expected",
    [
        pytest.param([{"dev": "eth0", "gateway": "fe80::1", "protocol": "static"}], "fe80::1", id="configured"),
        pytest.param([{"dev": "eth0", "gateway": "fe80::1", "protocol": "ra"}], None, id="announced"),
        pytest.param([{"dev": "eth1", "gateway": "fe80::1", "protocol": "static"}], None, id="of another interface"),
        pytest.param([], None, id="none"),
    ],
)
def test_gateway(routes, expected):
    assert parse_gateway(routes, "eth0") == expected


def test_chains():
    text = json.dumps(
        {
            "nftables": [
                {"metainfo": {}},
                {"chain": {"family": "inet", "table": "incus", "name": "prert.a.b"}},
                {"chain": {"family": "inet", "table": "lxd", "name": "other"}},
                {"chain": {"family": "ip", "table": "incus", "name": "v4"}},
            ]
        }
    )
    assert parse_chains("incus", text) == {"prert.a.b"}


def answering(answers):
    def run(argv, **_options):
        return answers.get(argv[0] + " " + argv[-1], (1, "", "no such thing"))

    return run


def test_link_that_is_not_there():
    error = HostReader(answering({"ip default": (0, "[]", "")})).link("nosuch", "macvlan").error
    assert error.startswith("The interface nosuch can't be read") and error.endswith("Name another one as parent.")


def test_host_without_a_default_route_has_to_name_its_interface():
    assert "no IPv6 default route" in HostReader(answering({"ip default": (0, "[]", "")})).link(None, "macvlan").error


def test_no_bridge():
    routes = json.dumps([{"dst": "default", "dev": "nosuch", "gateway": "fe80::1", "protocol": "ra", "metric": 1}])
    reader = HostReader(answering({"ip default": (0, routes, ""), "ip nosuch": (0, "[]", "")}))
    assert "is no bridge" in reader.link(None, "bridged").error
    assert reader.link(None, "macvlan").error is None


def test_what_cannot_be_read_is_not_known():
    reader = HostReader(answering({}))
    assert reader.chains("incus") is None
    assert reader.addresses_in(1) is None


# The log and the invocation


def test_no_value_that_may_be_a_secret_is_in_the_invocation():
    entry = {
        "name": "web1",
        "secret_env": {"T": "xyzzy"},
        "env": {"A": "xyzzy"},
        "config": {"k": "xyzzy"},
        "user_data": "#!xyzzy",
        "image_server": "https://user:xyzzy@images.example.com",
        "devices": {"d": {"type": "disk", "ceph.key": "xyzzy"}},
        "image": "debian/13",
    }
    params = {"instances": [entry], "engine": "incus", "purge": False, "threads": 4, "keep": []}
    assert "xyzzy" not in str(public(params)) and public(params)["instances"][0]["image"] == "debian/13"
    assert invocation_text(params) == "instances=web1 engine=incus purge=False threads=4"


@pytest.mark.parametrize("instances", ["xyzzy", [["xyzzy"]], {"name": "xyzzy"}])
def test_nor_is_it_when_the_list_is_none(instances):
    assert "xyzzy" not in str(public({"instances": instances})) + invocation_text({"instances": instances})
