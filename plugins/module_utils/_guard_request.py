# Copyright (c) ipv6.services maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments of the module `guard`, from text to addresses, ports and the sources that may ask."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network, collapse_addresses

from ansible_collections.ipv6.services.plugins.module_utils._address_request import Parsed, parse_prefixes
from ansible_collections.ipv6.services.plugins.module_utils._addresses import RequestError, parse_address, parse_prefix
from ansible_collections.ipv6.services.plugins.module_utils._guard_elements import Elements, Numbered, elements_of
from ansible_collections.ipv6.services.plugins.module_utils._guard_rules import Rate, Settings
from ansible_collections.ipv6.services.plugins.module_utils._ports import PROTOCOLS, parse_ports

_RATE = re.compile(r"([0-9]+)/(second|minute|hour|day)", re.ASCII)
_ALLOW = "Write prefixes, as [2001:db8:a::/48], or a dictionary of ports with the prefixes of each."
_KEY = re.compile(r"([0-9]+)(?:-([0-9]+))?(?:/([a-z]+))?", re.ASCII)
_Sources = t.Optional[frozenset[IPv6Network]]


@dataclass(frozen=True)
class Guarded:
    """One item of `services`."""

    name: str | None
    address: IPv6Address | None  # None where it is wrong
    elements: Elements = field(default_factory=Elements)
    absent: bool = False
    restricts: bool = False  # whether it has `allow`
    error: str | None = None


@dataclass(frozen=True)
class Request:
    """What one call asks for."""

    services: tuple[Guarded, ...]  # in the caller's order
    written: tuple[str, ...]  # the address of each, as it was written
    routed_prefixes: Parsed
    settings: Settings = field(default_factory=Settings)
    present: bool = True
    persistent: bool = True
    purge: bool = True


def parse_request(params: t.Mapping[str, t.Any]) -> Request:
    """params: those of the module. Raises RequestError for what is wrong with the call as a whole."""
    services = parse_services(params["services"])
    present = params["state"] == "present"
    restricted = [service.name or str(service.address) for service in services if service.restricts]
    if restricted and not present:
        raise RequestError(
            f"Only the guard keeps `allow` of {', '.join(restricted)}, and it is to be absent. Leave it on, or take `allow` out."
        )
    return Request(
        services=tuple(services),
        written=tuple(str(item["address"]) for item in params["services"]),
        routed_prefixes=parse_prefixes(params["routed_prefixes"]),
        settings=Settings(params["echo"], params["refuse"] == "reject", parse_rate(params["rate"]), params["counters"]),
        present=present,
        persistent=params["persistent"],
        purge=params["purge"],
    )


def parse_rate(value: str | None) -> Rate | None:
    """Raises RequestError."""
    if value is None:
        return None
    match = _RATE.fullmatch(value)
    if not match or not 1 <= int(match.group(1)) <= 1_000_000:
        raise RequestError(f"rate is {value!r}. Write a number of connections and a time, as 50/second or 600/minute.")
    return Rate(int(match.group(1)), match.group(2))


def parse_services(items: t.Sequence[t.Mapping[str, t.Any]]) -> list[Guarded]:
    services: list[Guarded] = []
    taken: set[IPv6Address] = set()
    for item in items:
        service = parse_service(item)
        if service.address in taken and not service.absent:
            service = Guarded(
                service.name, None, error=f"{service.address} is listed twice. List it once, with all ports."
            )
        services.append(service)
        if service.address and not service.absent:
            taken.add(service.address)
    return services


def parse_service(item: t.Mapping[str, t.Any]) -> Guarded:
    """item: name, address, ports, allow and state, of which it needs the address only."""
    name = item.get("name")
    if item.get("state") == "absent":
        return _tried(name, lambda: Guarded(name, parse_address(item["address"]), absent=True))

    def parse() -> Guarded:
        address = parse_address(item["address"])
        ports = parse_open_ports(address, item.get("ports") or (), item.get("allow"))
        return Guarded(name, address, elements_of(address, ports), restricts=item.get("allow") is not None)

    return _tried(name, parse)


def _tried(name: str | None, parse: t.Callable[[], Guarded]) -> Guarded:
    try:
        return parse()
    except RequestError as exc:
        return Guarded(name, None, error=str(exc))


def parse_open_ports(address: IPv6Address, ports: t.Iterable[object], allow: object) -> dict[Numbered, _Sources]:
    """Each port that is published, with the prefixes that may ask it; None is everybody.

    ports, allow: as an entry of `ipv6_services` has them.
    Raises RequestError.
    """
    published = [(binding.address, binding.protocol, binding.port) for binding in parse_ports(ports, address)]
    found: dict[Numbered, _Sources] = dict.fromkeys(published)
    if allow is None:
        return found
    if not isinstance(allow, dict):
        return dict.fromkeys(published, parse_sources(allow))
    if not allow:
        raise RequestError(f"allow is empty. Leave it out to let everybody ask. {_ALLOW}")
    for key, value in allow.items():
        sources = parse_sources(value)
        for port in _meant(key, published):
            if found[port] is not None:
                raise RequestError(f"allow has port {port[2]}/{port[1]} twice. Say once who may ask it.")
            found[port] = sources
    return found


def parse_sources(value: object) -> frozenset[IPv6Network]:
    """The prefixes of `allow`, none of them within another. Raises RequestError."""
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list):
        raise RequestError(f"allow is {value!r}. {_ALLOW}")
    if not values:
        raise RequestError(
            f"allow is an empty list, and nobody could ask. Take the port out of `ports`, or allow out. {_ALLOW}"
        )
    return frozenset(collapse_addresses(_source(item) for item in values))


def _source(value: object) -> IPv6Network:
    single = isinstance(value, str) and value and "/" not in value
    try:
        return parse_prefix(f"{value}/128" if single else value)
    except RequestError as exc:
        raise RequestError(f"allow: {exc}") from None


def _meant(key: object, published: t.Iterable[Numbered]) -> list[Numbered]:
    """The published ports that a key of `allow` is about: 9000, "9000/udp", "9000-9010"."""
    match = None if isinstance(key, bool) else _KEY.fullmatch(str(key))
    if not match or match.group(3) not in (None, *PROTOCOLS):
        raise RequestError(f'allow: {key!r} is no port. Write 9000, "9000/udp" or "9000-9010".')
    first, last = int(match.group(1)), int(match.group(2) or match.group(1))
    numbers = range(first, last + 1)
    found = [port for port in published if port[2] in numbers and match.group(3) in (None, port[1])]
    missing = set(numbers[:65536]) - {port[2] for port in found}
    if missing or not numbers:
        raise RequestError(
            f"allow: port {min(missing, default=first)} of {key!r} is not published. Name ports of clients, as `ports` has them."
        )
    return found
