# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the guard lets through, as the elements of its sets: from a service's ports and sources, to text, from nft's JSON."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network

# As nft names them, or where the host has no /etc/protocols, numbers them.
_PROTOCOLS = {6: "tcp", 17: "udp", 132: "sctp"}


class Port(t.NamedTuple):
    """A port of an address, or a range of them."""

    address: IPv6Address
    protocol: str
    first: int
    last: int

    def __str__(self) -> str:
        ports = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return f"{self.address} . {self.protocol} . {ports}"


class Allowed(t.NamedTuple):
    """A port for those of one prefix."""

    port: Port
    source: IPv6Network

    def __str__(self) -> str:
        return f"{self.port} . {show_prefix(self.source)}"


@dataclass(frozen=True)
class Elements:
    """Those of the sets of the same names."""

    addresses: frozenset[IPv6Network] = frozenset()  # on which nothing but the others answers
    published: frozenset[Port] = frozenset()  # for everybody
    restricted: frozenset[Port] = frozenset()  # for those in `allowed`, and for the host itself
    allowed: frozenset[Allowed] = frozenset()

    def __or__(self, other: Elements) -> Elements:
        return Elements(*(getattr(self, name) | getattr(other, name) for name in SETS))

    def of(self, keep: t.Callable[[IPv6Network], bool]) -> Elements:
        """Those for the addresses, each as a /128, and prefixes that `keep` is true of."""
        return Elements(
            frozenset(network for network in self.addresses if keep(network)),
            frozenset(port for port in self.published if keep(IPv6Network(port.address))),
            frozenset(port for port in self.restricted if keep(IPv6Network(port.address))),
            frozenset(item for item in self.allowed if keep(IPv6Network(item.port.address))),
        )


def union(parts: t.Iterable[Elements]) -> Elements:
    listed = list(parts)
    return Elements(*(frozenset().union(*(getattr(part, name) for part in listed)) for name in SETS))


SETS = ("addresses", "published", "restricted", "allowed")
Numbered = tuple[IPv6Address, str, int]  # address, protocol, port


def show_prefix(prefix: IPv6Network) -> str:
    """A single address without its length, as nft writes it."""
    return str(prefix.network_address) if prefix.prefixlen == 128 else str(prefix)


def elements_of(address: IPv6Address, ports: t.Mapping[Numbered, frozenset[IPv6Network] | None]) -> Elements:
    """Those of one service. ports: each with the prefixes that may ask; None is everybody."""
    published: list[Port] = []
    allowed: list[Allowed] = []
    for sources in dict.fromkeys(ports.values()):
        ranges = merge(port for port, who in ports.items() if who == sources)
        if sources is None:
            published += ranges
        else:
            allowed += [Allowed(port, source) for port in ranges for source in sources]
    return Elements(
        frozenset([IPv6Network(address)]),
        frozenset(published),
        frozenset(item.port for item in allowed),
        frozenset(allowed),
    )


def merge(ports: t.Iterable[Numbered]) -> list[Port]:
    """The ports as ranges, sorted."""
    ranges: list[Port] = []
    for address, protocol, number in sorted(ports):
        if ranges and ranges[-1] == (address, protocol, ranges[-1].first, number - 1):
            ranges[-1] = ranges[-1]._replace(last=number)
        else:
            ranges.append(Port(address, protocol, number, number))
    return ranges


def without_nested(networks: t.Iterable[IPv6Network]) -> list[IPv6Network]:
    """Sorted, without those that lie in another one: the kernel takes no intervals that overlap."""
    kept: list[IPv6Network] = []
    for network in sorted(set(networks)):
        if not (kept and network.subnet_of(kept[-1])):
            kept.append(network)
    return kept


# ---------------------------------------------------------------- from `nft -j list table`

Count = tuple[int, int]  # packets, bytes


@dataclass
class Read:
    """The elements of a table, and how often each with a counter was met."""

    elements: dict[str, set[t.Any]] = field(default_factory=lambda: {name: set() for name in SETS})
    counts: dict[Port, Count] = field(default_factory=dict)

    def add(self, name: str, element: t.Any) -> None:
        """element: of the set of that name, as nft's JSON has it. Raises ValueError, KeyError and TypeError."""
        counter = None
        if isinstance(element, dict) and "elem" in element:
            counter = element["elem"].get("counter")
            element = element["elem"]["val"]
        value: t.Any = _network(element) if name == "addresses" else _concatenation(element["concat"])
        self.elements[name].add(value)
        if counter:
            self.counts[value] = (counter["packets"], counter["bytes"])

    def done(self) -> Elements:
        return Elements(*(frozenset(self.elements[name]) for name in SETS))


def _network(value: t.Any) -> IPv6Network:
    if isinstance(value, dict):
        return IPv6Network((value["prefix"]["addr"], value["prefix"]["len"]))
    return IPv6Network(value)


def _concatenation(values: t.Sequence[t.Any]) -> Port | Allowed:
    address, protocol, ports, *source = values
    first, last = ports["range"] if isinstance(ports, dict) else (ports, ports)
    port = Port(IPv6Address(address), str(_PROTOCOLS.get(protocol, protocol)), int(first), int(last))
    return Allowed(port, _network(source[0])) if source else port
