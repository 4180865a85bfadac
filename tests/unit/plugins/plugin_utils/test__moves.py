# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.ipv6.services.plugins.plugin_utils._fleet_parts import describe
from ansible_collections.ipv6.services.plugins.plugin_utils._fleet_plan import plan_fleet
from ansible_collections.ipv6.services.plugins.plugin_utils._host import parse_host
from ansible_collections.ipv6.services.plugins.plugin_utils._moves import warn_of_unreached

from .fleet import facts

WEB1, WEB2 = "2001:db8::201", "2001:db8::202"


def service(name, address=WEB1, **options):
    return {"name": name, "image": "whoami", "address": address, **options}


def found(name, engine="docker", address=WEB1, **options):
    return {"name": name, "engine": engine, "podman_user": None, "project": None, "address": address, **options}


def host(number, services, *there, held=None, reached=True):
    """there: what host_info found. held: service addresses of its interface; by default those of what is there."""
    if not reached:
        return {"ipv6_services": services}
    held = [item["address"] for item in there if item["address"]] if held is None else held
    addresses = [{"address": address, "interface": "eth0", "state": "ok"} for address in held]
    return {
        "ipv6_services": services,
        "ipv6_services_host": facts(number, services=list(there), service_addresses=addresses),
    }


def plan(*hosts):
    parsed = [parse_host(f"h{number}", variables)[0] for number, variables in enumerate(hosts, 1)]
    done = plan_fleet(parsed, {})
    assert done.problems == ()
    return parsed, done


def moves(*hosts):
    """What is moved, and which addresses go, by host: each (name, engine, to)."""
    parsed, done = plan(*hosts)
    parts = describe(parsed, done).values()
    return [
        (
            [(m["name"], m["engine"], m["to"]) for m in part["moved"]],
            part["moved_addresses"],
            [a["from"] for a in part["arriving"]],
        )
        for part in parts
    ]


NOTHING = ([], [], [])


@pytest.mark.parametrize(
    "hosts, expected",
    [
        pytest.param(
            [host(1, [service("web1")], found("web1")), host(2, [])], [NOTHING, NOTHING], id="where it is listed"
        ),
        pytest.param(
            [host(1, [], found("web1")), host(2, [service("web1")])],
            [([("web1", "docker", "h2")], [WEB1], []), ([], [], ["h1"])],
            id="to another host",
        ),
        pytest.param(
            [host(1, [], found("web1")), host(2, [service("WEB1", WEB2, engine="podman")])],
            [([("web1", "docker", "h2")], [WEB1], []), ([], [], ["h1"])],
            id="to another host, engine and address",
        ),
        pytest.param(
            [host(1, [], found("web1")), host(2, [service("web1")], reached=False)],
            [NOTHING, NOTHING],
            id="not to a host that was not reached",
        ),
        pytest.param(
            [host(1, [service("web1", engine="podman")], found("web1")), host(2, [])],
            [NOTHING, NOTHING],
            id="from Docker to Podman is for module container",
        ),
        pytest.param(
            [host(1, [service("web1", engine="incus")], found("web1")), host(2, [])],
            [([("web1", "docker", "h1")], [], ["h1"]), NOTHING],
            id="from Docker to Incus, the address stays on the host",
        ),
        pytest.param(
            [host(1, [service("web1", engine="incus", addressing="own")], found("web1")), host(2, [])],
            [([("web1", "docker", "h1")], [WEB1], ["h1"]), NOTHING],
            id="from Docker to a NIC of its own, the address leaves the host",
        ),
        pytest.param(
            [host(1, [service("web1")], found("web1", "incus", project="default")), host(2, [])],
            [([("web1", "incus", "h1")], [], ["h1"]), NOTHING],
            id="from Incus to Docker",
        ),
        pytest.param(
            [
                host(1, [service("web1", engine="incus", project="p")], found("web1", "incus", project="default")),
                host(2, []),
            ],
            [NOTHING, NOTHING],
            id="from one project to another is for module instance",
        ),
        pytest.param(
            [
                host(1, [service("web1", engine="incus", addressing="own")], found("web1", "incus", project="default")),
                host(2, []),
            ],
            [([], [WEB1], []), NOTHING],
            id="the same instance with a NIC of its own: only the address leaves",
        ),
        pytest.param(
            [host(1, [{"name": "web1", "state": "absent"}], found("web1", "incus", project="default")), host(2, [])],
            [([("web1", "incus", None)], [WEB1], []), NOTHING],
            id="absent, and found on another kind of engine",
        ),
        pytest.param(
            [host(1, [{"name": "web1", "state": "absent"}], found("web1")), host(2, [service("web1")])],
            [([], [WEB1], []), NOTHING],
            id="absent there is for module container; its address goes with it",
        ),
        pytest.param([host(1, [], found("old")), host(2, [])], [NOTHING, NOTHING], id="not listed is for the purge"),
        pytest.param(
            [host(1, [], found("old")), host(2, [service("web1")])],
            [NOTHING, NOTHING],
            id="an address that an unlisted service has stays with it",
        ),
        pytest.param(
            [host(1, [], held=[WEB1]), host(2, [service("web1")])],
            [([], [WEB1], []), NOTHING],
            id="an address that nothing has any more goes where it is listed",
        ),
        pytest.param(
            [host(1, [service("web2", WEB2)], found("web1"), found("web2", address=WEB2)), host(2, [service("web1")])],
            [([("web1", "docker", "h2")], [WEB1], []), ([], [], ["h1"])],
            id="what stays keeps its address",
        ),
        pytest.param(
            [
                host(1, [service("web2")], found("web1"), held=[WEB1]),
                host(2, [service("web1", WEB2)], found("web2", address=WEB2)),
            ],
            [([("web1", "docker", "h2")], [], ["h2"]), ([("web2", "docker", "h1")], [], ["h1"])],
            id="two services change places, and their addresses stay",
        ),
        pytest.param([host(1, [], found("no name"))], [NOTHING], id="a mark that is no name"),
        pytest.param([host(1, [], found("web1", address="odd"), held=[])], [NOTHING], id="a mark that is no address"),
    ],
)
def test_moves(hosts, expected):
    assert moves(*hosts) == expected


def test_names_count_with_the_domain_of_their_host():
    old = host(1, [], found("web1"))
    new = host(2, [service("web1.example.com")])
    assert moves(old, new)[0] == ([], [], [])
    assert moves({**old, "ipv6_services_domain": "example.com"}, new)[0][0] == [("web1", "docker", "h2")]


def test_what_moves_says_where_it_was():
    rootless = found("web1", "podman", podman_user="app")
    parsed, done = plan(host(1, [], rootless), host(2, [service("web1")]))
    assert describe(parsed, done)["h1"]["moved"] == [
        {
            "name": "web1",
            "fqdn": "web1",
            "address": WEB1,
            "engine": "podman",
            "podman_user": "app",
            "project": None,
            "state": "absent",
            "to": "h2",
        }
    ]
    assert describe(parsed, done)["h2"]["arriving"] == [{"name": "web1", "fqdn": "web1", "from": "h1"}]


@pytest.mark.parametrize(
    "hosts, unlisted, waiting",
    [
        pytest.param([host(1, [], found("web1"))], [("web1", "web1", WEB1)], [], id="not listed anywhere"),
        pytest.param([host(1, [service("web1")], found("web1"))], [], [], id="listed here"),
        pytest.param([host(1, [{"name": "web1", "state": "absent"}], found("web1"))], [], [], id="absent here"),
        pytest.param([host(1, [], found("web1")), host(2, [service("web1")])], [], [], id="it moves"),
        pytest.param(
            [host(1, [], found("web1")), host(2, [service("web1")], reached=False)],
            [],
            [("web1", "web1", WEB1)],
            id="listed on a host that was not reached, so nobody else could run it",
        ),
        pytest.param(
            [host(1, [], found("web1")), host(2, [{"name": "web1", "state": "absent"}], reached=False)],
            [("web1", "web1", WEB1)],
            [],
            id="absent on another host",
        ),
        pytest.param([host(1, [], found("no name"))], [("no name", "", WEB1)], [], id="a mark that is no name"),
    ],
)
def test_what_the_list_of_its_host_has_not(hosts, unlisted, waiting):
    part = describe(*plan(*hosts))["h1"]
    assert [tuple(item.values()) for item in part["unlisted"]] == unlisted
    assert [tuple(item.values()) for item in part["waiting"]] == waiting


NEW = "If it still has web1 (2001:db8::201, new on h1), that address is a duplicate: it is told, and not used."


@pytest.mark.parametrize(
    "variables, unreached, expected",
    [
        pytest.param(host(1, [service("web1")]), ["h2"], f"h2 was not reached in this run. {NEW} Then run", id="new"),
        pytest.param(host(1, [service("web1")]), [], "", id="every host was reached"),
        pytest.param(host(1, [service("web1")], found("web1")), ["h2"], "", id="it was there before"),
        pytest.param(host(1, [service("web1")], held=[WEB1]), ["h2"], "", id="its address was there before"),
        pytest.param(host(1, [{"name": "web1", "state": "absent"}]), ["h2"], "", id="absent"),
        pytest.param(
            {**host(1, [service("web1", "2001:db8:99::1")]), "ipv6_services_routed_prefixes": ["2001:db8:99::/64"]},
            ["h2"],
            "",
            id="routed to this host only",
        ),
        pytest.param(
            host(1, [service("web1")], reached=False), ["h1", "h2"], "", id="nothing is known of the host itself"
        ),
        pytest.param(
            host(1, [service(f"web{n}", f"2001:db8::2:{n}") for n in range(1, 9)]),
            [f"h{n}" for n in range(2, 10)],
            "h2, h3, h4, h5, h6, 3 more were not reached in this run. If one of them still has",
            id="many",
        ),
    ],
)
def test_warning(variables, unreached, expected):
    parsed, done = plan(variables)
    warnings = warn_of_unreached(parsed, done.placed, unreached)
    assert len(warnings) == (1 if expected else 0)
    assert "".join(warnings).startswith(expected)
