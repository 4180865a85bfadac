# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path

import pytest

from ansible_collections.ipv6.services.plugins.module_utils._command import CommandError
from ansible_collections.ipv6.services.plugins.module_utils._guard_elements import Allowed, Elements, Port
from ansible_collections.ipv6.services.plugins.module_utils._guard_rules import (
    Rate,
    Settings,
    parse_text,
    render,
    structure,
)
from ansible_collections.ipv6.services.plugins.module_utils._nft import Nft, parse_table

RECORDED = Path(__file__).parent / "recorded"
WEB1, WEB2 = IPv6Address("2001:db8::201"), IPv6Address("2001:db8::202")
ADMIN = Port(WEB2, "tcp", 22, 22)
ELEMENTS = Elements(
    frozenset([IPv6Network(WEB1), IPv6Network(WEB2), IPv6Network("2001:db8:99:1::/64")]),
    frozenset(
        [Port(WEB1, "tcp", 80, 80), Port(WEB1, "tcp", 8000, 8010), Port(WEB2, "udp", 53, 53), Port(WEB2, "sctp", 9, 9)]
    ),
    frozenset([ADMIN]),
    frozenset([Allowed(ADMIN, IPv6Network("2001:db8:a::/48")), Allowed(ADMIN, IPv6Network("2001:db8::c"))]),
)
FULL = Settings(reject=True, rate=Rate(20, "second"))
PLAIN = Settings(echo=False, counters=False)


@pytest.mark.parametrize("release", ["1.0.6", "1.1.3", "1.1.7"])
@pytest.mark.parametrize(("name", "settings"), [("full", FULL), ("plain", PLAIN)])
def test_what_is_loaded_is_what_nft_lists(release, name, settings):
    text = json.loads((RECORDED / "guard.json").read_text())[f"{name} {release}"]
    table = parse_table(json.dumps(text))
    assert table.structure == structure(settings)
    assert table.elements == ELEMENTS


def test_counters_go_on_from_where_they_were():
    listed = json.loads((RECORDED / "guard.json").read_text())["full 1.1.3"]
    counts = parse_table(json.dumps(listed)).counts
    assert (counts["refused"], counts[Port(WEB1, "tcp", 8000, 8010)]) == ((5, 300), (7, 420))
    text = render(FULL, ELEMENTS, counts)
    assert "\tcounter refused { packets 5 bytes 300 }\n" in text
    assert "\t\t\t2001:db8::201 . tcp . 8000-8010 counter packets 7 bytes 420,\n" in text


@pytest.mark.parametrize("settings", [FULL, PLAIN])
@pytest.mark.parametrize("elements", [ELEMENTS, Elements()])
def test_the_elements_of_a_text_read_back(settings, elements):
    assert parse_text(render(settings, elements)) == elements


def test_a_text_of_somebody_else_has_no_elements():
    assert parse_text("#!/usr/sbin/nft -f\nflush ruleset\n") == Elements()


def test_a_table_is_replaced_in_one_transaction():
    lines = render(PLAIN, Elements()).splitlines()
    assert lines[:3] == ["table inet ipv6_services", "delete table inet ipv6_services", "table inet ipv6_services {"]


def test_no_packet_to_another_address_meets_a_rule():
    text = render(FULL, ELEMENTS)
    chain = text.split("chain prerouting {\n")[1].split("\t}")[0].split("\n")
    assert [line.strip() for line in chain if line.strip()] == [
        "type filter hook prerouting priority -150; policy accept;",
        "ip6 daddr @addresses goto guard",
    ]


def changed(change):
    objects = json.loads((RECORDED / "guard.json").read_text())["full 1.1.3"]["nftables"]
    change(objects)
    return parse_table(json.dumps({"nftables": objects}))


def find(objects, kind, **keys):
    return next(o[kind] for o in objects if kind in o and all(o[kind].get(k) == v for k, v in keys.items()))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda o: o.pop(), id="a rule is gone"),
        pytest.param(lambda o: o.append({"map": {"name": "x"}}), id="a map is there too"),
        pytest.param(lambda o: o.append({"chain": {"name": "x"}}), id="a chain is there too"),
        pytest.param(lambda o: find(o, "chain", name="prerouting").update(prio=0), id="another priority"),
        pytest.param(lambda o: find(o, "set", name="addresses").update(flags=[]), id="another flag"),
        pytest.param(lambda o: find(o, "rule", chain="guard")["expr"].insert(0, {"counter": None}), id="another rule"),
        pytest.param(lambda o: o[1:] and o.clear(), id="nothing in it"),
        pytest.param(lambda o: o.append({"set": {}}), id="JSON that is not known"),
    ],
)
def test_what_somebody_changed_is_another_table(change):
    assert changed(change).structure != structure(FULL)


def test_an_element_that_somebody_took_out_is_missed():
    table = changed(lambda o: find(o, "set", name="allowed")["elem"].pop())
    assert table.elements != ELEMENTS
    assert replace(table.elements, allowed=ELEMENTS.allowed) == ELEMENTS


def answering(status, out="", err=""):
    return Nft(lambda *_args, **_more: (status, out, err), "/usr/sbin/nft")


def test_no_table():
    # h5$ nft -j list table inet ipv6_services
    err = "Error: No such file or directory\nlist table inet ipv6_services\n                ^^^^^^^^^^^^^\n"
    assert answering(1, err=err).read() is None


def test_what_nft_refuses_is_told():
    with pytest.raises(
        CommandError, match=r"nft -j list table inet ipv6_services` ended with exit status 1 .* permitted"
    ):
        answering(1, err="Operation not permitted (you must be root)\n").read()
    with pytest.raises(CommandError, match=r"nft -f -` ended with exit status 1"):
        answering(1).load("")
