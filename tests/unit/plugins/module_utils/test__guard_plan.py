# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._address_request import parse_prefixes
from ansible_collections.ipv6.services.plugins.module_utils._guard_elements import Elements, Port
from ansible_collections.ipv6.services.plugins.module_utils._guard_plan import Host, actions, plan, prefix_action
from ansible_collections.ipv6.services.plugins.module_utils._guard_request import Request, parse_service
from ansible_collections.ipv6.services.plugins.module_utils._service_address import Held

HOST = IPv6Address("2001:db8::1:1")
WEB1, WEB2 = IPv6Address("2001:db8::201"), IPv6Address("2001:db8::202")
ROUTED = IPv6Network("2001:db8:99:1::/64")
INSIDE = IPv6Address("2001:db8:99:1::5")


def service(address, *ports, **more):
    return parse_service({"name": "web", "address": str(address), "ports": list(ports), **more})


def host(*ours, connection=None, prefixes=(), also=()):
    held = [Held(HOST, 64, "eth0"), *(Held(address, 128, "eth0") for address in (*ours, *also))]
    return Host(held, ours, prefixes, connection)


def request(*services, prefixes=(), **more):
    return Request(tuple(services), ("",) * len(services), parse_prefixes(list(map(str, prefixes))), **more)


def guarded(*addresses, ports=()):
    return Elements(frozenset(map(IPv6Network, addresses)), frozenset(ports))


def tcp(address, port):
    return Port(address, "tcp", port, port)


@pytest.mark.parametrize(
    ("asked", "on", "says"),
    [
        pytest.param(request(service(HOST, 80)), host(), "the host has 2001:db8::1:1 on eth0", id="the host's address"),
        pytest.param(
            request(service(WEB2, 80)), host(WEB1, also=[WEB2]), "no service address of ours", id="not written down"
        ),
        pytest.param(
            request(prefixes=["2001:db8::/64"]),
            host(),
            "in which 2001:db8::1:1 lies",
            id="a prefix with the host in it",
        ),
        pytest.param(
            request(service(WEB1, 80)), host(WEB1, connection=(WEB1, 22)), "came in by port 22", id="the way in"
        ),
        pytest.param(
            request(service(WEB1, 22, allow=["2001:db8::c"])),
            host(WEB1, connection=(WEB1, 22)),
            "came in by",
            id="for some only",
        ),
        pytest.param(request(service(WEB1, "22/udp")), host(WEB1, connection=(WEB1, 22)), "came in by", id="as UDP"),
        pytest.param(
            request(prefixes=[ROUTED]),
            host(prefixes=[ROUTED], connection=(INSIDE, 22)),
            "came in by",
            id="in a routed prefix",
        ),
    ],
)
def test_nobody_is_locked_out(asked, on, says):
    planned = plan(asked, Elements(), on)
    assert len(planned.errors) == 1
    assert says in planned.errors[0]
    assert planned.elements == Elements()


@pytest.mark.parametrize(
    ("asked", "before", "on", "expected"),
    [
        pytest.param(
            request(service(WEB1, 80)),
            Elements(),
            host(WEB1),
            guarded(WEB1, ports=[tcp(WEB1, 80)]),
            id="a service address",
        ),
        pytest.param(request(service(WEB1)), Elements(), host(), guarded(WEB1), id="one that is not there yet"),
        pytest.param(
            request(service(WEB1, 22)),
            Elements(),
            host(WEB1, connection=(WEB1, 22)),
            guarded(WEB1, ports=[tcp(WEB1, 22)]),
            id="the way in is published",
        ),
        pytest.param(request(), guarded(WEB1), host(WEB1), Elements(), id="what is not listed goes"),
        pytest.param(
            request(purge=False),
            guarded(WEB1, ports=[tcp(WEB1, 80)]),
            host(WEB1),
            guarded(WEB1, ports=[tcp(WEB1, 80)]),
            id="without purge it stays",
        ),
        pytest.param(
            request(purge=False), guarded(WEB1), host(), Elements(), id="but not when it is no service address any more"
        ),
        pytest.param(
            request(purge=False),
            guarded(WEB1),
            host(also=[WEB1]),
            Elements(),
            id="nor when the host has it for itself now",
        ),
        pytest.param(
            request(service(WEB1, state="absent"), purge=False),
            guarded(WEB1, WEB2),
            host(WEB1, WEB2),
            guarded(WEB2),
            id="absent",
        ),
        pytest.param(
            request(service(WEB1, 81), purge=False),
            guarded(WEB1, ports=[tcp(WEB1, 80)]),
            host(WEB1),
            guarded(WEB1, ports=[tcp(WEB1, 81)]),
            id="what is listed is as listed",
        ),
        pytest.param(
            request(service(INSIDE, 80), prefixes=[ROUTED]),
            Elements(),
            host(prefixes=[ROUTED]),
            guarded(ROUTED, ports=[tcp(INSIDE, 80)]),
            id="an address in a routed prefix is no interval of its own",
        ),
        pytest.param(
            request(service(WEB1, state="absent"), purge=False),
            guarded(ROUTED, ports=[tcp(INSIDE, 80)]),
            host(prefixes=[ROUTED]),
            guarded(ROUTED, ports=[tcp(INSIDE, 80)]),
            id="without purge a routed prefix stays",
        ),
        pytest.param(
            request(service(INSIDE, state="absent"), prefixes=[ROUTED], purge=False),
            guarded(ROUTED, ports=[tcp(INSIDE, 80)]),
            host(prefixes=[ROUTED]),
            guarded(ROUTED),
            id="absent in a routed prefix",
        ),
    ],
)
def test_plan(asked, before, on, expected):
    planned = plan(asked, before, on)
    assert planned.errors == []
    assert planned.elements == expected


def test_nothing_goes_when_an_item_is_wrong():
    before = guarded(WEB1, WEB2, ports=[tcp(WEB2, 80)])
    planned = plan(request(service(WEB1), service("2001:db8::zz")), before, host(WEB1, WEB2))
    assert len(planned.errors) == 1
    assert planned.elements == before


@pytest.mark.parametrize(
    ("item", "before", "after", "expected"),
    [
        pytest.param(service(WEB1, 80), Elements(), guarded(WEB1, ports=[tcp(WEB1, 80)]), "added", id="added"),
        pytest.param(service(WEB1), guarded(WEB1, WEB2), guarded(WEB1), "kept", id="kept"),
        pytest.param(
            service(WEB1), guarded(WEB1), guarded(WEB1, ports=[tcp(WEB1, 80)]), "changed", id="its first port"
        ),
        pytest.param(
            service(WEB1),
            guarded(WEB1, ports=[tcp(WEB1, 81)]),
            guarded(WEB1, ports=[tcp(WEB1, 80)]),
            "changed",
            id="changed",
        ),
        pytest.param(
            service(INSIDE), guarded(ROUTED), guarded(ROUTED, ports=[tcp(INSIDE, 80)]), "added", id="in a prefix"
        ),
        pytest.param(service(WEB1, state="absent"), guarded(WEB1), Elements(), "removed", id="removed"),
        pytest.param(service(WEB1, state="absent"), guarded(WEB2), guarded(WEB2), "absent", id="absent"),
    ],
)
def test_action(item, before, after, expected):
    assert actions([item], before, after) == [expected]


def test_prefix_action():
    assert prefix_action(ROUTED, guarded(ROUTED)) == "kept"
    assert prefix_action(ROUTED, guarded(WEB1)) == "added"
