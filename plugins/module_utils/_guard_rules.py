# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard's table of nftables: its rules and sets, as text for nft, and as nft says them again.

prerouting at -150 is after conntrack (-200) and before the engines' DNAT (-100): the rules see the address and port that the
client asked for, whoever answers in the end (DESIGN.md, fact 13). Only packets to a service address ever come into `guard`.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.ipv6.services.plugins.module_utils._guard_elements import (
    SETS,
    Count,
    Elements,
    Read,
    show_prefix,
)

FAMILY, TABLE = "inet", "ipv6_services"
# Without these IPv6 does not work (RFC 4890, 4.3 and 4.4).
_ICMP = (
    "destination-unreachable",
    "packet-too-big",
    "time-exceeded",
    "parameter-problem",
    "nd-neighbor-solicit",
    "nd-neighbor-advert",
    "nd-redirect",
)
_BASE = {"type": "filter", "hook": "prerouting", "prio": -150, "policy": "accept"}
_NETWORK = "ffff:ffff:ffff:ffff::"  # a client has a /64, and may change its address in it at will
_CLIENTS = 16384  # that are known at a time; those beyond are not limited
_TYPES = {
    "addresses": ("ipv6_addr",),
    "published": ("ipv6_addr", "inet_proto", "inet_service"),
    "restricted": ("ipv6_addr", "inet_proto", "inet_service"),
    "allowed": ("ipv6_addr", "inet_proto", "inet_service", "ipv6_addr"),
}


class Rate(t.NamedTuple):
    """New connections that a client, a /64, may make to all services of the host."""

    number: int
    per: str  # second, minute, hour or day

    def __str__(self) -> str:
        return f"{self.number}/{self.per}"


@dataclass(frozen=True)
class Settings:
    """How the guard is, whatever it guards."""

    echo: bool = True
    reject: bool = False
    rate: Rate | None = None
    counters: bool = True


class Rule(t.NamedTuple):
    """One rule: as we write it, and as nft's JSON has it."""

    chain: str
    text: str
    json: list[t.Any]


def _payload(protocol: str, field: str) -> dict[str, t.Any]:
    return {"payload": {"protocol": protocol, "field": field}}


def _match(left: t.Any, right: t.Any, op: str = "==") -> dict[str, t.Any]:
    return {"match": {"op": op, "left": left, "right": right}}


_DADDR, _SADDR = _payload("ip6", "daddr"), _payload("ip6", "saddr")
_ASKED = [_DADDR, {"meta": {"key": "l4proto"}}, _payload("th", "dport")]
_FROM_HOST = _match({"meta": {"key": "iif"}}, "lo")
_ACCEPT: dict[str, t.Any] = {"accept": None}


def rules(settings: Settings) -> list[Rule]:
    """All of them, in their order."""
    asked = "ip6 daddr . meta l4proto . th dport"
    lets, verdict = ("goto open", {"goto": {"target": "open"}}) if settings.rate else ("accept", _ACCEPT)
    found = [
        Rule(
            "prerouting",
            "ip6 daddr @addresses goto guard",
            [_match(_DADDR, "@addresses"), {"goto": {"target": "guard"}}],
        ),
        Rule(
            "guard",
            "ct state established,related accept",
            [_match({"ct": {"key": "state"}}, ["established", "related"], "in"), _ACCEPT],
        ),
        Rule(
            "guard",
            f"icmpv6 type {{ {', '.join(_ICMP)} }} accept",
            [_match(_payload("icmpv6", "type"), {"set": list(_ICMP)}), _ACCEPT],
        ),
    ]
    if settings.echo:
        match = _match(_payload("icmpv6", "type"), "echo-request")
        found.append(Rule("guard", "icmpv6 type echo-request accept", [match, _ACCEPT]))
    found += [
        Rule("guard", f"{asked} @published {lets}", [_match({"concat": _ASKED}, "@published"), verdict]),
        Rule(
            "guard",
            f"{asked} . ip6 saddr @allowed {lets}",
            [_match({"concat": [*_ASKED, _SADDR]}, "@allowed"), verdict],
        ),
        # What the host asks of its own services.
        Rule(
            "guard",
            f'iif "lo" {asked} @restricted accept',
            [_FROM_HOST, _match({"concat": _ASKED}, "@restricted"), _ACCEPT],
        ),
    ]
    return found + _refusing(settings) + (_limiting(settings.rate, settings.counters) if settings.rate else [])


def _refusing(settings: Settings) -> list[Rule]:
    found = [Rule("guard", 'counter name "refused"', [{"counter": "refused"}])] if settings.counters else []
    if not settings.reject:
        return [*found, Rule("guard", "drop", [{"drop": None}])]
    tcp = _match({"meta": {"key": "l4proto"}}, "tcp")
    return [
        *found,
        Rule("guard", "meta l4proto tcp reject with tcp reset", [tcp, {"reject": {"type": "tcp reset"}}]),
        Rule(
            "guard",
            "reject with icmpx type port-unreachable",
            [{"reject": {"type": "icmpx", "expr": "port-unreachable"}}],
        ),
    ]


def _limiting(rate: Rate, counters: bool) -> list[Rule]:
    limit = {"rate": rate.number, "burst": burst(rate), "per": rate.per, "inv": True}
    update = {"op": "update", "elem": {"&": [_SADDR, _NETWORK]}, "set": "@clients", "stmt": [{"limit": limit}]}
    count_text, count = ('counter name "limited" ', [{"counter": "limited"}]) if counters else ("", [])
    text = f"update @clients {{ ip6 saddr & {_NETWORK} limit rate over {rate} burst {burst(rate)} packets }} {count_text}drop"
    return [
        Rule("open", 'iif "lo" accept', [_FROM_HOST, _ACCEPT]),
        Rule("open", text, [{"set": update}, *count, {"drop": None}]),
        Rule("open", "accept", [_ACCEPT]),
    ]


def burst(rate: Rate) -> int:
    """What a client may do at once: a page makes some connections at the same time."""
    return max(5, 2 * rate.number)


def counters(settings: Settings) -> tuple[str, ...]:
    if not settings.counters:
        return ()
    return ("limited", "refused") if settings.rate else ("refused",)


def chains(settings: Settings) -> tuple[str, ...]:
    return ("prerouting", "guard", "open") if settings.rate else ("prerouting", "guard")


# ---------------------------------------------------------------- as nft says it


def structure(settings: Settings) -> dict[str, t.Any]:
    """The table without its elements and numbers, as `parse_structure` makes it of what nft says."""
    counted = [{"counter": None}] if settings.counters else None
    sets: dict[str, tuple[t.Any, ...]] = {
        name: (_TYPES[name], ("interval",), counted if name == "published" else None, None, None) for name in SETS
    }
    if settings.rate:
        sets["clients"] = (("ipv6_addr",), ("timeout",), None, 60, _CLIENTS)
    return {
        "chains": {name: _BASE if name == "prerouting" else {} for name in chains(settings)},
        "counters": set(counters(settings)),
        "sets": sets,
        "rules": [(rule.chain, rule.json) for rule in rules(settings)],
        "other": [],
    }


def parse_structure(objects: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """objects: `nftables` in the JSON of `nft -j list table`. The releases differ in the order of kinds only."""
    found: dict[str, t.Any] = {"chains": {}, "counters": set(), "sets": {}, "rules": [], "other": []}
    for item in objects:
        ((kind, value),) = item.items()
        if kind == "chain":
            found["chains"][value["name"]] = {key: value[key] for key in _BASE if key in value}
        elif kind == "counter":
            found["counters"].add(value["name"])
        elif kind == "set":
            found["sets"][value["name"]] = _parse_set(value)
        elif kind == "rule":
            found["rules"].append((value["chain"], value["expr"]))
        elif kind not in ("metainfo", "table"):
            found["other"].append(kind)
    # Rules are listed chain by chain, in the order of the chains.
    found["rules"].sort(key=lambda rule: ("prerouting", "guard", "open", rule[0]).index(rule[0]))
    return found


def _parse_set(value: t.Mapping[str, t.Any]) -> tuple[t.Any, ...]:
    kind = value["type"]
    # nft 1.0 does not tell that a set is dynamic.
    flags = tuple(flag for flag in value.get("flags", ()) if flag != "dynamic")
    return (
        (kind,) if isinstance(kind, str) else tuple(kind),
        flags,
        value.get("stmt"),
        value.get("timeout"),
        value.get("size"),
    )


# ---------------------------------------------------------------- as text


def render(
    settings: Settings, elements: Elements, counts: t.Mapping[t.Any, Count] | None = None, remark: str = ""
) -> str:
    """What `nft -f` reads: in one transaction the old table goes and the new one comes.

    counts: where the counters go on from, by their names or, in the set `published`, by their elements.
    """
    counts = counts or {}
    lines = [remark + f"table {FAMILY} {TABLE}", f"delete table {FAMILY} {TABLE}", f"table {FAMILY} {TABLE} {{"]
    lines += [f"\tcounter {name} {{ {_numbers(counts.get(name, (0, 0)))} }}" for name in counters(settings)]
    for name in SETS:
        counted = "; counter" if name == "published" and settings.counters else ""
        lines += [f"\tset {name} {{", f"\t\ttype {' . '.join(_TYPES[name])}; flags interval{counted}"]
        lines += _render_elements(
            [_element(item, counts if counted else {}) for item in sorted(getattr(elements, name))]
        )
        lines.append("\t}")
    if settings.rate:
        lines.append(
            f"\tset clients {{\n\t\ttype ipv6_addr; size {_CLIENTS}; flags dynamic,timeout; timeout 1m\n\t}}",
        )
    all_rules = rules(settings)
    for chain in chains(settings):
        lines.append(f"\tchain {chain} {{")
        if chain == "prerouting":
            lines.append("\t\ttype filter hook prerouting priority -150; policy accept;")
        lines += [f"\t\t{rule.text}" for rule in all_rules if rule.chain == chain]
        lines.append("\t}")
    return "\n".join([*lines, "}", ""])


def _render_elements(elements: t.Sequence[str]) -> list[str]:
    """One a line. nft takes no empty list."""
    return ["\t\telements = {", *(f"\t\t\t{element}," for element in elements), "\t\t}"] if elements else []


def _element(item: t.Any, counts: t.Mapping[t.Any, Count]) -> str:
    text = str(item) if isinstance(item, tuple) else show_prefix(item)
    return f"{text} counter {_numbers(counts[item])}" if item in counts else text


def _numbers(count: Count) -> str:
    return f"packets {count[0]} bytes {count[1]}"


def parse_text(text: str) -> Elements:
    """The elements in a text that `render` made without counts; nothing of one that is not."""
    read, current = Read(), ""
    for line in text.splitlines():
        words = line.strip().rstrip(",").split(" . " if line.startswith("\t\t\t") else None)
        if line.startswith("\tset ") and len(words) > 1:
            current = words[1]
        elif line.startswith("\t\t\t") and current in SETS:
            read.add(current, _as_json(words))
    return read.done()


def _as_json(words: t.Sequence[str]) -> t.Any:
    if len(words) == 1:
        return words[0]
    first, dash, last = words[2].partition("-")
    return {"concat": [words[0], words[1], {"range": [first, last]} if dash else first, *words[3:]]}
