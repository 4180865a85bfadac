# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import time
from ipaddress import IPv6Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.ipv6.services.plugins.module_utils._container_spec import CONTAINER_OPTIONS
from ansible_collections.ipv6.services.plugins.module_utils._instance_spec import INSTANCE_OPTIONS
from ansible_collections.ipv6.services.plugins.plugin_utils._answers import Answer
from ansible_collections.ipv6.services.plugins.plugin_utils._fleet_parts import describe
from ansible_collections.ipv6.services.plugins.plugin_utils._fleet_plan import names_to_look_up, plan_fleet
from ansible_collections.ipv6.services.plugins.plugin_utils._host import parse_host
from ansible_collections.ipv6.services.plugins.plugin_utils._problem import MOST_TOLD, report

from .fleet import LAN, facts

WEB1 = "2001:db8::201"


def service(name, **options):
    return {"name": name, "image": "whoami:v1.11", **options}


def plan(hosts, answers=None):
    """hosts: name -> variables. The plan, the hosts and their parts of it."""
    parsed = [parse_host(name, variables) for name, variables in sorted(hosts.items())]
    problems = [problem for _host, wrong in parsed for problem in wrong]
    found = plan_fleet([host for host, _wrong in parsed], answers or {}, problems)
    return found, describe([host for host, _wrong in parsed], found)


def host(number, *services, **variables):
    return {"ipv6_services": list(services), "ipv6_services_host": facts(number), **variables}


def addresses(parts):
    return {s["name"]: (s["address"], s["source"], s["on_link"]) for part in parts.values() for s in part["services"]}


ROUTED = {"ipv6_services_routed_prefixes": ["2001:db8:99::/64"]}
DNS = {"web1.example.com": Answer("found", (IPv6Address(WEB1),))}
DOMAIN = {"ipv6_services_domain": "example.com"}
ALLOCATED = "2001:db8::fdbd:f3bb:2479:1926"  # of web1.example.com in LAN


@pytest.mark.parametrize(
    "hosts, answers, expected",
    [
        pytest.param(
            {"h1": host(1, service("web1", address="2001:DB8::0201"))}, {}, (WEB1, "address", True), id="of the entry"
        ),
        pytest.param({"h1": host(1, service("web1"), **DOMAIN)}, DNS, (WEB1, "dns", True), id="of DNS"),
        pytest.param(
            {"h1": host(1, service("web1"), **DOMAIN, ipv6_services_prefix=LAN)},
            {},
            (ALLOCATED, "allocated", True),
            id="allocated",
        ),
        pytest.param(
            {"h1": host(1, service("web1", address=WEB1), **DOMAIN, ipv6_services_prefix=LAN)},
            DNS,
            (WEB1, "address", True),
            id="the entry before all else",
        ),
        pytest.param(
            {"h1": host(1, service("web1", address="2001:db8:99::1"), **ROUTED)},
            {},
            ("2001:db8:99::1", "address", False),
            id="in a routed prefix",
        ),
        pytest.param(
            {"h1": host(1, service("web1", state="absent"), **DOMAIN)},
            {},
            (None, "none", False),
            id="absent, of DNS, is not looked up",
        ),
        pytest.param(
            {"h1": host(1, {"name": "web1", "state": "absent"}, **DOMAIN, ipv6_services_prefix=LAN)},
            {},
            (ALLOCATED, "allocated", True),
            id="absent, allocated",
        ),
        pytest.param(
            {
                "h1": host(1, service("web1", state="absent", address=WEB1)),
                "h2": host(2, service("web1", address=WEB1)),
            },
            {},
            (WEB1, "address", True),
            id="a service moves to another host",
        ),
        pytest.param(
            {
                "h1": host(1, service("old", state="absent", address=WEB1)),
                "h2": host(2, service("web1", address=WEB1)),
            },
            {},
            (WEB1, "address", True),
            id="a service takes the address of one that goes away",
        ),
        pytest.param(
            {"h1": host(1, service("web1", image="a", engine="incus", addressing="own", address=WEB1))},
            {},
            (WEB1, "address", False),
            id="on a NIC of the instance's own",
        ),
        pytest.param(
            {"h1": host(1, service("web1", image="a", engine="incus", addressing="own", address="auto"))},
            {},
            (None, "router", False),
            id="from the router",
        ),
        pytest.param(
            {
                "h1": host(
                    1,
                    service("web1", image="a", addressing="own"),
                    ipv6_services_engine="lxd",
                    **DOMAIN,
                    ipv6_services_prefix=LAN,
                )
            },
            {},
            (ALLOCATED, "allocated", False),
            id="allocated, for a NIC of the instance's own",
        ),
        pytest.param(
            {
                "h1": {
                    "ipv6_services_host": facts(
                        1, service_addresses=[{"address": WEB1, "interface": "eth0", "state": "ok"}]
                    ),
                },
                "h2": host(2, service("web1", address=WEB1)),
            },
            {},
            (WEB1, "address", True),
            id="an address that was given to another host before",
        ),
    ],
)
def test_addresses(hosts, answers, expected):
    found, parts = plan(hosts, answers)
    assert found.problems == ()
    assert addresses(parts)["web1"] == expected


def test_allocation_leaves_out_the_addresses_of_the_inventory():
    """Also those of other hosts, and of hosts whose services say theirs."""
    found, parts = plan(
        {
            "h1": host(1, service("web1"), **DOMAIN, ipv6_services_prefix=LAN),
            "h2": host(2, service("web2", address=ALLOCATED)),
        }
    )
    assert found.problems == ()
    assert addresses(parts)["web1"][0] != ALLOCATED


def test_facts_have_no_say_in_the_allocation():
    """Else a run with --limit would give other addresses."""
    variables = host(1, service("web1"), **DOMAIN, ipv6_services_prefix=LAN)
    _found, with_facts = plan({"h1": variables, "h2": {"ipv6_services_host": facts(2)}})
    _found, without = plan({"h1": {**variables, "ipv6_services_host": None}, "h2": {}})
    assert addresses(with_facts) == addresses(without)


def test_only_what_is_not_known_is_looked_up():
    hosts = [
        parse_host(
            "h1",
            host(
                1,
                service("a1", address=WEB1),
                service("a2"),
                service("a3", state="absent"),
                service("A2.example.com"),
                **DOMAIN,
            ),
        ),
        parse_host("h2", host(2, service("b1"), ipv6_services_prefix=LAN)),
    ]
    assert names_to_look_up([h for h, _problems in hosts]) == ["a2.example.com"]


def test_the_part_of_a_host():
    secret = service(
        "web1", address=WEB1, ports=[80, "443:8443", "53/udp", "8000-8001"], secret_env={"A": "hidden"}, engine="podman"
    )
    _found, parts = plan({"h1": host(1, secret, **DOMAIN)})
    port = {"address": WEB1, "protocol": "tcp", "range": False}
    assert parts == {
        "h1": {
            "interface": "eth0",
            "services": [
                {
                    "name": "web1",
                    "fqdn": "web1.example.com",
                    "address": WEB1,
                    "source": "address",
                    "on_link": True,
                    "engine": "podman",
                    "podman_user": None,
                    "addressing": None,
                    "project": None,
                    "host_reaches": True,
                    "state": "started",
                    "ports": [
                        {**port, "port": 53, "container_port": 53, "protocol": "udp"},
                        {**port, "port": 80, "container_port": 80},
                        {**port, "port": 443, "container_port": 8443},
                        {**port, "port": 8000, "container_port": 8000, "range": True},
                        {**port, "port": 8001, "container_port": 8001, "range": True},
                    ],
                    "urls": ["http://web1.example.com/", "https://web1.example.com/"],
                }
            ],
            "routed_prefixes": [],
            "moved": [],
            "moved_addresses": [],
            "arriving": [],
            "unlisted": [],
            "waiting": [],
        }
    }


@pytest.mark.parametrize(
    "host_says, entry_says, expected",
    [
        pytest.param(None, None, None, id="root, by default"),
        pytest.param("app", None, "app", id="of the host"),
        pytest.param("app", "web", "web", id="the entry before the host"),
        pytest.param("app", "root", None, id="root, although the host says another"),
        pytest.param("root", None, None, id="root, of the host"),
    ],
)
def test_who_runs_podman(host_says, entry_says, expected):
    options = {"podman_user": entry_says} if entry_says else {}
    found, parts = plan(
        {
            "h1": host(
                1,
                service("web1", address=WEB1, engine="podman", **options),
                service("web2", address="2001:db8::202"),
                ipv6_services_podman_user=host_says,
            )
        }
    )
    assert found.problems == ()
    assert [s["podman_user"] for s in parts["h1"]["services"]] == [expected, None]


def test_ports_of_a_service_with_an_address_from_the_router_have_none_yet():
    entry = service("web1", image="a", engine="incus", addressing="own", address="auto", ports=[80])
    _found, parts = plan({"h1": host(1, entry)})
    part = parts["h1"]["services"][0]
    assert part["ports"] == [{"address": None, "port": 80, "container_port": 80, "protocol": "tcp", "range": False}]
    assert part["urls"] == []
    assert part["host_reaches"] is False


def test_a_service_without_a_domain_has_urls_with_its_address():
    _found, parts = plan({"h1": host(1, service("web1", address=WEB1, ports=[80]))})
    assert parts["h1"]["services"][0]["urls"] == ["http://[2001:db8::201]/"]


def test_a_port_may_be_on_the_address_of_another_service_of_the_host():
    found, _parts = plan(
        {
            "h1": host(
                1,
                service("web1", address=WEB1, ports=[80]),
                service("web2", address="2001:db8::202", ports=[80, f"[{WEB1}]:443:443", f"[{WEB1}]:80:80/udp"]),
            )
        }
    )
    assert found.problems == ()


def test_the_interface_of_the_inventory_decides_which_prefixes_count():
    two = [{"prefix": LAN, "interface": "eth0"}, {"prefix": "2001:db8:1::/64", "interface": "eth1"}]
    known = facts(1, prefixes=two, links={"eth0": {}, "eth1": {}})
    hosts = {"h1": {"ipv6_services": [service("web1", address="2001:db8:1::201")], "ipv6_services_host": known}}
    assert len(plan(hosts)[0].problems) == 1
    hosts["h1"]["ipv6_services_interface"] = "eth1"
    found, parts = plan(hosts)
    assert found.problems == ()
    assert parts["h1"]["interface"] == "eth1"


def test_a_host_without_facts_is_planned_as_far_as_the_inventory_goes():
    found, parts = plan({"h1": {"ipv6_services": [service("web1", address="2001:db8:5::1")]}})
    assert found.problems == ()
    assert parts["h1"]["interface"] is None


def test_a_host_whose_services_are_all_absent_needs_no_ipv6():
    none = facts(1, default_route=False, prefixes=[], host_addresses=[])
    found, _parts = plan({"h1": {"ipv6_services": [{"name": "web1", "state": "absent"}], "ipv6_services_host": none}})
    assert found.problems == ()


def test_all_problems_are_told_at_once_by_host_and_in_the_order_of_the_lists():
    found, _parts = plan(
        {
            "h2": host(
                2,
                service("b2", ports=[0]),
                {"image": "x"},
                service("b1", memory="lots", cpus="many"),
                ipv6_services_engine="rkt",
            ),
            "h1": host(1, service("a1", address="::1"), "text", service("a0", address="2001:db8::1:2")),
        }
    )
    assert [(p.host, p.service, p.field) for p in found.problems] == [
        ("h1", "a1", "address"),
        ("h1", None, "ipv6_services[1]"),
        ("h1", "a0", "address"),
        ("h2", None, "ipv6_services_engine"),
        ("h2", "b2", "ports[0]"),
        ("h2", "ipv6_services[1]", "name"),
        ("h2", "b1", "cpus"),
        ("h2", "b1", "memory"),
    ]


def test_a_report_is_bounded():
    found, _parts = plan({"h1": host(1, *(service(f"n{i}", address="::1", user="x" * 10_000) for i in range(10_000)))})
    told = report(found.problems)
    assert told["problem_count"] == 10_000
    assert len(told["problems"]) == MOST_TOLD
    lines = told["msg"].splitlines()
    assert lines[0] == "The plan has 10000 problems; nothing was changed."
    assert len(lines) == MOST_TOLD + 2
    assert lines[-1] == "And 9900 more."
    assert len(told["msg"]) < 60_000


@pytest.mark.parametrize("prefix", [None, LAN])
def test_ten_thousand_services_are_planned_in_a_few_seconds(prefix):
    """1.6 s of a core; the bound leaves room for a slower one."""
    started = time.process_time()
    hosts = {
        f"h{n}": host(
            n,
            *(
                service(
                    f"n{n}-{i}", ports=[80, "443:8443"], **({} if prefix else {"address": f"2001:db8::{n:x}:{i:x}"})
                )
                for i in range(10, 110)
            ),
            **({"ipv6_services_prefix": prefix} if prefix else {}),
            **DOMAIN,
        )
        for n in range(100, 200)
    }
    found, parts = plan(hosts)
    assert found.problems == ()
    assert len(set(addresses(parts).values())) == 10_000
    assert time.process_time() - started < 8


@pytest.mark.parametrize("odd", ["a\nh1, web9, name: all is well", "a\x1b[2J", "a\u2028b", "a\0"])
def test_text_of_the_inventory_breaks_no_line_and_reaches_no_terminal(odd):
    entry = service(odd, **{odd: 1}, env={odd: 1}, memory=odd, address=odd)
    message = report(plan({"h1": host(1, entry, ipv6_services_engine=odd)})[0].problems)["msg"]
    lines = message.splitlines()
    assert len(lines) >= 5
    assert all(line.startswith("h1, ") and line.isprintable() for line in lines[1:])
    assert not any(line.startswith("h1, web9") for line in lines)


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.dates(),
    st.datetimes(),
    st.binary(max_size=5),
    st.sampled_from(
        ["web1", WEB1, "::1", "80", "80-90:80-90", "[2001:db8::1]:80:80", "{{ x }}", "$(id)", LAN, "absent", "\n", "\0"]
    ),
)
data = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.text(max_size=6), st.integers(), st.none()), inner, max_size=4),
    ),
    max_leaves=12,
)
OPTIONS = sorted({*CONTAINER_OPTIONS, *INSTANCE_OPTIONS, "cap_add", "adress"})
entries = st.dictionaries(st.sampled_from(OPTIONS), data, max_size=8)
named = st.builds(
    lambda entry, engine: {**entry, "name": "web1", "image": "whoami", "engine": engine},
    entries,
    st.sampled_from(["docker", "podman", "incus", "lxd", "rkt", 5]),
)
VARIABLES = [
    "ipv6_services_domain",
    "ipv6_services_engine",
    "ipv6_services_interface",
    "ipv6_services_podman_user",
    "ipv6_services_prefix",
    "ipv6_services_prefix_exclude",
    "ipv6_services_routed_prefixes",
    "ipv6_services_host",
    "ansible_host",
]


@given(
    st.dictionaries(st.sampled_from(VARIABLES), data, max_size=3),
    st.one_of(data, st.lists(st.one_of(entries, named, data), max_size=3)),
)
@settings(max_examples=300, deadline=None)
def test_whatever_is_in_an_inventory_gives_a_plan_or_problems(variables, services):
    found, parts = plan({"h1": {**variables, "ipv6_services": services}})
    told = report(found.problems)
    assert all(isinstance(p["problem"], str) and p["problem"] for p in told["problems"])
    assert len(told["msg"].splitlines()) <= len(told["problems"]) + 2
    for item in parts["h1"]["services"]:
        assert item["address"] is None or IPv6Address(item["address"]).is_multicast is False


@given(
    st.dictionaries(
        st.sampled_from(["env", "secret_env", "labels", "config", "user_data"]),
        data.map(lambda d: {"A": d, "B=": "hidden-hidden"}),
        min_size=1,
    ),
    st.sampled_from(["docker", "incus"]),
)
@settings(max_examples=100, deadline=None)
def test_no_secret_is_told(options, engine):
    found, parts = plan({"h1": host(1, service("web1", address=WEB1, engine=engine, **options))})
    assert "hidden-hidden" not in repr(found.problems) + repr(report(found.problems)) + repr(parts)


def test_a_date_is_no_name():
    found, _parts = plan({"h1": host(1, service(datetime.date(2026, 11, 24)))})
    assert [p.field for p in found.problems] == ["name"]
